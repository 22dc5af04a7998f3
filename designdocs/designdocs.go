// Package designdocs keeps design documents as JavaScript files, turns them into documents, and installs them: our own
// _design/report and _design/rejects, which are embedded, and anybody's from a directory in the same layout.
//
//	NAME/views/VIEW/map.js         a function (doc) { … emit(key, value) … }
//	NAME/views/VIEW/reduce         a builtin such as _count, or reduce.js with a function (keys, values, rereduce) { … }
//	NAME/views/lib/MODULE.js       for require("views/lib/MODULE")
//	NAME/filters/FILTER.js         also updates/, shows/ and lists/
//	NAME/validate_doc_update.js
//	NAME.json                      a whole design document
//
// The same files always give the same document, byte for byte. Comments before a function explain it to whoever reads the file
// and are left out of the document, because CouchDB builds a view again whenever a byte of its design document changes.
// Map functions run on SpiderMonkey 78 and on goja alike: ECMAScript 5, and nothing that asks for the server's time zone.
package designdocs

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed report
var ofApps embed.FS

//go:embed rejects
var ofRejects embed.FS

// Doc is a design document as it is to be installed.
type Doc struct {
	Name string // without _design/
	Body []byte // a JSON object with _id and without _rev
}

// ID is the document's _id.
func (d Doc) ID() string { return "_design/" + d.Name }

// Own are our design documents: _design/report with the views attacks and attackers.
func Own() ([]Doc, error) { return Load(ofApps) }

// Rejects are those of a database of rejects: _design/rejects with the view reasons.
func Rejects() ([]Doc, error) { return Load(ofRejects) }

// Load reads the design documents in dir, sorted by name. A file that has no place in the layout is an error that names it;
// names that begin with a dot or an underscore and *.md are passed over.
func Load(dir fs.FS) ([]Doc, error) {
	entries, err := fs.ReadDir(dir, ".")
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err // the caller knows where "." is
	}
	if err != nil {
		return nil, fmt.Errorf("read design documents: %w", err)
	}
	var docs []Doc
	for _, e := range entries {
		if ignored(e.Name()) {
			continue
		}
		var d Doc
		switch {
		case e.IsDir():
			d, err = loadDir(dir, e.Name())
		case path.Ext(e.Name()) == ".json":
			d, err = loadJSON(dir, e.Name())
		default:
			err = misplaced(e.Name())
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
	slices.SortFunc(docs, func(a, b Doc) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(docs); i++ {
		if docs[i].Name == docs[i-1].Name {
			return nil, fmt.Errorf("design document %s is there twice, as a directory and as a .json file", docs[i].Name)
		}
	}
	return docs, nil
}

func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || strings.HasSuffix(name, ".md")
}

func misplaced(file string) error {
	return fmt.Errorf("%s has no place in a design document: logctl design push --help shows the layout", file)
}
