package ship

import (
	"errors"
	"fmt"
	"testing"
)

func testID(i int) []byte { return fmt.Appendf(nil, "20260101000000000-000000000000000%d", i) }

func TestReadRows(t *testing.T) {
	t.Parallel()
	id := func(i int) string { return string(testID(i)) }
	ok := func(i int) string {
		return `{"ok":true,"id":"` + id(i) + `","rev":"1-967a00dff5e02add41819138abb3284d"}`
	}
	tests := []struct {
		name, answer string
		want         []row // nil: no answer
	}{
		{"ok", "[" + ok(0) + "," + ok(1) + "]\n", []row{{}, {}}},
		{"no rev", `[{"ok":true,"id":"` + id(0) + `"},{"ok":true}]`, []row{{}, {}}},
		{"another order", `[ {"id":"` + id(0) + `", "rev":"1-a","ok":true } , ` + ok(1) + `]`, []row{{}, {}}},
		{"errors", `[{"id":"` + id(0) + `","error":"conflict","reason":"Document update conflict."},{"id":"` + id(1) + `","error":"forbidden","reason":{"a":"b"}}]`,
			[]row{{"conflict", "Document update conflict."}, {"forbidden", `{"a":"b"}`}}},
		{"too few", "[" + ok(0) + "]", nil},
		{"too many", "[" + ok(0) + "," + ok(1) + "," + ok(2) + "]", nil},
		{"rows swapped", "[" + ok(1) + "," + ok(0) + "]", nil},
		{"cut", "[" + ok(0) + "," + ok(1), nil},
		{"neither", `[` + ok(0) + `,{"id":"` + id(1) + `"}]`, nil},
		{"both", `[` + ok(0) + `,{"ok":true,"error":"x"}]`, nil},
		{"object", `{"ok":true}`, nil},
		{"empty", ``, nil},
		{"no object", `[1,2]`, nil},
	}
	for _, tt := range tests {
		rows, err := readRows([]byte(tt.answer), 2, testID)
		if tt.want == nil {
			if !errors.Is(err, errAnswer) {
				t.Errorf("%s: error %v", tt.name, err)
			}
			continue
		}
		if err != nil || len(rows) != 2 || rows[0] != tt.want[0] || rows[1] != tt.want[1] {
			t.Errorf("%s: %q, %v", tt.name, rows, err)
		}
	}
}

// FuzzReadRows looks for answers that account for docs they don't name.
func FuzzReadRows(f *testing.F) {
	f.Add([]byte(`[{"ok":true,"id":"` + string(testID(0)) + `","rev":"1-a"},{"id":"` + string(testID(1)) + `","error":"conflict","reason":"x"}]`))
	f.Add([]byte(`[{"ok":true},{"error":"forbidden","reason":{"x":1}}]`))
	f.Add([]byte(` [{"ok":true,"id":"` + string(testID(0)) + `"},{"ok":1,"error":"","error":"x","reason":null,"id":"` + string(testID(1)) + `"}]`))
	f.Add([]byte(`[{"error":"x","id":1},[],{}]`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		rows, err := readRows(answer, 2, testID)
		if err == nil && len(rows) != 2 {
			t.Errorf("%d rows", len(rows))
		}
		if err != nil && !errors.Is(err, errAnswer) {
			t.Errorf("error %v", err)
		}
	})
}
