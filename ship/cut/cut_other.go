//go:build !linux

package cut

// Front takes away nothing: only Linux can do it without losing a line.
func Front(Options) (Done, error) { return Done{}, kept("only Linux can do it without losing a line") }

// GiveBack has nothing to do.
func GiveBack(string) error { return nil }

// Remove removes nothing: only Linux can tell whether a file is in use.
func Remove(Options) (Done, error) {
	return Done{}, kept("only Linux can tell whether a program has it open")
}
