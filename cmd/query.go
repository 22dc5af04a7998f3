package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/reports"
	"logctl/store"
)

type queryOptions struct {
	outputFlag
	key, keys, startkey, endkey    string
	startDocID, endDocID           string
	group, reduce, descending      bool
	includeDocs, conflicts         bool
	inclusiveEnd, sorted           bool
	groupLevel, skip, limit        int
	update                         string
	reduceGiven, levelGiven, keyed bool
}

func newQuery(g *globals) *cobra.Command {
	o := &queryOptions{}
	c := &cobra.Command{
		Use:   "query APP DDOC/VIEW",
		Short: "Ask any view of an app, with CouchDB's options",
		Long: `Ask a view of an app: the rows that CouchDB would give, as a table or in any other form.

  logctl query fail2ban report/attacks --group-level 2
  logctl query fail2ban report/attackers --group --startkey '["day",2026,11]' --endkey '["day",2026,11,{}]' -o ndjson
  logctl query shop _all_docs --include-docs --limit 5 -o json

Options mean what they mean in CouchDB; --group_level is as good as --group-level. Keys are JSON. A text that is not,
such as 2017-06-14 or sshd, is taken as a string, unless it begins as JSON does with [ { or ".
A view that is new may take a while: it is asked again until it has been built.

Exit status: 0 done, also when there are no rows; 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			fs := c.Flags()
			o.reduceGiven, o.levelGiven, o.keyed = fs.Changed("reduce"), fs.Changed("group-level"), fs.Changed("keys")
			return runQuery(c.Context(), streamsOf(c), g, o, args[0], args[1])
		},
	}
	o.addFlags(c.Flags())
	return c
}

func (o *queryOptions) addFlags(fs *pflag.FlagSet) {
	fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
	})
	fs.StringVar(&o.key, "key", "", "rows of this key")
	fs.StringVar(&o.keys, "keys", "", "rows of these keys: a JSON array")
	fs.StringVar(&o.startkey, "startkey", "", "rows from this key on")
	fs.StringVar(&o.endkey, "endkey", "", "rows up to this key")
	fs.StringVar(&o.startDocID, "startkey-docid", "", "of rows with --startkey's key, those from this doc on")
	fs.StringVar(&o.endDocID, "endkey-docid", "", "of rows with --endkey's key, those up to this doc")
	fs.BoolVar(&o.inclusiveEnd, "inclusive-end", true, "rows with --endkey's key too")
	fs.BoolVar(&o.reduce, "reduce", true, "use the view's reduce function where it has one")
	fs.BoolVar(&o.group, "group", false, "a reduced row for each key")
	fs.IntVar(&o.groupLevel, "group-level", 0, "a reduced row for each key cut after so many elements")
	fs.BoolVar(&o.descending, "descending", false, "from the last row to the first; --startkey is then the higher one")
	fs.IntVar(&o.skip, "skip", 0, "leave out so many rows")
	fs.IntVar(&o.limit, "limit", -1, "rows at most (default: all)")
	fs.BoolVar(&o.includeDocs, "include-docs", false, "each row's doc too")
	fs.BoolVar(&o.conflicts, "conflicts", false, "with --include-docs: tell of conflicts in _conflicts")
	fs.BoolVar(&o.sorted, "sorted", true, "sort rows")
	fs.StringVar(&o.update, "update", "true", "bring the view up to date first: true, false, or lazy (afterwards)")
	o.outputFlag.addFlags(fs)
}

func runQuery(ctx context.Context, std streams, g *globals, o *queryOptions, app, view string) error {
	if err := o.check(); err != nil {
		return err
	}
	db, err := store.AppDB(app)
	if err != nil {
		return usage(err)
	}
	ddoc, name, ok := strings.Cut(strings.TrimPrefix(view, "_design/"), "/")
	name = strings.TrimPrefix(name, "_view/")
	allDocs := view == "_all_docs"
	if !allDocs && (!ok || ddoc == "" || name == "") {
		return usagef("%q is not DDOC/VIEW, as in report/attacks, nor _all_docs", view)
	}
	q, err := o.query()
	if err != nil {
		return usage(err)
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	rows := c.View(ctx, db, ddoc, name, q)
	if allDocs {
		rows = c.AllDocs(ctx, db, q)
	}
	n, err := o.writeRows(std, rows)
	if err != nil {
		return c.explain(err, app)
	}
	if n == 0 {
		fmt.Fprintln(std.err, "logctl: no rows")
	}
	return nil
}

// query is what the flags ask for.
func (o *queryOptions) query() (store.ViewQuery, error) {
	q := store.NewViewQuery()
	for _, f := range []struct {
		flag, text string
		key        []*json.RawMessage
	}{
		{"--startkey", o.startkey, []*json.RawMessage{&q.StartKey}},
		{"--endkey", o.endkey, []*json.RawMessage{&q.EndKey}},
		{"--key", o.key, []*json.RawMessage{&q.StartKey, &q.EndKey}},
	} {
		if f.text == "" {
			continue
		}
		key, err := keyOf(f.text)
		if err != nil {
			return q, fmt.Errorf("%s: %w", f.flag, err)
		}
		for _, k := range f.key {
			*k = key
		}
	}
	if o.keyed {
		if err := json.Unmarshal([]byte(o.keys), &q.Keys); err != nil || q.Keys == nil {
			return q, fmt.Errorf(`--keys: %s is not a JSON array, as in '["a",["b",1]]'`, o.keys)
		}
	}
	switch {
	case o.key != "" && (o.startkey != "" || o.endkey != ""), o.keyed && (o.key != "" || o.startkey != "" || o.endkey != ""):
		return q, fmt.Errorf("--key, --keys, and --startkey with --endkey exclude each other")
	case o.skip < 0 || o.groupLevel < 0:
		return q, fmt.Errorf("--skip and --group-level must not be below zero")
	}
	switch o.update {
	case "true":
	case "false":
		q.Update = store.UpdateFalse
	case "lazy":
		q.Update = store.UpdateLazy
	default:
		return q, fmt.Errorf("--update %q is none of true, false, lazy", o.update)
	}
	q.StartDocID, q.EndDocID = o.startDocID, o.endDocID
	q.Descending, q.ExclusiveEnd, q.Unsorted = o.descending, !o.inclusiveEnd, !o.sorted
	q.Skip, q.Limit = o.skip, o.limit
	q.Reduce, q.NoReduce = o.reduceGiven && o.reduce, o.reduceGiven && !o.reduce
	q.Group, q.GroupLevel, q.GroupLevelGiven = o.group, o.groupLevel, o.levelGiven
	q.IncludeDocs, q.Conflicts = o.includeDocs, o.conflicts
	return q, nil
}

// keyOf reads a key: JSON, or a bare word, which is a string.
func keyOf(text string) (json.RawMessage, error) {
	if json.Valid([]byte(text)) {
		return json.RawMessage(text), nil
	}
	if strings.ContainsRune(`[{"`, rune(text[0])) {
		return nil, fmt.Errorf("%s is not JSON", text)
	}
	return store.AppendJSONString(nil, text), nil
}

// writeRows writes rows as they come. Which columns there are, the first row tells.
func (o *queryOptions) writeRows(std streams, rows iter.Seq2[store.Row, error]) (int, error) {
	next, stop := iter.Pull2(rows)
	defer stop()
	first, err, more := next()
	if err != nil {
		return 0, err
	}
	columns := []reports.Column{{Name: "id"}, {Name: "key"}, {Name: "value"}}
	if more && first.ID == "" && !o.keyed {
		columns = columns[1:] // reduced rows have no id
	}
	if o.includeDocs {
		columns = append(columns, reports.Column{Name: "doc"})
	}
	if o.keyed {
		columns = append(columns, reports.Column{Name: "error"})
	}
	result := reports.Result{Columns: columns, Rows: func(yield func([]any, error) bool) {
		cells := make([]any, len(columns))
		for row, err := first, error(nil); more; row, err, more = next() {
			for i, c := range columns {
				cells[i] = cellOf(row, c.Name)
			}
			if !yield(cells, err) || err != nil {
				return
			}
		}
	}}
	return o.write(std.out, result)
}

func cellOf(row store.Row, column string) any {
	raw := func(m json.RawMessage) any {
		if m == nil {
			return nil
		}
		return m
	}
	str := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	switch column {
	case "id":
		return str(row.ID)
	case "key":
		return raw(row.Key)
	case "value":
		return raw(row.Value)
	case "doc":
		return raw(row.Doc)
	}
	return str(row.Err)
}
