package couchapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// ordered is a JSON object that keeps the order of its members: revisions depend on it.
type ordered []member

type member struct {
	key string
	val any
}

func (o ordered) get(key string) (any, bool) {
	for _, m := range o {
		if m.key == key {
			return m.val, true
		}
	}
	return nil, false
}

func (o ordered) has(key string) bool { _, ok := o.get(key); return ok }

func (o ordered) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		key, err := encode(m.key)
		if err != nil {
			return nil, err
		}
		val, err := encode(m.val)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, key...), ':'), val...)
	}
	return append(out, '}'), nil
}

// encode is v as JSON, without the escapes that encoding/json adds for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// spaced is JSON with a blank after each comma and colon, as those who recorded the transcripts sent it: a body that becomes
// an attachment has a digest.
func spaced(raw []byte) []byte {
	var out []byte
	quoted, escaped := false, false
	for _, c := range raw {
		out = append(out, c)
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == ':'):
			out = append(out, ' ')
		}
	}
	return out
}

// decode reads one JSON value: objects as ordered, numbers as json.Number.
func decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := decodeValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the value")
	}
	return v, nil
}

func decodeValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		o := ordered{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			val, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			o = append(o, member{key.(string), val})
		}
		_, err := d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			val, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, val)
		}
		_, err := d.Token()
		return list, err
	}
	return t, nil
}
