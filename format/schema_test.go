package format

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"logctl/store/ejson"
)

const (
	fail2banSchema = `$date $hour _ _ _ \[$process\] _ $ip`
	fail2banLine   = `2017-06-14 17:16:12,329 fail2ban.actions        [1112]: NOTICE  [sshd] Ban 59.45.175.88`
)

func TestSchemaAppend(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, schema, fields, line string
		want                       string // "" for no match
	}{
		{"fail2ban", fail2banSchema, "machine=server", fail2banLine,
			`{"date":"2017-06-14","hour":"17:16:12,329","process":"sshd","ip":"59.45.175.88","machine":"server"}`},
		{"not the end", `$date $hour _ _ $level`, "", fail2banLine, `{"date":"2017-06-14","hour":"17:16:12,329","level":"NOTICE"}`},
		{"too few runs", `$a $b`, "", "one", ""},
		{"empty line", `$a`, "", "", ""},
		{"blank line", `$a`, "", " \t ", ""},
		{"leading blanks", `$a $b`, "", "  x\ty", `{"a":"x","b":"y"}`},
		{"no end of line in the last run", `$a $b`, "", "x ", ""},
		{"blanks are all alike", "$a\t\n$b", "", "x \v\f y", `{"a":"x","b":"y"}`},
		{"control characters are no blanks", `$a $b`, "", "x\x1b[0m y", `{"a":"x\u001b[0m","b":"y"}`},

		{"anywhere, by literal", `Ban $ip`, "", fail2banLine, `{"ip":"59.45.175.88"}`},
		{"literal within a run", `an $ip`, "", fail2banLine, `{"ip":"59.45.175.88"}`},
		{"leftmost", `x$a`, "", "ax1 x2", `{"a":"1"}`},
		{"second place of the literal", `port $p:int`, "", "port no port 22", `{"p":22}`},
		{"blank before", ` an $ip`, "", "Ban 1 an 2", `{"ip":"2"}`},
		{"blank before, at the start", ` an $ip`, "", "an 2", `{"ip":"2"}`},
		{"blank after", `$a x `, "", "1 xy 2 x", `{"a":"2"}`},

		{"longest up to the literal", `$k=$v`, "", "a=b=c", `{"k":"a=b","v":"c"}`},
		{"ends within a run", `\[$p\]`, "", "x[sshd]y", `{"p":"sshd"}`},
		{"literal must end the run before a blank", `\[$p\] $q`, "", "[a]b [c] d", `{"p":"c","q":"d"}`},
		{"empty behind a literal", `ruser=$u rhost=$h`, "", "tty=ssh ruser= rhost=h", `{"u":"","h":"h"}`},
		{"not empty at the beginning of a run", `$a,b`, "", ",b x,b", `{"a":"x"}`},
		{"address and port", `$ip:ip:$port:int`, "", "2001:db8::1:80", `{"ip":"2001:db8::1","port":80}`},
		{"colon is a literal", `$hour: $x`, "", "12:30: y", `{"hour":"12:30","x":"y"}`},
		{"escapes", `\$a\_\\$b\ c`, "", `$a_\x c`, `{"b":"x"}`},
		{"underscore within a word", `a_b $c`, "", "aXb 1 a_b 2", `{"c":"2"}`},
		{"underscore beside literals", `\[_\]: $l`, "", "x [11]: y", `{"l":"y"}`},
		{"skip may be empty behind a literal", `(_) $l`, "", "() y", `{"l":"y"}`},
		{"names", `$remote_addr $_x9`, "", "a b", `{"remote_addr":"a","_x9":"b"}`},

		{"rest", `$a $rest...`, "", "x y  z ", `{"a":"x","rest":"y  z "}`},
		{"rest of nothing", `$a: $rest...`, "", "x: ", `{"a":"x","rest":""}`},
		{"rest alone", `$all...`, "", " x y", `{"all":" x y"}`},
		{"rest behind a literal", `msg=$m...`, "", "a msg=b c", `{"m":"b c"}`},
		{"rest behind a part of a word", `$a $b:$m...`, "", "x y:z w", `{"a":"x","b":"y","m":"z w"}`},
		{"no rest behind a part of a word", `$a $b:$m...`, "", "x y w", ""},
		{"three dots that are not at once", `$a..`, "", "x..", `{"a":"x"}`},

		{"ip", `$ip:ip`, "", "from host 192.0.2.1", `{"ip":"192.0.2.1"}`},
		{"ip is never a word", `\[$p\] _ $ip:ip`, "", "[sshd] Restore Ban 192.0.2.1", ""},
		{"int", `$n:int`, "", "x1 1.5 -12345678901234567890123", `{"n":-12345678901234567890123}`},
		{"int with zeros and plus", `$a:int $b:int $c:int`, "", "007 +5 -0", `{"a":7,"b":5,"c":0}`},
		{"float", `$a:float $b:float $c:float $d:float`, "", "0.120 1e2 .5 7", `{"a":0.12,"b":100.0,"c":0.5,"d":7}`},
		{"float out of range", `$a:float`, "", "1e400 nan inf 0x1p3 1_0", ""},
		{"date", `$d:date`, "", "2017-02-30 2016-02-29", `{"d":"2016-02-29"}`},
		{"date of syslog", `$d:date $t _ $m...`, "", "Nov  1 01:42:45 vm x y", `{"d":"Nov  1","t":"01:42:45","m":"x y"}`},
		{"date of the common log format", `\[$d:date $z\]`, "", "[14/Jun/2017:17:16:12 +0200]", `{"d":"14/Jun/2017:17:16:12","z":"+0200"}`},
		{"quoted", `$q:quoted $s:int`, "", `- "GET /\" HTTP/1.1" 200`, `{"q":"GET /\\\" HTTP/1.1","s":200}`},
		{"quoted without an end", `$q:quoted`, "", `"GET`, ""},
		{"quoted behind a literal", `msg=$q:quoted, $b`, "", `msg='a b', c`, `{"q":"a b","b":"c"}`},

		{"not UTF-8", `$a $b`, "", "\xffx \xc3\xa9", `{"a":"` + "\uFFFD" + `x","b":"é"}`},
		{"override keeps its place", `$a $b $c`, "d=1,b=2", "x y z", `{"a":"x","b":"2","c":"z","d":"1"}`},
		{"override of the first", `$a $b`, "a=1", "x y", `{"a":"1","b":"y"}`},
		{"override of all", `$a`, "a=1,a=2", "x", `{"a":"2"}`},
		{"override still checks", `$a:int`, "a=1", "x", ""},
		{"values escaped", `$a`, `k"=x"y`, "x", `{"a":"x","k\"":"x\"y"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := New(Options{Schemas: []string{tt.schema}, Fields: tt.fields})
			if err != nil {
				t.Fatal(err)
			}
			out, verdict := f.Append([]byte("kept"), []byte(tt.line))
			if want := map[bool]Verdict{true: Matched, false: Rejected}[tt.want != ""]; verdict != want {
				t.Errorf("verdict %v, want %v", verdict, want)
			}
			if string(out) != "kept"+tt.want {
				t.Errorf("got  %s\nwant kept%s", out, tt.want)
			}
		})
	}
}

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ schema, reason, caret string }{
		{`$a$b`, "between them", `    ^`},
		{`_$b`, "between them", `   ^`},
		{`$a $a`, "captured twice", `     ^`},
		{`é $9`, "a name must follow", `    ^`},
		{`x $`, "a name must follow", `    ^`},
		{`$a:foo`, `no type "foo"`, `     ^`},
		{`$a:int_`, `no type "int_"`, `     ^`},
		{`$a... b`, "nothing may follow", `        ^`},
		{`$a...b`, "nothing may follow", `       ^`},
		{`$a\`, "backslash", `    ^`},
		{"$a\xff", "not UTF-8", `    ^`},
		{``, "captures nothing", `  ^`},
		{`_ x`, "captures nothing", `     ^`},
		{strings.Repeat("$a ", maxSchema), "longer", ""},
		{strings.Repeat("(x _)?", maxAbsent+1), "that may be absent", ""},
		{"\x1b $", "a name must follow", "    ^"},
	}
	for _, tt := range tests {
		_, err := Compile(tt.schema, Rules{})
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(syntax.Reason, tt.reason) {
			t.Errorf("%.20q: %v, want one with %q", tt.schema, err, tt.reason)
			continue
		}
		text, caret, _ := strings.Cut(syntax.Caret(), "\n")
		if tt.caret != "" && caret != tt.caret {
			t.Errorf("%q: caret\n%s\n%s, want\n%s", tt.schema, text, caret, tt.caret)
		}
		if strings.ContainsRune(text, 0x1b) {
			t.Errorf("%q: control character in %q", tt.schema, text)
		}
	}
	names := make([]string, maxCaptures+1)
	for i := range names {
		names[i] = "$a" + strings.Repeat("a", i)
	}
	if _, err := Compile(strings.Join(names, " "), Rules{}); err == nil {
		t.Error("too many captures: no error")
	}
	if _, err := Compile(strings.Join(names[1:], " "), Rules{}); err != nil {
		t.Errorf("as many as allowed: %v", err)
	}
}

// TestEffort has lines on which a naive matcher takes time that grows with a power of their length.
func TestEffort(t *testing.T) {
	t.Parallel()
	tests := []struct{ schema, part string }{
		{`\[$a\] $b`, "["},
		{`$a,$b,$c,$d:int`, ","},
		{`$a:int,$b:int,$c:int,$d:ip`, "1,"},
		{`$a:quoted x`, `"`},
		{`x=$a:quoted y`, `x="`},
		{`$a $b $c !$d`, "a "},
		{`a$a b`, "a"},
		{`$a(,$b)?(,$c)?(,$d)?(,$e)?:$f`, ","},
		{`(a )?(a )?(a )?(a )?(a )?(a )?(a )?(a )?(a )?(a )?$n:int`, "a "},
		{`((a )?(b )?)?((a )?(b )?)?((a )?(b )?)?$n:int`, "a b "},
		{`$j:json x`, "{"},
		{`$j:json x`, `{"a":1} `},
		{`$p:kv x`, "a=1 "},
		{`$p:kv x`, `a="\" `},
		{`$p:kv x`, `[a b="c"]`},
		{`$t:ts x`, "2017-06-14 17:16:12 "},
	}
	for _, tt := range tests {
		s, err := Compile(tt.schema, Rules{})
		if err != nil {
			t.Fatal(err)
		}
		line := bytes.Repeat([]byte(tt.part), (1<<18)/len(tt.part))
		if _, ok := s.Append(nil, new(Match), line); ok {
			t.Errorf("%s matches", tt.schema)
		}
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	s, err := Compile(`$date:date $hour _ _ _ \[$process\] _ $ip:ip`, Rules{Fields: []Field{{"machine", "server"}}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{Preset: "fail2ban", Events: "all"})
	if err != nil {
		t.Fatal(err)
	}
	var m Match
	line, buf := []byte(fail2banLine), make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() {
		buf, _ = s.Append(buf[:0], &m, line)
		buf, _ = p.Append(buf[:0], line)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestLanguageDoesNotAllocate is the same for the parts of the language that need memory of a Match's, which grows once.
func TestLanguageDoesNotAllocate(t *testing.T) {
	stamp, err := NewTime([]string{"t"}, "", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		schema, line string
		rules        Rules
	}{
		{`$ip:ip _ $user [$t:ts] $request:quoted $status:int`, `192.0.2.1 - - [14/Jun/2017:17:16:12 +0200] "GET \"/" 200`, Rules{Time: stamp}},
		{`Failed $m for (invalid user )?$user:text from $ip:ip( port $port:int)?`, `x Failed password for invalid user a b from 192.0.2.1`, Rules{}},
		{`$t:ts $kv...`, `Jun 14 17:16:12 a=1 a="2 3" SYN b=`, Rules{Time: stamp}},
		{`$kv...`, `a=1 t="2017-06-14 17:16:12"`, Rules{Time: stamp}},
		{`<$p:int>1 $t:ts $sd:kv $m...`, `<34>1 2017-06-14T17:16:12Z [id a="1" b="2"][x] text`, Rules{}},
		{`$a $j:json $b`, `x {"a":[1,2.50,{"b":null}]} y`, Rules{}},
		{`$json...`, `{"t":1497453372.5,"a":"b","_c":[]}`, Rules{Time: stamp}},
		{`$a $b $t $d`, `x,"y ""z""",2017-06-14 17:16:12,1`, Rules{Delimiter: ',', Time: stamp}},
	} {
		s, err := Compile(tt.schema, tt.rules)
		if err != nil {
			t.Fatal(err)
		}
		var m Match
		line, buf := []byte(tt.line), make([]byte, 0, 4096)
		if n := testing.AllocsPerRun(100, func() {
			var ok bool
			if buf, ok = s.Append(buf[:0], &m, line); !ok {
				t.Fatalf("%s does not match: %s", tt.schema, s.Stop(&m))
			}
		}); n != 0 && !(forgetful && strings.Contains(tt.schema, "json")) {
			t.Errorf("%s: %v allocations", tt.schema, n)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{fail2banSchema, `$a:ip:$b:int \[_\] "$c" $d...`, `$a`, `\`, `$a:x`, ` $a:quoted `, `l := $a? ($b:kv)? ( $c:json)?`,
		`((($a)?)? $b:ts)?$kv...`, `$json...`, `$a:date?$b:hex( x)?`, `($a:text )?x$b:text( from $c:host)?`} {
		for mode := range uint8(8) {
			f.Add(s, fail2banLine, mode)
			f.Add(s, `x ts=1497453372 ts=2 c=3`, mode)
			f.Add(s, `{"ts":1497453372.5,"__ts":[1]}`, mode)
		}
	}
	for mode := range uint8(8) {
		f.Add(`l := $label`, `x`, mode)
		f.Add(`$n:int $x:float`, strings.Repeat("1", 400)+` -0.0`, mode)
		f.Add(`$date $json...`, `2017-06-14T17:16:12 {"date":"\u0041","_a":1,"a":2}`, mode)
		f.Add(`$j:json`, strings.Repeat("[", 10000)+strings.Repeat("]", 10000), mode)
	}
	stamp, err := NewTime([]string{"a", "date", "hour", "ts"}, "", "Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, schema, line string, mode uint8) {
		r := Rules{Fields: []Field{{"machine", line}}, LabelKey: "label", Whole: mode&1 != 0, Taken: []string{"a"}}
		if mode&2 != 0 {
			r.Delimiter = ','
		}
		if mode&4 != 0 {
			r.Time = stamp
		}
		s, err := Compile(schema, r)
		if err != nil {
			var syntax *SyntaxError
			if r.Time == nil && (!errors.As(err, &syntax) || syntax.Pos < 0 || syntax.Pos > len(schema) || syntax.Caret() == "") {
				t.Fatalf("error %#v", err)
			}
			return
		}
		checkOutput(t, s, line)
	})
}

func FuzzMatch(f *testing.F) {
	schemas := []string{fail2banSchema, `<$p:int>1 $t:ts $h _ $d:kv $m...`, `$i:ip [$t:ts] $r:quoted $s:int "$u:quoted, $z`, `$a - \[$b\] x=$c,d $e`, `$a _=$b:int $c: $d...`, `$a $b:date \[$c]:$d:ip`, `$a:ip:$b:int`, `$k=$v $q:quoted $f:float`, `\[$p\]$x...`, `$d:date _ ,$n:int,$m `,
		`$a $kv...`, `$a?( $j:json)? $sd:kv $m...`, `$t:ts( $b:bool)?`, `$json...`, `$u(@$h)?(:$p:int)? $x:uuid?`, `$x:text ($y:text =)?"$z:text"( $h:host)?`, `$a $b:$m...`, `$a _,$b:int]$m...`}
	for i := range schemas {
		f.Add(uint8(i), fail2banLine)
		f.Add(uint8(i), `Nov  1 x ,007,m 1:2:: "a" 1e2`)
		f.Add(uint8(i), `<34>1 2017-06-14T17:16:12Z vm - [id k="a b" l="`+strings.Repeat("long ", 20)+`"][x] Failed password`)
		f.Add(uint8(i), `192.0.2.1 [14/Jun/2017:17:16:12 +0200] "GET `+strings.Repeat("/long ", 20)+`" 200 "'a b', c`)
		f.Add(uint8(i), `alpha - [b][] x=,,d epsilon`)
		f.Add(uint8(i), "alpha  x=12 \u00e9: "+strings.Repeat("long ", 30)+"\t\x1b")
		f.Add(uint8(i), strings.Repeat("x ", 31)+"y "+strings.Repeat("12345678 ", 8))
		f.Add(uint8(i), `a 2017-06-14 [c]:2001:db8::1`)
		f.Add(uint8(i), `x a=1 a="2 3" _b=4 c, d='5'`)
		f.Add(uint8(i), `x {"a":[1,2.50,"\u00e9"],"_b":{}} [id k="v"][id] rest`)
	}
	f.Fuzz(func(t *testing.T, i uint8, line string) {
		s, err := Compile(schemas[int(i)%len(schemas)], Rules{})
		if err != nil {
			t.Fatal(err)
		}
		checkOutput(t, s, line)
	})
}

// checkOutput checks what must hold for every line: the output is one JSON object in stored form, and every string that
// was captured is a part of the line, apart from JSON, a time and quotes in columns. A line that does not fit has a reason.
func checkOutput(t *testing.T, s *Schema, line string) {
	t.Helper()
	var m, fresh Match
	s.Append(nil, &m, append([]byte("2017 a=1 "), line...)) // what it leaves does not matter
	out, ok := s.Append(nil, &m, []byte(line))
	if long, longOK := longWay(s).Append(nil, &fresh, []byte(line)); longOK != ok || !bytes.Equal(long, out) {
		t.Fatalf("the long way to match %q gives %s, %v, the short one %s, %v", line, long, longOK, out, ok)
	}
	if taken, traced := s.Trace(&m, []byte(line)); traced != ok {
		t.Fatalf("traced %v, otherwise %v: %+v", traced, ok, taken)
	}
	if !ok {
		if len(out) > 0 {
			t.Fatalf("output %q without a match", out)
		}
		if stop := s.Stop(&m); stop != s.Stop(&fresh) || stop.Pos < 0 || stop.Pos > len(line) || strings.ContainsFunc(stop.String(), isControl) {
			t.Fatalf("stop %+v", stop)
		}
		return
	}
	stored, err := ejson.Compact(nil, out)
	if err != nil || !bytes.Equal(stored, out) {
		t.Fatalf("%s in stored form is %s, %v", out, stored, err)
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(out, &values); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	whole := repaired(line)
	for key, value := range values {
		slot := s.Slot(key)
		if slot < 0 || (m.made|m.unquoted)>>slot&1 != 0 || s.stamp.consumes(slot) || contains(s.constants, []byte(key)) {
			continue // it says something else than what was captured
		}
		var text string
		if json.Unmarshal(value, &text) == nil && !strings.Contains(whole, text) {
			t.Fatalf("%s: %q is no part of %q", key, text, whole)
		}
	}
}

// longWay is a schema without the short ways that there are for the most usual schemas.
func longWay(s *Schema) *Schema {
	prog, other := *s.prog, *s
	prog.words, other.prog, other.pieces = nil, &prog, nil
	return &other
}

// repaired is s with every byte that is not UTF-8 replaced, one by one.
func repaired(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}
