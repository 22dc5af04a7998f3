// Package senders holds no code but tests: the programs that docs/inputs.md tells how to set up send what they are to send, set up as it
// says there, to a logctl serve, and their lines are looked for in its store. A program that is not installed is skipped, and that is said.
package senders
