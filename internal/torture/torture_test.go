package torture

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"logctl/designdocs"
	"logctl/internal/app"
)

const (
	clients  = 4
	fullEach = 50 // kills between two looks at everything
)

// TestKilled kills a server while clients write. After each start, every doc that was acknowledged is there once, as it was
// acknowledged, or as a write that was under way made it; at the end, and now and then, so is every doc of all times, the store is
// sound, and the views are what mapping all docs anew gives.
func TestKilled(t *testing.T) {
	kills := 200
	if s := os.Getenv("LOGCTL_TORTURE"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil {
			t.Fatalf("LOGCTL_TORTURE: %v", err)
		}
	}
	s := newServer(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("%d kills, seed %d", kills, seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	s.start(t)
	s.must(t, http.MethodPut, "/log_torture", nil)
	own, err := designdocs.Own()
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, http.MethodPut, "/log_torture/_design/report", own[0].Body)
	var writers []*writer
	for i := range clients {
		writers = append(writers, &writer{name: fmt.Sprint("c", i), rnd: rand.New(rand.NewPCG(seed, uint64(i)+2)), docs: map[string]*doc{}})
	}
	for kill := 1; kill <= kills; kill++ {
		var all sync.WaitGroup
		stop := make(chan struct{})
		for _, w := range writers {
			all.Go(func() { w.write(s, stop) })
		}
		all.Go(func() { ask(s, stop) })
		// Any moment will do: this is what a random one is.
		time.Sleep(time.Duration(rnd.IntN(100)) * time.Millisecond)
		s.kill(t)
		close(stop)
		all.Wait()
		full := kill%fullEach == 0 || kill == kills
		if full {
			s.check(t)
		}
		s.start(t)
		verify(t, s, writers, full)
		if t.Failed() {
			t.Fatalf("after kill %d", kill)
		}
	}
	docs := 0
	for _, w := range writers {
		docs += len(w.docs)
	}
	t.Logf("%d docs", docs)
}

// doc is what a client knows of a doc.
type doc struct {
	value int // that was acknowledged, 0 for none
	rev   string
	tried []int // values of writes since that were not answered
}

// writer is a client.
type writer struct {
	name string
	rnd  *rand.Rand
	docs map[string]*doc
	made int
	last []string // ids written since the last start
}

// body is a doc of a value: a ban, and the value once more.
func body(id, rev string, value int) map[string]any {
	at := time.Unix(1_500_000_000+int64(value)*977, 0).UTC()
	m := map[string]any{
		"_id": id, "value": value, "date": at.Format("2006-01-02"), "hour": at.Format("15:04:05,000"), "machine": "m" + strconv.Itoa(value%3),
		"ip": fmt.Sprintf("192.0.2.%d", value%250), "process": "sshd", "check": strconv.Itoa(value * 7),
	}
	if rev != "" {
		m["_rev"] = rev
	}
	return m
}

// write makes, edits and bulk loads docs until the server is gone.
func (w *writer) write(s *server, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		n := 1
		if w.rnd.IntN(3) == 0 {
			n = 1 + w.rnd.IntN(60)
		}
		var batch []map[string]any
		for range n {
			id := w.choose()
			d := w.docs[id]
			w.made++
			d.tried = append(d.tried, w.made)
			w.last = append(w.last, id)
			batch = append(batch, body(id, d.rev, w.made))
		}
		if !w.send(s, batch) {
			return
		}
	}
}

// choose is the id of a doc: a new one, or one that is known for sure and not in this round yet.
func (w *writer) choose() string {
	if len(w.last) == 0 && w.rnd.IntN(4) == 0 {
		for id, d := range w.docs {
			if d.value > 0 && len(d.tried) == 0 {
				return id
			}
			break
		}
	}
	id := fmt.Sprintf("%08d-%s", w.made+1, w.name)
	w.docs[id] = &doc{}
	return id
}

// send writes a batch and remembers what is acknowledged. It is false if there is no answer.
func (w *writer) send(s *server, batch []map[string]any) bool {
	text, _ := json.Marshal(map[string]any{"docs": batch})
	status, answer, err := s.do(http.MethodPost, "/log_torture/_bulk_docs", text)
	if err != nil {
		return false
	}
	var rows []struct{ ID, Rev, Error string }
	if status != http.StatusCreated || json.Unmarshal(answer, &rows) != nil || len(rows) != len(batch) {
		w.fail(s, "answer %d %s", status, answer)
		return false
	}
	for i, r := range rows {
		d := w.docs[r.ID]
		if r.Error != "" || d == nil {
			w.fail(s, "row %+v", r)
			continue
		}
		d.value, d.rev, d.tried = batch[i]["value"].(int), r.Rev, nil
	}
	return true
}

func (w *writer) fail(s *server, format string, args ...any) {
	s.t.Errorf(w.name+": "+format, args...)
}

// ask asks views, so that there are updates to be killed in.
func ask(s *server, stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
		}
		if _, _, err := s.do(http.MethodGet, "/log_torture/_design/report/_view/attacks?group_level=3", nil); err != nil {
			return
		}
	}
}

// verify compares what is stored with what the clients know: of the docs written since the last start, or of all.
func verify(t *testing.T, s *server, writers []*writer, full bool) {
	t.Helper()
	stored := map[string]storedDoc{}
	if full {
		for _, r := range s.rows(t, http.MethodGet, "/log_torture/_all_docs?include_docs=true", nil) {
			if _, twice := stored[r.ID]; twice {
				t.Errorf("%s is there twice", r.ID)
			}
			stored[r.ID] = r
		}
		delete(stored, "_design/report")
	}
	live, known := len(stored), 0
	for _, w := range writers {
		ids := w.last
		if full {
			ids = ids[:0]
			for id := range w.docs {
				ids = append(ids, id)
			}
		} else if len(ids) > 0 {
			keys, _ := json.Marshal(map[string]any{"keys": ids})
			for _, r := range s.rows(t, http.MethodPost, "/log_torture/_all_docs?include_docs=true", keys) {
				if r.Value.Rev != "" {
					stored[r.ID] = r
				}
			}
		}
		for _, id := range ids {
			if w.settle(t, id, stored) {
				known++
			}
		}
		w.last = nil
	}
	if !full {
		return
	}
	if known != live {
		t.Errorf("%d docs are stored, the clients know %d", live, known)
	}
	rows := s.rows(t, http.MethodGet, "/log_torture/_design/report/_view/attacks?reduce=true", nil)
	if len(rows) != 1 || string(rows[0].Raw) != strconv.Itoa(live) {
		t.Errorf("%d docs are stored, the view counts %+v", live, rows)
	}
}

// settle compares one doc and takes what is stored for what holds. It tells whether the doc is there.
func (w *writer) settle(t *testing.T, id string, stored map[string]storedDoc) bool {
	t.Helper()
	d := w.docs[id]
	got, there := stored[id]
	switch {
	case !there && d.value > 0:
		t.Errorf("%s was acknowledged with %d and is gone", id, d.value)
		return false
	case !there:
		delete(w.docs, id)
		return false
	}
	ok := got.Doc.Value == d.value
	for _, v := range d.tried {
		ok = ok || got.Doc.Value == v
	}
	if !ok || got.Doc.Check != strconv.Itoa(got.Doc.Value*7) {
		t.Errorf("%s is %+v, acknowledged was %d, under way %v", id, got.Doc, d.value, d.tried)
	}
	d.value, d.rev, d.tried = got.Doc.Value, got.Value.Rev, nil
	return true
}

// storedDoc is a row of _all_docs, or of a view.
type storedDoc struct {
	ID    string
	Raw   json.RawMessage      `json:"value"`
	Value struct{ Rev string } `json:"-"`
	Doc   struct {
		Value int
		Check string
	}
}

// server is a logctl serve in a process of its own.
type server struct {
	t        *testing.T
	program  string
	dir      string
	url      string
	user     string // "": admin
	password string
	http     *http.Client
	cmd      *exec.Cmd
	talk     bytes.Buffer
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, program: filepath.Join(t.TempDir(), "logctl"), dir: t.TempDir(), http: &http.Client{Timeout: time.Minute}}
	if out, err := exec.Command("go", "build", "-o", s.program, "logctl/cmd/logctl").CombinedOutput(); err != nil {
		t.Fatalf("build logctl: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if s.cmd != nil {
			s.kill(t)
		}
	})
	return s
}

// start starts the server and waits until it answers.
func (s *server) start(t *testing.T) {
	t.Helper()
	s.talk.Reset()
	s.cmd = exec.Command(s.program, "--data", s.dir, "serve", "--listen", "127.0.0.1:0", "--door", "off")
	s.cmd.Env = append(os.Environ(), "LOGCTL_URL=")
	s.cmd.Stderr = &s.talk
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for {
		if url, pid := app.Serving(s.dir); pid == s.cmd.Process.Pid {
			s.url = url
			break
		}
		select {
		case <-tick.C:
		case <-late:
			s.kill(t)
			t.Fatalf("the server does not start: %s", s.talk.String())
		}
	}
	if s.password == "" {
		text, err := os.ReadFile(filepath.Join(s.dir, "admin.password"))
		if err != nil {
			t.Fatal(err)
		}
		s.password = strings.TrimSpace(string(text))
	}
}

// kill ends the server as a crash of it does.
func (s *server) kill(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Errorf("the server ended by itself: %v: %s", err, s.talk.String())
	}
	_ = s.cmd.Wait() // it was killed
	s.cmd = nil
	s.http.CloseIdleConnections()
}

// check runs logctl check on the store that a kill left.
func (s *server) check(t *testing.T) {
	t.Helper()
	out, err := exec.Command(s.program, "--data", s.dir, "check").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("log_torture/report: its views are sound")) {
		t.Errorf("check: %v\n%s", err, out)
	}
}

func (s *server) do(method, path string, body []byte) (int, []byte, error) {
	r, err := http.NewRequest(method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.SetBasicAuth(cmp.Or(s.user, "admin"), s.password)
	r.Header.Set("Content-Type", "application/json")
	res, err := s.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	var out bytes.Buffer
	_, err = out.ReadFrom(res.Body)
	return res.StatusCode, out.Bytes(), err
}

func (s *server) must(t *testing.T, method, path string, body []byte) []byte {
	t.Helper()
	status, answer, err := s.do(method, path, body)
	if err != nil || status > 299 {
		t.Fatalf("%s %s: %d %.1000s, %v", method, path, status, answer, err)
	}
	return answer
}

// rows are those of an answer.
func (s *server) rows(t *testing.T, method, path string, body []byte) []storedDoc {
	t.Helper()
	var answer struct{ Rows []storedDoc }
	if err := json.Unmarshal(s.must(t, method, path, body), &answer); err != nil {
		t.Fatal(err)
	}
	for i := range answer.Rows {
		_ = json.Unmarshal(answer.Rows[i].Raw, &answer.Rows[i].Value) // a count has no revision
	}
	return answer.Rows
}
