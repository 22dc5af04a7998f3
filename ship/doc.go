// Package ship sends lines as docs, so that each is stored exactly once whatever happens on the way.
//
// A line's journey: a source (package source: files, a stream, and whatever else there is) hands chunks of lines to the runner's Take;
// a Formatter turns a line into the bytes of a doc; the doc gets an id; docs are gathered into batches; a few senders give
// the batches to those who carry them (parcel.by) and count what the server says of each doc.
//
// Once: the id is made of the doc's own content and of its place, which is how many equal docs came before it (package state). Reading
// the same lines again from a place where the counts were the same makes the same ids, and the store keeps one doc
// for an id.
//
// At least once: a batch is done only when the server has answered for every doc in it. Chunks are gathered into epochs; an epoch
// is committed, its sources' positions and its counts together, when all its batches are done and all epochs before it
// are committed (ledger). So what is remembered is always what a prefix of all reading left, whichever of the senders was
// quickest, and what was read after it is read again after a crash and gets the ids that it had.
//
// To put something between reading and the server, such as a queue on disk, give batches to another carrier in the place of the
// courier: carry(ctx, *batch) returns nil when the batch is safe, and nothing is remembered before. What it does not
// take for good (a doc that the server refuses) it reports to refusedDoc before it returns, or keeps itself.
//
// Without Options.State nothing is remembered, every run reads everything, and running again is always right, but for lines that are
// equal to the last byte and never met in one run: they count as one.
//
// Lines that become no docs are rejects (keeper): kept in a database, or a file, in the same way once as often as they came. Reparse
// makes docs of them with a better Formatter.
//
// What came through a pipe and was not stored when a run gave up (Summary.Left) can be sent again only by who wrote it.
//
// Memory is bounded by the size of a line, the number of senders and the table of counts, not by the input.
package ship
