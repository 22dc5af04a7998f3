package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"

	"logctl/ship/source"
)

const (
	logHead    = headSize + 8 + crcSize
	recordHead = 4 + crcSize
	// maxUnwritten is how much of a log waits in memory for a disk that takes nothing.
	maxUnwritten = 16 << 20
)

// logFile is the commits since the last base. Records that can't be written wait until they can.
type logFile struct {
	file      *os.File
	size      int64 // that is written and whole
	unwritten []byte
	err       error
}

// makeLog makes an empty log.
func makeLog(path string, generation uint64) (logFile, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return logFile{}, err
	}
	head := binary.BigEndian.AppendUint64(appendHeader(nil, 'l'), generation)
	l := logFile{file: f, unwritten: appendCRC(head, head)}
	if err := l.sync(); err != nil {
		l.close()
		return logFile{}, err
	}
	return l, nil
}

// add appends a record.
func (l *logFile) add(marks []source.Mark, docs []Fingerprint) {
	start := len(l.unwritten)
	l.unwritten = append(l.unwritten, make([]byte, recordHead)...)
	l.unwritten = appendCommit(l.unwritten, marks, docs)
	payload := l.unwritten[start+recordHead:]
	binary.BigEndian.PutUint32(l.unwritten[start:], uint32(len(payload)))
	binary.BigEndian.PutUint32(l.unwritten[start+4:], checksum(payload))
}

// write writes what is not written yet. A failure is one only when much waits.
func (l *logFile) write() error {
	if len(l.unwritten) == 0 {
		return nil
	}
	n, err := l.file.WriteAt(l.unwritten, l.size)
	if err != nil {
		l.err = err
		if len(l.unwritten) > maxUnwritten {
			return fmt.Errorf("keep positions: %w", err)
		}
		return nil // the next write begins where this one did
	}
	l.size += int64(n)
	l.unwritten, l.err = l.unwritten[:0], nil
	return nil
}

func (l *logFile) sync() error {
	if l.file == nil {
		return errors.New("it has no log")
	}
	if err := errors.Join(l.write(), l.err); err != nil {
		return err
	}
	return l.file.Sync()
}

func (l *logFile) close() {
	if l.file != nil {
		l.file.Close()
	}
	l.file = nil
}

func appendCommit(dst []byte, marks []source.Mark, docs []Fingerprint) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(marks)))
	for _, m := range marks {
		dst = append(binary.AppendUvarint(dst, uint64(len(m.Key))), m.Key...)
		if m.Value == nil {
			dst = binary.AppendUvarint(dst, 0)
			continue
		}
		dst = append(binary.AppendUvarint(dst, uint64(len(m.Value))+1), m.Value...)
	}
	timed, oldest, newest := 0, uint64(math.MaxUint64), uint64(0)
	for _, f := range docs {
		if f.time > 0 {
			timed++
			oldest, newest = min(oldest, f.time), max(newest, f.time)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(timed))
	dst = binary.BigEndian.AppendUint64(dst, oldest)
	dst = binary.BigEndian.AppendUint64(dst, newest)
	for _, f := range docs {
		if f.time > 0 {
			dst = appendPrint(dst, f.hi, f.lo)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(docs)-timed))
	for _, f := range docs {
		if f.time == 0 {
			dst = appendPrint(dst, f.hi, f.lo)
		}
	}
	return dst
}

// replay calls fn for each commit of a log, until the first that is not whole, and gives the length of the log until there.
func replay(text []byte, generation uint64, fn func(*commit) error) (whole int64, err error) {
	if len(text) < logHead {
		return 0, errDamaged
	}
	if err := checkHeader(text, 'l'); err != nil {
		return 0, err
	}
	head, ok := cutCRC(text[:logHead])
	if !ok || binary.BigEndian.Uint64(head[headSize:]) != generation {
		return 0, errDamaged
	}
	at := logHead
	for len(text)-at >= recordHead {
		n := int64(binary.BigEndian.Uint32(text[at:]))
		if n == 0 || n > int64(len(text)-at-recordHead) { // zeros are what a file system leaves of a torn end
			break
		}
		payload := text[at+recordHead:][:n]
		if binary.BigEndian.Uint32(text[at+4:]) != checksum(payload) {
			break
		}
		c := &commit{}
		if err := c.parse(payload); err != nil {
			return 0, err
		}
		if err := fn(c); err != nil {
			return 0, err
		}
		at += recordHead + int(n)
	}
	return int64(at), nil
}

// commit is a record of a log.
type commit struct {
	marks          []source.Mark
	oldest, newest uint64
	timed, untimed []byte // fingerprints
}

func (c *commit) parse(b []byte) error {
	p := parser{b: b}
	for range p.count(2) {
		m := source.Mark{Key: string(p.bytes(p.uvarint()))}
		if n := p.uvarint(); n > 0 {
			m.Value = p.bytes(n - 1)
		}
		c.marks = append(c.marks, m)
	}
	n := p.count(fenceSize)
	c.oldest, c.newest = p.uint64(), p.uint64()
	c.timed = p.bytes(n * fenceSize)
	c.untimed = p.bytes(p.count(fenceSize) * fenceSize)
	return p.done()
}
