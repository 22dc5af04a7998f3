//go:build !cgo

package app

import "logctl/store/engine"

// storeHeap is how much of Go's heap Pebble takes for blocks and memtables, in bytes.
const storeHeap = engine.PebbleMemory

// boundMalloc does nothing: there is Go's heap alone.
func boundMalloc() {}

// trimMalloc does nothing, for the same reason.
func trimMalloc() {}
