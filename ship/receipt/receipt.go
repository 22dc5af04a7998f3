// Package receipt keeps the list of what a shipper has removed, when, and what proves that it is stored.
//
// # File
//
// One line says "logctl-receipts 1", its version. Each line after it is an entry: the SHA-256, in hexadecimal, of the sum in the line
// before (nothing, for the first) and the entry's JSON; a blank; the JSON. So nothing can be changed, left out or put in between without
// being seen. What stands behind the last line end was cut off by a crash and is no part of it. An entry is a Receipt, written and
// synced before anything is removed, or {"done":N,"time":…}, which says that receipt N was carried out, or {"void":N,…}, that it was not.
package receipt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"logctl/store"
)

// Receipt is about one removal.
type Receipt struct {
	Number int64     `json:"receipt"` // from 1 on
	Time   time.Time `json:"time"`
	App    string    `json:"app"`
	Server string    `json:"server"`
	File   string    `json:"file"`
	Node   uint64    `json:"node"`   // its number in the file system
	How    string    `json:"how"`    // what is done to the file, see package cut
	Bytes  int64     `json:"bytes"`  // taken away, at the file's beginning
	SHA256 string    `json:"sha256"` // of these bytes

	// What the lines in the file's first Shipped bytes became, which are those taken away and what could not be. They are one life
	// of the file: since it was empty, or since the receipt before.
	Shipped  int64  `json:"shipped"`
	Lines    int64  `json:"lines"`
	Docs     int64  `json:"docs"`     // that the server has confirmed
	Rejected int64  `json:"rejected"` // kept as rejects
	Skipped  int64  `json:"skipped"`  // nobody asked for them
	IDs      string `json:"ids"`      // sum of the SHA-256 of the docs' ids, modulo 2^256: the same for the same docs in any order
	Proof    string `json:"proof"`    // Answered

	// Then is what is to be remembered when it is done: how far the file is shipped.
	Then []Position `json:"then,omitempty"`

	Done *time.Time `json:"-"` // when it was done; nil: it was cut off in between
	Void bool       `json:"-"` // it was not done after all
}

// Position is a position to be kept, of a source.
type Position struct {
	Key   string
	Value []byte // nil: the key is forgotten
}

// FileName is the list's name in its directory.
const FileName = "receipts"

// Answered is what proves that docs are stored: the server has answered, doc by doc, that they are on its disk.
const Answered = "answered"

// outcome is the other kind of entry.
type outcome struct {
	Done int64     `json:"done,omitempty"`
	Void int64     `json:"void,omitempty"`
	Time time.Time `json:"time"`
}

const (
	fileName = FileName
	head     = "logctl-receipts 1\n"
	headWord = "logctl-receipts "
)

// Log is a list that is open for more. It is not safe for concurrent use.
type Log struct {
	file *os.File
	sum  string // of the last entry
	last int64  // number of a receipt
	size int64
	open []Receipt
}

// Open opens the list in dir, which is made where it is missing. A list that is damaged is an error: it must not be written to.
func Open(dir string) (*Log, error) {
	l, err := open(dir)
	if err != nil {
		return nil, fmt.Errorf("open the receipts in %s: %w", dir, err)
	}
	return l, nil
}

// OpenExisting is Open where there is a list; nil where there is none.
func OpenExisting(dir string) (*Log, error) {
	if _, err := os.Stat(filepath.Join(dir, fileName)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return Open(dir)
}

func open(dir string) (*Log, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, fileName)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	c, err := parse(text)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	l := &Log{file: f, sum: c.sum, size: c.size, last: int64(len(c.list))}
	for _, r := range c.list {
		if r.Done == nil && !r.Void {
			l.open = append(l.open, r)
		}
	}
	if err = f.Truncate(l.size); err == nil && l.size == 0 {
		err = l.write([]byte(head))
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return l, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Unfinished are the receipts of which it is not written what became of them.
func (l *Log) Unfinished() []Receipt { return l.open }

// Begin writes a receipt of something that is about to be done, and gives its number. It is on disk when it returns.
func (l *Log) Begin(r Receipt) (int64, error) {
	r.Number, r.Time = l.last+1, time.Now().UTC().Truncate(time.Second)
	if err := l.append(r); err != nil {
		return 0, fmt.Errorf("write a receipt: %w", err)
	}
	l.last++
	return r.Number, nil
}

// Done writes that it was done.
func (l *Log) Done(number int64) error { return l.finish(outcome{Done: number}) }

// Void writes that it was not done.
func (l *Log) Void(number int64) error { return l.finish(outcome{Void: number}) }

func (l *Log) finish(o outcome) error {
	o.Time = time.Now().UTC().Truncate(time.Second)
	if err := l.append(o); err != nil {
		return fmt.Errorf("finish a receipt: %w", err)
	}
	return nil
}

func (l *Log) append(entry any) error {
	text, err := json.Marshal(entry)
	if err != nil {
		return err
	}
	sum := chain(l.sum, text)
	if err := l.write(append(append([]byte(sum+" "), text...), '\n')); err != nil {
		return err
	}
	l.sum = sum
	return nil
}

// write puts text behind what is there, all of it or nothing, and syncs it.
func (l *Log) write(text []byte) error {
	_, err := l.file.WriteAt(text, l.size)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.size += int64(len(text))
	return nil
}

// Close releases the list.
func (l *Log) Close() error { return l.file.Close() }

func chain(before string, text []byte) string {
	h := sha256.New()
	h.Write([]byte(before))
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

// List gives the receipts in dir, none if there is no list. The error tells where the list is damaged; the receipts before are given.
func List(dir string) ([]Receipt, error) {
	text, err := os.ReadFile(filepath.Join(dir, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := parse(text)
	return c.list, err
}

// content is what a list holds.
type content struct {
	list []Receipt
	sum  string
	size int64 // up to the last line end
}

// parse reads a list up to the first thing that is wrong with it.
func parse(text []byte) (content, error) {
	var c content
	for number := 1; ; number++ {
		line, _, whole := bytes.Cut(text[c.size:], []byte("\n"))
		if !whole {
			return c, nil
		}
		if err := c.line(number, line); err != nil {
			return c, err
		}
		c.size += int64(len(line)) + 1
	}
}

func (c *content) line(number int, line []byte) error {
	damaged := &store.Error{Kind: store.KindCorrupt, Reason: fmt.Sprintf("line %d of the receipts is damaged or was changed", number),
		Hint: "keep the file and move it elsewhere: a new one is begun, and what it tells is not needed for shipping"}
	if number == 1 {
		word, isHead := bytes.CutPrefix(line, []byte(headWord))
		switch {
		case string(line)+"\n" == head:
			return nil
		case isHead && len(word) > 0:
			return &store.Error{Kind: store.KindNewerFormat, Reason: fmt.Sprintf("the receipts have format %.20q, this logctl knows 1", word)}
		}
		return damaged
	}
	sum, text, ok := bytes.Cut(line, []byte(" "))
	if !ok || string(sum) != chain(c.sum, text) {
		return damaged
	}
	var o outcome
	var r Receipt
	if json.Unmarshal(text, &o) != nil || json.Unmarshal(text, &r) != nil {
		return damaged
	}
	c.sum = string(sum)
	last := int64(len(c.list))
	switch {
	case o.Done > 0 && o.Done <= last:
		c.list[o.Done-1].Done = &o.Time
	case o.Void > 0 && o.Void <= last:
		c.list[o.Void-1].Void = true
	case r.Number == last+1:
		c.list = append(c.list, r)
	default:
		return damaged
	}
	return nil
}
