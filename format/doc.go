// Package format turns log lines into JSON objects, bytes in and bytes out, without a regular expression per line.
//
// A schema is a line with names in the places that matter: `$date $hour _ _ _ \[$process\] _ $ip`; docs/schema.md has the
// language. Compile makes a Schema of its text once, which then scans each line from left to right. A
// preset knows what a program writes: fail2ban is a scanner here, package preset makes the others of schemas.
// A Parser is either of them, a Formatter what the command line asks for: a Parser, fields to add, lines to leave out.
//
// What other parsers are built of: Compile and its Rules; Schema.Match, which fits a schema to any bytes, a line or what a
// capture took of one; Match.Bytes, which has what each capture took; Schema.AppendMembers, which writes members onto an object
// that may have some; Schema.Stop and Schema.Trace, which say why a line does not fit.
//
// Every line gets a Verdict: it matched, it was rejected (nothing that the schema describes), or it was skipped (not
// asked for). What comes out is always a valid JSON object in the form that the stores keep: no white space, keys once,
// strings as store.AppendJSONString writes them, numbers as CouchDB gives them back. A string that a capture took is
// a part of the line, with bytes that are not UTF-8 as U+FFFD; only a column's doubled quotes and a time are written anew.
//
// Nothing is allocated per line, and the work on a line is bounded by its length.
package format
