package couchapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"strings"
)

// checkBody compares the body of an answer.
func checkBody(m *matcher, body any, rep reply) string {
	b, ok := body.(ordered)
	if !ok {
		return ""
	}
	kind, want := b[0].key, b[0].val
	switch kind {
	case "json":
		got, err := decode(rep.body)
		if err != nil {
			return "body is not JSON: " + brief(string(rep.body))
		}
		return m.diff(want, got, "")
	case "lines":
		return checkLines(m, b, rep)
	case "multipart":
		got, err := parseMultipart(rep.header.Get("Content-Type"), rep.body)
		if err != nil {
			return err.Error()
		}
		return m.diff(want, got, "")
	case "base64":
		raw, err := base64.StdEncoding.DecodeString(want.(string))
		if err != nil || !bytes.Equal(raw, rep.body) {
			return fmt.Sprintf("body bytes differ (%d, want %d)", len(rep.body), len(raw))
		}
		return ""
	case "empty":
		if len(rep.body) > 0 {
			return "want an empty body, got " + brief(string(rep.body))
		}
		return ""
	case "text":
		return m.diff(want, string(rep.body), "")
	}
	return "unknown kind of body " + kind
}

func checkLines(m *matcher, b ordered, rep reply) string {
	want, _ := b.get("lines")
	got, beats := []any{}, -1
	for line := range strings.SplitSeq(string(rep.body), "\n") {
		if strings.TrimSpace(line) == "" {
			beats++
			continue
		}
		v, err := decode([]byte(line))
		if err != nil {
			return "line is not JSON: " + brief(line)
		}
		got = append(got, v)
	}
	if least, ok := b.get("min_heartbeats"); ok {
		if n, _ := least.(json.Number).Int64(); beats < int(n) {
			return fmt.Sprintf("only %d heartbeats, want at least %d", beats, n)
		}
	}
	return m.diff(want, got, "")
}

// parseMultipart reads a MIME message into [{"content_type":…, "json"|"text"|"multipart":…}].
func parseMultipart(contentType string, data []byte) ([]any, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return nil, fmt.Errorf("no boundary in %q", contentType)
	}
	out := []any{}
	parts := strings.Split("\r\n"+string(data), "\r\n--"+params["boundary"])
	for _, part := range parts[1:] {
		if strings.HasPrefix(part, "--") {
			return out, nil
		}
		head, body, _ := strings.Cut(part, "\r\n\r\n")
		one := ordered{}
		ct := ""
		for line := range strings.SplitSeq(head, "\r\n") {
			k, v, ok := strings.Cut(line, ":")
			if !ok {
				continue
			}
			k, v = strings.ToLower(strings.TrimSpace(k)), strings.TrimSpace(v)
			switch k {
			case "content-type":
				ct = v
			case "content-disposition", "content-encoding", "content-length":
				one = append(one, member{strings.ReplaceAll(k, "-", "_"), v})
			}
		}
		shown, _, _ := strings.Cut(ct, "; boundary=")
		one = append(one, member{"content_type", shown})
		switch {
		case strings.HasPrefix(ct, "multipart/"):
			inner, err := parseMultipart(ct, []byte(body))
			if err != nil {
				return nil, err
			}
			one = append(one, member{"multipart", inner})
		case strings.HasPrefix(ct, "application/json") || ct == "" && strings.HasPrefix(body, "{"):
			v, err := decode([]byte(body))
			if err != nil {
				return nil, err
			}
			one = append(one, member{"json", v})
		default:
			one = append(one, member{"text", body})
		}
		out = append(out, one)
	}
	return nil, fmt.Errorf("%s without an end", kind)
}
