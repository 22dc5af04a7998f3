package cmd

import (
	"time"

	"github.com/spf13/cobra"

	"logctl/internal/demo"
)

type demoOptions struct {
	days int
	pace time.Duration
}

func newDemo() *cobra.Command {
	o := &demoOptions{}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Print a made-up fail2ban log to try logctl with",
		Long: `Print a made-up fail2ban log that ends now: attacks from documentation addresses.

  logctl demo > /tmp/fail2ban.log
  logctl --data /tmp/demo ship --app fail2ban --preset fail2ban /tmp/fail2ban.log
  logctl --data /tmp/demo report attackers --since 7d

Exit status: 0 done, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runDemo(streamsOf(c), o) },
	}
	c.Flags().IntVar(&o.days, "days", 30, "days of log")
	c.Flags().DurationVar(&o.pace, "pace", 7*time.Minute, "mean time between two attacks")
	return c
}

func runDemo(s streams, o *demoOptions) error {
	if o.days < 1 || o.pace <= 0 {
		return usagef("--days and --pace must be above zero")
	}
	now := time.Now()
	return demo.Write(s.out, demo.Options{From: now.AddDate(0, 0, -o.days), Until: now, Pause: o.pace, Seed: 1})
}
