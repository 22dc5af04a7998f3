// Package replicate copies what has changed in one CouchDB database to another, over CouchDB's HTTP API alone: each side may
// be an Apache CouchDB, a logctl serve, or a store in this process that is reached through a transport without a socket.
//
// Words: the source and the target are peers (Peer); a replication is one Run; its id, made from what it copies and from
// where to where, names its checkpoints, which stand in local docs of both peers; a job is a replication that a Manager keeps
// running; a page is some entries of the source's changes feed that are dealt with together.
//
// A run reads a page of changes (all leaves of each doc), asks the target which of the revisions it lacks, reads those from the
// source with their ancestors and writes them to the target as they are (new_edits=false): revisions, conflicts, tombstones
// and attachments arrive unchanged. Then it notes how far it came at both peers. A run that is cut off goes on from there; one
// that finds no common note begins at the start, which costs time and nothing else.
//
// The protocol is CouchDB's ("CouchDB Replication Protocol" in its documentation); checkpoints have its form, so that either
// side of a replication can be looked after by any other replicator afterwards.
//
// Invariants: a checkpoint is written after everything before it is on the target's disk. What the target refuses of its own
// accord, a doc that its validation forbids, is counted and never tried again; anything else ends the run with an error.
// Memory holds a page, some docs of it, and of attachments a buffer, however long they are. Passwords are in no error, no
// answer and no log.
package replicate
