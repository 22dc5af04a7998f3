// Package ship sends lines as docs, so that each is stored exactly once whatever happens on the way.
//
// A line's journey: an input (a file, plain or gzip, or a stream) is read in order; a Formatter turns the line into the bytes
// of a doc; the doc gets an id; docs are gathered into batches; a few senders post the batches and count what the server
// says of each doc.
//
// Once: the id is made of the doc's own content and of its place, which is how many equal docs came before it in the same
// run. A run over the same lines therefore makes the same ids, in whatever order the files come and wherever an earlier run was
// killed, and the store keeps one doc for an id. There is no state to lose and none to repair: running again is always right.
//
// At least once: an input is never changed, and a batch is done only when the server has answered for every doc in it. A server
// that is away is asked again for as long as Options.Wait says; then the run ends and says what to do: run it again.
//
// Limits of keeping no state, all of which need lines that are equal to the last byte: two runs over different files, or a run
// after an older file is gone, count places from zero, so lines that are equal and were never seen together in one run are
// one doc. Lines with a time of day in them are in practice never equal; for others, pass all files to one run. A file that
// logrotate's copytruncate is copying at this very moment is there twice; its lines are then stored twice.
//
// Lines that become no docs are rejects (keeper): kept in a database, or a file, in the same way once as often as they came. Reparse
// makes docs of them with a better Formatter.
//
// What came through a pipe and was not stored when a run gave up (Summary.Left) can be sent again only by who wrote it.
//
// Memory is bounded by the size of a line, the number of senders and maxSlots, not by the input.
package ship
