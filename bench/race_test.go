//go:build linux && race

package main

const raceEnabled = true // pools are emptied at random: allocations can't be judged
