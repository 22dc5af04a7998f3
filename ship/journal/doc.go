// Package journal is a source of the entries of systemd's journal, which journalctl reads.
//
// An entry is a line of JSON as journalctl -o json writes it, but always with the same members in the same order: journalctl's own
// order is another one in each run, and ids follow from bytes. So it is asked for the export format
// (https://systemd.io/JOURNAL_EXPORT_FORMATS), which also tells the length of what is no text. A field's value is a string, an array of
// numbers where its bytes are not UTF-8, and an array of those where the entry has it more than once.
//
// The position, the mark "journal/cursor", is the cursor of the last entry that was taken. journalctl is asked for the entries from
// that one on, not after it, and has to show that one first: asked for those after an entry that is gone it leaves one out without
// a word. Where the entry is gone, Run ends with a GoneError. All that is left of the journal has to be read anew then, with
// counts of equal docs that begin anew, too.
//
// Memory is bounded by the length of a line.
package journal
