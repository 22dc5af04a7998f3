package ship

import (
	"context"
	"io"
	"time"

	"logctl/ship/source"
)

// Verdict is what a Formatter makes of a line.
type Verdict uint8

// A line is one that the Formatter doesn't know, becomes a doc, or is one that nobody asked for.
const (
	Reject Verdict = iota
	Doc
	Skip
)

// Formatter turns lines into docs. It is used by one goroutine at a time.
type Formatter interface {
	// Append appends the line's doc to dst: a JSON object in stored form (see package ejson), without _id. It appends
	// nothing with another verdict.
	Append(dst, line []byte) ([]byte, Verdict)
	// Reason says in a sentence why a line is a Reject.
	Reason(line []byte) string
}

// Beginner is a Formatter that may have to see how an input begins.
type Beginner interface {
	// Begin is called before the first line of an input, with its name; ahead gives its first bytes, at most so many. Calling again
	// readies the Formatter for more lines of it, after Options.Format or lines of others.
	Begin(name string, ahead func(int) []byte) (again func(), err error)
}

// Options say what is shipped where. Endpoint, App and Format must be set.
type Options struct {
	Endpoint Endpoint
	App      string // its database is log_<App>
	// EnsureApp makes the app's database where it is missing, and tells what StateAbout would be from then on. Nil: the caller may not.
	EnsureApp func(context.Context) (about string, err error)
	// Format makes the Formatter for one input. reference is a moment shortly after the input's last line was written, for dates
	// without a year.
	Format func(reference time.Time) Formatter
	// Extend, where set, adds members to the doc in buf[start:] that do not make another doc of it: its id follows from what it was
	// before.
	Extend func(buf []byte, start int) []byte
	// Pieces, where set, tells which lines are, or may be, pieces of longer ones; false: the line is none. A line's pieces become one line,
	// as long as MaxLine at most. It goes without Remove and Sockets.
	Pieces  func(line []byte) (Piece, bool)
	Inputs  []string        // paths, patterns, and Stdin, which is also meant by none
	Stdin   io.Reader       // nil: empty
	Sources []source.Source // what else lines come from, beside Inputs; with some, no Inputs mean none
	Sockets []string        // unix sockets to listen at, with Follow
	// State is the directory that remembers from run to run how far each source is and how often each doc came; "": nothing is.
	// StateAbout is what that is about; it is begun anew if that is not what it was about, and for the reason StateAnew if there
	// is one. See state.Options.
	State, StateAbout, StateAnew string
	// Server is what the state is told to be for; see ServerOf. "" is nothing that needs a name.
	Server string
	// Follow waits for more, at the end of files too, until ctx ends, and for a server that is away however long.
	Follow bool
	// Problem and Note, where set, are called with what else becomes Summary.Problems and Notes, one at a time.
	Problem func(error)
	Note    func(string)

	Machine string // the member "machine" of docs that have none; "": none is added
	MaxLine int    // bytes; longer lines are rejects; 0 means lines.DefaultMax
	// Rejects is a file that keeps the lines that become no docs; "": the database log_<App>_rejects keeps them.
	Rejects    string
	MaxRejects int           // lines that a run keeps at most; 0: DefaultMaxRejects; below 0: none
	Wait       time.Duration // how long a server may be away; 0: not at all
	Spool      Spool
	Remove     Remove // takes a State and files alone, and no Follow

	// Progress, where set, is called a few times a second and at the end, from one goroutine.
	Progress func(Progress)
}

// patience is how long a server may be away.
func (o *Options) patience() time.Duration {
	if o.Follow {
		return forever
	}
	return o.Wait
}

const forever = 100 * 365 * 24 * time.Hour

// Spool is a queue on disk for lines that can't be read again, as those of a pipe. See package spool.
type Spool struct {
	Dir        string        // what it holds is delivered by every run with the same Dir; "": there is none
	MaxBytes   int64         // 0: spool.DefaultMaxBytes
	MaxAge     time.Duration // 0: any
	DropOldest bool          // when it is full; otherwise reading waits
	Never      bool          // only deliver what is there
}

// Progress is how far a run is.
type Progress struct {
	Bytes, Size int64 // read, of the regular files' size in all; Bytes may exceed Size
	Lines       int64
	Sent        int64 // docs that the server has answered for
}

// Summary is what a run has done. Lines is the sum of Stored, There, Either, Rejected, Refused, Skipped,
// Spooled and Left.
type Summary struct {
	Lines      int64
	Stored     int64 // new docs
	There      int64 // docs stored before, in rare cases by this run's own first try of a batch
	Either     int64 // stored now or before: the door does not tell strangers which
	Rejected   int64 // lines that the Formatter doesn't know, or longer than MaxLine
	TooLong    int64 // those of Rejected that are longer
	Refused    int64 // lines whose docs the server will never take
	Skipped    int64 // lines nobody asked for
	Spooled    int64 // lines that are in the spool: a later run delivers them
	Left       int64 // lines read that are neither stored nor in the spool, since the run was ended before
	Unfinished int   // last lines without a line end, in files that may still grow: not counted in Lines

	Removed      int // files that were removed, or parts of them; see Remove
	RemovedBytes int64

	Earlier int64   // docs from the spool that earlier runs had read, and the server has answered for
	Waiting Waiting // in the spool: Spooled, and what earlier runs have left
	Away    error   // why something waits there

	Kept     Kept // of Rejected and Refused
	Elapsed  time.Duration
	Reasons  []Reason // of Refused
	Problems []error  // inputs that could not be read, or not to their end
	Notes    []string // inputs that were left out for a reason
}

// Kept tells how many lines that became no docs are kept.
type Kept struct {
	Lines int64 // kept, now or by an earlier run
	Over  int64 // not kept, because there were more than a run keeps
	Lost  int64 // not kept, because the database does not take them
	Why   error // of the first of Lost
}

// Reason is why the server refused lines, and how many.
type Reason struct {
	Text  string
	Lines int64
}
