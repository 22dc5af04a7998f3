package format

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"logctl/store"
)

// pythonMatch is how the Python tool jsonformat reads a line: its schema is a regular expression in which $name is a group
// of any non-blanks, _ the same without the group, and a blank one or more. What comes back are the parts of the leftmost
// match, of skips too; the name of a skip is "_".
func pythonMatch(schema string) (names []string, match func(string) []string) {
	part := regexp.MustCompile(`\$[a-z]*|_`)
	for _, name := range part.FindAllString(schema, -1) {
		names = append(names, strings.TrimPrefix(name, "$"))
	}
	re := regexp.MustCompile(strings.ReplaceAll(part.ReplaceAllString(schema, `([^\s]*)`), " ", `\s+`))
	return names, func(line string) []string {
		if m := re.FindStringSubmatch(line); m != nil {
			return m[1:]
		}
		return nil
	}
}

// TestLikeJSONFormat holds what schemas make of real lines against what jsonformat makes of them. It takes nothing for
// a run of non-blanks too, even between two blanks, which we do not, so lines where it does are left out.
func TestLikeJSONFormat(t *testing.T) {
	t.Parallel()
	lines := readLines(t, filepath.Join("testdata", "fail2ban.log"))
	shared := filepath.Join("..", "..", "shared", "data")
	for _, name := range []string{"fail2ban-log/genuine-0.10.6.log", "fail2ban-log/input-auth.log", "fail2ban-log/input-error.log.1"} {
		path := filepath.Join(shared, name)
		if _, err := os.Stat(path); err != nil {
			t.Logf("SKIPPED: real lines are absent: %v", err)
			continue
		}
		all := readLines(t, path)
		lines = append(lines, all[:min(len(all), 700)]...)
	}
	for _, schema := range []string{
		fail2banSchema, `$date`, `$date $hour _ _ $level _ _ $ip`, `$date $hour _ _ _ _ _ $ip`, `\[$process\] Ban $ip`,
		`$date $hour: _`, `for $user from $ip port $port`, `client: $ip, server: $server,`, `$a:$b:$c`, `\[$a\]:`, `"$method $path`,
	} {
		s, err := Compile(schema, Rules{})
		if err != nil {
			t.Fatal(err)
		}
		names, match := pythonMatch(schema)
		same := 0
		for _, line := range lines {
			text := strings.TrimSpace(string(line))
			values := match(text)
			if values == nil || slices.Contains(values, "") {
				continue
			}
			var want []byte
			for i, name := range names {
				if name != "_" {
					want = append(store.AppendJSONString(append(want, ','), name), ':')
					want = store.AppendJSONString(want, values[i])
				}
			}
			want[0] = '{'
			want = append(want, '}')
			got, ok := s.Append(nil, new(Match), []byte(text))
			if !ok || string(got) != string(want) {
				t.Errorf("%s\non %s\ngot  %s\nwant %s", schema, text, got, want)
				break
			}
			same++
		}
		t.Logf("%s: %d lines", schema, same)
	}
}
