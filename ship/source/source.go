// Package source is the words between what gives lines and what delivers them.
//
// A Source is something that lines come from: files (package tail), a pipe, a journal, the kernel's ring, a socket. It hands Chunks to
// a Sink: lines that were read together and, in Marks, where to go on after them. The Sink makes docs of the lines, sends
// them, and keeps the Marks once the server has answered for every line of that Chunk and of all Chunks before it. So:
//
//   - a Source that is started again finds in Positions what the last Mark with that key said, and goes on from there. Lines after
//     it may have been stored before a crash; read again in the same order they get the same ids, and nothing is stored twice;
//   - a Source may forget, truncate or acknowledge to others what is before a position that has been kept, nothing after it.
//     Kept tells it when one is;
//   - lines without Marks can't be read again by anybody (a socket's): they count as delivered in the order they came.
//
// Between a Sink and the server there may be a queue on disk: a line that is synced there counts as answered for.
//
// To plug in another source, write a type with Run and give it to ship.Options.Sources. Keys of Marks begin with the
// source's name and a slash ("journal/", "kernel/", "file/"), so that sources of one app don't meet.
package source

import (
	"context"
	"errors"
	"time"
)

// Line is one line without its end.
type Line struct {
	Text    []byte // of a line that is TooLong its beginning
	TooLong bool
}

// Origin is where lines come from. Each file, unit or connection has one of its own.
type Origin struct {
	Name string // as a person knows it; it may choose a preset
	File string // absolute path, which rejects tell; "" for what is no file
	// Ahead gives the first bytes of it, at most so many, to those who must see how an input begins; nil: there are none to see
	// but the lines at hand.
	Ahead func(n int) []byte
	// Again is the Sink's: it readies that for more lines of this origin, after others'. Nil: it has seen none yet.
	Again func()
}

// Mark says where a source goes on. A nil Value forgets the key.
type Mark struct {
	Key   string
	Value []byte
}

// Chunk is lines of one origin that were read together.
type Chunk struct {
	From    *Origin
	Written time.Time // a moment shortly after the last of the lines was written, for dates without a year
	Lines   []Line    // in order; may be empty where there are only Marks to be kept
	Bytes   int64     // that reading them took of a file's size, for the progress
	Marks   []Mark    // to be kept once all lines up to here are stored
}

// ErrOrigin is the error of lines that nobody can make anything of, because of where they come from.
var ErrOrigin = errors.New("unknown kind of lines")

// Sink takes lines.
type Sink interface {
	// Take takes the lines of a Chunk, whose memory is the caller's again when it returns. It waits while the server is slower than
	// the source. An error means that nothing more will be taken; one that is ErrOrigin, that nothing of this origin will for now.
	Take(ctx context.Context, c Chunk) error
}

// Kept is a Source that wants to know how far its lines are delivered.
type Kept interface {
	// Kept is called with Marks that are kept now, in order for each key. It must not wait for Run.
	Kept(marks []Mark)
}

// Source gives lines.
type Source interface {
	// Run hands all there is to sink, until the end, until ctx ends, or until Take fails, whose error it returns. kept gives
	// the Value of the last Mark of a key that was kept, nil if there is none.
	Run(ctx context.Context, kept Positions, sink Sink) error
}

// Speaker is a Source that has something to tell a person: of what it can't read, and of what it leaves out for a reason.
type Speaker interface {
	// Tell is called before Run.
	Tell(problem func(error), note func(string))
}

// Fleeting is a Source whose lines nobody can read again: they go to a queue on disk first.
type Fleeting interface {
	Fleeting()
}

// Positions are what Marks said that were kept, by this run or by those before it.
type Positions interface {
	Position(key string) []byte
	// Each calls fn for every key that begins with prefix, in the order of keys.
	Each(prefix string, fn func(key string, value []byte))
}
