// Package view keeps map/reduce indexes over a database and answers CouchDB's view queries from them.
//
// An index belongs to a design document's Signature: identical documents under other names share one. It holds, for each
// view, a B+tree of the emitted rows with the reduction of every subtree stored beside it (package btree), and, for each
// doc, which rows it emitted, so that an update or a deletion removes exactly those. See FORMAT.md.
//
// Words: a row is what one emit gave (key, doc id, value); a sort key is a byte string whose bytewise order is CouchDB's
// collation (package collate); a reduction is a reducer's value over some rows.
//
// What holds: an index is always that of one moment of its database (UpdateSeq); a query reads one snapshot, whatever
// updates do meanwhile; at most one update of an index runs at a time and every query that needs it waits for that one; an
// interrupted update continues where its last batch ended; a query of grouped reductions costs the groups in the answer.
package view

import "logctl/store/view/collate"

// Collator names the order of keys.
const Collator = collate.Version
