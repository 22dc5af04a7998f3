package proxy

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
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
					if strings.Contains(r.URL.Path, "/_session") || strings.Contains(r.URL.Path, token.DocPrefix) {
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
					r.Header.Set("Authorization", "Bearer "+addToken(t, f, token.Read, time.Time{}, "app"))
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
				f.mu.Lock()
				tt.end(f)
				f.mu.Unlock()
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
