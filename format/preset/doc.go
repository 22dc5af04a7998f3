// Package preset knows what programs write: for each kind of log a preset, by name, makes docs of its lines with the members
// that are customary in its field.
//
// A preset is a definition in TOML, the built-in ones (builtin/*.toml) as those of a user's own file; docs/presets.md has the
// form. It is alternatives, each a schema of package format with constant members, of which the first that fits the whole of
// the text makes the doc. The text is the line, or what another preset found in it: presets that are "inside" syslog or
// journald read the message that the carrier carries. Going the other way, syslog and journald give each message to
// the presets of the program that wrote it, and keep it as it is where none fits.
//
// A Set is the presets that there are, a Parser one of them at work: a format.Parser. Auto finds the preset that fits a sample of
// lines. Where the work could be much it is divided: alternatives by the first byte of what they fit, programs by the
// application's name. Nothing is allocated per line once buffers have grown, but for JSON that is taken apart.
package preset
