package lines

import (
	"context"
	"fmt"
	"sync"

	"logctl/store"
)

// apps knows which apps peers may bring about: those that the table names, and so many of those that messages name.
type apps struct {
	table *Table
	make  func(ctx context.Context, app string) error

	mu    sync.Mutex
	named map[string]bool // by the table
	came  map[string]bool // out of messages
}

func newApps(t *Table, prepare func(context.Context, string) error) *apps {
	a := &apps{table: t, make: prepare, named: map[string]bool{}, came: map[string]bool{}}
	for _, app := range []string{InputSyslog, InputLines, InputLoki, t.Default} {
		a.named[app] = true
	}
	for i := range t.Routes {
		a.named[t.Routes[i].App] = true
	}
	return a
}

// admit gives the database itself or, where there are too many apps already that messages have named, that of the default app.
func (a *apps) admit(db store.DBName, input string) store.DBName {
	app, _ := db.App()
	base, rejects := db.RejectsOf()
	if rejects {
		app = base
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.named[app] || a.came[app] {
		return db
	}
	if len(a.came) < a.table.MaxApps {
		a.came[app] = true
		return db
	}
	app = a.table.app(-1, &origin{input: input})
	to := store.AppDB
	if rejects {
		to = store.RejectsDB
	}
	if other, err := to(app); err == nil {
		return other
	}
	return db // never: the table has been checked
}

// prepare makes an app.
func (a *apps) prepare(ctx context.Context, app string) error {
	if a.make == nil {
		return store.NewError(store.KindNotFound, fmt.Sprintf("there is no app %s, and nobody here can make it", app))
	}
	return a.make(ctx, app)
}
