package couchapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"logctl/store"
	"logctl/store/engine"
	"logctl/store/view"
)

// CheckOptions say what Check does.
type CheckOptions struct {
	Repair bool              // build damaged view indexes anew
	Say    func(line string) // what was checked, and what was done
	Wrong  func(line string) // what is damaged
}

// Check verifies all databases: that the docs can be read, by id and by sequence, and agree with the counters, and that each view index
// is what mapping all docs anew gives. Nobody may write meanwhile. It tells whether all is sound or was made so; the error is of what
// ended the check.
func (h *Handler) Check(ctx context.Context, o CheckOptions) (sound bool, err error) {
	sound = true
	for _, name := range h.o.Engine.Names() {
		db, err := h.o.Engine.DB(name)
		if err != nil {
			return false, err
		}
		docs, err := h.checkDocs(ctx, db, o)
		if err != nil {
			return false, fmt.Errorf("check %s: %w", name, err)
		}
		if !docs {
			o.Say(string(name) + ": its views are not checked, as not all docs that they are made of can be read")
			sound = false
			continue
		}
		views, err := h.checkViews(ctx, db, o)
		if err != nil {
			return false, fmt.Errorf("check the views of %s: %w", name, err)
		}
		sound = sound && views
	}
	return sound, nil
}

func (h *Handler) checkDocs(ctx context.Context, db *engine.DB, o CheckOptions) (sound bool, err error) {
	sound = true
	checked, err := db.Check(ctx, func(d engine.Damage) {
		sound = false
		o.Wrong(d.String())
	})
	if err != nil {
		return false, err
	}
	line := fmt.Sprintf("%s: %d live and %d deleted docs are sound", db.Name(), checked.Docs, checked.Deleted)
	if !sound {
		line += fmt.Sprintf(", %d or more are damaged: the others can be read, and shipped again or replicated elsewhere", checked.Damaged)
	}
	o.Say(line)
	return sound, nil
}

// checkViews checks the indexes that design documents have, each once.
func (h *Handler) checkViews(ctx context.Context, raw *engine.DB, o CheckOptions) (sound bool, err error) {
	db := viewDB{raw}
	designs, err := db.Designs(ctx)
	if err != nil {
		return false, err
	}
	built, err := db.Indexes()
	if err != nil {
		return false, err
	}
	sound = true
	for _, d := range designs {
		i := slices.Index(built, d.Signature())
		if i < 0 {
			continue
		}
		built = slices.Delete(built, i, i+1)
		ok, err := h.checkIndex(ctx, db, d, o)
		if err != nil {
			return false, err
		}
		sound = sound && ok
	}
	return sound, nil
}

func (h *Handler) checkIndex(ctx context.Context, db viewDB, d *view.Design, o CheckOptions) (sound bool, err error) {
	name := string(db.Name()) + "/" + strings.TrimPrefix(d.ID(), designPrefix)
	problem, err := h.o.Views.Check(ctx, db, d)
	var e *store.Error
	switch {
	case err != nil && ctx.Err() == nil && errors.As(err, &e) && e.Kind != store.KindUnavailable:
		o.Wrong(fmt.Sprintf("%s: its views can't be built: %v", name, err)) // a function that does not end, say
		return false, nil
	case err != nil:
		return false, err
	case problem == "":
		o.Say(name + ": its views are sound")
		return true, nil
	}
	o.Wrong(name + ": its views are damaged: " + problem)
	if !o.Repair {
		return false, nil
	}
	if err := h.rebuild(ctx, db, d); err != nil {
		o.Wrong(fmt.Sprintf("%s: its views can't be built anew: %v", name, err))
		return false, ctx.Err()
	}
	o.Say(name + ": its views were built anew and are sound")
	return true, nil
}

// rebuild builds an index anew and checks it.
func (h *Handler) rebuild(ctx context.Context, db viewDB, d *view.Design) error {
	if err := db.DiscardIndex(ctx, d.Signature()); err != nil {
		return err
	}
	if err := h.o.Views.Rebuild(ctx, db, d); err != nil {
		return err
	}
	problem, err := h.o.Views.Check(ctx, db, d)
	if err == nil && problem != "" {
		err = errors.New(problem)
	}
	return err
}
