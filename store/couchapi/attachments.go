package couchapi

import (
	"net/http"
	"strings"

	"logctl/store/ejson"
)

const attachmentAllow = "GET,HEAD,PUT,DELETE"

// attachmentMethods answer for the attachments of docs: there are none, and none can be stored.
func attachmentMethods() map[string]action {
	return map[string]action{
		http.MethodGet: getAttachment, http.MethodPut: notYet("Attachments are"), http.MethodDelete: getAttachment,
		http.MethodPost: notYet("Attachments are"),
	}
}

func getAttachment(x *exchange) error {
	id := x.docID()
	if strings.HasPrefix(id, designPrefix) && x.vars["id"] != "" {
		x.redirectDesign(id)
		return nil
	}
	if _, err := x.db.Get(id); err != nil {
		return err
	}
	return errNotFound("Document is missing attachment")
}

// checkAttachments refuses a doc with attachments: to store it without them would be to lose them.
func checkAttachments(id string, raw []byte) error {
	if raw == nil {
		return nil
	}
	if strings.HasPrefix(id, localPrefix) {
		return errBadRequest("_local documents do not accept attachments.")
	}
	n := 0
	err := ejson.Members(raw, func(name, value []byte) error {
		n++
		m := map[string]bool{}
		if value[0] == '{' {
			if err := ejson.Members(value, func(k, _ []byte) error { m[string(k)] = true; return nil }); err != nil {
				return err
			}
		}
		if !m["data"] && !m["stub"] && !m["follows"] {
			return errBadRequest("Invalid attachment data for " + string(name))
		}
		return nil
	})
	if err == nil && n > 0 {
		err = errNotYet("Attachments are")
	}
	return err
}
