//go:build cgo

package app

/*
#include <stdlib.h>

#ifdef __GLIBC__
#include <malloc.h>

static void bound(void) {
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
}

static void trim(void) { malloc_trim(0); }
#else
static void bound(void) {}
static void trim(void) {}
#endif
*/
import "C"

// storeHeap is how much of Go's heap Pebble takes for blocks and memtables, in bytes: with cgo it has them from C's allocator.
const storeHeap = 0

// boundMalloc keeps small what glibc holds: few arenas, since each keeps what was freed in it, and mappings of their own for
// memtables, which go when these go. By itself it keeps some 40 MB after a load.
func boundMalloc() { C.bound() }

// trimMalloc gives to the system what is free of C's memory.
func trimMalloc() { C.trim() }
