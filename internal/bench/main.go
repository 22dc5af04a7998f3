// Command bench measures what a user runs, `logctl format` and `logctl ship` of a file into an embedded store, and beside them,
// in the same run, wc -l and a loop that does nothing but split the same file into lines and fields. Each figure is the median
// of several runs, in lines per second, with its ratio to that loop.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"logctl/internal/demo"
)

const (
	runs   = 5
	schema = `$date $hour _ _ _ \[$process\] _ $ip`
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: bench LOGCTL")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measured is one thing to measure; run does it once over the file.
type measured struct {
	name string
	run  func(file string) error
}

func run(logctl string) error {
	dir, err := os.MkdirTemp("", "logctl-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "fail2ban.log")
	lines, err := makeLog(file)
	if err != nil {
		return fmt.Errorf("make a log: %w", err)
	}
	store := filepath.Join(dir, "store")
	things := []measured{
		{"wc -l", command("wc", "-l")},
		{"bare loop: split into lines and fields", bareLoop},
		{"logctl format --schema, one core", oneCore(command(logctl, "format", "--schema", schema))},
		{"logctl format --preset fail2ban --events all, one core", oneCore(command(logctl, "format", "--preset", "fail2ban", "--events", "all"))},
		{"logctl ship --events all, embedded store", func(file string) error {
			if err := os.RemoveAll(store); err != nil {
				return err
			}
			return command(logctl, "--data", store, "ship", "--app", "fail2ban", "--preset", "fail2ban", "--events", "all", "--quiet")(file)
		}},
		{"the same again: everything already there", command(logctl, "--data", store, "ship", "--app", "fail2ban", "--preset", "fail2ban", "--events", "all", "--quiet")},
	}
	rates := make([]float64, len(things))
	for i, m := range things {
		if rates[i], err = rate(m, file, lines); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	fmt.Printf("%d fail2ban lines, median of %d runs\n", lines, runs)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "lines/s\tbare loop = 1\t")
	for i, m := range things {
		fmt.Fprintf(w, "%.0f\t%.2f\t  %s\n", rates[i], rates[i]/rates[1], m.name)
	}
	return w.Flush()
}

// makeLog writes a year of attacks, about a million lines.
func makeLog(path string) (lines int, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	from := time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)
	if err := demo.Write(f, demo.Options{From: from, Until: from.AddDate(1, 0, 0), Pause: 150 * time.Second, Seed: 7}); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(path)
	return bytes.Count(text, []byte("\n")), err
}

func rate(m measured, file string, lines int) (float64, error) {
	times := make([]time.Duration, runs)
	for i := range times {
		start := time.Now()
		if err := m.run(file); err != nil {
			return 0, err
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return float64(lines) / times[runs/2].Seconds(), nil
}

// command runs a program with the file as its last argument. Status 3, some lines rejected, is a success: most of fail2ban's
// lines name no address and do not fit a schema that wants one.
func command(name string, args ...string) func(file string) error {
	return func(file string) error {
		var talk bytes.Buffer
		c := exec.Command(name, append(slices.Clone(args), file)...)
		c.Stdout, c.Stderr = io.Discard, &talk
		err := c.Run()
		if err != nil && c.ProcessState.ExitCode() != 3 {
			return fmt.Errorf("%w: %s", err, talk.Bytes())
		}
		return nil
	}
}

// oneCore makes Go programs that run starts use one core.
func oneCore(run func(file string) error) func(file string) error {
	return func(file string) error {
		old, had := os.LookupEnv("GOMAXPROCS")
		os.Setenv("GOMAXPROCS", "1")
		defer func() {
			if had {
				os.Setenv("GOMAXPROCS", old)
			} else {
				os.Unsetenv("GOMAXPROCS")
			}
		}()
		return run(file)
	}
}

// bareLoop splits a file into lines and those at blanks.
func bareLoop(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	fields := 0
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		for range bytes.FieldsSeq(lines.Bytes()) {
			fields++
		}
	}
	if fields == 0 {
		return fmt.Errorf("no fields")
	}
	return lines.Err()
}
