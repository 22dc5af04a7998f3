// Package proxy is the door: the http.Handler that stands in front of a store, the embedded one in this process or an Apache
// CouchDB. Anonymous callers may write through it and nobody may read through it without an account.
//
// Words: a stranger is a caller without an account, known by having no valid credentials; a holder has an app token or a client
// certificate, which the door knows and the store doesn't; a reader and an analyst are accounts with our roles for an app; a rule is
// one row of the policy (policy.go), the only place that says what callers may do; the writer is the account in whose name the
// door stores what strangers and holders send, and asks what holders want to read; a content id is an _id that follows from its doc (store/ejson), the only kind that a stranger may choose.
//
// Invariants:
//   - What no rule allows is refused before the store is asked anything.
//   - A stranger's or a holder's request never reaches the store. The door makes one of its own out of what it has understood: its own path, its
//     own headers, docs written anew from their parsed form. So two readings of one request have nothing to differ about.
//   - A stranger's write is answered the same, and after the same time, whether its doc was there or not: the id and the revision come from the doc.
//   - No function of a design document sees a request that is signed as the writer: its password would be in it.
//   - A signed-in caller's request goes through as it is, credentials included, and the store decides, too; readers and analysts
//     are held to the policy first. Credentials that the store does not know make a stranger, or earn the store's own answer to a wrong password.
//   - No answer of the door's own shows where the store is, what it runs on or what went wrong inside of it.
//
// Limits (limits.go): what a client, an address or the holder of a token, may send and how fast. A stranger's body is read whole into
// memory, as long as all bodies together and those of its client stay within their parts of it and it arrives at a minimum
// speed. Then it waits for its turn to be unpacked, checked and stored: clients take turns there, whatever each of them sends. What
// there is no room or no time for is refused with a time to try again.
package proxy
