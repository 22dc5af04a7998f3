package proxy

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"logctl/proxy/token"
	"logctl/store"
)

// TestFeedsEnd: a feed ends soon after its reader's right to it, and no sooner.
func TestFeedsEnd(t *testing.T) {
	t.Parallel()
	endToken := func(f *fakeCouch) { clear(f.dbs[string(token.DB)]) }
	for name, tt := range map[string]struct {
		method, target string
		account        string
		end            func(f *fakeCouch)
	}{
		"expired token":         {"GET", "/log_app/_changes?feed=continuous", "", nil},
		"revoked token":         {"GET", "/log_app/_changes?feed=continuous", "", endToken},
		"revoked token, POST":   {"POST", "/log_app/_changes?feed=longpoll", "", endToken},
		"lost database":         {"GET", "/log_app/_all_docs", "", func(f *fakeCouch) { f.dbs[string(token.DB)] = nil }},
		"changed password":      {"GET", "/log_app/_changes?f%65ed=continuous", "reader", func(f *fakeCouch) { f.accounts["reader"] = "other" }},
		"lost role":             {"POST", "/log_app/_changes?feed=continuous", "reader", func(f *fakeCouch) { f.roles["reader"] = "" }},
		"deleted account":       {"GET", "/log_app/_design/x/_rewrite/feed", "boss", func(f *fakeCouch) { delete(f.accounts, "boss") }},
		"admin no longer, feed": {"GET", "/_db_updates", "boss", func(f *fakeCouch) { f.roles["boss"] = "log_reader" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFakeCouch()
				f.roles = map[string]string{"reader": "log_reader_app", "boss": store.AdminRole}
				f.accounts["boss"] = "pw"
				var feed bool
				door := newDoor(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.Contains(r.URL.Path, "/_session") || strings.Contains(r.URL.Path, token.DocPrefix) || strings.HasSuffix(r.URL.Path, "/_security") {
						f.ServeHTTP(w, r)
						return
					}
					feed = true
					<-r.Context().Done()
				}))
				r := newRequest(tt.method, tt.target, "{}", "Content-Type", jsonType)
				if tt.account != "" {
					r.SetBasicAuth(tt.account, "pw")
				} else {
					var expires time.Time
					if tt.end == nil {
						expires = time.Now().Add(time.Hour + time.Second)
					}
					r.Header.Set("Authorization", "Bearer "+addToken(t, f, token.Read, expires, "app"))
				}
				ctx, leave := context.WithCancel(r.Context())
				defer leave()
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					door.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
				}()
				time.Sleep(time.Hour)
				synctest.Wait()
				select {
				case <-ended:
					t.Fatal("it ended before the right did")
				default:
				}
				if tt.end != nil {
					f.mu.Lock()
					tt.end(f)
					f.mu.Unlock()
				}
				time.Sleep(watchTime)
				synctest.Wait()
				select {
				case <-ended:
					if !feed {
						t.Error("the store was not asked")
					}
				default:
					t.Error("it goes on without a right")
					leave()
					<-ended
				}
			})
		})
	}
}

// TestSlowWritesEnd: what comes so slowly that its sender's right to it has ended in the meantime is not stored.
func TestSlowWritesEnd(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stranger bool
		pause    time.Duration
		want     int
	}{
		"revoked":           {false, watchTime + time.Second, 403},
		"revoked, but soon": {false, watchTime - time.Second, 201},
		"stranger":          {true, watchTime + time.Second, 201},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeCouch()
			body, send := io.Pipe()
			defer body.Close()
			go func() {
				_, _ = io.WriteString(send, `{"a":`)
				time.Sleep(tt.pause)
				f.mu.Lock()
				clear(f.dbs[string(token.DB)])
				f.mu.Unlock()
				_, _ = io.WriteString(send, "1}")
				send.Close()
			}()
			r := newRequest("POST", "/log_app", "", "Content-Type", jsonType)
			if !tt.stranger {
				r.Header.Set("Authorization", "Bearer "+addToken(t, f, token.Write, time.Time{}, "app"))
			}
			r.Body, r.ContentLength = body, -1
			w := httptest.NewRecorder()
			newDoor(f).ServeHTTP(w, r)
			if w.Code != tt.want || slices.Contains(asked(f), "POST /log_app") != (tt.want == 201) {
				t.Errorf("%s: %d %s, the store was asked %q", name, w.Code, w.Body, asked(f))
			}
		})
	}
}

// cookieStore is a store with the account reader, whose session cookie is good for ten minutes and renewed after one, and a feed.
type cookieStore struct {
	mu     sync.Mutex
	gone   bool // the account is
	barred bool // from the database some/db
	silent bool // it gives no answer
	asked  int  // for the feed
}

func (s *cookieStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	gone, barred, silent := s.gone, s.barred, s.silent
	s.mu.Unlock()
	name := "null"
	if c, err := r.Cookie(sessionCookie); err == nil && !gone {
		made, _ := time.Parse("15-04-05", c.Value)
		now, _ := time.Parse("15-04-05", time.Now().UTC().Format("15-04-05"))
		switch age := now.Sub(made); {
		case age < time.Minute:
			name = `"reader"`
		case age < 10*time.Minute:
			name = `"reader"`
			w.Header().Set("Set-Cookie", sessionCookie+"="+now.Format("15-04-05")+"; Path=/; HttpOnly")
		}
	}
	switch {
	case silent:
		<-r.Context().Done()
	case r.URL.Path == "/_session":
		fakeAnswer(w, 200, `{"userCtx":{"name":`+name+`,"roles":[]}}`)
	case name == "null" || barred && r.URL.Path == "/some/db/_security":
		fakeError(w, 403, "forbidden", "You are not allowed to access this db.")
	case strings.HasSuffix(r.URL.Path, "/_security"):
		fakeAnswer(w, 200, "{}")
	default:
		s.mu.Lock()
		s.asked++
		s.mu.Unlock()
		<-r.Context().Done()
	}
}

// TestFeedsOfCookies: a feed that was begun with a session cookie outlives that, and ends soon after the account, or its leave to read the
// database.
func TestFeedsOfCookies(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		target string
		end    func(s *cookieStore)
		in     time.Duration
	}{
		"deleted account":        {"/log_app/_changes?feed=continuous", func(s *cookieStore) { s.gone = true }, watchTime},
		"no member any more":     {"/some%2Fdb/_changes?feed=continuous", func(s *cookieStore) { s.barred = true }, watchTime},
		"no member, double path": {"//some%2Fdb//_changes?feed=continuous", func(s *cookieStore) { s.barred = true }, watchTime},
		"nobody can tell":        {"/_db_updates?feed=continuous", func(s *cookieStore) { s.silent = true }, watchTime + answerIn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &cookieStore{}
				r := newRequest("GET", tt.target, "", "Cookie", sessionCookie+"="+time.Now().UTC().Format("15-04-05"))
				ended := make(chan struct{})
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				go func() {
					defer close(ended)
					newDoor(s).ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
				}()
				time.Sleep(time.Hour)
				synctest.Wait()
				select {
				case <-ended:
					t.Fatal("it ended before the right did")
				default:
				}
				s.mu.Lock()
				tt.end(s)
				s.mu.Unlock()
				time.Sleep(tt.in)
				synctest.Wait()
				select {
				case <-ended:
					if s.asked != 1 {
						t.Errorf("the feed was asked for %d times", s.asked)
					}
				default:
					t.Error("it goes on without a right")
					leave()
					<-ended
				}
			})
		})
	}
}
