package proxy

import (
	"strings"
	"testing"
)

// TestMetrics counts a write and a refusal, and shows them to an admin alone.
func TestMetrics(t *testing.T) {
	t.Parallel()
	f := newFakeCouch()
	f.accounts["admin"] = "pw"
	door := newDoor(f)
	call(door, "POST", "/log_app", `[{"a":1},{"a":2}]`, "Content-Type", jsonType)
	call(door, "POST", "/log_app", `{"_rev":"1-a"}`, "Content-Type", jsonType)
	w := call(door, "GET", "/metrics", "", "Authorization", "Basic YWRtaW46cHc=")
	for _, want := range []string{
		`logctl_door_total{of="docs",reason=""} 2` + "\n", `logctl_door_total{of="writes",reason=""} 1` + "\n",
		`logctl_door_total{of="refused",reason="forbidden"} 1` + "\n", "logctl_door_connections 0\n", "logctl_door_memory_bytes 0\n",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("%d, no %s in %s", w.Code, want, w.Body)
		}
	}
	for _, who := range []string{"", "Basic cmVhZGVyOnB3"} {
		if w := call(door, "GET", "/metrics", "", "Authorization", who); strings.Contains(w.Body.String(), "logctl_door") {
			t.Errorf("%q sees %s", who, w.Body)
		}
	}
}
