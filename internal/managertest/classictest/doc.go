// Package classictest runs the conformance suite on the classic driver. It is a
// package of its own so that it runs beside that of the engine.
package classictest
