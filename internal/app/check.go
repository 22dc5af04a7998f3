package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"logctl/store"
	"logctl/store/couchapi"
	"logctl/store/engine"
)

// CheckOptions say what Check does, and where its lines go.
type CheckOptions struct {
	Data   string
	Repair bool
	Say    func(line string) // what was checked, and done
	Wrong  func(line string) // what is damaged
}

// Check verifies the embedded store of a data directory that nobody has open: all checksums, the docs, and the views against the docs. It
// tells whether all is sound, or was made so. The error, of KindLocked where somebody has it open, is of what kept it from being checked.
func Check(ctx context.Context, o CheckOptions) (sound bool, err error) {
	whole, err := checkFiles(ctx, o)
	if err != nil {
		return false, err
	}
	sound, err = checkStore(ctx, o)
	if err != nil || !sound || whole || !o.Repair {
		return sound && whole, err
	}
	return checkFiles(ctx, o) // a damaged index may have been all that a damaged file held
}

func checkFiles(ctx context.Context, o CheckOptions) (sound bool, err error) {
	damaged := 0
	files, err := engine.CheckFiles(ctx, filepath.Join(o.Data, "store"), engine.Options{}, func(d engine.Damage) {
		damaged++
		o.Wrong(d.String())
	})
	if err != nil {
		return false, err
	}
	o.Say(fmt.Sprintf("%d files, %d of them damaged", files, damaged))
	return damaged == 0, nil
}

func checkStore(ctx context.Context, o CheckOptions) (sound bool, err error) {
	e, err := openEmbedded(o.Data, embeddedOptions{log: slog.New(slog.DiscardHandler)})
	if store.IsKind(err, store.KindCorrupt) {
		o.Wrong("the store can't be opened: " + err.Error())
		return false, nil
	}
	if err != nil {
		return false, err
	}
	sound, err = e.api.Check(ctx, couchapi.CheckOptions{Repair: o.Repair, Say: o.Say, Wrong: o.Wrong})
	return sound, errors.Join(err, e.Close())
}
