package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"logctl/internal/app"
	"logctl/reports"
	"logctl/ship"
	"logctl/store"
	"logctl/store/couch"
)

func newStatus(g *globals) *cobra.Command {
	o := &outputFlag{}
	c := &cobra.Command{
		Use:   "status [APP]",
		Short: "Show apps: docs, the last one, rejects and why",
		Long: `Show all apps, or one: its docs, when the last line in them was written, bytes on disk, its rejects and why they are
rejects. For one app it also tells an example of each reason and what to do about it. All apps take an admin's account, one
app an account that may read it. Told in any case is what this machine ships: lines that wait in a spool until a server is there, and,
by the states in DATA/ship, how many files are shipped and which of them are behind, also while a ship follows them.

  logctl status
  logctl status fail2ban
  logctl status -o json

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return runStatus(c.Context(), streamsOf(c), g, o, args) },
	}
	o.addFlags(c.Flags())
	return c
}

func runStatus(ctx context.Context, std streams, g *globals, o *outputFlag, apps []string) error {
	if err := o.check(); err != nil {
		return err
	}
	for _, app := range apps {
		if err := checkApp(app); err != nil {
			return err
		}
	}
	conf, err := g.config()
	if err != nil {
		return err
	}
	tellSpools(std.err, conf, apps)
	tellStandings(std.err, conf, apps)
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	one := len(apps) == 1
	if !one {
		if apps, err = appNames(ctx, c); err != nil {
			if (!c.conn.Anonymous || c.conn.Token) && statusOf(err) == statusNotAllowed {
				return hinted(err, "logctl status APP takes an account that may read APP, all apps an admin's")
			}
			return c.explain(err, "")
		}
		fmt.Fprintf(std.err, "logctl: the store is %s\n", c.conn.Where)
	}
	var asked string
	n, err := o.write(std.out, reports.Result{
		Columns: []reports.Column{{Name: "app"}, {Name: "docs", Number: true}, {Name: "last"}, {Name: "bytes", Number: true},
			{Name: "rejects", Number: true}, {Name: "reasons"}, {Name: "next"}},
		Rows: func(yield func([]any, error) bool) {
			for _, app := range apps {
				s, err := statusOfApp(ctx, c, app)
				if !one && store.IsKind(err, store.KindNotFound) {
					continue // deleted since it was listed
				}
				asked = app
				if !yield(s.row(o), err) || err != nil {
					return
				}
				if one {
					err = s.tell(ctx, std.err, c)
				} else if !s.kept {
					fmt.Fprintf(std.err, "logctl: hint: app %s has no place for rejects: logctl app create %s\n", app, app)
				}
				if err != nil {
					yield(nil, err)
					return
				}
			}
		},
	})
	if err == nil && n == 0 {
		fmt.Fprintln(std.err, "logctl: no apps")
	}
	if !one {
		counters := c.conn.Counters(ctx)
		sayCounters(std.err, "door", counters.Door)
		sayCounters(std.err, "inputs", counters.Inputs)
	}
	return c.explain(err, asked)
}

// sayCounters tells what a part of the serve on this machine has counted, and all that went wrong.
func sayCounters(w io.Writer, of string, all []app.Counter) {
	var good, bad []string
	for _, c := range all {
		text := fmt.Sprintf("%d %s", c.Count, strings.ReplaceAll(c.Name, "_", " "))
		switch {
		case !c.Trouble:
			good = append(good, text)
		case c.Count > 0:
			bad = append(bad, text)
		}
	}
	if len(good) > 0 {
		fmt.Fprintf(w, "logctl: %s: %s\n", of, strings.Join(good, ", "))
	}
	if len(bad) > 0 {
		fmt.Fprintf(w, "logctl: %s: not all is well since the serve was started: %s\n", of, strings.Join(bad, ", "))
	}
}

// appStatus is what status tells of an app.
type appStatus struct {
	app         string
	docs, bytes int64
	last        string
	kept        bool // there is a database of rejects
	rejects     int64
	reasons     []ship.Reason
}

func statusOfApp(ctx context.Context, c *client, app string) (*appStatus, error) {
	s := &appStatus{app: app}
	db, err := store.AppDB(app)
	if err != nil {
		return s, err
	}
	info, err := infoOf(ctx, c, db)
	if err != nil {
		return s, err
	}
	s.docs, s.bytes = info.Docs, info.Disk
	if s.last, err = lastTime(ctx, c, db); err != nil {
		return s, err
	}
	return s, s.countRejects(ctx, c)
}

// row is the app's row in the table.
func (s *appStatus) row(o *outputFlag) []any {
	row := []any{s.app, s.docs, nil, s.bytes, nil, nil, nil}
	if s.last != "" {
		row[2] = s.last
	}
	if !s.kept {
		return row
	}
	row[4] = s.rejects
	var texts []string
	byReason := []byte{'{'}
	for i, r := range s.reasons {
		texts = append(texts, fmt.Sprintf("%d %s", r.Lines, r.Text))
		if i > 0 {
			byReason = append(byReason, ',')
		}
		byReason = fmt.Appendf(append(store.AppendJSONString(byReason, r.Text), ':'), "%d", r.Lines)
	}
	row[5] = texts
	if f := reports.Format(o.name); f == reports.JSON || f == reports.NDJSON {
		row[5] = json.RawMessage(append(byReason, '}'))
	}
	if s.rejects > 0 {
		row[6] = s.next()
	}
	return row
}

// next is what to do about rejects. No schema makes docs of lines that are not kept whole.
func (s *appStatus) next() string {
	if len(s.reasons) == 1 && s.reasons[0].Text == ship.TooLong {
		return "logctl ship --app " + s.app + " --max-line N"
	}
	return "logctl reparse " + s.app + " --schema S"
}

// infoOf is what a database says of itself, design documents not among its docs.
func infoOf(ctx context.Context, c *client, db store.DBName) (couch.Info, error) {
	info, err := c.Info(ctx, db)
	if err != nil {
		return info, err
	}
	q := store.NewViewQuery()
	q.StartKey, q.EndKey = json.RawMessage(`"_design/"`), json.RawMessage(`"_design0"`)
	for _, err := range c.AllDocs(ctx, db, q) {
		if err != nil {
			return info, err
		}
		info.Docs--
	}
	return info, nil
}

// lastTime is when the last line was written that a doc of the database tells of, by the wall clock in it; "" if none does. An id
// of a doc that ship has stored begins with it.
func lastTime(ctx context.Context, c *client, db store.DBName) (string, error) {
	const looks = 100 // at ids of other kinds, which may stand between
	q := store.NewViewQuery()
	q.StartKey, q.Descending, q.Limit = json.RawMessage(`"3"`), true, looks // the third millennium's
	for row, err := range c.AllDocs(ctx, db, q) {
		if err != nil {
			return "", err
		}
		digits, _, ok := strings.Cut(row.ID, "-")
		if !ok || len(digits) != len("20170614171612329") {
			continue
		}
		if t, err := time.Parse("20060102150405", digits[:14]); err == nil {
			return t.Format("2006-01-02 15:04:05"), nil
		}
	}
	return "", nil
}
