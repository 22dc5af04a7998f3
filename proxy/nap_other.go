//go:build !linux

package proxy

import "time"

// nap sleeps for so long.
func nap(d time.Duration) { time.Sleep(d) }
