package headers

import (
	"net/http"
	"testing"
)

// FuzzRanges looks for a range that is not in the body.
func FuzzRanges(f *testing.F) {
	f.Add("bytes=0-1,-5,3-", int64(10))
	f.Add("bytes=9223372036854775807-", int64(0))
	f.Add("bytes=-0,--9223372036854775808, +1-+2 ,,-9223372036854775807", int64(1)<<62)
	f.Fuzz(func(t *testing.T, header string, length int64) {
		if length < 0 {
			return
		}
		ranges, err := Ranges(header, length)
		for _, r := range ranges {
			if err == nil && (r.From < 0 || r.From > r.To || r.To >= length) {
				t.Errorf("%q of %d bytes: %+v", header, length, r)
			}
		}
	})
}

func TestTypeIn(t *testing.T) {
	t.Parallel()
	const list = "text/*, application/json"
	for kind, want := range map[string]bool{
		"text/plain": true, "TEXT/html; charset=utf-8": true, "text": false, "application/json": true, "application/jsonx": false, "": false,
	} {
		if TypeIn(kind, list) != want {
			t.Errorf("%q: %v", kind, !want)
		}
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	const a = "http://a.com"
	for _, c := range []struct {
		cors                           CORS
		method, origin, wanted, fields string
		preflight                      bool
		methods, headers               string
	}{
		{CORS{}, "OPTIONS", a, "GET", "", false, "", ""},
		{CORS{Origins: "http://b.com, " + a, Methods: "GET,PUT"}, "OPTIONS", a, "PUT", "", true, "GET, PUT", ""},
		{CORS{Origins: a, Headers: "x-foo,content-type"}, "OPTIONS", a, "PUT", "X-Foo, content-type", true, corsMethods, "X-Foo, content-type"},
		{CORS{Origins: "*"}, "OPTIONS", a, "PUT", "X-Foo", false, "", ""},
		{CORS{Origins: "*"}, "OPTIONS", a, "", "", false, "", ""},
		{CORS{Origins: "*"}, "GET", a, "GET", "", false, "", ""},
	} {
		r := &http.Request{Method: c.method, Header: http.Header{}}
		r.Header.Set("Origin", c.origin)
		r.Header.Set("Access-Control-Request-Method", c.wanted)
		r.Header.Set("Access-Control-Request-Headers", c.fields)
		h := http.Header{}
		if got := c.cors.Allow(h, r); got != c.preflight || h.Get("Access-Control-Allow-Methods") != c.methods ||
			h.Get("Access-Control-Allow-Headers") != c.headers {
			t.Errorf("%+v: %v %v", c, got, h)
		}
	}
}
