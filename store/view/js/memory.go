package js

import (
	"io/fs"
	"iter"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
)

// Bounds of how much the memory of the process may grow while a call runs, in bytes. The engine calls itself for each prototype of a chain:
// twice as much has room for chains that would end the process.
const (
	maxHeapGrow = 256 << 20
	minHeapGrow = 32 << 20
)

// heapGrow is how much it may grow here: a quarter of what the machine has, or the control group that the process is in may use.
var heapGrow = sync.OnceValue(func() uint64 { return growOf(memoryOf(os.DirFS("/"))) })

// growOf is heapGrow where there are so many bytes of memory; 0: nobody knows how many.
func growOf(memory uint64) uint64 {
	if memory == 0 {
		return maxHeapGrow
	}
	return min(max(memory/4, minHeapGrow), maxHeapGrow)
}

// memoryOf is how many bytes of memory there are for this process, as Linux tells in proc(5) and, for control groups of version 2, in files
// memory.max of the group and those that it is in; 0 where nothing tells.
func memoryOf(root fs.FS) uint64 {
	least := uint64(0)
	know := func(text string, unit uint64) {
		if n, err := strconv.ParseUint(text, 10, 64); err == nil && n > 0 && n < 1<<50 && (least == 0 || n*unit < least) {
			least = n * unit
		}
	}
	for line := range lines(root, "proc/meminfo") {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemTotal:" {
			know(f[1], 1<<10)
		}
	}
	for line := range lines(root, "proc/self/cgroup") {
		group, ok := strings.CutPrefix(line, "0::")
		for ok {
			for line := range lines(root, path.Join("sys/fs/cgroup", group, "memory.max")) {
				know(line, 1)
			}
			ok = group != "/" && group != "."
			group = path.Dir(group)
		}
	}
	return least
}

// lines are those of a file; an empty one where it can't be read.
func lines(root fs.FS, name string) iter.Seq[string] {
	text, _ := fs.ReadFile(root, name) // "" where there is none
	return strings.SplitSeq(string(text), "\n")
}
