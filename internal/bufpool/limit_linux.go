package bufpool

import (
	"io/fs"
	"math"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
)

// memoryMin is the least memory that is believed, in bytes: a smaller figure
// is a file misread, for no Go program runs in less.
const memoryMin int64 = 1 << 20

// DefaultLimit returns the memory limit where none is given: a quarter of the
// memory that this process may use, at most 2 GiB. That memory is the least of
// the machine's and of all control groups above the process.
func DefaultLimit() int64 { return defaultLimit(os.DirFS("/"), machineMemory()) }

// defaultLimit is DefaultLimit on a file tree and a machine's memory; 0 is not
// known.
func defaultLimit(root fs.FS, machine int64) int64 {
	memory := cgroupMemory(root)
	if machine >= memoryMin {
		memory = min(memory, machine)
	}
	if memory == math.MaxInt64 {
		return defaultLimitUnknown
	}
	return quarter(memory)
}

// machineMemory returns the machine's memory in bytes, 0 if it is not known.
func machineMemory() int64 {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}

// cgroupMemory returns the least memory limit of the control groups that hold
// this process, math.MaxInt64 for none. Source: cgroups(7), /proc/pid/cgroup:
// a line is "number:controllers:path"; version 2 has number 0 and no
// controllers.
func cgroupMemory(root fs.FS) int64 {
	memory := int64(math.MaxInt64)
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return memory
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) != 3 {
			continue
		}
		switch {
		case fields[0] == "0" && fields[1] == "":
			memory = min(memory, leastUpwards(root, "sys/fs/cgroup", fields[2], "memory.max"))
		case strings.Contains(","+fields[1]+",", ",memory,"):
			memory = min(memory, leastUpwards(root, "sys/fs/cgroup/memory", fields[2], "memory.limit_in_bytes"))
		}
	}
	return memory
}

// leastUpwards returns the least number in the files of that name from the
// group's folder up to the mount. In a container the group's path may be the
// host's and not exist; the mount itself is then the container's group.
func leastUpwards(root fs.FS, mount, group, name string) int64 {
	least := int64(math.MaxInt64)
	for group = path.Clean("/" + group); ; group = path.Dir(group) {
		if text, err := fs.ReadFile(root, path.Join(mount, group, name)); err == nil {
			least = min(least, parseMemory(string(text)))
		}
		if group == "/" {
			return least
		}
	}
}

// parseMemory reads a limit file: a number of bytes, or "max". What cannot be
// a limit is none, math.MaxInt64.
func parseMemory(text string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || n < memoryMin {
		return math.MaxInt64
	}
	return n
}
