package couchapi

import (
	"testing"
	"time"

	"logctl/store/engine"
)

// TestCompactionTask is what _active_tasks shows of a compaction.
func TestCompactionTask(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_700_000_000, 5)
	for _, c := range []struct {
		engine.Compaction
		want string
	}{
		{engine.Compaction{Started: at, Updated: at}, `"changes_done":0,"total_changes":0,"progress":0,"started_on":1700000000,"updated_on":1700000000}`},
		{engine.Compaction{Started: at, Updated: at.Add(2 * time.Second), Done: 3, Total: 4},
			`"changes_done":3,"total_changes":4,"progress":75,"started_on":1700000000,"updated_on":1700000002}`},
	} {
		got, err := compactionTask("log_a", c.Compaction)
		want := `{"type":"database_compaction","database":"log_a","node":"couchdb@127.0.0.1","pid":"",` + c.want
		if err != nil || string(got) != want {
			t.Errorf("%+v: %s %v, want %s", c.Compaction, got, err, want)
		}
	}
}
