package reports

import (
	"bytes"
	"fmt"
)

// attackKeys takes keys of the attackers view apart: [resolution, …, ip, process, machine], or the same up to the ip.
type attackKeys struct {
	any    keyReader
	before []byte  // what the last key had before its ip, as readAny found it
	afters names   // what keys had after theirs, but for the bracket alone
	pairs  []*pair // by the number of that
}

// pair is a process and a machine, as JSON.
type pair struct {
	number           int // from 0 on
	process, machine string
}

// read sets what s says beside the numbers, and is false where key is none of the view's.
func (k *attackKeys) read(key []byte, s *seen) bool {
	return k.readLike(key, s) || k.readAny(key, s)
}

// readLike reads a key that differs from keys before it in its ip alone, a string.
func (k *attackKeys) readLike(key []byte, s *seen) bool {
	n := len(k.before)
	if n == 0 || len(key) <= n || string(key[:n]) != string(k.before) || key[n] != '"' {
		return false
	}
	end := bytes.IndexByte(key[n+1:], '"')
	if end < 0 || bytes.IndexByte(key[n+1:n+1+end], '\\') >= 0 {
		return false
	}
	end += n + 2
	s.ip, s.by, s.period = key[n:end], nil, nil
	if after := key[end:]; string(after) == "]" {
		s.period = k.before
	} else if number, ok := k.afters.find(after); ok {
		s.by = k.pairs[number]
	} else {
		return false
	}
	return true
}

// readAny reads any key of the view.
func (k *attackKeys) readAny(key []byte, s *seen) bool {
	parts, ok := k.any.elements(key)
	if !ok || len(parts) < 3 {
		return false
	}
	address := addressLevel(parts[0])
	if address == 0 || len(parts) != address && len(parts) != address+2 {
		return false
	}
	k.before = k.before[:0]
	for i, part := range parts[:address-1] {
		k.before = append(append(k.before, "[,"[min(i, 1)]), part...)
	}
	k.before = append(k.before, ',')
	s.ip, s.by, s.period = parts[address-1], nil, k.before
	if len(parts) > address {
		s.by, s.period = k.pair(parts[address], parts[address+1]), nil
	}
	return true
}

// pair is that of a process and a machine.
func (k *attackKeys) pair(process, machine []byte) *pair {
	after := fmt.Appendf(nil, ",%s,%s]", process, machine)
	n := k.afters.number(after)
	if n == len(k.pairs) {
		k.pairs = append(k.pairs, &pair{n, string(process), string(machine)})
	}
	return k.pairs[n]
}

// addressLevel is that of the resolution that a key begins with, a JSON string.
func addressLevel(raw []byte) int {
	if n := len(raw); n > 2 && raw[0] == '"' && raw[n-1] == '"' {
		return resolution(raw[1 : n-1]).addressLevel()
	}
	return 0
}
