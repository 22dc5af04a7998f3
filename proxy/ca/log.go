package ca

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"logctl/store"
)

// The log is a text file to which lines are only ever added:
//
//	logctl-ca-log 1
//	5f1c02aa {"time":"2026-11-26T04:30:00Z","what":"issue","serial":…}
//
// The first line has the version. Each other is a record: the CRC-32C of its JSON in hexadecimal, a blank, the JSON. What stands
// after the last line end is a write that a crash cut off; nobody was told of it, and the next write takes its place.
const (
	logName    = "logctl-ca-log "
	logVersion = 1
	maxLog     = 1 << 30 // bytes that are read at all
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is one line of the log.
type record struct {
	Time time.Time `json:"time"`
	What string    `json:"what"` // whatIssue, whatCode, whatRevoke

	Serial string `json:"serial,omitempty"` // of whatIssue and whatRevoke, hexadecimal
	Name   string `json:"name,omitempty"`   // of whatIssue; of whatCode the one that it is for, "" is any
	Code   string `json:"code,omitempty"`   // SHA-256 of a code, hexadecimal; of whatIssue the one that was used

	DNS      []string  `json:"dns,omitempty"`
	Server   bool      `json:"server,omitempty"` // for a server, not a client
	NotAfter time.Time `json:"not_after,omitzero"`
	Key      string    `json:"key,omitempty"` // request.keyID
	By       string    `json:"by,omitempty"`  // why it was issued: byWord, …
	Old      string    `json:"old,omitempty"` // serial of the one that it renews
	From     string    `json:"from,omitempty"`
	Cert     []byte    `json:"cert,omitempty"` // DER

	Expires time.Time `json:"expires,omitzero"` // of whatCode
}

// The kinds of records.
const (
	whatIssue  = "issue"
	whatCode   = "code"
	whatRevoke = "revoke"
)

// book is the log and what it says. Its methods may be called by many goroutines and processes.
type book struct {
	path string

	mu   sync.Mutex
	f    *os.File
	size int64 // of what has been read
	facts
}

// openBook opens the log at path, which is made if create is set.
func openBook(path string, create bool) (*book, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the CA's log: %w", err)
	}
	b := &book{path: path, f: f, facts: newFacts()}
	if err := b.do(func() ([]record, error) { return nil, nil }); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return b, nil
}

// Close closes the file.
func (b *book) Close() error { return b.f.Close() }

// do brings the book up to date and calls decide with the log locked against everybody else. The records that it gives are on
// disk when do returns nil; after an error they are not in the log.
func (b *book) do(decide func() ([]record, error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := flock(b.f, syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the CA's log: %w", err)
	}
	defer flock(b.f, syscall.LOCK_UN)
	if err := b.catchUp(); err != nil {
		return err
	}
	records, err := decide()
	if err != nil || len(records) == 0 {
		return err
	}
	return b.append(records)
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// catchUp reads what others have added.
func (b *book) catchUp() error {
	info, err := b.f.Stat()
	if err != nil {
		return fmt.Errorf("read the CA's log: %w", err)
	}
	if info.Size() < b.size || info.Size() > maxLog {
		return b.damaged("its length is not what it should be")
	}
	text := make([]byte, info.Size()-b.size)
	if _, err := b.f.ReadAt(text, b.size); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the CA's log: %w", err)
	}
	for {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		if !ended {
			return nil
		}
		if err := b.readLine(line); err != nil {
			return err
		}
		b.size += int64(len(line)) + 1
		text = rest
	}
}

func (b *book) readLine(line []byte) error {
	if b.size == 0 {
		version, ok := bytes.CutPrefix(line, []byte(logName))
		n, err := strconv.Atoi(string(version))
		switch {
		case !ok || err != nil:
			return b.damaged("its first line is not one of a CA's log")
		case n > logVersion:
			return store.NewError(store.KindNewerFormat, fmt.Sprintf("%s is of version %d, written by a newer logctl", b.path, n))
		}
		return nil
	}
	r, err := parseRecord(line)
	if err != nil {
		return b.damaged(fmt.Sprintf("the line at byte %d is not as it was written", b.size))
	}
	b.apply(r)
	return nil
}

// parseRecord reads a line of the log, without its end.
func parseRecord(line []byte) (record, error) {
	var r record
	sum, text, ok := bytes.Cut(line, []byte(" "))
	n, err := strconv.ParseUint(string(sum), 16, 32)
	if !ok || len(sum) != 8 || err != nil || uint32(n) != crc32.Checksum(text, castagnoli) {
		return r, errors.New("wrong checksum")
	}
	return r, json.Unmarshal(text, &r)
}

func (b *book) damaged(what string) error {
	return &store.Error{Kind: store.KindCorrupt, Reason: "the CA's log " + b.path + " is damaged: " + what,
		Hint: "put a copy of the CA's directory back; without its log a CA does not know whom it has given what"}
}

// append adds records; the caller holds the lock and has caught up.
func (b *book) append(records []record) error {
	var text []byte
	if b.size == 0 {
		text = fmt.Appendf(text, "%s%d\n", logName, logVersion)
	}
	for _, r := range records {
		line, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("write the CA's log: %w", err)
		}
		text = fmt.Appendf(text, "%08x %s\n", crc32.Checksum(line, castagnoli), line)
	}
	// What a crash has left behind the last line must not become the beginning of this one.
	err := b.f.Truncate(b.size)
	if err == nil {
		if _, err = b.f.WriteAt(text, b.size); err == nil {
			err = b.f.Sync()
		}
		if err != nil {
			err = errors.Join(err, b.f.Truncate(b.size))
		}
	}
	if err != nil {
		return noSpace(fmt.Errorf("write the CA's log: %w", err))
	}
	b.size += int64(len(text))
	for _, r := range records {
		b.apply(r)
	}
	return nil
}

// noSpace tells a full disk from other failures.
func noSpace(err error) error {
	if store.IsDiskFull(err) {
		return &store.Error{Kind: store.KindNoSpace, Reason: "the CA's disk is full", Err: err}
	}
	return err
}

// notThere is the error of a directory without a CA.
func notThere(dir string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return &store.Error{Kind: store.KindNotFound, Reason: "there is no CA in " + dir, Hint: "logctl ca init --dir " + dir}
}
