package proxy

import (
	"net/http"
	"slices"
	"testing"

	"logctl/store"
)

// newBossDoor is a door in front of a store where boss is an admin.
func newBossDoor() (*Door, *fakeCouch) {
	f := newFakeCouch()
	f.accounts["boss"] = "pw"
	f.roles = map[string]string{"boss": store.AdminRole}
	return newDoor(f), f
}

// TestOtherSites: what a page of another site has a browser post with its user's cookie or password changes nothing, whether the
// store wants a body or not. Programs, pages of this server and those that have asked first get through.
func TestOtherSites(t *testing.T) {
	t.Parallel()
	const noHeader = ""
	for _, from := range []struct {
		name, value string
		through     bool
	}{
		{noHeader, "", true},
		{"Sec-Fetch-Site", "same-origin", true}, {"Sec-Fetch-Site", "none", true}, {"Origin", "http://example.com", true},
		{"Sec-Fetch-Site", "same-site", false}, {"Sec-Fetch-Site", "cross-site", false},
		{"Origin", "https://evil.example", false}, {"Origin", "null", false}, {"Origin", "http://example.com:81", false},
	} {
		for _, kind := range []struct {
			value string
			asks  bool // a browser asks first
		}{
			{"", false}, {"text/plain;charset=UTF-8", false}, {"Text/Plain", false}, {"application/x-www-form-urlencoded", false},
			{" multipart/form-data; boundary=x", false}, {jsonType, true}, {"application/octet-stream", true},
		} {
			for _, target := range []string{"/log_app/_view_cleanup", "/_node/_local/_config/_reload", "/_node/_local/_restart", "/log_app/_compact",
				"/log_app", "/log_app/doc", "/log_app/_design/x/_update/y", "/other/_view_cleanup", "/_replicate", "//log_app/_view_cleanup"} {
				for _, by := range [][]string{{"Cookie", "AuthSession=good-boss"}, {"Authorization", basicHeader("boss", "pw")}} {
					door, f := newBossDoor()
					headers := slices.Clone(by)
					if from.name != noHeader {
						headers = append(headers, from.name, from.value)
					}
					if kind.value != "" {
						headers = append(headers, "Content-Type", kind.value)
					}
					w := call(door, "POST", target, "{}", headers...)
					want := from.through || kind.asks
					if through := slices.Equal(asked(f), []string{"POST " + target}); through != want || !want && w.Code != 403 {
						t.Errorf("POST %s of type %q, %s: %q: %d %s, the store was asked %q", target, kind.value, from.name, from.value, w.Code, w.Body, asked(f))
					}
				}
			}
		}
	}
	door, f := newBossDoor()
	call(door, "POST", "/log_app/_view_cleanup", "", "Cookie", "AuthSession=good-boss", "Origin", "https://evil.example", "Content-Type", jsonType, "Content-Type", "text/plain")
	call(door, "GET", "/log_app/_all_docs", "", "Cookie", "AuthSession=good-boss", "Sec-Fetch-Site", "cross-site")
	if got := asked(f); !slices.Equal(got, []string{"GET /log_app/_all_docs"}) {
		t.Errorf("the store was asked %q", got)
	}
}

// TestLoginByOtherSites: no page of another site signs a browser in, as whom it likes, to read along what its user does from then on.
// Programs, pages of this server and those that have asked first do.
func TestLoginByOtherSites(t *testing.T) {
	t.Parallel()
	for _, from := range []struct {
		name, value string
		through     bool
	}{
		{"", "", true},
		{"Sec-Fetch-Site", "same-origin", true}, {"Sec-Fetch-Site", "none", true}, {"Origin", "http://example.com", true},
		{"Sec-Fetch-Site", "same-site", false}, {"Sec-Fetch-Site", "cross-site", false},
		{"Origin", "https://evil.example", false}, {"Origin", "null", false}, {"Origin", "http://example.com:81", false},
	} {
		for _, body := range []struct {
			kind, text string
			asks       bool // a browser asks first
		}{
			{formType, "name=boss&password=pw", false}, {formType + "; charset=UTF-8", "name=boss&password=pw", false},
			{jsonType, `{"name":"boss","password":"pw"}`, true},
		} {
			for _, cookie := range []string{"", "AuthSession=good-boss"} {
				f, through := newFakeCouch(), false
				door := newDoor(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method != http.MethodPost {
						f.ServeHTTP(w, r)
						return
					}
					through = true
					w.Header().Set("Set-Cookie", "AuthSession=good-boss")
					fakeAnswer(w, 200, `{"ok":true}`)
				}))
				headers := []string{"Content-Type", body.kind}
				if cookie != "" {
					headers = append(headers, "Cookie", cookie)
				}
				if from.name != "" {
					headers = append(headers, from.name, from.value)
				}
				w := call(door, "POST", "/_session", body.text, headers...)
				code, gets := 403, from.through || body.asks
				if gets {
					code = 200
				}
				if w.Code != code || through != gets || (w.Header()["Set-Cookie"] != nil) != gets {
					t.Errorf("%s, cookie %q, %s: %q: %d %s", body.kind, cookie, from.name, from.value, w.Code, w.Body)
				}
			}
		}
	}
}

// TestRewrites: an analyst's link does nothing with the rights of whoever opens it in a browser, however it is spelled. Rewrites in other
// databases, and those of a program with a password, are what they are in CouchDB.
func TestRewrites(t *testing.T) {
	t.Parallel()
	cookie := []string{"Cookie", "AuthSession=good-boss"}
	basic := []string{"Authorization", basicHeader("boss", "pw")}
	for _, tt := range []struct {
		target  string
		headers []string
		through bool
	}{
		{"/log_app/_design/x/_rewrite/y", cookie, false},
		{"/log_app/_design/x/_rewrite", cookie, false},
		{"/log_app_rejects/_design/x/_rewrite/y?z", cookie, false},
		{"/log_app/_design%2Fx/_rewrite/y", cookie, false},
		{"/log_app/_design/x/%5Frewrite/y", cookie, false},
		{"//log_app/_design/x//_rewrite/y", cookie, false},
		{"/log%255Fapp/_design/x/%255Frewrite/y", cookie, false},
		{"/x/../log_app/_design/x/_rewrite/y", cookie, false},
		{"/log_app/_partition/p/_design/x/_rewrite/y", cookie, false},
		{"/log_a+b/_design/x/_rewrite/y", cookie, false},
		{"/log_app/_design/x/_rewrite/y", append(basic, "Sec-Fetch-Site", "none"), false},
		{"/log_app/_design/x/_rewrite/y", append(basic, cookie...), false},
		{"/log_app/_design/x/_rewrite/y", basic, true},
		{"/log_app/_design/x/_show/_rewrites", cookie, true},
		{"/site/_design/x/_rewrite/y", cookie, true},
	} {
		for _, method := range []string{"GET", "POST"} {
			door, f := newBossDoor()
			w := call(door, method, tt.target, "{}", append(tt.headers, "Content-Type", jsonType)...)
			if through := slices.Equal(asked(f), []string{method + " " + tt.target}); through != tt.through || !tt.through && w.Code != 403 {
				t.Errorf("%s %s, %q: %d %s, the store was asked %q", method, tt.target, tt.headers, w.Code, w.Body, asked(f))
			}
		}
	}
}
