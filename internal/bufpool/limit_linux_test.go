package bufpool_test

import (
	"testing"
	"testing/fstest"

	"github.com/haul-s3/haul/internal/bufpool"
)

// tree returns a file tree with these contents by path.
func tree(files map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

func TestDefaultLimitReadsControlGroups(t *testing.T) {
	const mib, gib = int64(1) << 20, int64(1) << 30
	tests := map[string]struct {
		files   map[string]string
		machine int64
		want    int64
	}{
		"no-group":      {nil, 4 * gib, gib},
		"large-machine": {nil, 64 * gib, 2 * gib},
		"nothing-known": {nil, 0, gib},
		"version-2": {map[string]string{
			"proc/self/cgroup":               "0::/job\n",
			"sys/fs/cgroup/job/memory.max":   "268435456\n",
			"sys/fs/cgroup/other/memory.max": "1048576\n",
		}, 4 * gib, 64 * mib},
		"parent-is-tighter": {map[string]string{
			"proc/self/cgroup":               "0::/a/b/c\n",
			"sys/fs/cgroup/a/b/c/memory.max": "max\n",
			"sys/fs/cgroup/a/memory.max":     "134217728\n",
		}, 4 * gib, 32 * mib},
		"container-root": {map[string]string{
			"proc/self/cgroup":         "0::/system.slice/container\n",
			"sys/fs/cgroup/memory.max": "134217728\n",
		}, 4 * gib, 32 * mib},
		"version-1": {map[string]string{
			"proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/job\n",
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes": "268435456\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":     "9223372036854771712\n",
		}, 4 * gib, 64 * mib},
		"unlimited": {map[string]string{
			"proc/self/cgroup":         "0::/\n",
			"sys/fs/cgroup/memory.max": "max\n",
		}, gib, 256 * mib},
		"not-a-number": {map[string]string{
			"proc/self/cgroup":         "0::/../..\nodd line\n",
			"sys/fs/cgroup/memory.max": "-5\n",
		}, gib, 256 * mib},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := bufpool.DefaultLimitFrom(tree(test.files), test.machine); got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func FuzzDefaultLimit(f *testing.F) {
	f.Add("0::/job\n", "max\n", int64(1<<30))
	f.Add("4:memory:/..\n0::/job/../x", "268435456", int64(0))
	f.Add("::", "", int64(-1))
	f.Fuzz(func(t *testing.T, groups, limit string, machine int64) {
		got := bufpool.DefaultLimitFrom(tree(map[string]string{
			"proc/self/cgroup":                           groups,
			"sys/fs/cgroup/memory.max":                   limit,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": limit,
		}), machine)
		if got < 256<<10 || got > 2<<30 {
			t.Errorf("got %d, want 256 KiB to 2 GiB", got)
		}
	})
}
