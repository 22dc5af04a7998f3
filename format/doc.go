// Package format turns log lines into JSON objects, bytes in and bytes out, without a regular expression per line.
//
// A schema is a line with names in the places that matter: `$date $hour _ _ _ \[$process\] _ $ip`; docs/schema.md has the
// language. Compile makes a Schema of its text once, and Schema.Append then scans each line from left to right. A
// preset is a scanner for one program's log that knows what the program writes; fail2ban is the one there is.
// A Formatter is what the command line asks for: a schema or a preset, fields to add, lines to leave out.
//
// Every line gets a Verdict: it matched, it was rejected (nothing that the schema describes), or it was skipped (not
// asked for). What comes out is always a valid JSON object in the form that the stores keep: no white space, keys once,
// strings as store.AppendJSONString writes them, numbers as CouchDB gives them back. What a capture took is
// always a part of the line, with bytes that are not UTF-8 as U+FFFD.
//
// Nothing is allocated per line, and the work on a line is bounded by its length.
package format
