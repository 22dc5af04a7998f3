package proxy

import (
	"net/url"
	"strings"
)

// who is a set of kinds of callers.
type who uint8

const (
	anonymous who = 1 << iota // nobody the store knows
	signedIn                  // somebody it knows; what they may do is for it to decide
)

// route is what a path leads to. Its reading is in target.go.
type route uint8

const (
	toElsewhere route = iota // anything that has no name here
	toRoot                   // /
	toUp                     // /_up
	toSession                // /_session
	toUtils                  // /_utils and the files below
	toApp                    // /log_<app>
	toReplicate              // /_replicate, in any spelling
)

// queryRule is which query parameters a rule takes.
type queryRule string

const (
	noQuery  queryRule = ""  // none at all, not even an empty one
	anyQuery queryRule = "*" // whatever there is; of a stranger's the store sees nothing
)

// bodyRule is what a request's body may be.
type bodyRule uint8

const (
	noBody    bodyRule = iota // it is neither read nor handed on
	loginBody                 // a form or a JSON object with name and password
	docsBody                  // a JSON object, an array of them or one on each line; see parser.checkDoc for what is in one
	anyBody                   // handed on as it is
)

// rule allows callers one kind of request and says what the door does then.
type rule struct {
	who     who
	methods string // separated by blanks; "*" is any
	route   route
	query   queryRule // noQuery, anyQuery or the one parameter that may be there
	body    bodyRule
	do      func(*Door, *visit) error
}

// policy is all that goes through the door. Everything else is refused. It takes no batch=ok from a stranger: CouchDB answers
// that before the doc is on disk, and whoever lost docs that way would have been told that they were stored.
var policy = [...]rule{
	{anonymous, "POST", toApp, noQuery, docsBody, (*Door).write},
	{anonymous, "GET HEAD", toRoot, anyQuery, noBody, (*Door).welcome},
	{anonymous, "GET HEAD", toUp, anyQuery, noBody, (*Door).up},
	{anonymous, "GET HEAD", toSession, "basic", noBody, (*Door).nobody},
	{anonymous, "POST", toSession, anyQuery, loginBody, (*Door).login},
	{anonymous, "DELETE", toSession, anyQuery, noBody, (*Door).logout},
	{anonymous, "GET HEAD", toUtils, anyQuery, noBody, (*Door).page},
	{signedIn, "POST", toApp, noQuery, docsBody, (*Door).writeOwn},
	{signedIn, "*", toReplicate, anyQuery, anyBody, (*Door).replicate},
	{signedIn, "*", toElsewhere, anyQuery, anyBody, (*Door).pass},
}

// judge finds the first rule that allows the request; nil if there is none. The last one takes every route.
func judge(v *visit) *rule {
	for i := range policy {
		r := &policy[i]
		if r.who&v.who == 0 || !r.takesMethod(v.r.Method) || !r.takesQuery(v.r.URL) {
			continue
		}
		if r.route == v.to.route || i == len(policy)-1 {
			return r
		}
	}
	return nil
}

func (r *rule) takesMethod(method string) bool {
	if r.methods == "*" {
		return true
	}
	for m := range strings.FieldsSeq(r.methods) {
		if m == method {
			return true
		}
	}
	return false
}

func (r *rule) takesQuery(u *url.URL) bool {
	switch {
	case r.query == anyQuery:
		return true
	case u.RawQuery == "" && (!u.ForceQuery || r.query != noQuery):
		return true
	case r.query == noQuery:
		return false
	}
	name, _, _ := strings.Cut(u.RawQuery, "=")
	return name == string(r.query) && !strings.ContainsAny(u.RawQuery, "&;%")
}
