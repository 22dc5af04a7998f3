package proxy

import (
	"cmp"
	"sync"
	"time"
)

// rates bounds how many requests, and bytes of docs, clients send in a second. Requests are counted before they are looked at, bytes
// when they have come: a body may be as large as a body may be, and what it took beyond the client's due is waited for afterwards.
//
// It is the generic cell rate algorithm: of each client it remembers when it would have sent what it sent, had it kept to
// its rate, and lets it be burst ahead of that. Times count from the first request on: a clock that is set back makes nobody wait.
type rates struct {
	requests, bytes int64 // a second

	mu    sync.Mutex
	began time.Time
	spent map[client]spending
}

// spending are the times, in nanoseconds, up to which a client has used what is due to it.
type spending struct{ requests, bytes int64 }

func (s spending) most() int64 { return max(s.requests, s.bytes) }

const (
	burst      = 2 * time.Second // that a client may use at once, after a pause
	maxClients = 1 << 14         // that are remembered; beyond, those are forgotten who have used least
)

func newRates(requests, bytes int64) *rates {
	return &rates{requests: requests, bytes: bytes, spent: map[client]spending{}}
}

// request counts a request of c or, where c has used more than is due to it, refuses it.
func (r *rates) request(c client, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.began.IsZero() {
		r.began = now
	}
	at := int64(now.Sub(r.began))
	s, ok := r.spent[c]
	if !ok {
		s = spending{at, at}
	}
	if ahead := time.Duration(s.most() - at); ahead > burst {
		return errLimited("Too many requests, or too much in them. Try again later.", ahead-burst)
	}
	if !ok && len(r.spent) >= maxClients {
		r.forget(at)
	}
	s.requests = max(s.requests, at) + int64(time.Second)/r.requests
	r.spent[c] = s
	return nil
}

// add counts bytes that c has sent.
func (r *rates) add(c client, n int, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := r.spent[c]; ok {
		s.bytes = max(s.bytes, int64(now.Sub(r.began))) + int64(float64(n)/float64(r.bytes)*float64(time.Second))
		r.spent[c] = s
	}
}

// forget makes room: those go who have used nothing lately and, if there is nobody, those who have used least.
func (r *rates) forget(at int64) {
	before := len(r.spent)
	for c, s := range r.spent {
		if s.most() <= at {
			delete(r.spent, c)
		}
	}
	if len(r.spent) == before {
		dropLeast(r.spent, maxClients/16, func(a, b spending) int { return cmp.Compare(a.most(), b.most()) })
	}
}
