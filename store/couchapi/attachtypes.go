package couchapi

import (
	"math"
	"strconv"

	"logctl/store"
	"logctl/store/headers"
)

// What CouchDB's configuration is without any.
const (
	defaultMaxAttachment = 1 << 30
	defaultCompressible  = "text/*, application/javascript, application/json, application/xml"
)

// compresses tells whether attachments of that type are kept compressed. The level is always the default one; a configured
// one that is none turns compression off.
func (s *settings) compresses(kind string) bool {
	if text, ok := s.get("attachments", "compression_level"); ok {
		if n, err := strconv.Atoi(text); err != nil || n < 1 || n > 9 {
			return false
		}
	}
	list, ok := s.get("attachments", "compressible_types")
	if !ok {
		list = defaultCompressible
	}
	return headers.TypeIn(kind, list)
}

// maxAttachment is the largest attachment in bytes, below zero where there is no limit.
func (s *settings) maxAttachment() int64 {
	text, ok := s.get("couchdb", "max_attachment_size")
	if !ok {
		return defaultMaxAttachment
	}
	if text == "infinity" {
		return -1
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return defaultMaxAttachment
	}
	return min(n, math.MaxInt64-1) // one byte more is a number, too
}

func errAttachmentTooLarge(name string) error {
	return &store.Error{Kind: store.KindTooLarge, Word: "attachment_too_large", Reason: name}
}
