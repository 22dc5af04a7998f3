// Package tail reads files to their end, and on from there as they grow, whatever happens to their names.
//
// What is followed is not a name but a text: what a log holds from its first byte on. A text is known by its first bytes (head), by
// those before the position up to which it is read (check), and by the file that has it: device, inode and time of
// birth. Where a file's bytes are not those of its text any more, it has another: it was truncated, or its inode is used again. Where
// a file that is new has the bytes of a text that is known, it may be that text, copied or compressed, and is read on from where
// the text was read to (adopt says when).
//
// Files are given by paths, patterns and directories. Of a log that is given by its name alone, what rotation has made of it since
// the last look is read, too. Files that are there are read the oldest first. A line without its end waits for it; in a
// compressed file, and in one that nobody has written to for a day, the last line is taken as it is.
//
// With Options.Follow the kernel tells what has changed (inotify); every ten seconds all is looked at anyway.
//
// Limits. Lines that copytruncate itself loses, between its copy and its truncation, are lost to everybody. A text without times (dated)
// that is cut to its own beginning, or replaced by one that begins the same and has the same bytes before the position, can't be told
// from what it was. What is written to a file that has lost its last name is read as long as it is open here: ten minutes after
// the last byte.
package tail
