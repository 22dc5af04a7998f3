//go:build !race

package format

const forgetful = false
