// Package couchapi is CouchDB's HTTP API over the embedded engine: an http.Handler that answers as Apache CouchDB 3.5
// does, status, headers, error words and reasons included, so that every client of CouchDB is a client of ours.
//
// Words: an exchange is one request on its way to its answer; a resource is what a path names, with its methods and who
// may use them; a caller is who sends the request (store.Caller); an account is a user document of the _users database.
//
// Invariants: handlers return an error and one function writes it (exchange.fail); a kind decides the status
// (store.Kind). No body is read without a limit. Rows, docs and changes are written as they are read: the memory that an
// answer needs does not depend on its length. An answer that says a doc is stored is given after the engine has it on
// disk (batch=ok, 202, excepted).
//
// Limits: what is not there answers 501 not_implemented with a reason. Replications are run by whoever the handler is given as
// its Replicator. CouchDB runs them for everybody who has an account, and so makes requests to any address for them; here only
// admins may name another server, and the _replicator database is closed to all others.
//
// One setting has another default than CouchDB's: query_server_config/reduce_limit is off, so that reducers whose result
// grows with its input, such as a count for each address, give it instead of reduce_overflow_error. It can be turned on.
package couchapi
