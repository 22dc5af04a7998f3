package format

import (
	"bytes"
	"fmt"
	"testing"
)

// TestSpecialAnywhere puts bytes that need an escape, or make a blank of no blank, into every place of lines, and holds the short way
// to match them against the long one.
func TestSpecialAnywhere(t *testing.T) {
	t.Parallel()
	run := bytes.Repeat([]byte("r"), 50)
	short := []byte(fmt.Sprintf(`+01 02 %s 3 "%s" [id k="v" l="w"] %s %s %s`, run, run, run, run, run))
	long := bytes.Replace(short, run, bytes.Repeat(run, 40), 2)
	for _, schema := range []string{`$a:int $b:int $c $d:int $e:quoted $f:kv $g $h...`, `$a $b $c $d $e:quoted $f:kv $g`, `$a _ $c _ $e:quoted`} {
		s, err := Compile(schema, Rules{})
		if err != nil {
			t.Fatal(err)
		}
		var m Match
		traced := Match{traced: true} // which takes the long way
		for _, line := range [][]byte{short, long} {
			step := 1 + len(line)/300
			for at := 0; at < len(line); at += step {
				for _, special := range []string{"\x01", "\t", `"`, `\`, "é", "\xff", " "} {
					text := append(append(bytes.Clone(line[:at]), special...), line[at+1:]...)
					got, ok := s.Append(nil, &m, text)
					want, wanted := s.Append(nil, &traced, text)
					if ok != wanted || !bytes.Equal(got, want) {
						t.Fatalf("%s, %q at %d of %d: %v %.300s, want %v %.300s", schema, special, at, len(text), ok, got, wanted, want)
					}
				}
			}
		}
	}
}
