package proxy

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"logctl/store"
	"logctl/store/intake"
)

// receivedAtOnce is how many bodies that Receive has given are worked on at a time.
const receivedAtOnce = 4

// Receive reads the body of a request that is none of CouchDB's, as it came, up to limit bytes: at the client's rate, within the door's
// memory, at its minimum speed, and then, whole, when it is the client's turn to have it worked on. release gives memory and turn back, and
// hears how many bytes the body was, unpacked, for the client's rate. Errors are of KindTooLarge, KindBadRequest, KindTooManyRequests, with
// Retry-After in the answer's header, and KindUnavailable.
func (d *Door) Receive(w http.ResponseWriter, r *http.Request, limit int64) (body []byte, release func(size int), err error) {
	v := d.visit(w, r)
	if err := d.mayCome(v); err != nil {
		d.counters.refused[store.KindTooManyRequests].Add(1)
		w.Header().Set("Retry-After", strconv.FormatInt(retryAfter(err), 10))
		return nil, nil, err
	}
	if r.ContentLength > limit {
		v.hurry()
		return nil, nil, intake.ErrTooLarge
	}
	l := d.budget.Lease(v.payer)
	paced := &pacedReader{src: v.body(), conn: v.conn, start: time.Now()}
	buf, err := intake.ReadAll(paced, &l, 0, r.ContentLength, limit)
	paced.done()
	if err != nil {
		l.Free()
		v.hurry()
		if errors.Is(err, errSlow) {
			d.counters.slow.Add(1)
			err = store.NewError(store.KindUnavailable, "The body came too slowly.")
		}
		return nil, nil, bodyError(err, "The request body could not be read.")
	}
	if err := d.received.take(r.Context(), v.payer); err != nil {
		intake.Free(buf)
		l.Free()
		return nil, nil, intake.ErrBusy
	}
	return *buf, func(size int) {
		d.rates.add(v.payer, size, time.Now())
		d.received.give()
		intake.Free(buf)
		l.Free()
	}, nil
}
