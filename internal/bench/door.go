package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"logctl/internal/storebench"
)

// sayDoor measures what the door of a logctl costs and tells it.
func sayDoor(w io.Writer, logctl string) error {
	measures, err := storebench.Door(context.Background(), storebench.DoorOptions{Program: logctl})
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "the door, in front of the embedded store")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, m := range measures {
		fmt.Fprintf(t, "%.2f\t%s\t  %s\n", m.Value, m.Unit, m.Name)
	}
	return t.Flush()
}
