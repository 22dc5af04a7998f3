package store

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// Rev is a revision id: a generation and what follows the dash in "2-7051cbe5c8faecd085a3fa619e6e6337".
// The zero Rev is no revision.
type Rev struct {
	Gen  int
	Hash string
}

// ParseRev reads "gen-hash", the hash as ParseRevHash does. The error is of KindBadRequest with CouchDB's reason.
func ParseRev(s string) (Rev, error) {
	num, text, _ := strings.Cut(s, "-")
	gen, err := strconv.Atoi(num)
	hash, ok := ParseRevHash(text)
	if !ok || err != nil || gen < 0 {
		return Rev{}, NewError(KindBadRequest, "Invalid rev format")
	}
	return Rev{Gen: gen, Hash: hash}, nil
}

const hashDigits = 32 // of a hash that CouchDB made itself

// ParseRevHash gives a revision's hash as CouchDB gives it back: one of 32 characters is hexadecimal, in lower case; any
// other is as it came. It is printable ASCII without quotes and backslashes, since it stands bare in JSON, in headers and
// in URLs: CouchDB takes more.
func ParseRevHash(s string) (hash string, ok bool) {
	isHex := true
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F':
		case c <= ' ' || c > '~' || c == '"' || c == '\\':
			return "", false
		default:
			isHex = false
		}
	}
	if len(s) != hashDigits {
		return s, s != ""
	}
	return strings.ToLower(s), isHex
}

func (r Rev) String() string { return strconv.Itoa(r.Gen) + "-" + r.Hash }

// IsZero tells whether r is no revision.
func (r Rev) IsZero() bool { return r == Rev{} }

// Compare orders revisions as CouchDB does when it picks a winner: generation, then hash bytewise. It keeps a hash of 32
// digits as the 16 bytes that they stand for and any other as its text, which matters where the two meet.
func (r Rev) Compare(o Rev) int {
	if r.Gen != o.Gen {
		return r.Gen - o.Gen
	}
	if len(r.Hash) == len(o.Hash) {
		return strings.Compare(r.Hash, o.Hash)
	}
	return strings.Compare(r.hashBytes(), o.hashBytes())
}

func (r Rev) hashBytes() string {
	if len(r.Hash) == hashDigits {
		if b, err := hex.DecodeString(r.Hash); err == nil {
			return string(b)
		}
	}
	return r.Hash
}

// Doc is one JSON object, split: Body is the object without the members that begin with an underscore, in the form in
// which the store gives it back (key order kept, no white space, duplicate keys resolved to the last).
type Doc struct {
	ID        string
	Rev       Rev      // the revision it is or, in an edit, the one it replaces; zero for none
	Ancestors []string // hashes of the generations before Rev, newest first; only with NewEdits off
	Deleted   bool
	Body      []byte // a JSON object, at least "{}"
	Seq       uint64 // of the doc's last change, when read

	// Hashed says that the ID is a content id (ejson.CheckContentID) whose hash was held against this very Body, which is then not
	// done again. Only who has done so may set it.
	Hashed bool

	Attachments []Attachment // in the order in which CouchDB lists them; with Body
}

// AppendJSON appends the doc as CouchDB shows it: _id and _rev first, then _deleted when set, then the body's members,
// stubs of its attachments last.
func (d *Doc) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"_id":`...)
	dst = AppendJSONString(dst, d.ID)
	if !d.Rev.IsZero() {
		dst = append(dst, `,"_rev":"`...)
		dst = strconv.AppendInt(dst, int64(d.Rev.Gen), 10)
		dst = append(dst, '-')
		dst = append(dst, d.Rev.Hash...)
		dst = append(dst, '"')
	}
	if d.Deleted {
		dst = append(dst, `,"_deleted":true`...)
	}
	if len(d.Body) > 2 {
		dst = append(dst, ',')
		dst = append(dst, d.Body[1:len(d.Body)-1]...)
	}
	return append(AppendStubs(dst, d.Attachments), '}')
}

// WriteResult is what became of one doc of a write.
type WriteResult struct {
	ID  string
	Rev Rev   // the new revision
	Err error // KindConflict and other failures of this doc alone
}

// Change is one entry of a database's changes feed: a doc's latest change.
type Change struct {
	Seq       uint64
	Doc       Doc    // the winner; Body only when asked for
	Conflicts []Leaf // the leaves beside the winner, in the order in which they would win; only when asked for
}

// Leaf is a revision that no other one replaced.
type Leaf struct {
	Rev     Rev
	Deleted bool
}

// Caller is who sends a request: a name and its roles. The zero Caller is anonymous.
type Caller struct {
	Name  string
	Roles []string
}

// AdminRole is the role of a server admin.
const AdminRole = "_admin"

// HasRole tells whether the caller has the role.
func (c Caller) HasRole(role string) bool {
	for _, r := range c.Roles {
		if r == role {
			return true
		}
	}
	return false
}

// IsAdmin tells whether the caller is a server admin.
func (c Caller) IsAdmin() bool { return c.HasRole(AdminRole) }
