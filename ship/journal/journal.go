package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"logctl/ship/source"
	"logctl/store"
)

// Options say which entries.
type Options struct {
	Units   []string // as journalctl --unit takes them; none: the entries of all
	Follow  bool     // go on with what comes
	MaxLine int      // bytes of a line; longer ones are TooLong
}

// Source is a source.Source of the journal.
type Source struct {
	o       Options
	program string
	retry   time.Duration // before journalctl is started again for the first time

	problem func(error)
	note    func(string)
	told    map[string]bool // what journalctl has said
}

const (
	firstRetry   = time.Second
	longestRetry = time.Minute
	// endTime is how long a journalctl that is to end may take.
	endTime = 5 * time.Second
)

// New makes a Source.
func New(o Options) *Source {
	return &Source{o: o, program: "journalctl", retry: firstRetry, problem: func(error) {}, note: func(string) {}, told: map[string]bool{}}
}

// Tell is source.Speaker's.
func (s *Source) Tell(problem func(error), note func(string)) { s.problem, s.note = problem, note }

// Key is that of the position.
const Key = "journal/cursor"

// position is the mark's value.
type position struct {
	Version int    `json:"v"`
	Cursor  string `json:"cursor"` // of the last entry that was taken; "" for none
}

const positionVersion = 1

func (p *position) mark() source.Mark {
	value, _ := json.Marshal(p) // a number and a string
	return source.Mark{Key: Key, Value: value}
}

func parsePosition(value []byte) (p position, err error) {
	if value == nil {
		return position{Version: positionVersion}, nil
	}
	if err := json.Unmarshal(value, &p); err != nil {
		return p, fmt.Errorf("the position %s can't be read: %w", Key, err)
	}
	if p.Version > positionVersion {
		return p, &store.Error{Kind: store.KindNewerFormat, Reason: "a newer logctl has kept how far the journal is shipped", Hint: "use that one"}
	}
	return p, nil
}

// Run is source.Source's. Errors are a *GoneError, and one of KindNotFound without a journalctl. One that ends by itself while it
// follows is started again.
func (s *Source) Run(ctx context.Context, kept source.Positions, sink source.Sink) error {
	at, err := parsePosition(kept.Position(Key))
	if err != nil {
		return err
	}
	r := &run{Source: s, sink: sink, at: at.Cursor}
	wait := s.retry
	for first := true; ; first = false {
		before := r.at
		err := r.journalctl(ctx, false)
		if err == nil && s.o.Follow {
			err = r.journalctl(ctx, true)
		}
		var ended *endedError
		again := s.o.Follow && errors.As(err, &ended) && !(first && r.at == before && !ended.followed)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !again {
			return err
		}
		if r.at != before {
			wait = s.retry
		}
		s.problem(fmt.Errorf("%w: it is started again in %v", err, wait))
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		wait = min(2*wait, longestRetry)
	}
}

// endedError says that journalctl has failed, or ended where it was to follow.
type endedError struct {
	how      string
	followed bool
}

func (e *endedError) Error() string { return "journalctl ended: " + e.how }

// run is one Run.
type run struct {
	*Source
	sink source.Sink
	at   string // the cursor of the last entry that was taken; "" for none
	from source.Origin
}

// journalctl has one read the entries from r.at on, to the end or until ctx ends.
func (r *run) journalctl(ctx context.Context, follow bool) error {
	args := []string{"--output=export"}
	for _, u := range r.o.Units {
		args = append(args, "--unit="+u)
	}
	if r.at != "" {
		args = append(args, "--cursor="+r.at)
	}
	if follow {
		args = append(args, "--follow", "--no-tail")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := exec.CommandContext(ctx, r.program, args...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = endTime
	said := &sayings{}
	c.Stderr = said
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return &store.Error{Kind: store.KindNotFound, Reason: "there is no journalctl here to read the journal with",
			Hint: "without systemd, name the files in /var/log, or take the kernel's messages with --kernel"}
	}
	if err != nil {
		return fmt.Errorf("start journalctl: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { out.Close() })
	defer stop()
	expected := r.at
	seen, readErr := r.read(ctx, out)
	if readErr != nil {
		cancel()
	}
	ended := c.Wait()
	for _, text := range said.lines {
		if ended == nil && !r.told[text] && len(r.told) < maxTold {
			r.told[text] = true
			r.note("journalctl: " + text)
		}
	}
	switch {
	case readErr != nil:
		return readErr
	case ended != nil:
		return &endedError{how: strings.Join(append(said.lines, ended.Error()), ": "), followed: follow}
	case follow:
		return &endedError{how: "it does not follow the journal any more", followed: true}
	case expected != "" && !seen: // it shows the entry at a cursor first, if there is one there or behind it
		return &GoneError{}
	}
	return nil
}

// chunkBytes is about how many bytes make a chunk.
const chunkBytes = 256 << 10

// leastText is how much of an entry is kept at least, so that its cursor is.
const leastText = 8 << 10

// read takes the entries that journalctl writes, the last of which may be cut off by its end: it is left to be read again. seen tells
// whether there were any.
func (r *run) read(ctx context.Context, out io.Reader) (seen bool, err error) {
	es := newEntries(out, max(r.o.MaxLine+1, leastText))
	var e entry
	expected := r.at
	var text []byte
	r.from.Name = "the journal"
	for {
		c := source.Chunk{From: &r.from}
		text = text[:0]
		at := r.at
		for more := true; more; {
			if err = es.next(&e); err != nil {
				break
			}
			cursor := e.cursor()
			if cursor == "" {
				return seen, errExport
			}
			if !seen && expected != "" && !sameEntry(cursor, expected) {
				return seen, r.gone(cursor)
			}
			if seen || expected == "" {
				start := len(text)
				text = e.appendJSON(text) // lines before it stay where they are, in older memory
				line := source.Line{Text: text[start:], TooLong: e.cut || len(text)-start > r.o.MaxLine}
				line.Text = line.Text[:min(len(line.Text), r.o.MaxLine)]
				c.Lines = append(c.Lines, line)
				at = cursor
			}
			seen = true
			more = len(text) < chunkBytes && es.ready()
		}
		if len(c.Lines) > 0 {
			c.Written, c.Marks = time.Now(), []source.Mark{(&position{positionVersion, at}).mark()}
			if takeErr := r.sink.Take(ctx, c); takeErr != nil {
				return seen, takeErr
			}
			r.at = at
		}
		switch {
		case err == io.EOF:
			return seen, nil
		case err != nil:
			return seen, fmt.Errorf("read the journal: %w", err)
		}
	}
}

// gone is the error where the entry at r.at is missing and another is the first. How many of some units' are, nobody knows.
func (r *run) gone(first string) *GoneError {
	e := &GoneError{}
	var a, b cursorParts
	if a.parse(r.at) && b.parse(first) && a.sequence == b.sequence && b.number > a.number && len(r.o.Units) == 0 {
		e.Unread = int64(b.number - a.number - 1)
	}
	return e
}

// ready tells whether a whole entry is likely at hand already.
func (es *entries) ready() bool {
	b, _ := es.in.Peek(es.in.Buffered())
	return bytes.Contains(b, []byte("\n\n"))
}

// maxTold is how many different things that journalctl says are told.
const maxTold = 20

// sayings keeps the first lines that a program says.
type sayings struct {
	lines []string
	rest  []byte
}

// Write is io.Writer's.
func (s *sayings) Write(b []byte) (int, error) {
	s.rest = append(s.rest, b...)
	for {
		line, rest, ok := bytes.Cut(s.rest, []byte("\n"))
		if !ok {
			s.rest = s.rest[:min(len(s.rest), 1<<10)]
			return len(b), nil
		}
		if text := strings.TrimSpace(string(line)); text != "" && len(s.lines) < maxTold {
			s.lines = append(s.lines, text[:min(len(text), 300)])
		}
		s.rest = rest
	}
}
