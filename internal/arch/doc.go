// Package arch holds the tests that keep ARCHITECTURE.md true: which package may import which, who owns a third-party module,
// one package comment each, and how large files and packages may grow.
package arch
