// Package learn proposes schemas (docs/schema.md) for lines that nobody has described yet.
//
// Lines are taken apart in four steps, each of which knows nothing of a particular kind of log:
//
//  1. What nearly all lines have in front — a time, a level, a host, a program with its number — is the header
//     (findHeader). What is behind it is the message.
//  2. mask replaces in a message what is a value by its looks: numbers, addresses, paths, names with digits in them. What
//     remains is the message's signature; lines with the same signature have the same shape.
//  3. Shapes that differ only in words that have many values there are one group (merge).
//  4. Each group gets schemas, which are compiled and tried on the lines they were made of (propose).
//
// The ideas are those of the literature on log parsing: frequent words are constants (SLCT, Logram, Brain), a message's
// length and fixed words tell its kind (IPLoM, Drain), masks for what is never a constant (Drain). There is one set of
// constants for all kinds of logs, no randomness, and the result does not depend on anything but the lines and their order.
package learn
