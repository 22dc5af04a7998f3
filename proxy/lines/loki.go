package lines

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"logctl/store"
)

// lokiStream is what a push has of one stream: lines with the same labels.
type lokiStream struct {
	labels  labels
	entries []lokiEntry
}

// lokiEntry is a line.
type lokiEntry struct {
	time     time.Time // in the machine's zone, as the times of other logs
	line     []byte
	metadata labels // structured metadata
}

// label is a name and its value, a text.
type label struct{ name, value string }

type labels []label

func (l labels) get(name string) (string, bool) {
	for i := range l {
		if l[i].name == name {
			return l[i].value, true
		}
	}
	return "", false
}

func (l labels) size() int {
	n := 0
	for i := range l {
		n += len(l[i].name) + len(l[i].value) + len(`"":"",`)
	}
	return n
}

// fewLabels is how many are looked for one by one in the object that they are added to.
const fewLabels = 12

// appendMembers appends the labels to an object without its end. A name that it has already gets prefix before it and, where that is no
// other name yet, _2, _3 and so on behind it; underscores at the beginning, by which the store knows names of its own, go. Without a prefix
// names stay.
func (l labels) appendMembers(dst []byte, prefix string) []byte {
	has := func(name string) bool { return holds(dst, name) }
	var names map[string]bool // of the object; nil: has looks at it
	if prefix != "" && len(l) > fewLabels {
		names = namesIn(dst)
		has = func(name string) bool { return names[name] }
	}
	numbers := map[string]int{} // the last one behind a name
	for i := range l {
		name := strings.TrimLeft(l[i].name, "_")
		if !utf8.ValidString(name) {
			name = string([]rune(name)) // as it will be written
		}
		if prefix != "" && (name == "" || has(name)) {
			first := prefix + name
			for name = first; has(name); name = fmt.Sprintf("%s_%d", first, numbers[first]+1) {
				numbers[first]++
			}
		}
		if names != nil {
			names[name] = true
		}
		dst = store.AppendJSONString(appendMember(dst, name), l[i].value)
	}
	return dst
}

// lokiTime is a time in nanoseconds since 1970, if it is one that a doc can hold.
func lokiTime(seconds, nanos int64) (time.Time, error) {
	const first, last = -62135596800, 253402300799 // years 1 to 9999
	if seconds < first || seconds > last || nanos < 0 || nanos >= 1e9 {
		return time.Time{}, store.NewError(store.KindBadRequest, "a timestamp is out of range")
	}
	return time.Unix(seconds, nanos), nil
}

// badPush is an error about the form of a push.
func badPush(reason string) error { return store.NewError(store.KindBadRequest, reason) }
