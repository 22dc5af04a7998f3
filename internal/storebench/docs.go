package storebench

import (
	"fmt"
	"math/rand/v2"
	"time"

	"logctl/store/ejson"
)

const (
	addresses = 2000
	machines  = 3
	days      = 365
	bulkDocs  = 1000
)

// docSource makes docs as the preset fail2ban does, of about 104 bytes: attacks of a year, in the order of their times, from
// few addresses often and from many seldom. Equal calls give equal docs.
type docSource struct {
	rnd    *rand.Rand
	choose *rand.Zipf
	begin  time.Time
	step   time.Duration
	made   int
}

func newDocSource(docs int) *docSource {
	rnd := rand.New(rand.NewPCG(1, 2017))
	return &docSource{
		rnd: rnd, choose: rand.NewZipf(rnd, 1.2, 8, addresses-1),
		begin: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), step: days * 24 * time.Hour / time.Duration(max(docs, 1)),
	}
}

// end is when the docs end, whatever their number.
func (s *docSource) end() time.Time { return s.begin.AddDate(0, 0, days) }

// rewind makes the docs begin anew; they differ from those before in their addresses and milliseconds.
func (s *docSource) rewind() { s.made = 0 }

var jails = [...]string{"sshd", "sshd", "sshd", "postfix-sasl", "nginx-http-auth", "recidive"}

func (s *docSource) appendBody(dst []byte) []byte {
	at := s.begin.Add(time.Duration(s.made) * s.step).Add(time.Duration(s.rnd.Int64N(int64(s.step))))
	s.made++
	n := s.choose.Uint64()
	dst = at.AppendFormat(append(dst, `{"date":"`...), "2006-01-02")
	dst = at.AppendFormat(append(dst, `","hour":"`...), "15:04:05,000")
	return fmt.Appendf(dst, `","process":"%s","ip":"%d.%d.%d.%d","machine":"server%d"}`, jails[n%uint64(len(jails))],
		11+n%180, n*89%251, n*31%241, 1+n*7%253, 1+s.rnd.IntN(machines))
}

// bulk is the body of a _bulk_docs request, with ids of the docs' content as ship sends them.
func (s *docSource) bulk(docs int) []byte {
	return append(s.appendList([]byte(`{"docs":[`), docs), "]}"...)
}

// appendList appends so many docs with ids of their content and commas between them.
func (s *docSource) appendList(dst []byte, docs int) []byte {
	var body []byte
	for i := range docs {
		if i > 0 {
			dst = append(dst, ',')
		}
		body = s.appendBody(body[:0])
		dst = ejson.AppendContentID(append(dst, `{"_id":"`...), body, 0)
		dst = append(append(dst, `",`...), body[1:]...)
	}
	return dst
}
