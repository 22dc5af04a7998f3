package headers

import (
	"net/http"
	"slices"
	"testing"

	"logctl/store"
)

func TestAccepts(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"": true, ",": true, "*/*": true, "application/json": true, "application/*": true, "text/html, application/json; q=0.1": true,
		"application/json;q=0": false, "application/json; q=0.00, */*": false, "application/*;q=0,application/json": false, "*/*;q=0": false,
		"text/*": false, "application/jsonx": false, "application/json;q=0.05": true, "application/json;q=1": true, "text/html": false,
	} {
		r := &http.Request{Header: http.Header{}}
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		if Accepts(r, "application/json") != want {
			t.Errorf("%q: %v", accept, !want)
		}
	}
}

func TestAcceptsGzip(t *testing.T) {
	t.Parallel()
	for codings, want := range map[string]bool{
		"": false, "gzip": true, "GZip": true, "deflate, gzip": true, "*": true, "deflate": false, "gzip;q=0": false, "gzip ; q=0.0": false,
		"gzip ; q=0.5": true, "gzip; q = 0": false, "*;q=0": false, "gzip;q=01": true,
	} {
		r := &http.Request{Header: http.Header{"Accept-Encoding": {codings}}}
		if AcceptsGzip(r) != want {
			t.Errorf("%q: %v", codings, !want)
		}
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	for header, want := range map[string][]Range{
		"": nil, "lines=1-2": nil, "1-2": nil, "bytes=": nil, "bytes=5": nil, "bytes=-": nil, "bytes=x-2": nil, "bytes=1-x": nil, "bytes=0-": nil,
		"bytes=0-0": {{0, 0}}, "bytes=2-4": {{2, 4}}, "bytes=4-4": {{4, 4}}, "bytes=7-": {{7, 9}}, "bytes=9-": {{9, 9}}, "bytes=-3": {{7, 9}}, "bytes=-99": {{0, 9}}, "bytes=5-99": {{5, 9}},
		"bytes=0-1, -2,4-": {{0, 1}, {8, 9}, {4, 9}}, "bytes=0-1,x": nil, "bytes=0-1,0-": nil,
	} {
		if got, err := Ranges(header, 10); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", header, got, err)
		}
	}
	for _, header := range []string{"bytes=4-3", "bytes=10-", "bytes=10-12", "bytes=-0", "bytes=0-1,10-"} {
		if got, err := Ranges(header, 10); !store.IsKind(err, store.KindBadRange) {
			t.Errorf("%q: %v, %v", header, got, err)
		}
	}
	if text := (Range{2, 4}).Content(10); text != "bytes 2-4/10" {
		t.Error(text)
	}
}

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
		"text/plain": true, "TEXT/html; charset=utf-8": true, "text": false, "application/json": true, "application/jsonx": false, "": false, "text/": true,
		" application/json ; charset=utf-8": true, "application/jso": false, "xtext/plain": false,
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
		exposed                        string
	}{
		{CORS{}, "OPTIONS", a, "GET", "", false, "", "", ""},
		{CORS{Origins: "*"}, "GET", "", "GET", "", false, "", "", ""},
		{CORS{Origins: "http://b.com"}, "GET", a, "GET", "", false, "", "", ""},
		{CORS{Origins: "http://b.com, " + a, Methods: "GET,PUT"}, "OPTIONS", a, "PUT", "", true, "GET, PUT", "", ""},
		{CORS{Origins: a, Headers: "x-foo,content-type"}, "OPTIONS", a, "PUT", "X-Foo, content-type", true, corsMethods, "X-Foo, content-type", ""},
		{CORS{Origins: "*"}, "OPTIONS", a, "PUT", "X-Foo", false, "", "", corsExposed},
		{CORS{Origins: "*"}, "OPTIONS", a, "", "", false, "", "", corsExposed},
		{CORS{Origins: "*", Credentials: true}, "GET", a, "GET", "", false, "", "", corsExposed},
	} {
		r := &http.Request{Method: c.method, Header: http.Header{}}
		r.Header.Set("Origin", c.origin)
		r.Header.Set("Access-Control-Request-Method", c.wanted)
		r.Header.Set("Access-Control-Request-Headers", c.fields)
		h := http.Header{}
		if got := c.cors.Allow(h, r); got != c.preflight || h.Get("Access-Control-Allow-Methods") != c.methods ||
			h.Get("Access-Control-Allow-Headers") != c.headers || h.Get("Access-Control-Expose-Headers") != c.exposed {
			t.Errorf("%+v: %v %v", c, got, h)
		}
		origin, age, credentials := "", "", ""
		if c.preflight || c.exposed != "" {
			origin = a
		}
		if c.preflight {
			age = corsMaxAge
		}
		if c.cors.Credentials {
			credentials = "true"
		}
		if h.Get("Access-Control-Allow-Origin") != origin || (h.Get("Vary") == "Origin") != (origin != "") ||
			h.Get("Access-Control-Max-Age") != age || h.Get("Access-Control-Allow-Credentials") != credentials {
			t.Errorf("%+v: %v", c, h)
		}
	}
}
