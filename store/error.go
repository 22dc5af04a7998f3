package store

import (
	"errors"
	"strings"
	"syscall"
)

// Kind says what went wrong, and alone decides the HTTP status and the exit status.
type Kind uint8

// The kinds, each with CouchDB's status and its "error" word; see kinds.
const (
	KindInternal Kind = iota
	KindBadRequest
	KindIllegalName
	KindIllegalDocID
	KindDocValidation
	KindUnauthorized
	KindForbidden
	KindNotFound
	KindMethodNotAllowed
	KindNotAcceptable
	KindConflict
	KindGone
	KindFileExists
	KindMissingStub
	KindDocTooLarge
	KindTooLarge
	KindBadContentType
	KindBadRange
	KindQueryParse
	KindCompilation
	KindInvalidValue
	KindOSProcess
	KindReplication
	KindTimeout
	KindUnavailable
	KindNoSpace
	KindNotImplemented
	KindTooManyRequests
	KindLocked
	KindNewerFormat
	KindCorrupt
)

// kinds is the one table from a kind to CouchDB's HTTP status and error word. The last three never travel over HTTP.
var kinds = [...]struct {
	status int
	word   string
}{
	KindInternal:         {500, "internal_server_error"},
	KindBadRequest:       {400, "bad_request"},
	KindIllegalName:      {400, "illegal_database_name"},
	KindIllegalDocID:     {400, "illegal_docid"},
	KindDocValidation:    {400, "doc_validation"},
	KindUnauthorized:     {401, "unauthorized"},
	KindForbidden:        {403, "forbidden"},
	KindNotFound:         {404, "not_found"},
	KindMethodNotAllowed: {405, "method_not_allowed"},
	KindNotAcceptable:    {406, "not_acceptable"},
	KindConflict:         {409, "conflict"},
	KindGone:             {410, "gone"},
	KindFileExists:       {412, "file_exists"},
	KindMissingStub:      {412, "missing_stub"},
	KindDocTooLarge:      {413, "document_too_large"},
	KindTooLarge:         {413, "too_large"},
	KindBadContentType:   {415, "bad_content_type"},
	KindBadRange:         {416, "requested_range_not_satisfiable"},
	KindQueryParse:       {400, "query_parse_error"},
	KindCompilation:      {400, "compilation_error"},
	KindInvalidValue:     {500, "invalid_value"},
	KindOSProcess:        {500, "os_process_error"},
	KindReplication:      {500, "replication_error"},
	KindTimeout:          {500, "timeout"},
	KindUnavailable:      {503, "service_unavailable"},
	KindNoSpace:          {507, "insufficient_storage"},
	KindNotImplemented:   {501, "not_implemented"},
	KindTooManyRequests:  {429, "too_many_requests"},
	KindLocked:           {503, "locked"},
	KindNewerFormat:      {500, "newer_format"},
	KindCorrupt:          {500, "corrupt"},
}

// Status is the HTTP status that CouchDB answers for the kind.
func (k Kind) Status() int { return kinds[k].status }

// Word is CouchDB's "error" member for the kind.
func (k Kind) Word() string { return kinds[k].word }

// KindFor is the kind that an answer with that status and error word tells, KindInternal if it is unknown.
func KindFor(status int, word string) Kind {
	byStatus := KindInternal
	for k := range kinds {
		if kinds[k].status != status {
			continue
		}
		if kinds[k].word == word {
			return Kind(k)
		}
		if byStatus == KindInternal {
			byStatus = Kind(k)
		}
	}
	return byStatus
}

// Error is a failure of a store with what CouchDB tells its client about it.
type Error struct {
	Kind   Kind
	Word   string // CouchDB's "error"; "" means Kind's
	Reason string // CouchDB's "reason", free of our internals
	Hint   string // a next step for a person at a terminal, or ""
	Err    error  // the cause, never shown to an HTTP client
}

// HintCertificate is the next step after a certificate that is not trusted.
const HintCertificate = "if it is the server's own, copy it here and name it: LOGCTL_CA_FILE=cert.pem"

// NewError makes an Error of a kind with a reason.
func NewError(k Kind, reason string) *Error { return &Error{Kind: k, Reason: reason} }

func (e *Error) Error() string {
	s := e.Reason
	if s == "" {
		s = e.ErrorWord()
	}
	if e.Err != nil {
		s = strings.TrimSuffix(s, ".") + ": " + e.Err.Error()
	}
	return s
}

// ErrorWord is CouchDB's "error" member.
func (e *Error) ErrorWord() string {
	if e.Word != "" {
		return e.Word
	}
	return e.Kind.Word()
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf is the kind of the first Error in err's chain, KindInternal if there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}

// IsKind tells whether err's chain holds an Error of that kind.
func IsKind(err error, k Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == k
}

// IsDiskFull tells whether a system call has failed since the disk, or what the user may have of it, is full.
func IsDiskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
