package lines

import (
	"fmt"
	"log/slog"
	"sync/atomic"
)

// Counters count what the inputs have taken and what they have not, since they were made.
type Counters struct {
	Messages atomic.Int64 // read
	Stored   atomic.Int64 // docs and rejects that are on disk
	Rejected atomic.Int64 // messages that became no doc, of Messages
	Skipped  atomic.Int64 // messages that a route's format does not ask for
	Cut      atomic.Int64 // messages that were longer than they may be; their beginning is kept

	Kernel  atomic.Int64 // datagrams that the system has dropped, because nobody read them in time
	Full    atomic.Int64 // datagrams dropped here, because the store was behind
	NoApp   atomic.Int64 // messages of apps that do not exist and that nobody here can make
	Lost    atomic.Int64 // messages that were not on disk when the process had to end
	Refused atomic.Int64 // connections refused, because there were too many
	Secure  atomic.Int64 // connections whose TLS failed, as with a wrong certificate
	Slow    atomic.Int64 // connections ended in the middle of a message, since nothing more came
	Conns   atomic.Int64 // open now
	Pushes  atomic.Int64 // answered with 204
	Bad     atomic.Int64 // pushes that were refused
}

// connections is the name of the one that goes down, too.
const connections = "connections"

// Each calls fn with the name and the value of each counter; trouble marks those that should be 0.
func (c *Counters) Each(fn func(name string, n int64, trouble bool)) {
	fn("messages", c.Messages.Load(), false)
	fn("stored", c.Stored.Load(), false)
	fn("skipped", c.Skipped.Load(), false)
	fn(connections, c.Conns.Load(), false)
	fn("pushes", c.Pushes.Load(), false)
	fn("rejected", c.Rejected.Load(), true)
	fn("cut", c.Cut.Load(), true)
	fn("dropped_by_system", c.Kernel.Load(), true)
	fn("dropped_store_behind", c.Full.Load(), true)
	fn("dropped_no_app", c.NoApp.Load(), true)
	fn("lost_at_end", c.Lost.Load(), true)
	fn("connections_refused", c.Refused.Load(), true)
	fn("connections_tls_failed", c.Secure.Load(), true)
	fn("connections_slow", c.Slow.Load(), true)
	fn("pushes_refused", c.Bad.Load(), true)
}

// AppendMetrics appends all of them in the text format of Prometheus.
func (c *Counters) AppendMetrics(dst []byte) []byte {
	dst = append(dst, "# TYPE logctl_inputs_total counter\n"...)
	c.Each(func(name string, n int64, _ bool) {
		if name != connections {
			dst = fmt.Appendf(dst, "logctl_inputs_total{of=%q} %d\n", name, n)
		}
	})
	return fmt.Appendf(dst, "# TYPE logctl_inputs_connections gauge\nlogctl_inputs_connections %d\n", c.Conns.Load())
}

// teller says in the log what is wrong, when it has become more.
type teller struct {
	counters *Counters
	log      *slog.Logger
	told     map[string]int64
}

// tell logs the troubles that are more than they were at the last call.
func (t *teller) tell() {
	var args []any
	t.counters.Each(func(name string, n int64, trouble bool) {
		if !trouble || n == t.told[name] {
			return
		}
		args = append(args, name, n-t.told[name])
		t.told[name] = n
	})
	if len(args) > 0 {
		t.log.Warn("inputs: not all is well since this was said last", args...)
	}
}
