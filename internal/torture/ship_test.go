package torture

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestShipped writes numbered lines to logs that are rotated each way while `logctl ship --follow` and the server are killed, the
// network between them is cut and the disk that both have their files on is full. At the end each line that was written is stored, once; of equal lines as many as were written.
// LOGCTL_TORTURE_SHIP is how long, 8s if it is not set. With LOGCTL_TEST_COUCHDB_URL the server is that CouchDB, which is not killed.
func TestShipped(t *testing.T) {
	long := 8 * time.Second
	if s := os.Getenv("LOGCTL_TORTURE_SHIP"); s != "" {
		var err error
		if long, err = time.ParseDuration(s); err != nil {
			t.Fatalf("LOGCTL_TORTURE_SHIP: %v", err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 1))
	d := newShipment(t, os.Getenv("LOGCTL_TEST_COUCHDB_URL"), 512+128*int(long.Minutes()))
	logs := []*rotatedLog{
		{name: "renamed.log", rotate: (*rotatedLog).rename, dated: true},
		{name: "renamed-undated.log", rotate: (*rotatedLog).rename},
		{name: "copied.log", rotate: (*rotatedLog).copyTruncate, dated: true},
		{name: "copied-undated.log", rotate: (*rotatedLog).copyTruncate},
		{name: "packed.log", rotate: (*rotatedLog).pack, dated: true},
		{name: "packed-undated.log", rotate: (*rotatedLog).pack},
		{name: "equal.log", rotate: (*rotatedLog).rename, equal: true},
	}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for i, l := range logs {
		l.t, l.dir, l.rnd = t, d.logs, rand.New(rand.NewPCG(seed, uint64(i)+2))
		l.reopen()
		writers.Go(func() { l.write(stop) })
	}
	done := map[string]int{}
	for end := time.Now().Add(long); time.Now().Before(end); {
		// Any moment will do: this is what a random one is.
		time.Sleep(time.Duration(rnd.IntN(60)) * time.Millisecond)
		what := "rotation"
		switch rnd.IntN(20) {
		case 0, 1, 2:
			what = "kill of ship"
			d.restartShip()
		case 3:
			if d.server != nil {
				what = "kill of serve"
				d.network.to("")
				d.server.kill(t)
				d.server.start(t)
				d.network.to(strings.TrimPrefix(d.server.url, "http://"))
			}
		case 4, 5:
			what = "cut"
			d.network.cut()
		case 6:
			if d.disk != "" {
				what = "full disk"
				free := d.fill()
				time.Sleep(time.Duration(rnd.IntN(300)) * time.Millisecond)
				if rnd.IntN(2) == 0 {
					d.restartShip()
					time.Sleep(time.Duration(rnd.IntN(100)) * time.Millisecond)
				}
				free()
			}
		default:
			l := logs[rnd.IntN(len(logs))]
			l.mu.Lock()
			l.rotate(l)
			l.mu.Unlock()
		}
		done[what]++
	}
	close(stop)
	writers.Wait()
	want := map[string]int{}
	lines := 0
	for _, l := range logs {
		l.file.Close()
		for line, n := range l.written {
			want[line] += n
			lines += n
		}
	}
	t.Logf("seed %d: %d lines, %v", seed, lines, done)
	start := time.Now()
	got := d.wait(want, lines)
	t.Logf("all were there %v after the last was written", time.Since(start).Round(time.Millisecond))
	lost, doubled := 0, 0
	for line, n := range want {
		if got[line] < n {
			if lost++; lost < 5 {
				t.Errorf("lost: %d of %d: %s", n-got[line], n, line)
			}
		}
	}
	for line, n := range got {
		if n > want[line] {
			if doubled++; doubled%50 == 1 {
				t.Errorf("%d times, written %d times: %s", n, want[line], line)
			}
		}
	}
	t.Logf("%d lost, %d doubled", lost, doubled)
	if lost+doubled > 0 {
		t.Errorf("%d lost, %d doubled; ship said:\n%s", lost, doubled, d.talk.String())
	}
}

// rotatedLog is a log with its program, and with what rotates it.
type rotatedLog struct {
	t      *testing.T
	dir    string
	name   string
	dated  bool
	equal  bool // many lines are equal
	rotate func(*rotatedLog)
	rnd    *rand.Rand

	mu      sync.Mutex
	file    *os.File
	n       int
	turns   int
	written map[string]int
}

func (l *rotatedLog) path() string { return filepath.Join(l.dir, l.name) }

func (l *rotatedLog) must(err error) {
	if err != nil {
		l.t.Error(err)
	}
}

func (l *rotatedLog) reopen() {
	if l.file != nil {
		l.must(l.file.Close())
	}
	var err error
	l.file, err = os.OpenFile(l.path(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	l.must(err)
}

// write writes lines, some of them in two parts.
func (l *rotatedLog) write(stop chan struct{}) {
	l.written = map[string]int{}
	tick := time.NewTicker(4 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		l.mu.Lock()
		for range l.rnd.IntN(4) {
			l.n++
			line := fmt.Sprintf("%s line %d", l.name, l.n)
			if l.equal {
				line = fmt.Sprintf("%s line %d", l.name, l.n/50)
			}
			if l.dated {
				line = time.Now().Format("2006-01-02 15:04:05.000000 ") + line
			}
			l.written[line]++
			half := l.rnd.IntN(len(line))
			_, err := l.file.WriteString(line[:half])
			l.must(err)
			_, err = l.file.WriteString(line[half:] + "\n")
			l.must(err)
		}
		l.mu.Unlock()
	}
}

// shift renames what was rotated before.
func (l *rotatedLog) shift(suffix string) {
	for i := l.turns; i > 0; i-- {
		l.must(os.Rename(fmt.Sprintf("%s.%d%s", l.path(), i, suffix), fmt.Sprintf("%s.%d%s", l.path(), i+1, suffix)))
	}
	l.turns++
}

func (l *rotatedLog) rename() {
	l.shift("")
	l.must(os.Rename(l.path(), l.path()+".1"))
	l.reopen()
}

// copyTruncate does what logrotate does, but that nothing is written in between: that would be lost by itself.
func (l *rotatedLog) copyTruncate() {
	l.shift("")
	text, err := os.ReadFile(l.path())
	l.must(err)
	l.must(os.WriteFile(l.path()+".1", text, 0o600))
	l.must(os.Truncate(l.path(), 0))
}

func (l *rotatedLog) pack() {
	l.shift(".gz")
	old := l.path() + ".1"
	l.must(os.Rename(l.path(), old))
	l.reopen()
	text, err := os.ReadFile(old)
	l.must(err)
	info, err := os.Stat(old)
	l.must(err)
	f, err := os.Create(old + ".gz")
	l.must(err)
	w := gzip.NewWriter(f)
	_, err = w.Write(text)
	l.must(errors.Join(err, w.Close(), f.Close()))
	l.must(os.Chtimes(old+".gz", info.ModTime(), info.ModTime()))
	l.must(os.Remove(old))
}

// shipment is a `logctl ship` with its server and the network in between.
type shipment struct {
	t       *testing.T
	program string
	logs    string
	dir     string
	env     []string
	server  *server // nil: a CouchDB that is not ours
	asker   *server // the same, or how to ask that CouchDB
	direct  string  // its URL, with account
	db      string
	network *network
	ship    *exec.Cmd
	talk    bytes.Buffer
	disk    string // that can be filled; "": there is none
}

// newShipment makes a shipment with a disk of so many MiB.
func newShipment(t *testing.T, couch string, mib int) *shipment {
	t.Helper()
	d := &shipment{t: t, logs: t.TempDir(), dir: t.TempDir(), db: fmt.Sprintf("torture%d", time.Now().UnixNano())}
	disk := t.TempDir()
	s := newServer(t)
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", mib), "logctl-torture", disk).CombinedOutput(); err != nil {
		t.Logf("the disk is never full: a small one can't be mounted: %v: %s", err, out)
	} else {
		t.Cleanup(func() {
			d.killShip()
			if s.cmd != nil {
				s.kill(t)
			}
			if out, err := exec.Command("umount", disk).CombinedOutput(); err != nil {
				t.Errorf("umount: %v: %s", err, out)
			}
		})
		d.disk, d.dir, s.dir = disk, filepath.Join(disk, "ship"), filepath.Join(disk, "serve")
		for _, dir := range []string{d.dir, s.dir} {
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.program = s.program
	d.network = newNetwork(t)
	user, password := "admin", ""
	if couch == "" {
		d.server = s
		s.start(t)
		password = s.password
		d.direct = s.url
	} else {
		u, err := url.Parse(couch)
		if err != nil {
			t.Fatal("LOGCTL_TEST_COUCHDB_URL is no URL")
		}
		user = u.User.Username()
		password, _ = u.User.Password()
		u.User = nil
		d.direct = strings.TrimSuffix(u.String(), "/")
		s.url, s.password, s.user = d.direct, password, user
		d.server = nil
		t.Cleanup(func() { _, _, _ = s.do(http.MethodDelete, "/log_"+d.db, nil) })
		t.Cleanup(func() { _, _, _ = s.do(http.MethodDelete, "/log_"+d.db+"_rejects", nil) })
	}
	file := filepath.Join(d.dir, "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must(t, http.MethodPut, "/log_"+d.db, nil)
	d.network.to(strings.TrimPrefix(d.direct, "http://"))
	d.env = append(os.Environ(), "LOGCTL_URL=http://"+d.network.address(), "LOGCTL_USER="+user, "LOGCTL_PASSWORD_FILE="+file, "LOGCTL_DATA="+d.dir)
	d.asker = s
	d.startShip()
	t.Cleanup(d.killShip)
	return d
}

func (d *shipment) startShip() {
	d.ship = exec.Command(d.program, "ship", "--app", d.db, "--schema", "$line...", "--fields", "machine=m", "--follow", "--quiet",
		filepath.Join(d.logs, "*.log*"))
	d.ship.Env, d.ship.Stderr = d.env, &d.talk
	if err := d.ship.Start(); err != nil {
		d.t.Fatal(err)
	}
}

// fill fills the disk, until free is called.
func (d *shipment) fill() (free func()) {
	d.t.Helper()
	path := filepath.Join(d.disk, "ballast")
	f, err := os.Create(path)
	if err != nil {
		d.t.Fatal(err)
	}
	for size := 1 << 20; size > 0; size /= 16 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			d.t.Fatal(err)
		}
	}
	return func() {
		if err := errors.Join(f.Close(), os.Remove(path)); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *shipment) killShip() {
	if d.ship != nil {
		_ = d.ship.Process.Kill() // it may have ended, which the next start tells
		_ = d.ship.Wait()
		d.ship = nil
	}
}

func (d *shipment) restartShip() {
	d.killShip()
	d.startShip()
}

// wait waits until the lines are stored, or none has come for a minute, and nothing more comes, and gives how often each is.
func (d *shipment) wait(want map[string]int, lines int) map[string]int {
	d.t.Helper()
	late, docs := time.Now().Add(time.Minute), 0
	there := func() bool {
		var info struct {
			Docs int `json:"doc_count"`
		}
		if err := json.Unmarshal(d.asker.must(d.t, http.MethodGet, "/log_"+d.db, nil), &info); err != nil {
			d.t.Fatal(err)
		}
		if info.Docs > docs {
			late, docs = time.Now().Add(time.Minute), info.Docs
		}
		if info.Docs < lines {
			return false
		}
		got := d.stored() // of what is there twice as many may be missing
		for line, n := range want {
			if got[line] < n {
				return false
			}
		}
		return true
	}
	for !there() {
		if time.Now().After(late) {
			d.t.Error("not all lines are stored, and none has come for a minute")
			break
		}
		time.Sleep(50 * time.Millisecond) // there is nobody to tell
	}
	d.killShip()
	d.startShip()
	time.Sleep(time.Second) // what a ship started anew would store twice
	d.killShip()
	return d.stored()
}

// stored is how often each line is stored. It asks for some docs at a time: a machine that is busy takes its time for all of them.
func (d *shipment) stored() map[string]int {
	d.t.Helper()
	const some = 10_000
	got := map[string]int{}
	path := fmt.Sprintf("/log_%s/_all_docs?include_docs=true&limit=%d", d.db, some)
	for after := ""; ; {
		var answer struct {
			Rows []struct {
				ID  string
				Doc struct{ Line string }
			}
		}
		if err := json.Unmarshal(d.asker.must(d.t, http.MethodGet, path+after, nil), &answer); err != nil {
			d.t.Fatal(err)
		}
		for _, r := range answer.Rows {
			if !strings.HasPrefix(r.ID, "_design/") {
				got[r.Doc.Line]++
			}
		}
		if len(answer.Rows) < some {
			return got
		}
		after = "&skip=1&startkey=" + url.QueryEscape(strconv.Quote(answer.Rows[some-1].ID))
	}
}

// network passes connections on, until it is cut.
type network struct {
	l      net.Listener
	mu     sync.Mutex
	target string
	conns  map[net.Conn]bool
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{l: l, conns: map[net.Conn]bool{}}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { n.pass(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		n.cut()
		group.Wait()
	})
	return n
}

func (n *network) address() string { return n.l.Addr().String() }

// to says where connections lead; "": nowhere.
func (n *network) to(target string) {
	n.mu.Lock()
	n.target = target
	n.mu.Unlock()
	n.cut()
}

func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.Close()
	}
	clear(n.conns)
}

func (n *network) pass(from net.Conn) {
	defer from.Close()
	n.mu.Lock()
	target := n.target
	n.mu.Unlock()
	to, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer to.Close()
	n.mu.Lock()
	n.conns[from], n.conns[to] = true, true
	n.mu.Unlock()
	var both sync.WaitGroup
	for _, pair := range [][2]net.Conn{{to, from}, {from, to}} {
		both.Go(func() {
			_, _ = io.Copy(pair[0], pair[1]) // it was cut, or has ended
			pair[0].Close()
		})
	}
	both.Wait()
}
