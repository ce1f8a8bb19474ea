package repotest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// layer is a floor of the house. Imports go to a lower floor, or stay in the room.
type layer int

const (
	vocabulary  layer = iota // S3's words and limits
	instruments              // one mechanism each
	seam                     // what the face and the engines say to each other
	engines                  // what moves bytes, and what speaks the SDK's language
	face                     // package haul
	many                     // many transfers, and what happened
	programs                 // what people run, and what replaces other packages
	tests                    // imported by tests only
)

// rooms places every package of the workspace: a room is a folder with all below it, the longest match counts. sdk marks
// those that may import the AWS SDK; the others may not even reach it, but for those above the face, which can't avoid it.
var rooms = map[string]struct {
	layer layer
	sdk   bool
}{
	"cmd":      {programs, true},
	"compat":   {programs, true},
	"sandbox":  {programs, true},
	"bench":    {programs, true},
	"examples": {programs, true},

	"batch":  {many, true},
	"report": {many, false},

	"": {face, true},

	"engine":           {engines, false},
	"serialize":        {engines, true},
	"internal/classic": {engines, true},

	"internal/driver": {seam, false},

	"internal/body":     {instruments, false},
	"internal/plan":     {instruments, false},
	"internal/journal":  {instruments, false},
	"internal/wire":     {instruments, false},
	"internal/wire/h1":  {instruments, false},
	"internal/sigv4":    {instruments, false},
	"internal/checksum": {instruments, false},
	"internal/retry":    {instruments, false},
	"internal/bufpool":  {instruments, false},
	"internal/throttle": {instruments, false},
	"internal/paging":   {instruments, false},

	"internal/s3api": {vocabulary, false},

	"internal/managertest": {tests, true},
	"internal/crashfs":     {tests, true},
	"internal/faulttest":   {tests, true},
	"internal/scarcetest":  {tests, true},
	"internal/hostiletest": {tests, true},
	"internal/s3fake":      {tests, true},
	"internal/s3fault":     {tests, true},
	"internal/testbody":    {tests, true},
	"internal/repotest":    {tests, true},
}

// sideways are the imports between rooms of one layer, each with its reason. A new one needs a better reason than
// convenience: mostly, the thing wanted lives in the wrong room.
var sideways = map[string]string{
	"internal/wire/h1 -> internal/wire": "it is an exchange, and the seam is there",
	"internal/body -> internal/bufpool": "an ordered sink stages what must wait its turn, under the memory limit",
	"internal/journal -> internal/body": "the file layer, so that a test can drop what was not synced",
}

// testRoomUsers are the rooms whose production files may import a room for tests, other than those rooms themselves.
var testRoomUsers = []string{"sandbox", "bench"}

const sdkPrefix = "github.com/aws/"

// roomOf finds the room of a folder of the tree. The root's room has no others in it.
func roomOf(folder string) (room string, ok bool) {
	for p := folder; p != ""; {
		if _, ok := rooms[p]; ok {
			return p, true
		}
		p = p[:max(strings.LastIndexByte(p, '/'), 0)]
	}
	return "", folder == ""
}

// checkLayers finds packages without a room, imports that do not point down, and production code that imports a room
// for tests.
func checkLayers(packages map[string]pkg) (faults []string) {
	for _, path := range slices.Sorted(maps.Keys(packages)) {
		if !ours(path) {
			continue
		}
		from, ok := roomOf(roomPath(path))
		if !ok {
			faults = append(faults, fmt.Sprintf("%s: the room has no layer: place it in layers.go and in ARCHITECTURE.md", path))
			continue
		}
		for _, imported := range packages[path].Imports {
			to, ok := roomOf(roomPath(imported))
			if !ours(imported) || !ok || to == from {
				continue
			}
			if fault := arrowFault(from, to); fault != "" {
				faults = append(faults, fmt.Sprintf("%s imports %s: %s", path, imported, fault))
			}
		}
	}
	return faults
}

// arrowFault says what is wrong with an import from one room to another, and nothing if it is right.
func arrowFault(from, to string) string {
	f, t := rooms[from].layer, rooms[to].layer
	switch {
	case t == tests:
		if f != tests && !slices.Contains(testRoomUsers, from) {
			return "a room for tests is not for production code"
		}
	case f == tests || t < f || sideways[from+" -> "+to] != "":
	case t == f:
		return "rooms of one layer do not import each other, but for the arrows in layers.go"
	default:
		return "the arrow points up"
	}
	return ""
}

// checkSDK finds production code that reaches the AWS SDK from a room that may not.
func checkSDK(packages map[string]pkg) (faults []string) {
	for _, path := range slices.Sorted(maps.Keys(packages)) {
		room, ok := roomOf(roomPath(path))
		if !ours(path) || !ok || rooms[room].sdk {
			continue
		}
		importers := closure(packages, path)
		for _, found := range slices.Sorted(maps.Keys(importers)) {
			importer := importers[found]
			direct := importer == path
			if strings.HasPrefix(found, sdkPrefix) && (direct || rooms[room].layer < face) {
				faults = append(faults, fmt.Sprintf("%s reaches %s through %s: the room is built without the AWS SDK", path, found, importer))
				break
			}
		}
	}
	return faults
}
