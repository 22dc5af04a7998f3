package storebench

import (
	"os"
	"runtime"
	"testing"
)

// TestDoor measures a little of everything.
func TestDoor(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what a server uses")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	measures, err := Door(t.Context(), DoorOptions{Program: program, Docs: 20_000, Posts: 100, Connections: 50})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range measures {
		t.Logf("%.3f %s %s", m.Value, m.Unit, m.Name)
		if m.Value <= 0 && m.Unit != "%" {
			t.Errorf("%s: %v", m.Name, m.Value)
		}
	}
}
