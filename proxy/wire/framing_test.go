package wire

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// plainRequest is one of an HTTP/1 connection's as the strictest reader sees it.
type plainRequest struct {
	line    string // the first
	body    string // of a length, as far as it is there
	chunked bool
}

var (
	plainLine  = regexp.MustCompile(`HTTP/1\.[01]$`)
	plainField = regexp.MustCompile(`^[^ \t\r\n][^\r\n]*$`)
	plainCount = regexp.MustCompile(`^[0-9]+$`)
)

// readStrictly reads all of a connection at once, with whole lines and none of framing's ways. bad: what comes behind the requests is
// not to be answered. It is false where the bytes end too early to tell.
func readStrictly(raw string) (list []plainRequest, bad bool) {
	for {
		for strings.HasPrefix(raw, "\r\n") {
			raw = raw[2:]
		}
		header, rest, ok := strings.Cut(raw, "\r\n\r\n")
		if !ok {
			return list, false
		}
		raw = rest
		lines := strings.Split(header, "\r\n")
		r := plainRequest{line: lines[0]}
		if strings.ContainsAny(r.line, "\r\n") || !plainLine.MatchString(r.line) {
			return list, true
		}
		var said []string
		length := 0
		for _, line := range lines[1:] {
			if !plainField.MatchString(line) {
				return list, true
			}
			name, value, hasColon := strings.Cut(line, ":")
			if !hasColon {
				continue // net/http refuses it, as it does names with blanks
			}
			value = strings.Trim(value, " \t")
			switch {
			case equalASCII(name, "content-length"):
				said = append(said, name)
				n, err := strconv.ParseInt(value, 10, 64)
				if err != nil || !plainCount.MatchString(value) || n > math.MaxInt64-8 {
					return list, true
				}
				length = int(n)
			case equalASCII(name, "transfer-encoding"):
				said = append(said, name)
				if r.chunked = equalASCII(value, "chunked"); !r.chunked || strings.HasSuffix(r.line, "0") {
					return list, true
				}
			}
		}
		if len(said) > 1 {
			return list, true
		}
		r.body = raw[:min(length, len(raw))]
		raw = raw[len(r.body):]
		list = append(list, r)
		if r.chunked {
			return list, true
		}
		if len(r.body) < length {
			return list, false
		}
	}
}

// equalASCII tells whether s is want but for the case of letters: of ASCII's, for to others K, U+212A, is a k, too.
func equalASCII(s, want string) bool { return len(s) == len(want) && strings.EqualFold(s, want) }

// tricks are requests that two servers may read in two ways. net/http takes those of the first kind without a word.
var tricks = []struct {
	name   string
	silent bool
	text   string // behind "POST /log_app HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
}{
	{"both lengths", true, "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"both lengths, chunks first", true, "transfer-encoding:CHUNKED\r\nCONTENT-LENGTH:\t17 \r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"both lengths, none", true, "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"the same length twice", true, "Content-Length: 7\r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
	{"a folded coding", true, "Transfer-Encoding:\r\n chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"a folded field", true, "X: y\r\n\tTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
	{"a folded empty line", true, "X: y\r\n \r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
	{"a bare line feed", true, "X: y\nContent-Length: 7\r\n\r\n{\"a\":1}"},
	{"a bare line feed behind the length", true, "Content-Length: 7\n\r\n{\"a\":1}"},
	{"a bare line feed at the end", true, "Content-Length: 7\r\n\n{\"a\":1}"},
	{"two lengths", false, "Content-Length: 7\r\nContent-Length: 8\r\n\r\n{\"a\":1} "},
	{"two lengths in one", false, "Content-Length: 7, 7\r\n\r\n{\"a\":1}"},
	{"a sign", false, "Content-Length: +7\r\n\r\n{\"a\":1}"},
	{"hexadecimal", false, "Content-Length: 0x7\r\n\r\n{\"a\":1}"},
	{"no number", false, "Content-Length:\r\n\r\n"},
	{"a number too large", false, "Content-Length: 18446744073709551623\r\n\r\n{\"a\":1}"},
	{"a blank before the colon", false, "Content-Length: 7\r\nTransfer-Encoding : chunked\r\n\r\n{\"a\":1}"},
	{"an unknown coding", false, "Transfer-Encoding: xchunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"a list of codings", false, "Transfer-Encoding: identity, chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"no coding", false, "Transfer-Encoding:\r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
	{"a coding of other letters", false, "Transfer-Encoding: chun\u212aed\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"two codings", false, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"a bare carriage return", false, "X: y\rContent-Length: 7\r\n\r\n{\"a\":1}"},
	{"no colon", false, "Content-Length 7\r\n\r\n{\"a\":1}"},
	{"no name", false, ": x\r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
}

const (
	trickyPost = "POST /log_app HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	plainPost  = trickyPost + "Content-Length: 7\r\n\r\n{\"a\":1}"
	hiddenGet  = "GET /_up HTTP/1.1\r\nHost: x\r\n\r\n"
)

// TestTricks: framing finds each trick that net/http would take, however the bytes come, also behind other requests; of all it thinks as a
// reader of whole lines does.
func TestTricks(t *testing.T) {
	t.Parallel()
	for _, tt := range tricks {
		for before := range 3 {
			raw := []byte(strings.Repeat(plainPost+"\r\n", before) + trickyPost + tt.text + hiddenGet)
			list, bad := readStrictly(string(raw))
			if tt.silent && (!bad || len(list) != before) {
				t.Errorf("%s, behind %d: read strictly, %d requests", tt.name, before, len(list))
			}
			for cut := range raw {
				var f framing
				f.read(raw[:cut])
				f.read(raw[cut:])
				n := int64(len(list)) + 1
				if f.refuses(n-1) || f.refuses(n) != bad || f.refuses(n+1) != bad {
					t.Fatalf("%s, behind %d, cut at %d: the first bad request is %d", tt.name, before, cut, f.bad.Load())
				}
			}
		}
	}
}

// FuzzFraming holds framing, with bytes in pieces of any size, against a strict reading of the whole.
func FuzzFraming(f *testing.F) {
	for _, tt := range tricks {
		f.Add([]byte(plainPost+trickyPost+tt.text+hiddenGet), uint16(5))
	}
	f.Add([]byte("\r\n"+hiddenGet+"\r\n\r\n"+plainPost), uint16(1))
	f.Add([]byte("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), uint16(3))
	f.Add([]byte("GET / HTTP/1.1\r\nContent-Length: 9223372036854775799\r\n\r\nx"), uint16(9))
	f.Fuzz(func(t *testing.T, raw []byte, size uint16) {
		list, bad := readStrictly(string(raw))
		var fr framing
		for rest := raw; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			fr.read(rest[:n])
			rest = rest[n:]
		}
		got := fr.bad.Load()
		if fr.requests != int64(len(list)) || bad && got != fr.requests+1 || !bad && got != 0 && got != fr.requests+1 {
			t.Errorf("%d requests, then bad %v; framing has %d and %d", len(list), bad, fr.requests, got)
		}
	})
}

// BenchmarkFraming reads the headers of what curl and Go's client send.
func BenchmarkFraming(b *testing.B) {
	raw := []byte("POST /log_app HTTP/1.1\r\nHost: log.example.com:5984\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 98\r\n" +
		"Accept: application/json\r\nAuthorization: Bearer lct_" + strings.Repeat("x", 72) + "\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n" +
		strings.Repeat("x", 98))
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	var f framing
	for b.Loop() {
		f.read(raw)
	}
	if f.bad.Load() != 0 || f.requests != int64(b.N) {
		b.Error(f.bad.Load(), f.requests)
	}
}
