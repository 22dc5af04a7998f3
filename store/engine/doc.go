// Package engine is the embedded document engine: databases of JSON docs with revision trees, sequences and a changes
// feed, kept in one Pebble store.
//
// # Words
//
// A database has a name, a number that is never used twice, and an instance, which changes when it is deleted and made
// again. A doc has a revision tree; its leaves are the revisions that nobody replaced, the winner is the leaf that
// CouchDB would show: live before deleted, then the greater generation, then the greater hash. A sequence (seq) numbers
// the edits of one database from 1; a doc stands in the changes feed at its latest one. Docs that came together share a record, a
// bundle, and are found by its span of ids. FORMAT.md draws what is on disk.
//
// # Promises
//
// A write that returns without an error is on disk: the log was synced after it. Concurrent writers share a sync. The
// same holds for an answer that tells something: a conflict is reported only when what it conflicts with is on disk.
// Readers may see a write before its sync; after a crash the store holds a prefix of the writes in the order in which
// they were applied, each call's all or nothing. The rows of a view index are written without a sync, in the same order:
// an index may be older than the docs, never newer.
//
// # Attachments
//
// The bytes of an attachment are stored before its doc, in chunks, by DB.Upload; the doc names them (store.Attachment.Blob).
// They stay until no revision that is kept refers to them. A doc that is on disk has its attachments on disk.
//
// # A full or failing disk
//
// When there is no room for a file that the store writes, writing calls return store.KindNoSpace, reads go on, and the
// store tries the file again until there is room; then writes work again by themselves. A call that got KindNoSpace
// may still reach the disk by that, as it may after any unanswered request. Rows of a view index wait for room instead,
// until their context ends: an index must know what became of them.
//
// When a file can't be written for another reason (or a sync fails, after which nobody can know what is on disk), the
// store takes no more writes: store.KindUnavailable until it is opened again. Reads go on. Close then abandons what
// Pebble has in memory, keeps its goroutines from ever touching the directory again, and releases the directory.
//
// Either way no call hangs, also not the one that was being applied when the trouble began (see attempt).
//
// # Limits
//
// One process opens a directory at a time. A call's edits are one batch in memory. Bodies of replaced revisions are
// kept, up to the revision limit of the database, until it is compacted (DB.Compact).
package engine
