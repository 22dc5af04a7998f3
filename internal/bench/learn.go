package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// learnedLines is how many lines logctl learn looks at.
const learnedLines = 200_000

// writeAuth writes the auth log of format/learn's tests again and again.
func writeAuth(path string) error {
	l, err := readTSV(filepath.Join("format", "learn", "testdata", "auth.tsv"))
	if err != nil {
		return err
	}
	return os.WriteFile(path, bytes.Repeat(l.text, learnedLines/max(len(l.kinds), 1)), 0o600)
}

// labelled is a log whose lines people have sorted by kind.
type labelled struct {
	name  string
	text  []byte
	kinds []string // of each line
}

// sayAccuracy prints how many of the lines of labelled logs logctl learn puts into groups that hold exactly the lines
// of their kind: those of format/learn's tests and, where they are at hand, those of loghub.
func sayAccuracy(w io.Writer, logctl, dir string) error {
	own, err := filepath.Glob(filepath.Join("format", "learn", "testdata", "*.tsv"))
	if err != nil {
		return err
	}
	hub, err := filepath.Glob(filepath.Join("..", "shared", "data", "loghub", "*", "*_2k.log"))
	if err != nil {
		return err
	}
	for _, set := range []struct {
		name  string
		files []string
		read  func(string) (labelled, error)
	}{{"its own tests", own, readTSV}, {"loghub", hub, readHub}} {
		if len(set.files) == 0 {
			fmt.Fprintf(w, "grouping accuracy of logctl learn on %s: not measured, the logs are not here\n", set.name)
			continue
		}
		sum := 0.0
		var each []string
		for _, file := range set.files {
			l, err := set.read(file)
			if err != nil {
				return err
			}
			a, err := accuracyOf(logctl, dir, l)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			sum += a
			each = append(each, fmt.Sprintf("%s %.3f", l.name, a))
		}
		fmt.Fprintf(w, "grouping accuracy of logctl learn on %s: %.4f (%s)\n", set.name, sum/float64(len(set.files)), strings.Join(each, ", "))
	}
	return nil
}

// readTSV reads lines with the name of their kind and a tab in front.
func readTSV(file string) (labelled, error) {
	l := labelled{name: strings.TrimSuffix(filepath.Base(file), ".tsv")}
	data, err := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		kind, line, _ := strings.Cut(line, "\t")
		l.kinds = append(l.kinds, kind)
		l.text = append(l.text, line...)
	}
	return l, err
}

// readHub reads a log of loghub's with the table beside it.
func readHub(file string) (labelled, error) {
	l := labelled{name: strings.TrimSuffix(filepath.Base(file), "_2k.log")}
	var err error
	if l.text, err = os.ReadFile(file); err != nil {
		return l, err
	}
	f, err := os.Open(file + "_structured.csv")
	if err != nil {
		return l, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) == 0 {
		return l, err
	}
	column := slices.Index(rows[0], "EventId")
	if column < 0 {
		return l, fmt.Errorf("%s_structured.csv has no column EventId", file)
	}
	for _, row := range rows[1:] {
		l.kinds = append(l.kinds, row[column])
	}
	return l, nil
}

// accuracyOf is the share of the lines whose group holds exactly the lines of their kind.
func accuracyOf(logctl, dir string, l labelled) (float64, error) {
	file := filepath.Join(dir, l.name)
	if err := os.WriteFile(file, l.text, 0o600); err != nil {
		return 0, err
	}
	out, err := exec.Command(logctl, "learn", "--groups", "-o", "csv", file).Output()
	if err != nil {
		return 0, err
	}
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil {
		return 0, err
	}
	if len(rows) != len(l.kinds)+1 {
		return 0, fmt.Errorf("%d lines have a group, %d a kind", len(rows)-1, len(l.kinds))
	}
	group := slices.Index(rows[0], "group")
	byGroup, byKind, both := map[string]int{}, map[string]int{}, map[[2]string]int{}
	for i, kind := range l.kinds {
		g := rows[i+1][group]
		byGroup[g]++
		byKind[kind]++
		both[[2]string{g, kind}]++
	}
	right := 0
	for pair, n := range both {
		if byGroup[pair[0]] == n && byKind[pair[1]] == n {
			right += n
		}
	}
	return float64(right) / float64(len(l.kinds)), nil
}
