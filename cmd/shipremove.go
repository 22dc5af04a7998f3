package cmd

import (
	"github.com/spf13/pflag"

	"logctl/ship"
)

// removeFlags say what becomes of files that are stored.
type removeFlags struct{ truncate, delete bool }

func (o *removeFlags) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.truncate, "truncate", false, "empty files when all in them is stored, with a receipt (logctl receipts)")
	fs.BoolVar(&o.delete, "delete", false, "remove files when all in them is stored and no program has them open, with a receipt")
}

// apply sets what so is to remove.
func (o *removeFlags) apply(so *ship.Options) error {
	switch {
	case !o.truncate && !o.delete:
		return nil
	case o.truncate && o.delete:
		return usagef("--truncate and --delete are two ways to go: name one")
	case len(so.Inputs) == 0 || so.Follow:
		return usagef("--truncate and --delete take files, and a run that ends")
	}
	so.Remove = ship.Truncate
	if o.delete {
		so.Remove = ship.Delete
	}
	return nil
}
