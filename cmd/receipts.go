package cmd

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"logctl/reports"
	"logctl/ship/receipt"
)

type receiptsOptions struct {
	outputFlag
	state string
}

func newReceipts(g *globals) *cobra.Command {
	o := &receiptsOptions{}
	c := &cobra.Command{
		Use:   "receipts [APP]",
		Short: "List what ship has removed, and what proves that it is stored",
		Long: `List what "logctl ship --truncate" and "--delete" have taken away on this machine: when, of which file, how many bytes and
lines, what these became, and what proves it.

  logctl receipts
  logctl receipts fail2ban -o json

The proof "answered": the server has said of each doc that it is on its disk. ids is the sum of the SHA-256 of the docs' ids, modulo
2^256, so that anybody who may read can count again; sha256 is of the bytes that were taken away. Each entry of the list
has a checksum over all before it: one that was changed or left out is told. State "unfinished" is a removal that was cut off;
the next run finds out what became of it.

Exit status: 0 done, 1 failed (a list is damaged, or can't be read), 2 usage.`,
		Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return runReceipts(c.Context(), streamsOf(c), g, o, args) },
	}
	o.addFlags(c.Flags())
	c.Flags().StringVar(&o.state, "state", "", "directory that ship --state named (default DATA/ship)")
	return c
}

func runReceipts(_ context.Context, std streams, g *globals, o *receiptsOptions, args []string) error {
	if err := o.check(); err != nil {
		return err
	}
	app := "*"
	if len(args) == 1 {
		if err := checkApp(args[0]); err != nil {
			return err
		}
		app = args[0]
	}
	conf, err := g.config()
	if err != nil {
		return err
	}
	dir := o.state
	if dir == "" {
		dir = filepath.Join(conf.Data, "ship")
	}
	lists, err := filepath.Glob(filepath.Join(dir, app, "*", receipt.FileName))
	if err != nil {
		return usage(err)
	}
	var damaged error
	n, err := o.write(std.out, reports.Result{
		Columns: []reports.Column{{Name: "time"}, {Name: "app"}, {Name: "file"}, {Name: "how", Minor: true}, {Name: "bytes", Number: true},
			{Name: "lines", Number: true, Minor: true}, {Name: "docs", Number: true, Minor: true}, {Name: "rejected", Number: true, Minor: true}, {Name: "skipped", Number: true, Minor: true},
			{Name: "proof", Minor: true}, {Name: "state"}, {Name: "sha256", Minor: true}, {Name: "ids", Minor: true}, {Name: "server", Minor: true}},
		Rows: func(yield func([]any, error) bool) {
			for _, list := range lists {
				all, err := receipt.List(filepath.Dir(list))
				for _, r := range all {
					if !yield(receiptRow(r), nil) {
						return
					}
				}
				if err != nil {
					damaged = fmt.Errorf("%s: %w", list, err)
				}
			}
		},
	})
	if err == nil && n == 0 && damaged == nil {
		fmt.Fprintln(std.err, "logctl: nothing was removed")
	}
	if err == nil {
		err = damaged
	}
	return err
}

func receiptRow(r receipt.Receipt) []any {
	state := "unfinished"
	switch {
	case r.Void:
		state = "not done"
	case r.Done != nil:
		state = "done"
	}
	return []any{r.Time.Format("2006-01-02T15:04:05Z"), r.App, r.File, r.How, r.Bytes, r.Lines, r.Docs, r.Rejected, r.Skipped, r.Proof, state,
		r.SHA256, r.IDs, r.Server}
}
