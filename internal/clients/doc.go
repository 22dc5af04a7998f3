// Package clients has tests only: the CouchDB clients that people use, from npm and in Go, against a logctl serve. `make
// clients` installs them; where they are not, the tests say so and are skipped.
package clients
