// Package plain evaluates map and reduce functions of a plain kind without the JavaScript engine: map functions that read members of the
// doc, branch, cut strings, calculate and emit, and reduce functions that count, add up, compare and merge objects; both in loops and in
// functions given to forEach and its like. What they are given and what they make is read and written here, too, so that mapping a doc, or
// merging large objects, costs a fraction of what the engine takes for it.
//
// Recognising one is a matter of its syntax tree alone (CompileMap, CompileReduce). A run ends in one of four ways: with what the engine
// would have made, byte for byte; with an exception, as in the engine; it takes too long; or it meets something for which this package does
// not know to the last bit what the engine does (a method called on something else than a string of ASCII, say), or that takes more memory
// than it may, and gives up: then the function is called in the engine, as if nothing had happened. A function keeps nothing from one call
// to the next, so nothing has. What is not worth a line here costs time and nothing else.
package plain
