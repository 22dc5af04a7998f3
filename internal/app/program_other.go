//go:build !linux

package app

// unmapProgram does nothing: what is mapped of the program's file is left to the system.
func unmapProgram() {}
