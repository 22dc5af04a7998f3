package pods

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// api is Kubernetes' as far as it is asked: it wants a token, and knows the pod web-1.
type api struct {
	*httptest.Server
	t        *testing.T
	token    string
	status   int    // instead of an answer
	metadata string // of the pod
	asked    []string
	l        *Labels
	notes    []string
	now      time.Time
}

func newAPI(t *testing.T) *api {
	a := &api{t: t, token: "secret", now: time.Now(), metadata: `{"uid":"u1","labels":{"b":"\u003c2","app.kubernetes.io/name":"web"}}`}
	a.Server = httptest.NewUnstartedServer(a)
	a.Config.ErrorLog = log.New(io.Discard, "", 0)
	a.StartTLS()
	t.Cleanup(a.Close)
	dir := t.TempDir()
	a.l = New(a.URL, dir, func(text string) { a.notes = append(a.notes, text) })
	a.l.now = func() time.Time { return a.now }
	a.file("token", "secret\n")
	a.file("ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.Certificate().Raw})))
	return a
}

func (a *api) file(name, text string) {
	if err := os.WriteFile(filepath.Join(a.l.dir, name), []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.asked = append(a.asked, r.Method+" "+r.URL.Path)
	switch {
	case r.Header.Get("Authorization") != "Bearer "+a.token:
		w.WriteHeader(http.StatusUnauthorized)
	case a.status != 0:
		w.WriteHeader(a.status)
	case !strings.Contains(r.Header.Get("Accept"), "PartialObjectMetadata"):
		w.WriteHeader(http.StatusNotAcceptable)
	default:
		fmt.Fprintf(w, `{"kind":"PartialObjectMetadata","metadata":%s}`, a.metadata)
	}
}

var web1 = Pod{"shop", "web-1", "u1"}

const webLabels = `{"a":1,"labels":{"app.kubernetes.io/name":"web","b":"<2"}}`

func (a *api) check(pod Pod, want string, asked int) {
	a.t.Helper()
	if got := string(a.l.Append([]byte(`x{"a":1}`), 1, pod)); got != "x"+want {
		a.t.Errorf("got %s, want %s", got, want)
	}
	if len(a.asked) != asked {
		a.t.Errorf("asked %q, want %d requests", a.asked, asked)
	}
}

// Labels are asked for once in a while, and added to docs that have none.
func TestLabels(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.check(web1, webLabels, 1)
	a.check(web1, webLabels, 1)
	if a.asked[0] != "GET /api/v1/namespaces/shop/pods/web-1" {
		t.Errorf("%q", a.asked)
	}
	a.metadata = `{"uid":"u1","labels":{"c":"d"}}`
	a.now = a.now.Add(freshFor)
	a.check(web1, `{"a":1,"labels":{"c":"d"}}`, 2)
	for _, doc := range []string{`{"labels":5}`, `{"x":{"y":1},"labels":{"own":"1"}}`} {
		if got := string(a.l.Append([]byte(doc), 0, web1)); got != doc {
			t.Errorf("%s became %s", doc, got)
		}
	}
	if got := string(a.l.Append([]byte(`{}`), 0, web1)); got != `{"labels":{"c":"d"}}` {
		t.Error(got)
	}
	if len(a.notes) > 0 {
		t.Errorf("%q", a.notes)
	}
}

// Another pod of that name has its own labels; a static one is known by its manifest's hash; what is no name is not asked for.
func TestWhichPod(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.check(Pod{"shop", "web-1", "older"}, `{"a":1}`, 1)
	a.check(Pod{"shop", "web-1", "older"}, `{"a":1}`, 1)
	a.metadata = `{"uid":"u9","labels":{"c":"d"},"annotations":{"kubernetes.io/config.mirror":"hash"}}`
	a.check(Pod{"kube-system", "etcd-1", "hash"}, `{"a":1,"labels":{"c":"d"}}`, 2)
	for _, pod := range []Pod{{}, {"shop", "../x", "u1"}, {"shop", "a?b", "u1"}, {"..", "x", "u1"}} {
		a.check(pod, `{"a":1}`, 2)
	}
	a.metadata = `{"uid":"u1","labels":{"c":"` + strings.Repeat("x", maxLabels) + `"}}`
	a.check(web1, `{"a":1}`, 3)
	a.metadata = `{"uid":"u2"}`
	a.check(Pod{"shop", "bare", "u2"}, `{"a":1}`, 4)
	a.status = http.StatusNotFound
	a.check(Pod{"shop", "gone", "u3"}, `{"a":1}`, 5)
	if len(a.notes) > 0 {
		t.Errorf("%q", a.notes)
	}
}

// An API that fails is left alone for a while, and that is told once; what was known stays.
func TestFailing(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusInternalServerError} {
		a := newAPI(t)
		a.check(web1, webLabels, 1)
		a.status = status
		a.now = a.now.Add(freshFor)
		a.check(web1, webLabels, 2)
		a.check(web1, webLabels, 2)
		a.check(Pod{"shop", "web-2", "u2"}, `{"a":1}`, 2)
		a.now = a.now.Add(awayFor)
		again := 3
		if status == http.StatusForbidden {
			again = 2
		}
		a.check(web1, webLabels, again)
		a.now = a.now.Add(refusedFor)
		a.check(web1, webLabels, again+1)
		if len(a.notes) != 1 || !strings.HasPrefix(a.notes[0], "docs go on without labels: Kubernetes' API: it ") {
			t.Errorf("%d: %q", status, a.notes)
		}
		a.status, a.now = 0, a.now.Add(refusedFor)
		a.check(Pod{"shop", "web-2", "u1"}, webLabels, again+2)
	}
}

// The token is read anew for each request, and so is the authority.
func TestToken(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.token = "renewed"
	a.file("token", "renewed")
	a.check(web1, webLabels, 1)
	a.file("ca.crt", "none")
	a.check(Pod{"shop", "web-2", "u1"}, `{"a":1}`, 1)
	if len(a.notes) != 1 || !strings.Contains(a.notes[0], "ca.crt has no certificates") {
		t.Errorf("%q", a.notes)
	}
}

// An API with a certificate that the cluster's authority has not signed gets no token.
func TestOtherAuthority(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, other, other, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a.file("ca.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	a.check(web1, `{"a":1}`, 0)
	if len(a.notes) != 1 || !strings.Contains(a.notes[0], "unknown authority") {
		t.Errorf("%q", a.notes)
	}
}

func TestBounded(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for i := range maxPods + 10 {
		a.l.known[Pod{"n", fmt.Sprint(i), "u"}] = labels{at: a.now}
	}
	a.check(web1, webLabels, 1)
	if len(a.l.known) != 1 {
		t.Errorf("%d pods are known", len(a.l.known))
	}
}

func TestInCluster(t *testing.T) {
	t.Parallel()
	if l := InCluster(func(string) string { return "" }, nil); l != nil {
		t.Error("there is a cluster")
	}
}
