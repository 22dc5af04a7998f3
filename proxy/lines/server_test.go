package lines

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"logctl/store"
)

// logText is a log.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// listenAll runs a server with syslog over UDP and TCP.
func listenAll(t *testing.T, o Options, routes string) (s *Server, sink *fakeSink, log *logText) {
	t.Helper()
	log = &logText{}
	o.SyslogUDP, o.SyslogTCP, o.Log = "127.0.0.1:0", "127.0.0.1:0", slog.New(slog.NewTextHandler(log, nil))
	s, sink = start(t, o, routes)
	return s, sink, log
}

func send(t *testing.T, network, address, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// by finds the doc with that value.
func by(t *testing.T, docs []map[string]any, name, value string) map[string]any {
	t.Helper()
	for _, doc := range docs {
		if doc[name] == value {
			return doc
		}
	}
	t.Fatalf("no doc with %s %q among %v", name, value, docs)
	return nil
}

func TestSyslog(t *testing.T) {
	t.Parallel()
	s, sink, _ := listenAll(t, Options{}, `
[[route]]
application = "login"
app = "logins"
schema = 'x'
`)
	send(t, "udp", s.Addresses()["syslog-udp"], "<13>Nov 26 04:22:29 h a: over UDP\n")
	send(t, "tcp", s.Addresses()["syslog-tcp"], "<13>Nov 26 04:22:29 h a: line\n25 <13>Nov 26 04:22:29 h a: ")
	send(t, "tcp", s.Addresses()["syslog-tcp"], "no header at all\x00\n\n")
	docs := sink.wait(t, "log_syslog", 4)
	for _, text := range []string{"<13>Nov 26 04:22:29 h a: over UDP", "<13>Nov 26 04:22:29 h a: line", "<13>Nov 26 04:22:29 h a: "} {
		doc := by(t, docs, "message", text)
		if doc["special"] != "s" || doc["machine"] != "h" || doc["connection_hostname"] != "127.0.0.1" || doc["received"] == nil || doc["time"] == nil {
			t.Errorf("%s: %v", text, doc)
		}
	}
	doc := by(t, docs, "message", "no header at all")
	if doc["host"] != "127.0.0.1" || doc["machine"] != "127.0.0.1" || doc["special"] != nil {
		t.Errorf("%v", doc)
	}

	send(t, "tcp", s.Addresses()["syslog-tcp"], `<13>Nov 26 04:22:29 h login: user=a
<13>Nov 26 04:22:29 h login: user=a
<13>Nov 26 04:22:29 h login: user=forged
<13>Nov 26 04:22:29 h login: user=_
<13>Nov 26 04:22:29 h login: skip this
<13>Nov 26 04:22:29 h login: junk
<13>Nov 26 04:22:29 h login: junk
`)
	docs = sink.wait(t, "log_logins", 3)
	doc = by(t, docs, "user", "a") // with what the header says, but nothing that the preset makes of the message
	if doc["host"] != "h" || doc["application"] != "a" || doc["special"] != nil || doc["message"] != nil {
		t.Errorf("%v", doc)
	}
	if doc = by(t, docs, "user", "forged"); doc["received"] == "never" || doc["connection_hostname"] != "127.0.0.1" {
		t.Errorf("a message says where it is from: %v", doc)
	}
	rejects := sink.wait(t, "log_logins_rejects", 3)
	doc = by(t, rejects, "line", "<13>Nov 26 04:22:29 h login: junk")
	if doc["reason"] != "no fit" || doc["detail"] != "there is no user in it" || doc["machine"] != "h" || doc["file"] != "syslog of 127.0.0.1" {
		t.Errorf("%v", doc)
	}
	by(t, rejects, "reason", "refused")
	if n := s.Counters().Skipped.Load(); n != 2 { // an empty message, and one that the format skips
		t.Errorf("%d skipped", n)
	}
}

// Equal messages are as many docs as there were messages, before and after a restart.
func TestEqualMessages(t *testing.T) {
	t.Parallel()
	sink := newFakeSink()
	const messages = 1500
	for run := 1; run <= 2; run++ {
		s, err := Start(Options{SyslogTCP: "127.0.0.1:0", Sink: sink, Compile: fakeCompile})
		if err != nil {
			t.Fatal(err)
		}
		conn := send(t, "tcp", s.Addresses()["syslog-tcp"], strings.Repeat("<13>same\n", messages))
		sink.wait(t, "log_syslog", run*messages)
		conn.Close()
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}
	if n := sink.count("log_syslog"); n != 2*messages {
		t.Errorf("%d docs", n)
	}
}

// A store that is away is asked again; a doc that it refuses becomes a reject, whether it is refused alone or with others.
func TestStoreRefuses(t *testing.T) {
	t.Parallel()
	s, sink, _ := listenAll(t, Options{}, "")
	failures := 2
	sink.fail = func(db store.DBName, docs []store.Doc) error {
		if failures--; failures >= 0 {
			return store.NewError(store.KindUnavailable, "away")
		}
		if db == "log_syslog" && slices.ContainsFunc(docs, func(d store.Doc) bool { return bytes.Contains(d.Body, []byte("poison")) }) {
			return store.NewError(store.KindBadRequest, "poison")
		}
		return nil
	}
	sink.refuse = func(doc map[string]any) string {
		if doc["message"] == "<13>bad" {
			return "forbidden: bad"
		}
		return ""
	}
	send(t, "tcp", s.Addresses()["syslog-tcp"], "<13>good\n<13>poison\n<13>bad\n<13>fine\n")
	docs := sink.wait(t, "log_syslog", 2)
	by(t, docs, "message", "<13>good")
	by(t, docs, "message", "<13>fine")
	rejects := sink.wait(t, "log_syslog_rejects", 2)
	if doc := by(t, rejects, "line", "<13>bad"); doc["detail"] != "forbidden: bad" || doc["reason"] != "refused" {
		t.Errorf("%v", doc)
	}
	by(t, rejects, "line", "<13>poison")
}

// While the store stands still, TCP waits, UDP is counted, and memory stays within its bound.
func TestStoreBehind(t *testing.T) {
	t.Parallel()
	const held = 64 << 10
	log := &logText{}
	sink := newFakeSink()
	sink.block = make(chan struct{})
	s, err := Start(Options{SyslogUDP: "127.0.0.1:0", SyslogTCP: "127.0.0.1:0", Sink: sink, Compile: fakeCompile, MaxHeld: held,
		Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	const messages = 5_000
	line := "<13>" + strings.Repeat("x", 95) + "\n"
	conn := send(t, "tcp", s.Addresses()["syslog-tcp"], "")
	written := make(chan error, 1)
	go func() {
		_, err := io.WriteString(conn, strings.Repeat(line, messages))
		written <- err
	}()
	udp := send(t, "udp", s.Addresses()["syslog-udp"], "")
	for s.counters.Full.Load() == 0 {
		if _, err := io.WriteString(udp, line); err != nil {
			t.Fatal(err)
		}
	}
	s.queue.mu.Lock()
	if s.queue.held > held {
		t.Errorf("%d bytes are held, %d may be", s.queue.held, held)
	}
	s.queue.mu.Unlock()
	close(sink.block)
	if err := <-written; err != nil {
		t.Error(err)
	}
	conn.Close()
	sink.wait(t, "log_syslog", messages)
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	c := s.Counters()
	if got, want := int64(sink.count("log_syslog")), c.Messages.Load()-c.Skipped.Load()-c.Full.Load(); got != want || c.Stored.Load() != want {
		t.Errorf("%d docs, %d counted as stored, of %d messages less %d dropped, %d lost", got, c.Stored.Load(), c.Messages.Load(), c.Full.Load(), c.Lost.Load())
	}
	if !strings.Contains(log.String(), "dropped_store_behind=") {
		t.Errorf("the log does not tell: %s", log)
	}
}

// Datagrams that the system drops are counted.
func TestSystemDrops(t *testing.T) {
	t.Parallel()
	addr, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer addr.Close()
	d := watchDrops(addr, 4<<10)
	out := send(t, "udp", addr.LocalAddr().String(), "")
	sent := 0
	for ; sent < 2000; sent++ { // nobody reads: the buffer is full after a few
		if _, err := out.Write(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	got, dropped := 0, int64(0)
	buf, oob := make([]byte, 2000), make([]byte, 128)
	for int64(got)+dropped < int64(sent) {
		if err := addr.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if got > 0 && dropped == 0 { // the system tells with the next datagram that gets through
			if _, err := out.Write(make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			sent++
		}
		_, oobn, _, _, err := addr.ReadMsgUDPAddrPort(buf, oob)
		if err != nil {
			t.Fatalf("%v; %d read, %d dropped of %d", err, got, dropped, sent)
		}
		got++
		dropped += d.more(oob[:oobn])
	}
	if dropped == 0 || int64(got)+dropped != int64(sent) {
		t.Errorf("%d read, %d dropped of %d", got, dropped, sent)
	}
}

// A connection that stops within a message is ended, and what came of it is kept; one that is silent between messages stays.
func TestSlowConnections(t *testing.T) {
	t.Parallel()
	s, sink, _ := listenAll(t, Options{IdleTime: 200 * time.Millisecond}, "")
	conn := send(t, "tcp", s.Addresses()["syslog-tcp"], "<13>whole\n<13>half")
	docs := sink.wait(t, "log_syslog", 2)
	if doc := by(t, docs, "message", "<13>half"); doc["cut"] != true {
		t.Errorf("%v", doc)
	}
	if doc := by(t, docs, "message", "<13>whole"); doc["cut"] != nil {
		t.Errorf("%v", doc)
	}
	if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection is open: %v", err)
	}
	if n := s.Counters().Slow.Load(); n != 1 {
		t.Errorf("%d slow connections are counted", n)
	}
}

// Connections beyond the bound are refused and counted; the others work, and there is room again when one has gone.
func TestConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	s, sink, _ := listenAll(t, Options{MaxConns: 3}, "")
	var conns []net.Conn
	for i := range 3 {
		conns = append(conns, send(t, "tcp", s.Addresses()["syslog-tcp"], fmt.Sprintf("<13>hello %d\n", i)))
	}
	sink.wait(t, "log_syslog", 3)
	refused := send(t, "tcp", s.Addresses()["syslog-tcp"], "")
	if _, err := refused.Read(make([]byte, 1)); err == nil {
		t.Error("a fourth connection gets an answer")
	}
	if n := s.Counters().Refused.Load(); n != 1 {
		t.Errorf("%d refused connections are counted", n)
	}
	conns[0].Close()
	for tries := 0; sink.count("log_syslog") < 4; tries++ {
		if tries == 1000 {
			t.Fatal("no room after one has gone")
		}
		conn, err := net.Dial("tcp", s.Addresses()["syslog-tcp"])
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "<13>again\n") // may be refused
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
		conn.Close()
	}
}

// A message of some MiB is cut and counted, over TCP and in a count, and the connection goes on.
func TestHugeMessages(t *testing.T) {
	t.Parallel()
	s, sink, _ := listenAll(t, Options{MaxMessage: 1000}, "")
	huge := "<13>" + strings.Repeat("x", 4<<20)
	send(t, "tcp", s.Addresses()["syslog-tcp"], fmt.Sprintf("%s\n%d %s<13>after\n", huge, len(huge), huge))
	docs := sink.wait(t, "log_syslog", 3)
	by(t, docs, "message", "<13>after")
	if doc := by(t, docs, "message", huge[:1000]); doc["cut"] != true {
		t.Errorf("no cut: %v", doc["cut"])
	}
	if n := s.Counters().Cut.Load(); n != 2 {
		t.Errorf("%d cut messages are counted", n)
	}
}

// Apps that messages name are made, so many and no more; those that nobody can make are counted.
func TestApps(t *testing.T) {
	t.Parallel()
	s, sink, log := listenAll(t, Options{}, "max_apps = 2\ndefault = 'rest'\n[[route]]\napp_from = 'application'\n")
	sink.missing["log_one"] = true
	send(t, "tcp", s.Addresses()["syslog-tcp"], "<13>Nov 26 04:22:29 h One: 1\n<13>Nov 26 04:22:29 h two: 2\n<13>Nov 26 04:22:29 h three: 3\n<13>Nov 26 04:22:29 h ../x: 4\n")
	sink.wait(t, "log_two", 1)
	sink.wait(t, "log_rest", 2)
	for late := time.Now().Add(time.Minute); !strings.Contains(log.String(), "logctl app create one"); time.Sleep(time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("the log does not tell: %s", log)
		}
	}
	if n := s.counters.NoApp.Load(); n != 1 {
		t.Errorf("%d messages without an app are counted", n)
	}
}

// Nobody gets to a tenant's app by naming it in a message; a route that names it may.
func TestOwnedApps(t *testing.T) {
	t.Parallel()
	s, sink, _ := listenAll(t, Options{Owned: func(app string) bool { return strings.HasPrefix(app, "acme_") }},
		"default = 'rest'\n[[route]]\napplication = 'fw1'\napp = 'acme_fw'\n[[route]]\napp_from = 'application'\n")
	send(t, "tcp", s.Addresses()["syslog-tcp"], "<13>Nov 26 04:22:29 h acme_shop: 1\n<13>Nov 26 04:22:29 h acme_fw: 4\n<13>Nov 26 04:22:29 h fw1: 2\n<13>Nov 26 04:22:29 h shop: 3\n")
	sink.wait(t, "log_rest", 2)
	sink.wait(t, "log_acme_fw", 1)
	sink.wait(t, "log_shop", 1)
}

func TestStartMistakes(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, o := range []Options{
		{SyslogTCP: taken.Addr().String()}, {SyslogUDP: "127.0.0.1:99999"}, {SyslogTCP: "nowhere"},
		{Table: &Table{Routes: []Route{{App: "a", Format: Format{Preset: "bad"}}}}},
	} {
		o.Sink, o.Compile = newFakeSink(), fakeCompile
		if _, err := Start(o); err == nil {
			t.Errorf("%+v starts", o)
		}
	}
}
