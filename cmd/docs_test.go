package cmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSchemaPage runs what docs/schema.md shows: blocks of lines, a command behind "$ ", and its output.
func TestSchemaPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "schema.md"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, block := range indentedBlocks(string(page)) {
		input, rest, ok := strings.Cut(block, "$ logctl ")
		if !ok {
			continue
		}
		command, want, _ := strings.Cut(rest, "\n")
		ran++
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			var out, talk bytes.Buffer
			root := newRoot()
			root.SetIn(strings.NewReader(input))
			root.SetOut(&out)
			root.SetErr(&talk)
			root.SetArgs(splitCommand(t, command))
			if err := root.ExecuteContext(t.Context()); err != nil {
				t.Fatalf("%v\n%s", err, talk.Bytes())
			}
			if out.String() != want {
				t.Errorf("got\n%swant\n%s%s", out.String(), want, talk.Bytes())
			}
		})
	}
	if ran < 10 {
		t.Errorf("found only %d examples", ran)
	}
}

// indentedBlocks are the parts of a page in Markdown that are indented by four blanks, without these.
func indentedBlocks(page string) []string {
	var blocks []string
	inside := false
	for line := range strings.Lines(page) {
		text, indented := strings.CutPrefix(line, "    ")
		switch {
		case indented && inside:
			blocks[len(blocks)-1] += text
		case indented:
			blocks = append(blocks, text)
		}
		inside = indented
	}
	return blocks
}

// splitCommand gives the words of a command that has single quotes and no other ways to quote.
func splitCommand(t *testing.T, command string) []string {
	t.Helper()
	parts := strings.Split(command, "'")
	if len(parts)%2 == 0 {
		t.Fatalf("a quote without an end in %s", command)
	}
	var words []string
	for i, part := range parts {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}
