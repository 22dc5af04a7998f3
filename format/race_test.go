//go:build race

package format

// forgetful tells that sync.Pool, in which the JSON parser has its memory, forgets at random, as it does under the race detector.
const forgetful = true
