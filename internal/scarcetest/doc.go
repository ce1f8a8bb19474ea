// Package scarcetest holds haul to what it promises where the system is short of
// something: one name for two writers, room on the disk, permission, file
// descriptors, memory. Each ends in the right error and leaves nothing behind,
// or goes well all the same.
//
// What changes a whole process (its limits, its user) happens in children: the
// test program itself, started again.
package scarcetest
