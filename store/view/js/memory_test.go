package js

import (
	"testing"
	"testing/fstest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	const gigabyte = "MemTotal:         992180 kB\nMemFree:           65536 kB\n"
	for name, tt := range map[string]struct {
		root         fstest.MapFS
		memory, grow uint64
	}{
		"nothing tells": {nil, 0, maxHeapGrow},
		"a small machine": {fstest.MapFS{"proc/meminfo": file(gigabyte)},
			992180 << 10, 992180 << 8},
		"a large machine": {fstest.MapFS{"proc/meminfo": file("MemTotal:       24689204 kB\n")},
			24689204 << 10, maxHeapGrow},
		"a group": {fstest.MapFS{"proc/meminfo": file(gigabyte), "proc/self/cgroup": file("1:name=systemd:/x\n0::/system.slice/logctl.service\n"),
			"sys/fs/cgroup/system.slice/logctl.service/memory.max": file("268435456\n"), "sys/fs/cgroup/system.slice/memory.max": file("max\n")},
			256 << 20, 64 << 20},
		"a group of a small one": {fstest.MapFS{"proc/meminfo": file(gigabyte), "proc/self/cgroup": file("0::/a/b\n"),
			"sys/fs/cgroup/a/b/memory.max": file("max\n"), "sys/fs/cgroup/a/memory.max": file("67108864\n")},
			64 << 20, minHeapGrow},
		"a container": {fstest.MapFS{"proc/meminfo": file(gigabyte), "proc/self/cgroup": file("0::/\n"), "sys/fs/cgroup/memory.max": file("536870912\n")},
			512 << 20, 128 << 20},
		"a group elsewhere": {fstest.MapFS{"proc/meminfo": file(gigabyte), "proc/self/cgroup": file("0::/../x\n")},
			992180 << 10, 992180 << 8},
		"something else": {fstest.MapFS{"proc/meminfo": file("MemTotal:\nMemTotal: -1 kB\nMemTotal: 99999999999999999999 kB\n"), "proc/self/cgroup": file("0::\n0::..\n")},
			0, maxHeapGrow},
	} {
		if got := memoryOf(tt.root); got != tt.memory {
			t.Errorf("%s: %d bytes, want %d", name, got, tt.memory)
		} else if grow := growOf(got); grow != tt.grow {
			t.Errorf("%s: may grow by %d, want %d", name, grow, tt.grow)
		}
	}
}
