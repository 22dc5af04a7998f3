package learn

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"logctl/format"
)

// schemasOf are the schemas learned from lines.
func schemasOf(t testing.TB, text ...string) []string {
	t.Helper()
	var schemas []string
	for _, s := range Learn(sampleOf(t, []byte(strings.Join(text, "\n")))).Schemas {
		schemas = append(schemas, s.Text)
	}
	return schemas
}

func TestSchemas(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		lines []string
		want  []string
	}{
		{"syslog", []string{
			"Jun 14 15:16:01 combo sshd[19939]: Failed password for root from 192.0.2.1 port 4711 ssh2",
			"Jun 14 15:16:02 combo sshd[19940]: Connection closed by 192.0.2.1",
		}, []string{
			"$time:ts $host $application[$pid:int]: Failed password for $user from $ip:ip port $port:int $ssh",
			"$time:ts $host $application[$pid:int]: Connection closed by $ip:ip",
		}},
		{"class and thread", []string{
			"2015-10-18 18:01:47,978 INFO [main] a.b.Disk: Read 5 MB of /var/x1",
			"2015-10-18 18:01:47,979 WARN [pool] a.b.Disk: Read 7 KB of /var/x2",
		}, []string{"$time:ts $level [$thread] $component: Read $read:int $unit of $path"}},
		{"a layout of its own", []string{
			"20171223-22:15:29:606|Step_LSC|30002312|onStandStepChanged 3579",
			"20171223-22:15:29:615|Step_LSC|30002312|onStandStepChanged 3580",
		}, []string{"$time|$component|$pid:int|onStandStepChanged $onstandstepchanged:int"}},
		{"access", []string{
			`192.0.2.1 - - [10/Oct/2023:13:55:36 +0000] "GET /a HTTP/1.1" 200 12 "-" "Mozilla/5.0 (X11)"`,
			`192.0.2.2 - bob [10/Oct/2023:13:55:37 +0000] "POST /b?x=1 HTTP/1.1" 302 - "http://a/" "curl/8"`,
		}, []string{`$ip:ip - $ident [$time:ts] $request:quoted $status:int $bytes $referer:quoted $agent:quoted`}},
		{"pairs", []string{"time=2017-06-14T17:16:12Z level=info msg=\"a b\" n=1", "level=warn msg=c n=2 x=3"}, []string{"$kv..."}},
		{"json", []string{`{"a":1,"b":"x"}`, `{"b":2}`}, []string{"$json..."}},
		{"literals", []string{`cost $5 (a)? \n x_y _ a:=b`, `cost $6 (a)? \n x_y _ a:=b`},
			[]string{`cost \$$cost:int (a)\? \\n x_y \_ a:\=b`}},
		{"names and literals do not run together", []string{"back after 5ms", "back after 6ms"}, []string{`back after $ms:int\ms`}},
		{"a part that may be absent", []string{
			"sent 5 bytes (1.15 KB) now", "sent 6 bytes (2.15 KB) now", "sent 7 bytes now", "sent 8 bytes now",
		}, []string{"sent $sent:int bytes( ($bytes:float KB))? now"}},
		{"units that differ", []string{"sent 5 bytes (1.15 KB) now", "sent 6 bytes (2.15 MB) now", "sent 7 bytes now", "sent 8 bytes now"},
			[]string{"sent $sent:int bytes( ($bytes:float $unit))? now"}},
		{"blanks in a column", []string{
			"2015-10-18 18:01:47,978 INFO [main] a.b.Disk: Read 5 of /var/x1", "2015-10-18 18:01:47,979 WARN [pool two] a.b.Disk: Gone",
		}, []string{"$time:ts $level [$thread:text] $component: Read $read:int of $path", "$time:ts $level [$thread:text] $component: Gone"}},
		{"names of users", []string{
			"Failed password for root from 192.0.2.1 port 22", "Failed password for root from 192.0.2.2 port 22", "Failed password for bob from 192.0.2.3 port 22",
		}, []string{"Failed password for $user from $ip:ip port $port:int"}},
		{"a quoted user", []string{"Login failed for user 'SA' from 192.0.2.1", "Login failed for user 'ROOT' from 192.0.2.1"},
			[]string{"Login failed for user '$user' from $ip:ip"}},
		{"a clock alone", []string{"10:05:01 a.c: begin 1", "10:05:02 a.c: begin 2"}, []string{"$clock:time $component: begin $begin:int"}},
		{"a condition", []string{"screen on: true", "screen on: false"}, []string{"screen on: $flag:bool"}},
		{"a list", []string{"gone: n1 n2 n3 n4 n5 n6", "gone: n1 n2"}, []string{"gone: $list..."}},
		{"values with ports", []string{"from /192.0.2.1:80 to db.example.com:5432"}, []string{"from /$ip:ip:$port:int to $host:host:$port_2:int"}},
		{"nothing but words", []string{"BEGIN"}, []string{"BEGIN$rest..."}},
		{"the more special first", []string{"peer gone", "peer gone", "peer gone by force", "peer gone by force 7"},
			[]string{"peer gone by force $force:int", "peer gone by force$rest...", "peer gone$rest..."}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := schemasOf(t, tt.lines...); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(tt.want, "\n  "))
			}
		})
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line, message string
	}{
		{"Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass; user unknown", "check pass; user unknown"},
		{"2017-06-14T17:16:12.123456+02:00 host kernel: eth0: up", "eth0: up"},
		{"[Sun Dec 04 04:47:44 2005] [notice] jk2_init() ok", "jk2_init() ok"},
		{"081109 203615 148 INFO dfs.DataNode$PacketResponder: Received 1", "Received 1"},
		{"2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:Election@774] - time out: 3200", "time out: 3200"},
		{"03-17 16:13:38.811  1702  2395 D WindowManager: app wtoken = 1", "app wtoken = 1"},
		{"- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.363779 R02-M1 RAS KERNEL INFO parity error", "parity error"},
		{"17/06/09 20:10:40 INFO executor.Backend: Registered [TERM]", "Registered [TERM]"},
		{"[10.30 16:49:06] chrome.exe - proxy:5070 close", "proxy:5070 close"},
		{"20171223-22:15:29:606|Step_LSC|30002312|flush data", "flush data"},
		{"nothing of the kind", "nothing of the kind"},
	}
	for _, tt := range tests {
		lines := bytes.Split(bytes.Repeat([]byte(tt.line+"\n"), 3), []byte("\n"))[:3]
		h := findHeader(lines)
		_, at := h.parse(lines[0], nil)
		if got := tt.line[at:]; got != tt.message {
			t.Errorf("%s: message %q, want %q", tt.line, got, tt.message)
		}
	}
}

// TestHeaderOfSome has lines whose header differs from that of most.
func TestHeaderOfSome(t *testing.T) {
	t.Parallel()
	most := "Jul  4 15:35:04 mac kernel[0]: en0: up\n"
	h := findHeader(bytes.Split([]byte(strings.Repeat(most, 9)+"Jul  4 15:35:04 mac Microsoft Word[14463]: error"), []byte("\n")))
	for line, message := range map[string]string{
		"Jul  4 15:35:04 mac Microsoft Word[14463]: error for x":            "error for x",
		"Jul  4 15:35:04 mac com.apple.launchd[1] (com.apple.x[521]): exit": "exit",
		"Jul  4 15:35:04 mac kernel: x":                                     "x",
		"Jul  4 15:35:04 mac no program":                                    "no program",
		"\tat shop.Main(Main.java:1)":                                       "\tat shop.Main(Main.java:1)",
	} {
		_, at := h.parse([]byte(line), nil)
		if got := line[at:]; got != message {
			t.Errorf("%s: message %q, want %q", line, got, message)
		}
	}
}

func TestSignature(t *testing.T) {
	t.Parallel()
	tests := []struct{ message, want string }{
		{"Received block blk_-1608999687919862906 of size 91178 from /10.250.14.224", "Received block blk_* of size * from *"},
		{"a 1.2.3.4:80 b fe80::1%eth0 c 00:11:22:33:44:55", "a * b * c *"},
		{"task 550e8400-e29b-41d4-a716-446655440000 done in 12 ms", "task * done in *"},
		{"list 1 2 3, 4 and 5", "list * and *"},
		{"see http://x.example/a?b=1 and C:\\Windows\\x.dll", "see * and *"},
		{"on node3 and eth0 with Thread-12", "on node* and eth* with Thread-*"},
		{"host mail.example.org said at Fri Jun 17 07:07:00 2005 no", "host * said at * no"},
		{"flag=true tag=\"a b\" n=-5 x=+1.5e3", "flag=* tag=\"*\" n=* x=*"},
		{"0xdeadbeef or DEADBEEF or c0ffee12 or cafe", "* or * or * or cafe"},
		{"1180 bytes (1.15 KB) sent, lifetime <1 sec", "* bytes sent, lifetime *"},
		{"IPv6 and IPv4", "IPv6 and IPv4"},
		{"screen is false now", "screen is * now"},
		{"event plugged:12345678-ab12-cd34 and plugged:a2345678-ab12-cd34", "event plugged:* and plugged:*"},
		{"item x7f3k2q of set1", "item * of set*"},
		{"a\x00b", "a\x01b"},
		{"  ", ""},
	}
	for _, tt := range tests {
		var m masker
		if got := strings.ReplaceAll(string(m.signature([]byte(tt.message))), anyWord, "*"); got != tt.want {
			t.Errorf("%q: signature %q, want %q", tt.message, got, tt.want)
		}
	}
}

// TestWordsOfValues shows where a word is a value.
func TestWordsOfValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		line   string // with %s for the words
		words  string
		groups int
	}{
		{"many words", "service %s is up", "mail web dns ftp news irc", 1},
		{"few words", "machine is %s", "up down", 2},
		{"constants of a program", "state is now %s", "NEW NEW RUNNING RUNNING FAILED FAILED KILLED KILLED DONE DONE LOST LOST", 6},
		{"names with numbers", "node %s is up", "an1 bn1 cn1", 1},
		{"keys", "set %s=1 done", "alpha beta gamma delta epsilon zeta", 6},
	}
	for _, tt := range tests {
		var text strings.Builder
		for _, w := range strings.Fields(tt.words) {
			fmt.Fprintf(&text, tt.line+"\n", w)
		}
		r := Learn(sampleOf(t, []byte(text.String())))
		if len(r.Groups) != tt.groups {
			t.Errorf("%s: %d groups, want %d: %+v", tt.name, len(r.Groups), tt.groups, r.Groups)
		}
	}
}

func TestSameAnswer(t *testing.T) {
	t.Parallel()
	text, _ := readTSV(t, "shop.tsv")
	s := sampleOf(t, text)
	if a, b := Learn(s), Learn(s); !reflect.DeepEqual(a, b) {
		t.Error("the same lines gave two answers")
	}
}

func TestSample(t *testing.T) {
	t.Parallel()
	s := NewSample(Options{MaxLines: 4, MaxBytes: 1000, MaxLine: 10})
	for i, text := range []string{"a\n\n \nb\nc\n", "d\n01234567890\ne\nf\ng\n"} {
		if err := s.Read(context.Background(), strings.NewReader(text), i, 2-i); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for i := range s.Lines() {
		line, at := s.Line(i)
		got = append(got, fmt.Sprintf("%s %d:%d", line, at.Input, at.Line))
	}
	if want := []string{"a 0:1", "b 0:4", "d 1:1", "e 1:3"}; !reflect.DeepEqual(got, want) {
		t.Errorf("lines %q, want %q", got, want)
	}
	if s.Blank != 2 || s.TooLong != 1 || !s.More {
		t.Errorf("%d blank, %d too long, more %v; want 2, 1, true", s.Blank, s.TooLong, s.More)
	}
}

// oddFirst are lines of one kind, of which the first has more words than the others where they have a value.
func oddFirst() string {
	text := "clock synchronized to LOCAL(a) stratum 3\n"
	for i := range 40 {
		text += fmt.Sprintf("clock synchronized to 192.0.2.%d stratum %d\n", i, i%8)
	}
	return text
}

func TestOddFirstLine(t *testing.T) {
	t.Parallel()
	r := Learn(sampleOf(t, []byte(oddFirst())))
	if len(r.Groups) != 1 || r.Groups[0].Template != "clock synchronized to <*> stratum <*>" || r.Matched != 41 {
		t.Errorf("%+v", r)
	}
}

func TestTOMLString(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		`a \[$b\] "c"`:  `'a \[$b\] "c"'`,
		"it's \\ \"x\"": `"it's \\ \"x\""`,
		"a\tb":          `"a\u0009b"`,
	} {
		if got := tomlString(s); got != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	}
}

func FuzzLearn(f *testing.F) {
	for _, name := range []string{"auth.tsv", "shop.tsv"} {
		text, _ := readTSV(f, name)
		f.Add(text[:600])
	}
	f.Add([]byte(oddFirst()))
	f.Add([]byte("a=1 b=2 c=3\n{\"a\":1}\n\tat x.y(Z.java:1)\n$x_ (y)? \\ _ := \x00\xff\xc2\x85\n"))
	f.Add([]byte("<1 sec (1.5 KB)\n[1] x\n[[\n\"\n- | :\n1.2.3.4:5 /6\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<13 {
			return
		}
		checkLearned(t, text)
	})
}

// checkLearned checks what must hold for what is learned of any text.
func checkLearned(t *testing.T, text []byte) {
	t.Helper()
	s := sampleOf(t, text)
	r := Learn(s)
	if r.Matched+r.General+len(r.Left) != s.Lines() {
		t.Fatalf("%d lines, but %d matched, %d by general schemas, %d left", s.Lines(), r.Matched, r.General, len(r.Left))
	}
	for _, u := range r.Schemas {
		if u.Lines == 0 {
			t.Fatalf("%q matches nothing", u.Text)
		}
		label := generalLabel
		if u.Group >= 0 {
			label = r.Groups[u.Group].Label
		}
		if _, err := format.Compile(label+" := "+u.Text, format.Rules{}); err != nil {
			t.Fatalf("%q: %v", u.Text, err)
		}
	}
	firsts(t, s, r)
	r.Report(s).TOML("x", "y")
}

func BenchmarkLearn(b *testing.B) {
	for _, name := range []string{"auth.tsv", "shop.tsv"} {
		text, _ := readTSV(b, name)
		text = bytes.Repeat(text, 200)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				s := sampleOf(b, text)
				Learn(s)
				n += s.Lines()
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
