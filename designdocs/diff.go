package designdocs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"logctl/store"
)

// Diff tells what Install would change: for each function or other member that differs, a header and the lines that go (-) and
// come (+) among those that stay. It is empty if nothing would change.
func Diff(ctx context.Context, s Server, db store.DBName, docs []Doc) (string, error) {
	var out strings.Builder
	for _, d := range docs {
		there, err := get(ctx, s, db, d.ID())
		if err != nil {
			return "", fmt.Errorf("compare %s: %w", d.ID(), err)
		}
		if there != nil && same(there, d.Body) {
			continue
		}
		before, after := parts(there), parts(d.Body)
		both := maps.Clone(before)
		maps.Copy(both, after)
		for _, name := range sortedKeys(both) {
			if before[name] == after[name] {
				continue
			}
			fmt.Fprintf(&out, "%s %s\n", d.ID(), name)
			writeDiff(&out, lines(before[name]), lines(after[name]))
		}
	}
	return out.String(), nil
}

// parts are a document's members by path, "views.attacks.map": the text of strings, the JSON of anything else.
func parts(doc []byte) map[string]string {
	out := map[string]string{}
	m, err := members(doc)
	if err != nil {
		return out
	}
	var walk func(prefix string, v any)
	walk = func(prefix string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				walk(strings.TrimPrefix(prefix+"."+name, "."), member)
			}
		case string:
			out[prefix] = v
		default:
			text, err := json.Marshal(v)
			if err == nil {
				out[prefix] = string(text)
			}
		}
	}
	walk("", m)
	return out
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// maxDiff bounds the table of the comparison; longer texts are shown as all gone and all new.
const maxDiff = 4 << 20

// writeDiff writes the shortest way from a to b by whole lines: a longest common subsequence, by the textbook's table.
func writeDiff(out *strings.Builder, a, b []string) {
	if (len(a)+1)*(len(b)+1) > maxDiff {
		writeLines(out, "-", a)
		writeLines(out, "+", b)
		return
	}
	width := len(b) + 1
	common := make([]int32, (len(a)+1)*width) // common[i*width+j]: of a[i:] and b[j:]
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			writeLines(out, " ", a[i:i+1])
			i, j = i+1, j+1
		case common[(i+1)*width+j] >= common[i*width+j+1]:
			writeLines(out, "-", a[i:i+1])
			i++
		default:
			writeLines(out, "+", b[j:j+1])
			j++
		}
	}
	writeLines(out, "-", a[i:])
	writeLines(out, "+", b[j:])
}

func writeLines(out *strings.Builder, mark string, lines []string) {
	for _, l := range lines {
		out.WriteString(mark + l + "\n")
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// asNotFound tells whether err is a *store.Error of KindNotFound and finds it.
func asNotFound(err error, e **store.Error) bool {
	return errors.As(err, e) && (*e).Kind == store.KindNotFound
}
