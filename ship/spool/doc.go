// Package spool keeps records of docs on disk until somebody else has them: a queue in a directory that survives kill -9, power
// loss, a full disk and damage.
//
// A record is appended to a segment, a file that is only ever appended to. Append returns when the record is synced; several that
// wait share one sync. Next gives the records in their order, Ack says that one is done with; a segment whose records are all done
// is removed. What was given out and not acknowledged comes again after the next Open, so who gets records must not mind to see one
// twice; docs with ids of their own don't.
//
// The queue is bounded by size and by age. When it is full, Append either says so (ErrFull), and the caller stops reading, or drops
// the oldest segment that has no record given out, and before that appends a record that tells of it (Entry.Dropped), which outlives
// a crash and, when it is dropped itself, becomes part of the next one. What is given out does not count then, as nothing can be done
// about it. A disk without room is full in the same way, and nothing
// is dropped for it: telling of it would need room, too.
//
// Damage: what stands behind the last whole record of the last segment was never promised to anybody; it is cut off and counted
// (Status.Torn). Any other record that does not match its checksum was promised: Next tells of it with a *DamageError and goes
// on behind it.
package spool
