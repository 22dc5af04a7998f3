// Command fuzzall runs every fuzz target of the module for a while, one after the other.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: fuzzall DURATION")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "fuzzall:", err)
		os.Exit(1)
	}
}

// run lists the fuzz targets by `go test -list` and runs each with -fuzztime.
func run(fuzztime string) error {
	out, err := exec.Command("go", "test", "-list", "^Fuzz", "./...").Output()
	if err != nil {
		return fmt.Errorf("list fuzz targets: %w", err)
	}
	var targets []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case fields[0] == "ok":
			for _, target := range targets {
				if err := fuzz(fields[1], target, fuzztime); err != nil {
					return err
				}
			}
			targets = nil
		case strings.HasPrefix(fields[0], "Fuzz"):
			targets = append(targets, fields[0])
		}
	}
	return nil
}

// tries of a target, since Go's fuzzer at times reports the end of its own time as a failure, on a busy machine more often.
const tries = 4

// fuzz runs one target, which spends its time on inputs that reach more, not on making those that do so shorter.
func fuzz(pkg, target, fuzztime string) error {
	fmt.Printf("fuzz %s %s\n", pkg, target)
	for try := 1; ; try++ {
		out, err := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+target+"$", "-fuzztime", fuzztime, "-fuzzminimizetime", "10x", pkg).
			CombinedOutput()
		if err == nil {
			return nil
		}
		if try == tries || !bytes.Contains(out, []byte("context deadline exceeded")) {
			return fmt.Errorf("%s in %s: %w\n%s", target, pkg, err, bytes.TrimSpace(out))
		}
	}
}
