// Command bench measures what a user runs, `logctl format` and `logctl ship` of a file into an embedded store, and beside them,
// in the same run, wc -l, a loop that does nothing but split the same file into lines and fields, and mawk writing the same
// JSON. Each figure is the median of several runs, in lines and bytes per second, with its ratio to that loop over the same file.
// Then comes what the door of a serve costs, beside the store without it. Last come the shares of lines that `logctl learn` sorts right.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

const runs = 5

// The schemas that are measured, each with a log of its own.
const (
	schema        = `$date $hour _ _ _ \[$process\] _ $ip`
	nginxSchema   = `$ip:ip _ $user \[$time:ts\] $request:quoted $status:int $size:int $referer:quoted $agent:quoted`
	rfc5424Schema = `<$pri:int>1 $time:ts $host $app $pid $msgid $sd:kv $message...`
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

// log is a file to measure with.
type log struct {
	name   string
	write  func(path string) error
	things func(file string) []measured
}

func run(logctl string) error {
	dir, err := os.MkdirTemp("", "logctl-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d, err := openDoor(logctl, filepath.Join(dir, "door"))
	if err != nil {
		return err
	}
	defer d.close()
	for _, l := range []log{
		{"fail2ban", writeFail2ban, func(string) []measured {
			return append(fail2banThings(logctl, filepath.Join(dir, "store")),
				measured{"logctl ship --events all, through a door, signed in", d.ship(logctl, true)},
				measured{"logctl ship --events all, through a door, as a stranger", d.ship(logctl, false)})
		}},
		{"nginx combined", writeNginx, func(string) []measured { return formatThings(logctl, nginxSchema) }},
		{"RFC 5424", writeRFC5424, func(string) []measured { return formatThings(logctl, rfc5424Schema) }},
		{"sshd and other", writeAuth, func(string) []measured {
			return []measured{{"logctl learn, one core", cores(1, command(logctl, "learn", "-o", "json"))}}
		}},
	} {
		if err := l.measure(filepath.Join(dir, "log")); err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
	}
	if err := sayDoor(os.Stdout, logctl); err != nil {
		return fmt.Errorf("the door: %w", err)
	}
	if err := sayQuiet(os.Stdout, logctl, dir); err != nil {
		return err
	}
	if err := sayLatency(os.Stdout, logctl, dir); err != nil {
		return fmt.Errorf("how soon a line is stored: %w", err)
	}
	return sayAccuracy(os.Stdout, logctl, dir)
}

// measure writes the log, measures the bare loop and everything else with it and shows the figures.
func (l *log) measure(file string) error {
	if err := l.write(file); err != nil {
		return fmt.Errorf("make a log: %w", err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lines, size := bytes.Count(text, []byte("\n")), len(text)
	things := append([]measured{
		{"wc -l", command("wc", "-l")},
		{"bare loop: split into lines and fields", bareLoop},
	}, l.things(file)...)
	rates, err := measureAll(things, file, lines)
	if err != nil {
		return err
	}
	fmt.Printf("%d %s lines of %d bytes, median of %d runs\n", lines, l.name, size/lines, runs)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "lines/s\tMB/s\tbare loop = 1\t")
	for i, m := range things {
		fmt.Fprintf(w, "%.0f\t%.0f\t%.2f\t  %s\n", rates[i], rates[i]*float64(size)/float64(lines)/1e6, rates[i]/rates[1], m.name)
	}
	return w.Flush()
}

// fail2banThings are what is measured with fail2ban's lines.
func fail2banThings(logctl, store string) []measured {
	ship := command(logctl, "--data", store, "ship", "--app", "fail2ban", "--preset", "fail2ban", "--events", "all", "--quiet")
	things := formatThings(logctl, schema)
	if mawk, err := exec.LookPath("mawk"); err == nil {
		things = append([]measured{{"mawk, the same JSON", command(mawk, mawkProgram)}}, things...)
	} else {
		fmt.Fprintln(os.Stderr, "bench: there is no mawk to compare with")
	}
	return append(things,
		measured{"logctl format --preset fail2ban --events all, one core", cores(1, command(logctl, "format", "--preset", "fail2ban", "--events", "all"))},
		measured{"logctl ship --events all, embedded store", func(file string) error {
			if err := os.RemoveAll(store); err != nil {
				return err
			}
			return ship(file)
		}},
		measured{"the same again: nothing new", ship},
		measured{"the same again, --again: everything already there", command(logctl, "--data", store, "ship", "--app", "fail2ban", "--preset", "fail2ban", "--events", "all", "--quiet", "--again")},
	)
}

// mawkProgram makes of fail2ban's lines what the schema makes of them.
const mawkProgram = `$6 ~ /^\[.*\]$/ && NF > 7 { printf "{\"date\":\"%s\",\"hour\":\"%s\",\"process\":\"%s\",\"ip\":\"%s\"}\n", $1, $2, substr($6, 2, length($6) - 2), $8 }`

// formatThings are logctl format with one core and, where there are several, with two.
func formatThings(logctl, schema string) []measured {
	format := command(logctl, "format", "--schema", schema)
	things := []measured{{"logctl format --schema, one core", cores(1, format)}}
	if runtime.NumCPU() > 1 {
		things = append(things, measured{"logctl format --schema, two cores", cores(2, format)})
	}
	return things
}

// measureAll gives the lines per second of each thing. All are run once before any is run again, so that what else the machine
// does at a time is in the figures of all of them.
func measureAll(things []measured, file string, lines int) ([]float64, error) {
	times := make([][]time.Duration, len(things))
	for range runs {
		for i, m := range things {
			start := time.Now()
			if err := m.run(file); err != nil {
				return nil, fmt.Errorf("%s: %w", m.name, err)
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	rates := make([]float64, len(things))
	for i := range times {
		slices.Sort(times[i])
		rates[i] = float64(lines) / times[i][runs/2].Seconds()
	}
	return rates, nil
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

// cores makes Go programs that run starts use so many cores.
func cores(n int, run func(file string) error) func(file string) error {
	return func(file string) error {
		old, had := os.LookupEnv("GOMAXPROCS")
		os.Setenv("GOMAXPROCS", strconv.Itoa(n))
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
