// Package jstext reads JSON, numbers and array indexes as JavaScript does, and writes numbers as it does.
package jstext
