package ejson

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"logctl/store"
)

// Split is a doc as it arrives, taken apart.
type Split struct {
	// Doc has the body in stored form. Its Rev is that of _revisions or _rev, Ancestors the rest of _revisions.
	Doc   store.Doc
	HasID bool // there is an _id; where not, Doc.ID is ""
	// Attachments is the raw _attachments object, checked as JSON and no further; nil if there is none.
	Attachments []byte
	Underscored string // the last member that begins with an underscore and is a part of the body; "" if there is none
	Members     int    // of all objects in it, also those of a name that comes again
	Depth       int    // of arrays and objects, one in another; 1 where the doc holds none

	times contentTimes
}

// SplitDoc takes the JSON object src apart into the members that begin with an underscore and the body, which it
// appends to buf in stored form; Doc.Body is that part of what it returns, Attachments a part of src. On an error buf
// comes back as it was.
//
// Members with an underscore are handled as CouchDB does it: _id, _rev, _revisions, _deleted and _attachments are
// taken; _revs_info, _local_seq, _conflicts and _deleted_conflicts, which come back from whoever has read a doc with
// them, are left out; _access and the replicator's _replication_… stay in the body; any other is of KindDocValidation.
// Bad ids are of KindIllegalDocID, bad revisions and what is no JSON object of KindBadRequest, all with CouchDB's
// reasons.
func SplitDoc(buf, src []byte) (Split, []byte, error) {
	p := newParser(buf, src)
	defer p.free()
	var s Split
	var refused error
	err := p.document(func(depth int) error {
		var err error
		s, refused, err = p.splitDoc(depth)
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Split{}, buf, err
	}
	return s, p.dst, nil
}

// SplitDocs takes the JSON array src of docs apart in one pass, as SplitDoc does with each, and calls fn with them in
// order. The bodies are appended to buf, which it returns grown; earlier bodies stay valid when it moves.
//
// Text that is no JSON refuses the whole array with KindBadRequest, before any other error; else the first doc that is
// bad, or fn's first error, does. Then what fn has seen is not to be used, and it is not called again.
func SplitDocs(buf, src []byte, fn func(Split) error) ([]byte, error) {
	p := newParser(buf, src)
	defer p.free()
	var refused error
	err := p.document(func(depth int) error {
		return p.array(depth, func(depth int) error {
			p.discard()
			s, bad, err := p.splitDoc(depth)
			p.base = len(p.dst)
			switch {
			case err != nil:
				return err
			case refused != nil:
			case bad != nil:
				refused = bad
			default:
				refused = fn(s)
			}
			return nil
		})
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return buf, err
	}
	p.discard()
	return p.dst, nil
}

// splitDoc reads the doc at pos. refused says what is wrong with a doc that is JSON, err that there is no JSON.
func (p *parser) splitDoc(depth int) (s Split, refused, err error) {
	if p.next() != '{' {
		if err := p.value(depth); err != nil {
			return s, nil, err
		}
		return s, store.NewError(store.KindBadRequest, "Document must be a JSON object"), nil
	}
	base, start := len(p.members), p.out()
	p.names, p.deepest = 0, depth
	if err := p.readMembers(depth); err != nil {
		return s, nil, err
	}
	members := p.members[base:]
	for i := range members {
		m := &members[i]
		if m.dead || refused != nil {
			continue
		}
		value := p.src[m.value:m.valueEnd]
		if name := p.name(m); len(name) > 0 && name[0] == '_' {
			if m.dead, refused = s.take(name, value); !m.dead && refused == nil {
				s.Underscored = string(name)
			}
		} else {
			s.times.note(name, value)
		}
	}
	p.bury(members)
	p.members = p.members[:base]
	body := p.result()
	s.Doc.Body = body[start:len(body):len(body)]
	s.Members, s.Depth = p.names, p.deepest-depth+1
	return s, refused, nil
}

// take takes the member name, which begins with an underscore; drop says that it is no part of the body.
func (s *Split) take(name, value []byte) (drop bool, err error) {
	drop = true
	switch string(name) {
	case "_id":
		s.HasID = true
		s.Doc.ID, err = docID(value)
	case "_rev":
		if s.Doc.Rev.IsZero() { // otherwise _revisions has told
			s.Doc.Rev, err = docRev(value)
		}
	case "_revisions":
		err = s.takeRevisions(value)
	case "_deleted":
		s.Doc.Deleted = string(value) == "true"
		if !s.Doc.Deleted && string(value) != "false" {
			err = badMember(name)
		}
	case "_attachments":
		s.Attachments = value
		if value[0] != '{' {
			err = badMember(name)
		}
	case "_revs_info", "_local_seq", "_conflicts", "_deleted_conflicts":
	case "_access", "_replication_state", "_replication_state_time", "_replication_state_reason", "_replication_id",
		"_replication_stats":
		drop = false
	default:
		err = badMember(name)
	}
	return drop, err
}

func badMember(name []byte) error {
	return store.NewError(store.KindDocValidation, "Bad special document member: "+string(name))
}

func docID(value []byte) (string, error) {
	if value[0] != '"' {
		return "", store.NewError(store.KindIllegalDocID, "Document id must be a string")
	}
	id := unquote(value)
	return id, CheckDocID(id)
}

// CheckDocID tells whether CouchDB takes id for a doc's: any text that is not empty; of those with an underscore first
// only _design/… and _local/…. The error is of KindIllegalDocID with CouchDB's reason.
func CheckDocID(id string) error {
	reason := ""
	switch {
	case id == "":
		reason = "Document id must not be empty"
	case !utf8.ValidString(id):
		reason = "Document id must be valid UTF-8"
	case id[0] != '_':
	case id == "_design/", id == "_local/":
		reason = "Illegal document id `" + id + "`"
	case !strings.HasPrefix(id, "_design/") && !strings.HasPrefix(id, "_local/"):
		reason = "Only reserved document ids may start with underscore."
	}
	if reason != "" {
		return store.NewError(store.KindIllegalDocID, reason)
	}
	return nil
}

func docRev(value []byte) (store.Rev, error) {
	if value[0] != '"' {
		return store.ParseRev("")
	}
	return store.ParseRev(unquote(value))
}

// takeRevisions reads {"start":3,"ids":["hash of 3","hash of 2",…]}.
func (s *Split) takeRevisions(value []byte) error {
	if value[0] != '{' {
		return badMember([]byte("_revisions"))
	}
	var start, ids []byte
	err := Members(value, func(key, value []byte) error {
		switch string(key) {
		case "start":
			start = value
		case "ids":
			ids = value
		}
		return nil
	})
	if err != nil {
		return err
	}
	gen, err := strconv.Atoi(string(start))
	if err != nil || gen < 0 {
		return store.NewError(store.KindDocValidation, "_revisions.start isn't an integer.")
	}
	if len(ids) == 0 || ids[0] != '[' {
		return store.NewError(store.KindDocValidation, "_revisions.ids isn't a array.")
	}
	var hashes []string
	err = Elements(ids, func(elem []byte) error {
		if elem[0] != '"' {
			return store.NewError(store.KindDocValidation, "RevId isn't a string")
		}
		hash, ok := store.ParseRevHash(unquote(elem))
		if !ok {
			return store.NewError(store.KindDocValidation, "RevId isn't a valid hexadecimal")
		}
		hashes = append(hashes, hash)
		return nil
	})
	if err != nil || len(hashes) == 0 {
		return err
	}
	// There is no generation below 1 that an ancestor could have.
	hashes = hashes[:min(len(hashes), max(gen, 1))]
	s.Doc.Rev = store.Rev{Gen: gen, Hash: hashes[0]}
	s.Doc.Ancestors = hashes[1:]
	return nil
}

// unquote decodes a checked JSON string.
func unquote(value []byte) string {
	text := value[1 : len(value)-1]
	for _, c := range text {
		if c == '\\' {
			return string(appendUnquoted(nil, text))
		}
	}
	return string(text)
}
