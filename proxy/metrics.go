package proxy

import (
	"fmt"
	"net/http"
	"strconv"
)

// metrics shows an admin what the door has counted since it was made, in the text format of Prometheus. To admins a database of that name is at
// /metrics/ alone.
func (d *Door) metrics(v *visit) error {
	out := []byte("# TYPE logctl_door_total counter\n")
	d.counters.Each(func(name, reason string, n int64, _ bool) {
		out = fmt.Appendf(out, "logctl_door_total{of=%q,reason=%q} %d\n", name, reason, n)
	})
	out = fmt.Appendf(out, "# TYPE logctl_door_connections gauge\nlogctl_door_connections %d\n", d.conns.open())
	out = fmt.Appendf(out, "# TYPE logctl_door_memory_bytes gauge\nlogctl_door_memory_bytes %d\n", d.o.Limits.Memory-d.budget.Unused())
	if d.more != nil {
		out = d.more(out)
	}
	h := v.w.Header()
	h["Content-Type"] = []string{"text/plain; version=0.0.4"}
	h["Content-Length"] = []string{strconv.Itoa(len(out))}
	v.mark()
	v.w.WriteHeader(http.StatusOK)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(out) // an error here is the client's going
	}
	return nil
}
