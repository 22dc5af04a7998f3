package cron

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func every(t *testing.T, s string) Every {
	t.Helper()
	e, err := ParseEvery(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestParseEvery(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, crontab, calendar string }{
		{"1m", "* * * * *", "*:*"},
		{"5m", "*/5 * * * *", "*:0/5"},
		{"30min", "*/30 * * * *", "*:0/30"},
		{"60m", "0 * * * *", "hourly"},
		{"1h", "0 * * * *", "hourly"},
		{"120m", "0 */2 * * *", "0/2:00"},
		{"12h", "0 */12 * * *", "0/12:00"},
		{"24h", "0 0 * * *", "daily"},
		{"1d", "0 0 * * *", "daily"},
		{"7d", "0 0 * * 0", "Sun *-*-*"},
		{"1w", "0 0 * * 0", "Sun *-*-*"},
	} {
		e, err := ParseEvery(c.in)
		if err != nil || e.crontab != c.crontab || e.calendar != c.calendar || e.String() != c.in {
			t.Errorf("%s: %+v, %v, want %+v", c.in, e, err, c)
		}
	}
	for _, in := range []string{"", "5", "m", "0m", "-5m", "7m", "40m", "90m", "5h", "25h", "2d", "2w", "5s", "1h30m", "5 m", "1.5h",
		"99999999999999999999m", "100000m"} {
		if e, err := ParseEvery(in); err == nil {
			t.Errorf("%q: %+v", in, e)
		}
	}
}

// FuzzParseEvery looks for panics, and for intervals that are no two times.
func FuzzParseEvery(f *testing.F) {
	for _, in := range []string{"5m", "1w", "0060min", "007d", "10080m", "+5m", "5\u0664m", "\u0665m"} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		e, err := ParseEvery(in)
		if err == nil && (len(strings.Fields(e.crontab)) != 5 || e.calendar == "") {
			t.Errorf("%q: %+v", in, e)
		}
	})
}

func TestLine(t *testing.T) {
	t.Parallel()
	j := &Job{
		App: "fail2ban", Every: every(t, "5m"),
		Env:   []string{"LOGCTL_URL=https://log.example.com:5984", "LOGCTL_DATA=/var/my data"},
		Args:  []string{"/usr/local/bin/logctl", "ship", "--schema", `$date 100% [\[$process\]]`},
		Files: []string{"/var/log/fail2ban.log*", "/var/log/my log.txt", "/srv/a b/[ab]?.log"},
	}
	want := `*/5 * * * * LOGCTL_URL=https://log.example.com:5984 LOGCTL_DATA='/var/my data' /usr/local/bin/logctl ship --schema ` +
		`'$date 100\% [\[$process\]]' /var/log/fail2ban.log* '/var/log/my log.txt' /srv/a\ b/[ab]?.log # logctl:fail2ban`
	if got, err := j.Line(); err != nil || got != want {
		t.Errorf("%v\n%s, want\n%s", err, got, want)
	}
}

func TestRefusedJobs(t *testing.T) {
	t.Parallel()
	e := every(t, "1h")
	long := strings.Repeat("x", maxCommand)
	for _, j := range []*Job{
		{App: "", Every: e},
		{App: "Not An App", Every: e},
		{App: "a", Every: e, Files: []string{"/a\nb"}},
		{App: "a", Every: e, Args: []string{"/a\x00b"}},
		{App: "a", Every: e, Env: []string{"A=\r"}},
	} {
		if line, err := j.Line(); err == nil {
			t.Errorf("%+v: %q", j, line)
		}
		if _, _, err := j.Units(); err == nil {
			t.Errorf("%+v: units", j)
		}
	}
	j := &Job{App: "a", Every: e, Args: []string{"/x"}, Files: []string{long}}
	if line, err := j.Line(); err == nil || !strings.Contains(err.Error(), "pattern") {
		t.Errorf("%d bytes pass: %v", len(line), err)
	}
	if _, _, err := j.Units(); err != nil {
		t.Errorf("a unit of any length: %v", err)
	}
}

// nasty has words that quoting must carry.
var nasty = []string{
	"", "plain", "two words", `it's`, `"q"`, `\`, `\\`, `a\%b`, `a\\%b`, `a\\\%`, `%`, `100%`, `'%'`, `\'%`, `$HOME`, "`x`", `a;b&c|d`, `#x`, `~`,
	`!x`, `é ü`, `{a,b}`, `a=b`, `(x)`, `<x>`, `-n`, `a%%b\`, `%\%\\%'`, `x"%$\y`,
}

// unpercent does to a command what cron does before it gives it to the shell: \% becomes %, and a bare % would end it.
func unpercent(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	escaped := false
	for i := range len(s) {
		c := s[i]
		switch {
		case escaped && c == '%':
			text := b.String()
			b.Reset()
			b.WriteString(text[:len(text)-1])
		case !escaped && c == '%':
			t.Errorf("cron ends %s at byte %d", s, i)
		}
		escaped = !escaped && c == '\\'
		b.WriteByte(c)
	}
	return b.String()
}

// words is what a shell makes of a command's arguments.
func words(t *testing.T, command string) []string {
	t.Helper()
	c := exec.Command("/bin/sh", "-c", `printf '%s\0' `+command)
	c.Dir = t.TempDir()
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

func TestShellReadsWhatWasQuoted(t *testing.T) {
	t.Parallel()
	var quoted []string
	for _, w := range nasty {
		quoted = append(quoted, quote(w))
	}
	if got := words(t, unpercent(t, escapePercent(strings.Join(quoted, " ")))+" # a comment"); !slices.Equal(got, nasty) {
		t.Errorf("got  %q\nwant %q", got, nasty)
	}
}

func TestShellExpandsPatterns(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), `a b'c"$(d)\%e`)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range []string{"100% x.log", "100% y.log"} {
		want = append(want, filepath.Join(dir, name))
		if err := os.WriteFile(want[len(want)-1], nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := words(t, unpercent(t, escapePercent(quotePattern(filepath.Join(dir, "100% [xy].lo?"))))); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	none := `/nonexistent/it's 100%*`
	if got := words(t, unpercent(t, escapePercent(quotePattern(none)))); !slices.Equal(got, []string{none}) {
		t.Errorf("no match: got %q, want %q", got, none)
	}
}

// FuzzQuote compares with the shell.
func FuzzQuote(f *testing.F) {
	for _, w := range nasty {
		f.Add(w)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) > maxCommand || strings.ContainsFunc(in, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return
		}
		if got := words(t, unpercent(t, escapePercent(quote(in)))); len(got) != 1 || got[0] != in {
			t.Errorf("%q became %q", in, got)
		}
	})
}

func TestSetLine(t *testing.T) {
	t.Parallel()
	const other, ours, old = "MAILTO=me\n# logctl:fail2ban is below\n0 1 * * * /bin/x 50\\%\n", "0 * * * * new # logctl:a", "* * * * * old # logctl:a\n"
	for _, c := range []struct{ in, line, want string }{
		{"", ours, ours + "\n"},
		{"", "", ""},
		{other, ours, other + ours + "\n"},
		{"0 1 * * * x", ours, "0 1 * * * x\n" + ours + "\n"},
		{old + other, ours, ours + "\n" + other},
		{old + other + old, ours, ours + "\n" + other},
		{other + ours + "\n", ours, other + ours + "\n"},
		{old + other + old, "", other},
		{"* * * * * x # logctl:ab\n#* * * * * x # logctl:a\n", "", "* * * * * x # logctl:ab\n#* * * * * x # logctl:a\n"},
		{"* * * * * x # logctl:a", "", ""},
	} {
		if got := setLine(c.in, "a", c.line); got != c.want {
			t.Errorf("%q with %q: %q, want %q", c.in, c.line, got, c.want)
		}
	}
}

func TestEntries(t *testing.T) {
	t.Parallel()
	got := entries("MAILTO=x\n*/5 * * * * A=b /bin/logctl ship 'x # logctl:y' # logctl:a\n@hourly  /bin/x # logctl:b/c \n* * # logctl:d\n" +
		"# * * * * * x # logctl:e\n1\t2 3 4 5 /bin/y # logctl:f")
	want := []Entry{
		{"a", "crontab", "*/5 * * * *", "A=b /bin/logctl ship 'x # logctl:y'"},
		{"b/c", "crontab", "@hourly", "/bin/x"},
		{"f", "crontab", "1 2 3 4 5", "/bin/y"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// FuzzSetLine looks for lines of others that do not stay.
func FuzzSetLine(f *testing.F) {
	f.Add("* * * * * x # logctl:a\n0 0 * * * y\n", "a")
	f.Add("@daily x # logctl:a", "b")
	f.Add("#* * * * * x # logctl:a\r\n\n* * * * * # logctl:a\u00a0\n# logctl:a\n@ # logctl:a\ny # logctl:b # logctl:a", "a")
	f.Add("\t@x\v# logctl:a \n * * * * *\tx\u2028 # logctl:a/_$()+-\n\x00\xff # logctl:a b", "a/_$()+-")
	f.Fuzz(func(t *testing.T, crontab, app string) {
		if !(&Job{App: app}).legal() {
			return
		}
		entries(crontab)
		j := &Job{App: app, Every: Every{crontab: "0 * * * *"}, Args: []string{"/x"}}
		line, err := j.Line()
		if err != nil {
			return
		}
		once := setLine(crontab, app, line)
		if again := setLine(once, app, line); again != once {
			t.Errorf("twice is %q, once %q", again, once)
		}
		if gone, never := setLine(once, app, ""), setLine(crontab, app, ""); gone != never && gone != never+"\n" {
			t.Errorf("%q: removed %q, never there %q", crontab, gone, never)
		}
	})
}

func (j *Job) legal() bool { return j.check() == nil }
