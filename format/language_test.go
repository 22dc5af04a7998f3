package format

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// example is a line and what schemas make of it.
type example struct {
	name    string
	schemas []string
	rules   Rules
	line    string
	want    string // "" for no match
}

func (e *example) run(t *testing.T) {
	t.Helper()
	t.Parallel()
	var all []*Schema
	for _, text := range e.schemas {
		s, err := Compile(text, e.rules)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	p := NewAlternatives(all...)
	p.SetReference(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))
	out, verdict := p.Append([]byte("kept"), []byte(e.line))
	if string(out) != "kept"+e.want || (verdict == Matched) != (e.want != "") {
		t.Errorf("%q\non  %s\ngot  %s (%v)\nwant kept%s\n%s", e.schemas, e.line, out, verdict, e.want, p.Reason([]byte(e.line)))
	}
}

func runExamples(t *testing.T, examples []example) {
	t.Helper()
	t.Parallel()
	for _, e := range examples {
		t.Run(e.name, e.run)
	}
}

func one(schema string) []string { return []string{schema} }

func TestOptionalParts(t *testing.T) {
	const failed = `Failed password for (invalid user )?$user from $ip:ip port $port:int( $protocol)?`
	runExamples(t, []example{
		{"group there", one(failed), Rules{}, "sshd[1]: Failed password for invalid user bob from 192.0.2.1 port 22 ssh2",
			`{"user":"bob","ip":"192.0.2.1","port":22,"protocol":"ssh2"}`},
		{"groups not there", one(failed), Rules{}, "Failed password for root from 192.0.2.1 port 22", `{"user":"root","ip":"192.0.2.1","port":22}`},
		{"a capture at the end", one(`$a $b?`), Rules{}, "x", `{"a":"x"}`},
		{"a capture at the end, there", one(`$a $b?`), Rules{}, "x y", `{"a":"x","b":"y"}`},
		{"a word in the middle", one(`$a $n:int? $c`), Rules{}, "x y", `{"a":"x","c":"y"}`},
		{"a word in the middle, there", one(`$a $n:int? $c`), Rules{}, "x 7 y", `{"a":"x","n":7,"c":"y"}`},
		{"the first of two", one(`$a? $b`), Rules{}, "x", `{"b":"x"}`},
		{"both", one(`$a? $b`), Rules{}, "x y", `{"a":"x","b":"y"}`},
		{"two at the end", one(`$a $b? $c?`), Rules{}, "x y", `{"a":"x","b":"y"}`},
		{"the typed one of two", one(`$a $b:int? $c?`), Rules{}, "x y", `{"a":"x","c":"y"}`},
		{"a skip", one(`$a _? = $b`), Rules{}, "x = y", `{"a":"x","b":"y"}`},
		{"in a word", one(`$user(@$host)? from`), Rules{}, "bob@h from", `{"user":"bob","host":"h"}`},
		{"in a word, absent", one(`$user(@$host)? from`), Rules{}, "bob from", `{"user":"bob"}`},
		{"with before without", one(`$user(@$host)?`), Rules{}, "a@b@c", `{"user":"a@b","host":"c"}`},
		{"tag and pid", one(`$tag(\[$pid:int\])?: $text...`), Rules{}, "sshd[12]: a b", `{"tag":"sshd","pid":12,"text":"a b"}`},
		{"tag alone", one(`$tag(\[$pid:int\])?: $text...`), Rules{}, "kernel: a b", `{"tag":"kernel","text":"a b"}`},
		{"nested", one(`$a( b $b( c $c)?)?`), Rules{}, "x b y c z", `{"a":"x","b":"y","c":"z"}`},
		{"nested, half", one(`$a( b $b( c $c)?)?`), Rules{}, "x b y", `{"a":"x","b":"y"}`},
		{"nested, none", one(`$a( b $b( c $c)?)?`), Rules{}, "x c z", `{"a":"x"}`},
		{"what is left by a way that led nowhere", one(`= $a( b $b)? b $c`), Rules{}, "= x b y", `{"a":"x","c":"y"}`},
		{"group between blanks", one(`a ( b )? $c`), Rules{}, "a x", `{"c":"x"}`},
		{"group between blanks, there", one(`a ( b )? $c`), Rules{}, "a b x", `{"c":"x"}`},
		{"empty behind a literal", one(`user=$u? h=$h`), Rules{}, "user= h=1", `{"u":"","h":"1"}`},
		{"parentheses that are themselves", one(`uid=$uid:int($user) x`), Rules{}, "uid=0(root) x", `{"uid":0,"user":"root"}`},
		{"themselves in a group", one(`uid=$uid:int( ($user))? x`), Rules{}, "uid=0 (root) x", `{"uid":0,"user":"root"}`},
		{"a question mark before a capture", one(`$path?$query $v`), Rules{}, "/a?b=c HTTP", `{"path":"/a","query":"b=c","v":"HTTP"}`},
		{"an escaped question mark", one(`$path\?`), Rules{}, "/a?", `{"path":"/a"}`},
		{"constants before what is absent", one(`$a? $b? $c`), Rules{Fields: []Field{{"b", "1"}}}, "x", `{"b":"1","c":"x"}`},
		{"at the beginning", one(`(<$pri:int>)?$date:ts $host`), Rules{}, "<34>Oct 11 22:14:15 h", `{"pri":34,"date":"Oct 11 22:14:15","host":"h"}`},
	})
}

func TestTypes(t *testing.T) {
	runExamples(t, []example{
		{"bool", one(`$a:bool $b:bool $c:bool`), Rules{}, "yes FALSE On", `{"a":true,"b":false,"c":true}`},
		{"no bool", one(`$a:bool`), Rules{}, "maybe 1", ""},
		{"hex", one(`$a:hex $b:hex`), Rules{}, "0x1F deadBEEF", `{"a":"0x1F","b":"deadBEEF"}`},
		{"uuid", one(`id=$a:uuid;`), Rules{}, "id=f81d4fae-7dec-11d0-a765-00a0c91e6bf6;", `{"a":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"}`},
		{"time", one(`$a:time $b:time`), Rules{}, "x 17:16:12,329 17:16:12Z", `{"a":"17:16:12,329","b":"17:16:12Z"}`},
		{"ts with a blank", one(`$t:ts $l`), Rules{}, "2017-06-14 17:16:12,329 WARN", `{"t":"2017-06-14 17:16:12,329","l":"WARN"}`},
		{"ts in brackets", one(`[$t:ts] $l`), Rules{}, "[14/Jun/2017:17:16:12 +0200] x", `{"t":"14/Jun/2017:17:16:12 +0200","l":"x"}`},
		{"ts of syslog", one(`$t:ts $h`), Rules{}, "Jun  4 17:16:12 vm", `{"t":"Jun  4 17:16:12","h":"vm"}`},
		{"rest by its type", one(`$a $b:rest`), Rules{}, "x y z", `{"a":"x","b":"y z"}`},
		{"json", one(`ctx=$j:json $m`), Rules{}, `ctx={"a": [1, 2.50], "a":3} x`, `{"j":{"a":3},"m":"x"}`},
		{"json with digits kept", one(`$j:json`), Rules{}, `{"n":12345678901234567890}`, `{"j":{"n":12345678901234567890}}`},
		{"a word that is no json", one(`$j:json`), Rules{}, `hello {"a"}`, ""},
		{"kv", one(`$a $p:kv`), Rules{}, `x k=1 m="a b" f`, `{"a":"x","p":{"k":"1","m":"a b","f":true}}`},
		{"kv in the middle", one(`$id: $p:kv \($s\)`), Rules{}, `A1: from=<a@b>, size=12, n=1 (queue active) (x)`, ""},
		{"kv before something", one(`$id: $p:kv \($s active\)`), Rules{}, `A1: from=<a@b>, size=12, n=1 (queue active)`,
			`{"id":"A1","p":{"from":"<a@b>","size":"12","n":"1"},"s":"queue"}`},
		{"structured data", one(`$id $sd:kv $m...`), Rules{}, `ID47 [ex@1 iut="3" q="a \"b\] c"][o@2 x=""] An event`,
			`{"id":"ID47","sd":{"ex@1":{"iut":"3","q":"a \\\"b\\] c"},"o@2":{"x":""}},"m":"An event"}`},
		{"structured data with a key twice", one(`$id $sd:kv $m...`), Rules{}, `ID47 [a k="v" k="w"][a k="1" _k="2"] An event`,
			`{"id":"ID47","sd":{"a":{"k":"v","k_2":"w"},"a_2":{"k":"1","k_2":"2"}},"m":"An event"}`},
		{"structured data twice", one(`$x:kv $y:kv $z`), Rules{}, `[a k="v"][b] [c l="w"] d`, `{"x":{"a":{"k":"v"},"b":{}},"y":{"c":{"l":"w"}},"z":"d"}`},
		{"no structured data", one(`$id $sd:kv $m...`), Rules{}, `ID47 - An event`, `{"id":"ID47","sd":{},"m":"An event"}`},
	})
}

func TestText(t *testing.T) {
	const failed = `Failed password for (invalid user )?$user:text from $ip:host port $port:int( $protocol)?`
	whole := Rules{Whole: true}
	runExamples(t, []example{
		{"a word", one(failed), whole, "Failed password for root from 192.0.2.1 port 22", `{"user":"root","ip":"192.0.2.1","port":22}`},
		{"blanks", one(failed), whole, "Failed password for invalid user a  b from 192.0.2.1 port 22 ssh2", `{"user":"a  b","ip":"192.0.2.1","port":22,"protocol":"ssh2"}`},
		{"what follows in it", one(failed), whole, "Failed password for x from 192.0.2.9 port 1 ssh2 from 192.0.2.1 port 22 ssh2",
			`{"user":"x from 192.0.2.9 port 1 ssh2","ip":"192.0.2.1","port":22,"protocol":"ssh2"}`},
		{"the least", one(`a $x:text b $y...`), Rules{}, "a 1 b 2 b 3", `{"x":"1","y":"2 b 3"}`},
		{"to the end", one(`a $x:text`), Rules{}, "z a 1 2  ", `{"x":"1 2"}`},
		{"not nothing", one(`a $x:text b`), whole, "a  b", ""},
		{"nothing behind a literal", one(`"$x:text" $y`), whole, `"" z`, `{"x":"","y":"z"}`},
		{"up to a literal", one(`\[$x:text\] $y`), whole, `[a b] [c] d`, `{"x":"a b] [c","y":"d"}`},
		{"up to the literal that fits", one(`\[$x:text\] $y`), whole, `[a b] [c]`, `{"x":"a b","y":"[c]"}`},
		{"before what may be absent", one(`a $x:text( b $b)?( c $c)?`), whole, "a 1 2 c 3", `{"x":"1 2","c":"3"}`},
		{"before what is absent", one(`a $x:text( b $b)?( c $c)?`), whole, "a 1 2 d 3", `{"x":"1 2 d 3"}`},
		{"in a column", one(`$x:text,$y`), Rules{Delimiter: ','}, "a b,c", `{"x":"a b","y":"c"}`},
		{"names of hosts", one(`$a:host $b:host $c:host`), whole, "192.0.2.1 a-b.example. 2001:db8::1", `{"a":"192.0.2.1","b":"a-b.example.","c":"2001:db8::1"}`},
		{"no name of a host", one(`x $a:host`), whole, "x UNKNOWN", ""},
		{"no name of a host: a port", one(`x $a:host`), whole, "x a.example:80", ""},
	})
}

// Very many ways to fit must not take very long.
func TestTextIsBounded(t *testing.T) {
	t.Parallel()
	s, err := Compile(`$a:text a $b:text a $c:text a $d:text a $e:text b`, Rules{Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	var m Match
	if s.Match(&m, []byte(strings.Repeat("a ", 5000))) {
		t.Error("it fits")
	}
	if !s.Stop(&m).GaveUp {
		t.Error("it did not give up")
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		schema, bytes string
		empty         bool
	}{
		{`Failed $x`, "F", false},
		{` Failed $x`, "F", false},
		{`(error: )?PAM: $x`, "Pe", false},
		{`(a $x)?(b )?`, "ab", true},
		{`$x:quoted`, `"'`, false},
		{`$x:int a`, "+-0123456789", false},
		{`$x... `, "*", true},
		{`$x`, "*", false},
	} {
		s, err := Compile(tt.schema, Rules{Whole: true})
		if err != nil {
			t.Fatal(err)
		}
		set, empty := s.First()
		var got strings.Builder
		for b := range set {
			if set[b] {
				got.WriteByte(byte(b))
			}
		}
		if g := got.String(); empty != tt.empty || g != tt.bytes && (tt.bytes != "*" || len(g) != 256) {
			t.Errorf("%s: %q %v", tt.schema, g, empty)
		}
	}
}

func TestTails(t *testing.T) {
	runExamples(t, []example{
		{"logfmt", one(`$kv...`), Rules{}, `level=info msg="a b" n=7 e=`, `{"level":"info","msg":"a b","n":"7","e":""}`},
		{"no pair", one(`$kv...`), Rules{}, `Failed password for root`, ""},
		{"iptables", one(`kernel: $prefix $kv...`), Rules{}, `kernel: [UFW] IN=eth0 OUT= LEN=40 DF LEN=20 SYN URGP=0 `,
			`{"prefix":"[UFW]","IN":"eth0","OUT":"","LEN":"40","DF":true,"LEN_2":"20","SYN":true,"URGP":"0"}`},
		{"auditd", one(`type=$type msg=audit\($t:float:$serial:int\): $kv...`), Rules{},
			"type=USER_AUTH msg=audit(1364481363.243:24287): pid=1 msg='op=PAM acct=\"root\" res=failed'\x1dUID=\"root\"",
			`{"type":"USER_AUTH","t":1364481363.243,"serial":24287,"pid":"1","msg":"op=PAM acct=\"root\" res=failed","UID":"root"}`},
		{"keys that are there", one(`$pid $kv...`), Rules{Taken: []string{"host"}}, `1 pid=2 pid=3 host=h`, `{"pid":"1","pid_2":"2","pid_3":"3","host_2":"h"}`},
		{"a number that is there", one(`$kv...`), Rules{}, `a_2=x a=1 a=2 a=3`, `{"a_2":"x","a":"1","a_3":"2","a_4":"3"}`},
		{"constants win", one(`$kv...`), Rules{Fields: []Field{{"a", "c"}}}, `a=1 b=2`, `{"b":"2","a":"c"}`},
		{"underscores", one(`$kv...`), Rules{}, `_id=1 __x=2 x=3`, `{"id":"1","x":"2","x_2":"3"}`},
		{"keys that are no UTF-8", one(`$kv...`), Rules{}, "\xff=1 \xfe=2", "{\"\uFFFD\":\"1\",\"\uFFFD_2\":\"2\"}"},
		{"nothing", one(`$a $kv...`), Rules{}, "x ", `{"a":"x"}`},
		{"structured data", one(`$a $kv...`), Rules{}, `x [a@1 k="v" k="w"]`, `{"a":"x","a@1":{"k":"v","k_2":"w"}}`},
		{"json", one(`$json...`), Rules{}, ` {"_id": 1, "a": {"_b": [true, 1.0]}} `, `{"id":1,"a":{"_b":[true,1.0]}}`},
		{"json behind text", one(`$t:ts $h $json...`), Rules{}, `Jun 14 17:16:12 vm {"h":1}`, `{"t":"Jun 14 17:16:12","h":"vm","h_2":1}`},
		{"json that is no object", one(`$json...`), Rules{}, `[1]`, ""},
		{"json and something", one(`$json...`), Rules{}, `{} x`, ""},
		{"json of nothing", one(`$json...`), Rules{}, `{}`, `{}`},
		{"json not UTF-8", one(`$json...`), Rules{}, "{\"a\":\"\xff\"}", "{\"a\":\"\uFFFD\"}"},
	})
}

func TestLabels(t *testing.T) {
	two := []string{`login := Accepted $method for $user from`, `logout := session closed for user $user`}
	runExamples(t, []example{
		{"first", two, Rules{LabelKey: "event"}, "Accepted password for bob from", `{"method":"password","user":"bob","event":"login"}`},
		{"second", two, Rules{LabelKey: "event"}, "session closed for user bob", `{"user":"bob","event":"logout"}`},
		{"not asked for", two, Rules{}, "session closed for user bob", `{"user":"bob"}`},
		{"none", two, Rules{LabelKey: "event"}, "x", ""},
		{"not a label", one(`a b := $c`), Rules{}, "a b := x", `{"c":"x"}`},
	})
}

func TestDelimiter(t *testing.T) {
	comma, bar, tab := Rules{Delimiter: ','}, Rules{Delimiter: '|'}, Rules{Delimiter: '\t'}
	runExamples(t, []example{
		{"csv", one(`$a $b:int _ $c`), comma, `x,7,skipped,"a ""b"", c"`, `{"a":"x","b":7,"c":"a \"b\", c"}`},
		{"delimiters in the schema", one(`$a,$b:int,,$c`), comma, `x,7,skipped,y,more`, `{"a":"x","b":7,"c":"y"}`},
		{"the first column skipped", one(`,$b`), comma, `x,y`, `{"b":"y"}`},
		{"a blank in front", one(` $a $b `), comma, `x,y`, `{"a":"x","b":"y"}`},
		{"both", one(`$a, $b`), comma, `x, y`, `{"a":"x","b":"y"}`},
		{"empty columns", one(`$a $b:int $c`), comma, `x,,""`, `{"a":"x"}`},
		{"too few", one(`$a $b`), comma, `x`, ""},
		{"may be too few", one(`$a $b?`), comma, `x`, `{"a":"x"}`},
		{"a type that does not fit", one(`$a $b:int`), comma, `x,y`, ""},
		{"a text", one(`LOGIN $b`), comma, `LOGIN,y`, `{"b":"y"}`},
		{"another text", one(`LOGIN $b`), comma, `LOGOUT,y`, ""},
		{"blanks", one(`$t:ts $l $m...`), bar, `2017-06-14 17:16:12 |  WARN | a | b `, `{"t":"2017-06-14 17:16:12","l":"WARN","m":"a | b "}`},
		{"tab", one(`$a $b $c`), tab, "x\ty z\t", `{"a":"x","b":"y z"}`},
		{"a quote that does not end", one(`$a $b`), comma, `"x,y`, `{"a":"\"x","b":"y"}`},
		{"json in quotes", one(`$a $b:json`), comma, `x,"{""k"": 1}"`, `{"a":"x","b":{"k":1}}`},
	})
}

func TestTime(t *testing.T) {
	rule := func(fields, layout string) Rules {
		r, err := NewTime(strings.Split(fields, ","), layout, "Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		return Rules{Time: r}
	}
	runExamples(t, []example{
		{"two captures", one(`$date $hour $x`), rule("date,hour", ""), "2017-06-14 17:16:12,329 y", `{"time":"2017-06-14T17:16:12.329+02:00","x":"y"}`},
		{"in its place", one(`$x [$t:ts] $y`), rule("t", "clf"), "a [14/Jan/2017:17:16:12 -0700] b", `{"x":"a","time":"2017-01-14T17:16:12-07:00","y":"b"}`},
		{"year before", one(`$t:ts $x`), rule("t", "rfc3164"), "Dec 31 23:59:59 y", `{"time":"2025-12-31T23:59:59+01:00","x":"y"}`},
		{"year after", one(`$t:ts $x`), rule("t", ""), "Jan  3 00:00:01 y", `{"time":"2026-01-03T00:00:01+01:00","x":"y"}`},
		{"unix", one(`$t $x`), rule("t", "unix"), "1497453372.5 y", `{"time":"2017-06-14T17:16:12.5+02:00","x":"y"}`},
		{"no time", one(`$t $x`), rule("t", "unix"), "12a y", ""},
		{"absent", one(`$x( at $t:ts)?`), rule("t", ""), "y", `{"x":"y"}`},
		{"constant", one(`$t $x`), Rules{Time: rule("t", "unix").Time, Fields: []Field{{"time", "now"}}}, "1 y", `{"time":"now","x":"y"}`},
		{"a pair", one(`$kv...`), rule("time", ""), `level=info time="2017-06-14 17:16:12,329" msg=x`, `{"time":"2017-06-14T17:16:12.329+02:00","level":"info","msg":"x"}`},
		{"a pair that is no time", one(`$kv...`), rule("ts", ""), `level=info ts=x`, ""},
		{"a pair that is not there", one(`$kv...`), rule("ts", ""), `level=info time=x`, `{"level":"info","time_2":"x"}`},
		{"a pair and a capture", one(`$day $kv...`), rule("day,at", ""), `2017-06-14 a=1 at=17:16:12 at=2`, `{"time":"2017-06-14T17:16:12+02:00","a":"1","at":"2"}`},
		{"of JSON", one(`$json...`), rule("__TS", "unixus"), `{"a":1,"__TS":"1497453372329000"}`, `{"time":"2017-06-14T17:16:12.329000+02:00","a":1}`},
		{"of JSON, without the underscores", one(`$json...`), rule("TS", "unixus"), `{"a":1,"__TS":"1497453372329000"}`, `{"time":"2017-06-14T17:16:12.329000+02:00","a":1}`},
		{"a number of JSON", one(`$json...`), rule("ts", ""), `{"a":1,"ts":1497453372.5}`, `{"time":"2017-06-14T17:16:12.5+02:00","a":1}`},
		{"an object of JSON", one(`$json...`), rule("ts", ""), `{"ts":{}}`, ""},
		{"of another alternative", one(`$x`), rule("t", "unix"), "y", `{"x":"y"}`},
		{"columns", one(`$a $t`), Rules{Time: rule("t", "").Time, Delimiter: ','}, `x,2017-06-14 17:16:12 UTC`, `{"a":"x","time":"2017-06-14T17:16:12Z"}`},
	})
}

func TestWhole(t *testing.T) {
	whole := Rules{Whole: true}
	runExamples(t, []example{
		{"all of it", one(`Accepted $m for $u`), whole, " Accepted password for bob ", `{"m":"password","u":"bob"}`},
		{"something before", one(`Accepted $m for $u`), whole, "x Accepted password for bob", ""},
		{"something behind", one(`Accepted $m for $u`), whole, "Accepted password for bob x", ""},
	})
}

// TestMatchStaysSmall checks that what a Match makes of a line goes with the next one.
func TestMatchStaysSmall(t *testing.T) {
	t.Parallel()
	r, err := NewTime([]string{"t"}, "unix", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ schema, line string }{{`$t $x`, "1 2"}, {`= $t $j:json`, `= 1 {"a":[1, 2]}`}} {
		s, err := Compile(tt.schema, Rules{Time: r})
		if err != nil {
			t.Fatal(err)
		}
		var m Match
		for range 10_000 {
			if !s.Match(&m, []byte(tt.line)) {
				t.Fatalf("%s does not match", tt.schema)
			}
		}
		if cap(m.arena) > 1000 {
			t.Errorf("%s: %d bytes after 10,000 lines", tt.schema, cap(m.arena))
		}
	}
}

// TestMembers takes apart what a capture of another schema took, and puts both into one object.
func TestMembers(t *testing.T) {
	t.Parallel()
	outer, err := Compile(`$host $tag: $message...`, Rules{})
	if err != nil {
		t.Fatal(err)
	}
	inner, err := Compile(`Accepted $method for $user?`, Rules{Taken: outer.Members(), Fields: []Field{{"event", "login"}}, Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	var o, i Match
	if !outer.Match(&o, []byte("vm sshd: Accepted password for bob")) {
		t.Fatal("no match")
	}
	slot := outer.Slot("message")
	message, ok := o.Bytes(slot)
	if !ok || !inner.Match(&i, message) {
		t.Fatalf("%q does not match", message)
	}
	out := outer.AppendMembers([]byte("x{"), &o, 1<<slot|1<<outer.Slot("host"))
	out = append(inner.AppendMembers(out, &i, 0), '}')
	if want := `x{"tag":"sshd","method":"password","user":"bob","event":"login"}`; string(out) != want {
		t.Errorf("got %s, want %s", out, want)
	}
	if names := inner.Members(); !slices.Equal(names, []string{"method", "user", "event"}) {
		t.Errorf("members %q", names)
	}
	if out := outer.AppendMembers([]byte("{"), &o, 7); string(out) != "{" {
		t.Errorf("without any: %s", out)
	}
}

// The place of a time that is none does not depend on the line before.
func TestStopOfTime(t *testing.T) {
	t.Parallel()
	stamp, err := NewTime([]string{"a", "ts"}, "", "UTC")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Compile(`$a?[$ts]`, Rules{Time: stamp})
	if err != nil {
		t.Fatal(err)
	}
	var m Match
	for line, want := range map[string]int{"x y z[2]": 4, "[1]": 1} {
		if s.Match(&m, []byte(line)) || s.Stop(&m).Pos != want {
			t.Errorf("%s: stop at %d, want %d", line, s.Stop(&m).Pos, want)
		}
	}
}
