package pods

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"logctl/store"
	"logctl/store/ejson"
)

// Pod is one that the API is asked for.
type Pod struct{ Namespace, Name, UID string }

const (
	freshFor     = 5 * time.Minute  // labels
	awayFor      = time.Minute      // an API that does not answer
	refusedFor   = 10 * time.Minute // one that does not want to
	askTime      = 5 * time.Second
	maxPods      = 2048
	maxAnswer    = 4 << 20
	maxLabels    = 16 << 10 // of a pod, as JSON
	serviceFiles = "/var/run/secrets/kubernetes.io/serviceaccount"
)

// Labels are those of pods. They are used by one goroutine at a time.
type Labels struct {
	base string // URL of the API
	dir  string // of the files token and ca.crt
	note func(string)
	now  func() time.Time

	known  map[Pod]labels
	told   bool
	notTil time.Time // not to be asked before
	roots  []byte    // that client trusts
	client *http.Client
}

// labels are what was found out of a pod.
type labels struct {
	object []byte // as JSON in stored form; nil: none
	at     time.Time
}

// InCluster is the way to the API that a container in a pod has: its address in the environment, and the files of the service account.
// It is nil elsewhere, and where the pod has no service account's token. note is told once when the API fails.
func InCluster(getenv func(string) string, note func(string)) *Labels {
	host, port := getenv("KUBERNETES_SERVICE_HOST"), getenv("KUBERNETES_SERVICE_PORT")
	if _, err := os.Stat(filepath.Join(serviceFiles, "token")); err != nil || host == "" || port == "" {
		return nil
	}
	return New("https://"+net.JoinHostPort(host, port), serviceFiles, note)
}

// New asks the API at a URL, with the token and the certificate authority in the files token and ca.crt of a directory, which may change.
func New(base, dir string, note func(string)) *Labels {
	return &Labels{base: base, dir: dir, note: note, now: time.Now, known: map[Pod]labels{}}
}

// Append adds the member labels to the doc in buf[start:], an object in stored form, if the pod has labels and the doc no such member.
func (l *Labels) Append(buf []byte, start int, pod Pod) []byte {
	object := l.of(pod)
	if object == nil || hasLabels(buf[start:]) {
		return buf
	}
	buf = buf[:len(buf)-1]
	if buf[len(buf)-1] != '{' {
		buf = append(buf, ',')
	}
	buf = append(store.AppendJSONString(buf, ejson.Labels), ':')
	return append(append(buf, object...), '}')
}

func hasLabels(doc []byte) (has bool) {
	if !bytes.Contains(doc, []byte(`"`+ejson.Labels+`":`)) {
		return false
	}
	_ = ejson.Members(doc, func(key, _ []byte) error { // it is an object
		has = has || string(key) == ejson.Labels
		return nil
	})
	return has
}

// of are a pod's labels as JSON, nil if there are none or nobody knows.
func (l *Labels) of(pod Pod) []byte {
	if !isName(pod.Namespace) || !isName(pod.Name) || pod.UID == "" {
		return nil
	}
	now := l.now()
	known, ok := l.known[pod]
	if ok && now.Sub(known.at) < freshFor || now.Before(l.notTil) {
		return known.object
	}
	object, err := l.ask(pod)
	if err != nil {
		l.notTil = now.Add(awayFor)
		if errors.Is(err, errRefused) {
			l.notTil = now.Add(refusedFor)
		}
		if !l.told {
			l.note(fmt.Sprintf("docs go on without labels: Kubernetes' API: %v", err))
		}
		l.told = true
		return known.object
	}
	l.told = false
	if len(l.known) >= maxPods {
		l.forget(now)
	}
	l.known[pod] = labels{object, now}
	return object
}

// forget makes room.
func (l *Labels) forget(now time.Time) {
	maps.DeleteFunc(l.known, func(_ Pod, known labels) bool { return now.Sub(known.at) >= freshFor })
	if len(l.known) >= maxPods {
		clear(l.known)
	}
}

// errRefused is that the API does not let this account ask.
var errRefused = errors.New("it refuses: a ServiceAccount whose ClusterRole may get pods is needed")

// metadata is what is asked for of a pod.
type metadata struct {
	UID         string            `json:"uid"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// is tells whether it is of the pod, and not of another that has its name now. The directory of a static pod has the hash of its
// manifest.
func (m *metadata) is(pod Pod) bool {
	return m.UID == pod.UID || m.Annotations["kubernetes.io/config.mirror"] == pod.UID
}

// ask asks the API for a pod's labels.
func (l *Labels) ask(pod Pod) ([]byte, error) {
	token, err := os.ReadFile(filepath.Join(l.dir, "token")) // it is renewed
	if err != nil {
		return nil, err
	}
	if err := l.trust(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+"/api/v1/namespaces/"+pod.Namespace+"/pods/"+pod.Name, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+string(bytes.TrimSpace(token)))
	r.Header.Set("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json")
	res, err := l.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return nil, errRefused
	case res.StatusCode == http.StatusNotFound:
		return nil, nil // it has gone, and its logs are still there
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answers %s", res.Status)
	case err != nil:
		return nil, err
	}
	var said struct{ Metadata metadata }
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, fmt.Errorf("its answer makes no sense: %w", err)
	}
	if !said.Metadata.is(pod) {
		return nil, nil
	}
	return object(said.Metadata.Labels), nil
}

// trust makes a client that trusts the cluster's certificate authority, if that is another than before.
func (l *Labels) trust() error {
	roots, err := os.ReadFile(filepath.Join(l.dir, "ca.crt"))
	if err != nil || l.client != nil && bytes.Equal(roots, l.roots) {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(roots) {
		return fmt.Errorf("%s has no certificates", filepath.Join(l.dir, "ca.crt"))
	}
	if l.client != nil {
		l.client.CloseIdleConnections()
	}
	l.roots = roots
	l.client = &http.Client{
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true, IdleConnTimeout: freshFor},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return nil
}

// object is labels as JSON, by name; nil for none, and for too many.
func object(all map[string]string) []byte {
	var dst []byte
	for _, name := range slices.Sorted(maps.Keys(all)) {
		dst = append(store.AppendJSONString(append(dst, ','), name), ':')
		dst = store.AppendJSONString(dst, all[name])
	}
	if len(dst) == 0 || len(dst) > maxLabels {
		return nil
	}
	dst[0] = '{'
	return append(dst, '}')
}

// isName tells whether s may be the name of a pod or a namespace: letters, digits, dashes and dots.
func isName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	return s != "" && s[0] != '.'
}
