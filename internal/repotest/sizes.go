package repotest

import (
	"bytes"
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The walls: what is longer needs a line in exceptions.txt.
const (
	funcWallLines = 70
	fileWallLines = 600
)

// exceptionsPath is the list of what may be longer than the walls. A line is "path[:func] lines date reason".
const exceptionsPath = "internal/repotest/exceptions.txt"

// exception allows one file or function to have exactly so many lines.
type exception struct {
	lines  int
	reason string
}

// parseExceptions reads the list: empty lines and lines that start with # are left out.
func parseExceptions(text []byte) (map[string]exception, error) {
	list := map[string]exception{}
	for n, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, " ", 4)
		if len(fields) != 4 {
			return nil, fmt.Errorf("%s:%d: want path[:func] lines date reason", exceptionsPath, n+1)
		}
		lines, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", exceptionsPath, n+1, err)
		}
		if _, err := time.Parse(time.DateOnly, fields[2]); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", exceptionsPath, n+1, err)
		}
		if _, twice := list[fields[0]]; twice {
			return nil, fmt.Errorf("%s:%d: %s stands twice", exceptionsPath, n+1, fields[0])
		}
		list[fields[0]] = exception{lines, fields[3]}
	}
	return list, nil
}

// overWalls measures production code: every file and function that is longer than its wall, with its lines.
func overWalls(t *tree) map[string]int {
	over := map[string]int{}
	t.goFiles(func(p string, f *ast.File) {
		if isTest(p) || ast.IsGenerated(f) {
			return
		}
		if lines := bytes.Count(t.text[p], []byte("\n")); lines > fileWallLines {
			over[p] = lines
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				lines := t.fset.Position(fn.End()).Line - t.fset.Position(fn.Pos()).Line + 1
				if lines > funcWallLines {
					over[p+":"+funcName(fn)] = lines
				}
			}
		}
	})
	return over
}

// checkSizes compares what is over a wall with the list. The list can only shrink: an entry that is not needed, or that
// allows more than is there, is a fault too.
func checkSizes(over map[string]int, list map[string]exception) (faults []string) {
	for _, name := range slices.Sorted(maps.Keys(over)) {
		allowed, listed := list[name]
		switch {
		case !listed:
			faults = append(faults, fmt.Sprintf("%s has %d lines; the walls are %d for a function and %d for a file", name, over[name], funcWallLines, fileWallLines))
		case over[name] > allowed.lines:
			faults = append(faults, fmt.Sprintf("%s grew to %d lines; %s allows %d", name, over[name], exceptionsPath, allowed.lines))
		case over[name] < allowed.lines:
			faults = append(faults, fmt.Sprintf("%s shrank to %d lines: lower its entry of %d in %s", name, over[name], allowed.lines, exceptionsPath))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(list)) {
		if _, needed := over[name]; !needed {
			faults = append(faults, fmt.Sprintf("%s is within the walls or gone: remove its entry from %s", name, exceptionsPath))
		}
	}
	return faults
}
