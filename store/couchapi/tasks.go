package couchapi

import (
	"encoding/json"
	"net/http"

	"logctl/store/engine"
)

// activeTasks answers GET /_active_tasks: what the server does by itself or was asked to.
func activeTasks(x *exchange) error {
	tasks := x.h.replications(Replicator.Tasks)
	for _, name := range x.h.o.Engine.Names() {
		db, err := x.h.o.Engine.DB(name)
		if err != nil {
			continue // it was deleted just now
		}
		c, ok := db.Compaction()
		if !ok {
			continue
		}
		task, err := compactionTask(string(name), c)
		if err != nil {
			return err
		}
		tasks = append(tasks, task)
	}
	return x.marshal(http.StatusOK, tasks)
}

func compactionTask(db string, c engine.Compaction) (json.RawMessage, error) {
	return json.Marshal(struct {
		Type     string `json:"type"`
		Database string `json:"database"`
		Node     string `json:"node"`
		PID      string `json:"pid"`
		Done     uint64 `json:"changes_done"`
		Total    uint64 `json:"total_changes"`
		Progress uint64 `json:"progress"` // percent
		Started  int64  `json:"started_on"`
		Updated  int64  `json:"updated_on"`
	}{"database_compaction", db, NodeName, "", c.Done, c.Total, 100 * c.Done / max(c.Total, 1), c.Started.Unix(), c.Updated.Unix()})
}
