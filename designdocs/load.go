package designdocs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"logctl/store"
)

// document is a design document in the order in which it is written; maps are written sorted by key.
type document struct {
	ID       string                       `json:"_id"`
	Language string                       `json:"language"`
	Views    map[string]map[string]string `json:"views,omitempty"`
	Filters  map[string]string            `json:"filters,omitempty"`
	Updates  map[string]string            `json:"updates,omitempty"`
	Shows    map[string]string            `json:"shows,omitempty"`
	Lists    map[string]string            `json:"lists,omitempty"`
	Validate string                       `json:"validate_doc_update,omitempty"`
}

// loadDir makes the document of the directory name.
func loadDir(dir fs.FS, name string) (Doc, error) {
	doc := document{
		ID: "_design/" + name, Language: "javascript", Views: map[string]map[string]string{},
		Filters: map[string]string{}, Updates: map[string]string{}, Shows: map[string]string{}, Lists: map[string]string{},
	}
	err := fs.WalkDir(dir, name, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read design document %s: %w", name, err)
		}
		if file != name && ignored(e.Name()) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			return nil
		}
		text, err := fs.ReadFile(dir, file)
		if err != nil {
			return fmt.Errorf("read design document %s: %w", name, err)
		}
		return doc.add(file, strings.Split(strings.TrimPrefix(file, name+"/"), "/"), source(string(text)))
	})
	if err != nil {
		return Doc{}, err
	}
	for view, functions := range doc.Views {
		if view != "lib" && functions["map"] == "" {
			return Doc{}, fmt.Errorf("view %s/%s has no map.js", name, view)
		}
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return Doc{}, fmt.Errorf("write design document %s: %w", name, err)
	}
	return Doc{Name: name, Body: bytes.TrimSpace(body.Bytes())}, nil
}

// add puts a file's text where its path below the document's directory says.
func (d *document) add(file string, at []string, text string) error {
	base, ext := at[len(at)-1], path.Ext(at[len(at)-1])
	stem := strings.TrimSuffix(base, ext)
	sections := map[string]map[string]string{"filters": d.Filters, "updates": d.Updates, "shows": d.Shows, "lists": d.Lists}
	switch {
	case text == "":
		return fmt.Errorf("%s is empty", file)
	case len(at) == 1 && base == "validate_doc_update.js":
		d.Validate = text
		return nil
	case len(at) == 2 && ext == ".js" && sections[at[0]] != nil:
		sections[at[0]][stem] = text
		return nil
	case len(at) == 3 && at[0] == "views" && ext == ".js" && at[1] == "lib":
		return d.setView(file, "lib", stem, text)
	case len(at) == 3 && at[0] == "views" && at[1] != "lib" && (base == "map.js" || base == "reduce.js" || base == "reduce"):
		return d.setView(file, at[1], stem, text)
	}
	return misplaced(file)
}

func (d *document) setView(file, view, function, text string) error {
	if d.Views[view] == nil {
		d.Views[view] = map[string]string{}
	}
	if d.Views[view][function] != "" {
		return fmt.Errorf("%s: view %s has its %s twice", file, view, function)
	}
	d.Views[view][function] = text
	return nil
}

// loadJSON reads a whole design document. It stays as it is, but for white space, its _rev, and the _id, which is the file's.
func loadJSON(dir fs.FS, file string) (Doc, error) {
	text, err := fs.ReadFile(dir, file)
	if err != nil {
		return Doc{}, fmt.Errorf("read design document: %w", err)
	}
	d := Doc{Name: strings.TrimSuffix(file, ".json")}
	if d.Body, err = withMembers(text, d.ID(), ""); err != nil {
		return Doc{}, fmt.Errorf("design document %s: %w", file, err)
	}
	return d, nil
}

// withMembers gives a JSON object the _id and, unless it is empty, the _rev in front of its other members.
func withMembers(object []byte, id, rev string) ([]byte, error) {
	out := store.AppendJSONString([]byte(`{"_id":`), id)
	if rev != "" {
		out = store.AppendJSONString(append(out, `,"_rev":`...), rev)
	}
	dec := json.NewDecoder(bytes.NewReader(object))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("it is no JSON object")
	}
	for dec.More() {
		name, err := dec.Token()
		var value json.RawMessage
		if err == nil {
			err = dec.Decode(&value)
		}
		if err != nil {
			return nil, fmt.Errorf("it is no JSON object: %w", err)
		}
		if name == "_id" || name == "_rev" {
			continue
		}
		out = store.AppendJSONString(append(out, ','), name.(string))
		small := bytes.NewBuffer(append(out, ':'))
		if err := json.Compact(small, value); err != nil {
			return nil, fmt.Errorf("it is no JSON object: %w", err)
		}
		out = small.Bytes()
	}
	if _, err := dec.Token(); err != nil || dec.More() {
		return nil, fmt.Errorf("it is no JSON object, or more than one")
	}
	return append(out, '}'), nil
}

// lineEnds makes of each end of a line that JavaScript knows by a carriage return one newline.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// source is a file's code: without comments and white space before it, and white space after it.
func source(text string) string {
	text = lineEnds.Replace(text)
	for {
		text = strings.TrimLeft(text, " \t\n\ufeff")
		switch {
		case strings.HasPrefix(text, "/*"):
			_, text, _ = strings.Cut(text[2:], "*/")
		case strings.HasPrefix(text, "//"):
			_, text, _ = strings.Cut(text, "\n")
		default:
			return strings.TrimRight(text, " \t\n")
		}
	}
}
