// Package plain evaluates reduce functions of a plain kind without the JavaScript engine: those that count, add up, compare and merge
// objects, in loops and in functions given to forEach and its like. What such a function is given and returns is read and written here,
// too, so that merging large objects costs a fraction of what the engine takes for it.
//
// Recognising one is a matter of its syntax tree alone (Compile). A run ends in one of three ways: with what the engine would have
// returned, byte for byte; with ErrTimeout; or it meets something for which this package does not know to the last bit what the engine
// does, or that takes more memory than it may, and gives up: then the function is called in the engine, as if nothing had happened. A
// function keeps nothing from one call to the next, so nothing has.
package plain
