// Package state is what a shipper remembers from one run to the next: how far it is in each source, and how often each doc
// came, so that the n-th equal line of a log's whole life is the n-th whatever happens in between.
//
// Docs are counted (Next) when they are read, long before the server has them. A Commit says that the oldest of those counted are
// stored, and keeps the positions that go with them; so what is on disk is always the state after a prefix of what was read. A crash
// loses at most the newest commits: the lines after them are read again, from the old position and with the old
// counts, and get the ids that they had. That is why a commit needs no fsync, and why a state that is lost as a whole
// does no harm but work: everything is read again, with the same ids.
//
// Counts are bounded, in memory by a table of maxSlots and on disk by maxRuns runs of three quarters of it, for docs
// with a time and for those without apart. What is beyond is forgotten, of docs with a time the oldest times first, of docs without
// one those that were not counted for longest: a doc equal to one that is forgotten would be taken for it. Within the last
// nine million different docs nothing is forgotten.
//
// # Files
//
// A directory holds, beside the lock of the process that uses it:
//
//	base      positions, the table of counts, which runs there are and which log follows
//	log.N     commits since that base
//	run.N     counts that the table had no room for
//
// Each begins with eight characters, "logctl-b", "logctl-l" or "logctl-r", and the version of its format, 2 bytes; numbers are big
// endian, checksums CRC-32C. A file of a newer version is an error that says so.
//
//	log     header | generation 8 | checksum 4 | records: length 4 | checksum 4 | commit
//	commit  marks: number, then each key, value length + 1 (0: forgotten), value | docs with a time: number, oldest time 8, newest 8,
//	        fingerprints of 10 | docs without: number, fingerprints. Numbers and lengths are varints.
//	base    header | generation 8 | next run 8 | for: length 4, text | runs: number 4, each 8 | positions: number 4, each key and value
//	        with lengths of 4 | times of the table: oldest 8, newest 8 | counts: number 4, each fingerprint 10, count 4, timed 1 | checksum 4
//	run     header | records 4 | timed 1 | oldest time 8 | newest 8 | blocks of 256 records, each fingerprint 10, count 4, in order, and
//	        a checksum 4 | the first fingerprint of each block | checksum 4 of all but the blocks
//
// A log ends at its first record that is not whole: a crash has cut it there. A base is replaced as a whole, by renaming, and names
// the log and the runs that belong to it; others are left over from a crash and removed.
package state
