// Package mango is CouchDB's declarative query language: selectors and what they match, the definitions of indexes, the
// choice of an index for a query, and the parts of a query's answer that depend on nothing but the query.
//
// Words: a selector is a JSON object of conditions; a condition is an operator with its argument, applied to the field that
// a path names; an index is an entry of a design document whose language is "query", its columns are the fields that it
// sorts docs by; a range is the part of one column that a selector leaves.
//
// A selector is read in three steps, as CouchDB does, since clients see the result (_explain, design documents): operators
// are checked and what is implied is written out, the names of nested fields are joined to paths, negations move inwards.
// What is refused is refused with CouchDB's words.
//
// Docs are matched as they are stored, bytes in ejson's stored form; none is decoded. Matching takes time linear in the doc
// for each condition; a regular expression that Go's engine takes runs in time linear in its size and the text's, one that needs
// backtracking in bounded time. Matching ends with its context, and with an error when it takes more than 5 s for one doc, as does putting
// together the fields to show.
//
// Limits of our own: conditions nest at most 500 deep, a selector has at most 100,000 of them and 16 MiB of paths, as it came and written
// out, its lists have 1,000,000 elements in all, its conditions 1 GiB of text, that of nested ones counted at each level, and its regular
// expressions become about 100,000 instructions at most. They match characters where CouchDB's match bytes. There is no text index: $text
// matches everything, as in a CouchDB without one.
package mango
