package cmd

import (
	"context"

	"github.com/spf13/pflag"

	"logctl/ship"
	"logctl/ship/journal"
	"logctl/ship/kernel"
)

// sourceFlags say what lines come from besides files.
type sourceFlags struct{ units []string }

func (o *sourceFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.units, "unit", nil, "unit whose entries --journal takes, as journalctl --unit; again for more (default: all)")
}

// args are the flags again, as a command line has them.
func (o *sourceFlags) args() (args []string) {
	for _, unit := range o.units {
		args = append(args, "--unit", unit)
	}
	return args
}

// checkSources tells what does not go together.
func (o *shipOptions) checkSources(files []string) error {
	carrier := o.container.carrier()
	switch {
	case len(o.source.units) > 0 && !o.container.journal:
		return usagef("--unit goes with --journal")
	case carrier != "" && (len(files) > 0 || len(o.sockets) > 0):
		return usagef("--journal and --kernel go without files and --socket: ship them by a command of their own")
	case carrier != "" && (o.remove.truncate || o.remove.delete):
		return usagef("--truncate and --delete are for files")
	}
	return nil
}

// addSources adds the sources that flags name to a run, and gives their names.
func (o *shipOptions) addSources(so *ship.Options) (names []string) {
	if o.container.journal {
		so.Sources = append(so.Sources, journal.New(journal.Options{Units: o.source.units, Follow: o.follow, MaxLine: o.maxLine}))
		names = append(names, "the journal")
	}
	if o.container.kernel {
		so.Sources = append(so.Sources, kernel.New(kernel.Options{Follow: o.follow, MaxLine: o.maxLine}))
		names = append(names, "the kernel's messages")
	}
	return names
}

// journalAnew ships a journal that does not have the entry any more that was read last: all that is left of it, with the ids that
// its entries had.
func (o *shipOptions) journalAnew(ctx context.Context, so ship.Options, gone *journal.GoneError) (ship.Summary, error) {
	if so.Problem != nil {
		so.Problem(gone)
	}
	so.StateAnew = "the journal lacks what was read last"
	so.Sources = nil
	o.addSources(&so)
	sum, err := ship.Run(ctx, so)
	sum.Problems = append(sum.Problems, gone)
	return sum, err
}
