package lines

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// decodePushProto reads a push in protocol buffers, of Loki's logproto:
//
//	PushRequest  1 streams, repeated
//	stream       1 labels, a text such as {job="x", host="y"}; 2 entries, repeated
//	entry        1 timestamp, 2 line, 3 structured metadata, repeated
//	timestamp    1 seconds, 2 nanoseconds
//	metadata     1 name, 2 value
//
// The lines are parts of body.
func decodePushProto(body []byte) ([]lokiStream, error) {
	var streams []lokiStream
	err := fields(body, func(num protowire.Number, value []byte, _ uint64) error {
		if num != 1 {
			return nil
		}
		st, err := decodeStreamProto(value)
		streams = append(streams, st)
		return err
	})
	return streams, err
}

func decodeStreamProto(b []byte) (lokiStream, error) {
	var st lokiStream
	err := fields(b, func(num protowire.Number, value []byte, _ uint64) (err error) {
		switch num {
		case 1:
			st.labels, err = parseLabels(string(value))
		case 2:
			var e lokiEntry
			e, err = decodeEntryProto(value)
			st.entries = append(st.entries, e)
		}
		return err
	})
	return st, err
}

func decodeEntryProto(b []byte) (lokiEntry, error) {
	var e lokiEntry
	var seconds, nanos int64
	err := fields(b, func(num protowire.Number, value []byte, _ uint64) error {
		switch num {
		case 1:
			return fields(value, func(num protowire.Number, _ []byte, n uint64) error {
				switch num {
				case 1:
					seconds = int64(n)
				case 2:
					nanos = int64(int32(n))
				}
				return nil
			})
		case 2:
			e.line = value
		case 3:
			var l label
			err := fields(value, func(num protowire.Number, value []byte, _ uint64) error {
				switch num {
				case 1:
					l.name = string(value)
				case 2:
					l.value = string(value)
				}
				return nil
			})
			e.metadata = append(e.metadata, l)
			return err
		}
		return nil
	})
	if err != nil {
		return e, err
	}
	e.time, err = lokiTime(seconds, nanos)
	return e, err
}

// errProto is about bytes that are no message.
var errProto = badPush("the push is not in Loki's protocol buffers")

// fields calls fn for each field of a message, with its bytes or its number.
func fields(b []byte, fn func(num protowire.Number, value []byte, n uint64) error) error {
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errProto
		}
		b = b[n:]
		var value []byte
		var number uint64
		switch kind {
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(b)
		default:
			n = protowire.ConsumeFieldValue(num, kind, b)
		}
		if n < 0 {
			return errProto
		}
		b = b[n:]
		if err := fn(num, value, number); err != nil {
			return err
		}
	}
	return nil
}

// parseLabels reads labels as Prometheus writes them: {name="value", …}, the values quoted as Go quotes.
func parseLabels(s string) (labels, error) {
	bad := func() (labels, error) {
		return nil, badPush("a stream's labels are not in the form {name=\"value\"}")
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "{")
	if !ok {
		return bad()
	}
	var all labels
	for {
		rest = strings.TrimSpace(rest)
		if tail, ok := strings.CutPrefix(rest, "}"); ok {
			if strings.TrimSpace(tail) != "" {
				return bad()
			}
			return all, nil
		}
		name, value, ok := strings.Cut(rest, "=")
		if name = strings.TrimSpace(name); !ok || !isLabelName(name) {
			return bad()
		}
		value = strings.TrimSpace(value)
		quoted, err := strconv.QuotedPrefix(value)
		if err != nil || quoted[0] == '\'' {
			return bad()
		}
		text, err := strconv.Unquote(quoted)
		if err != nil {
			return bad()
		}
		all = append(all, label{name, text})
		rest = strings.TrimSpace(value[len(quoted):])
		if tail, ok := strings.CutPrefix(rest, ","); ok {
			rest = tail
		} else if !strings.HasPrefix(rest, "}") {
			return bad()
		}
	}
}

// isLabelName tells whether s is a name without quotation marks.
func isLabelName(s string) bool {
	return s != "" && !strings.ContainsAny(s, "{}\"`', \t\n")
}
