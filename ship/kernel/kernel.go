package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"logctl/ship/source"
	"logctl/store"
)

// Options say how the ring is read.
type Options struct {
	Follow  bool // go on with what comes
	MaxLine int  // bytes of a line; longer ones are TooLong
}

// device gives records.
type device interface {
	// read gives the next record: errNoMore where there is none, unless it is to wait for one, and errOverwritten where the kernel has
	// overwritten some that were not read.
	read(ctx context.Context, b []byte, wait bool) (int, error)
	close()
}

var (
	errNoMore      = errors.New("there are no more records")
	errOverwritten = errors.New("records were overwritten")
)

// Source is a source.Source of the kernel's messages.
type Source struct {
	o    Options
	open func() (device, error)
	proc string

	problem func(error)
	note    func(string)
	kept    chan struct{} // a position is kept
}

// New makes a Source.
func New(o Options) *Source {
	return &Source{o: o, open: openDevice, proc: "/proc", problem: func(error) {}, note: func(string) {}, kept: make(chan struct{}, 1)}
}

// Tell is source.Speaker's.
func (s *Source) Tell(problem func(error), note func(string)) { s.problem, s.note = problem, note }

// Kept is source.Kept's.
func (s *Source) Kept(marks []source.Mark) {
	for _, m := range marks {
		if m.Key == Key {
			select {
			case s.kept <- struct{}{}:
			default:
			}
		}
	}
}

// Key is that of the position.
const Key = "kernel/position"

// position is the mark's value.
type position struct {
	Version int    `json:"v"`
	Boot    string `json:"boot"`
	Started int64  `json:"started"` // when the machine started, Unix time in seconds
	Next    uint64 `json:"next"`    // the sequence number after the last that was taken
}

const positionVersion = 1

func (p *position) mark() source.Mark {
	value, _ := json.Marshal(p) // numbers and a string
	return source.Mark{Key: Key, Value: value}
}

// maxRecord is more than the kernel makes a record: it refuses to give one in parts.
const maxRecord = 64 << 10

// chunkBytes is about how many bytes make a chunk.
const chunkBytes = 256 << 10

// Run is source.Source's. What is overwritten before it is read is a problem, and counted.
func (s *Source) Run(ctx context.Context, kept source.Positions, sink source.Sink) error {
	dev, err := s.open()
	if errors.Is(err, fs.ErrPermission) {
		return &store.Error{Kind: store.KindForbidden, Reason: "this account may not read the kernel's messages (/dev/kmsg)",
			Hint: "run it as root, or give it CAP_SYSLOG"}
	}
	if err != nil {
		return fmt.Errorf("read the kernel's messages: %w", err)
	}
	defer dev.close()
	host, err := os.Hostname()
	if err != nil || strings.ContainsAny(host, " \t") {
		host = "-"
	}
	r := &run{Source: s, dev: dev, sink: sink, host: host, from: source.Origin{Name: "the kernel's messages"}}
	if err := r.begin(ctx, kept.Position(Key)); err != nil {
		return err
	}
	for {
		if more, err := r.chunk(ctx); err != nil || !more {
			return err
		}
	}
}

// run is one Run.
type run struct {
	*Source
	dev  device
	sink source.Sink
	host string
	from source.Origin
	at   position
	old  bool // records before this boot's first one that is there have been told of
	buf  [maxRecord]byte
	rec  record
}

// begin finds out where to go on. For a boot that is new it keeps when the machine started, and waits until that is kept.
func (r *run) begin(ctx context.Context, kept []byte) error {
	boot, err := r.bootID()
	if err != nil {
		return err
	}
	if kept != nil {
		if err := json.Unmarshal(kept, &r.at); err != nil {
			return fmt.Errorf("the position %s can't be read: %w", Key, err)
		}
		if r.at.Version > positionVersion {
			return &store.Error{Kind: store.KindNewerFormat, Reason: "a newer logctl has kept how far the kernel's messages are shipped", Hint: "use that one"}
		}
		if r.at.Boot == boot {
			r.old = true
			return nil
		}
	}
	r.at = position{Version: positionVersion, Boot: boot}
	if r.at.Started, err = r.started(); err != nil {
		return err
	}
	if err := r.sink.Take(ctx, source.Chunk{From: &r.from, Marks: []source.Mark{r.at.mark()}}); err != nil {
		return err
	}
	select {
	case <-r.kept:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(keepTime): // the run remembers nothing
	}
	return nil
}

// keepTime is how long a position may take to be kept.
const keepTime = 10 * time.Second

func (s *Source) bootID() (string, error) {
	text, err := os.ReadFile(s.proc + "/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("find out which boot this is: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// started is when the machine started. It changes only when somebody sets the clock.
func (s *Source) started() (int64, error) {
	text, err := os.ReadFile(s.proc + "/stat")
	if err != nil {
		return 0, fmt.Errorf("find out when the machine started: %w", err)
	}
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte("btime ")); ok {
			if n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64); err == nil {
				return n, nil
			}
		}
	}
	return 0, errors.New("find out when the machine started: /proc/stat does not tell")
}

// chunk takes what is there, or waits for something; more is false at the end.
func (r *run) chunk(ctx context.Context) (more bool, err error) {
	var text []byte
	c := source.Chunk{From: &r.from}
	at := r.at
	for more = true; len(text) < chunkBytes; {
		n, err := r.dev.read(ctx, r.buf[:], r.o.Follow && len(c.Lines) == 0)
		if errors.Is(err, errOverwritten) {
			continue // the next one's number tells how many
		}
		if errors.Is(err, errNoMore) {
			more = r.o.Follow
			break
		}
		if err == nil {
			err = r.rec.parse(r.buf[:n])
		}
		if err != nil {
			return false, fmt.Errorf("read the kernel's messages: %w", err)
		}
		if r.rec.seq < at.Next {
			continue // taken before
		}
		r.tellMissing(at.Next)
		start := len(text)
		text = r.rec.appendLine(text, time.Unix(at.Started, 0), r.host) // lines before it stay where they are, in older memory
		line := source.Line{Text: text[start:], TooLong: len(text)-start > r.o.MaxLine}
		line.Text = line.Text[:min(len(line.Text), r.o.MaxLine)]
		c.Lines = append(c.Lines, line)
		at.Next = r.rec.seq + 1
	}
	if len(c.Lines) == 0 {
		return more, nil
	}
	c.Written, c.Marks = time.Now(), []source.Mark{at.mark()}
	if err := r.sink.Take(ctx, c); err != nil {
		return false, err
	}
	r.at = at
	return more, nil
}

// tellMissing tells how many records are missing before the one at hand.
func (r *run) tellMissing(next uint64) {
	missing := r.rec.seq - next
	switch {
	case missing == 0:
	case !r.old:
		r.note(fmt.Sprintf("%d of the kernel's messages since the machine started were overwritten before this first run", missing))
	default:
		r.problem(fmt.Errorf("%d of the kernel's messages were overwritten before they were read", missing))
	}
	r.old = true
}
