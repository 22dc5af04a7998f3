package cmd

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/internal/admin"
	"logctl/proxy/token"
	"logctl/reports"
	"logctl/store"
)

func newToken(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Make, list, rotate and revoke app tokens",
		Long: `App tokens let programs write to an app, or read it, without an account. A token goes with each request, as the
header "Authorization: Bearer lct_..."; logctl itself takes it out of the file that LOGCTL_TOKEN_FILE names.

  logctl token create --app shop --write --expires 90d >shop.token
  LOGCTL_URL=https://log.example.com LOGCTL_TOKEN_FILE=shop.token logctl ship --app shop --preset auto shop.log`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newTokenCreate(g), newTokenList(g), newTokenRotate(g), newTokenRevoke(g))
	return c
}

type tokenCreateOptions struct {
	apps        []string
	read, write bool
	name        string
	expires     lifetime
}

func newTokenCreate(g *globals) *cobra.Command {
	o := &tokenCreateOptions{}
	c := &cobra.Command{
		Use:   "create --app APP (--read | --write)",
		Short: "Make a token and print it, once",
		Long: `Make a token that lets its holder write to apps, read them, or both, and nothing else. It is printed on the standard
output, this once: the store keeps only its hash. With --expires it ends by itself.

  logctl token create --app shop --write --name web1 >shop.token
  logctl token create --app shop --app mail --read --expires 90d

It takes an admin's account, which on the machine of the store is found by itself.

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.expires == 0 && c.Flags().Changed("expires") {
				return errNeverGood
			}
			return runTokenCreate(c.Context(), streamsOf(c), g, o)
		},
	}
	o.addFlags(c.Flags())
	return c
}

func (o *tokenCreateOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.apps, "app", nil, "an app that the token is for, may be given again")
	fs.BoolVar(&o.read, "read", false, "let the holder read")
	fs.BoolVar(&o.write, "write", false, "let the holder write")
	fs.StringVar(&o.name, "name", "", "what the token is for, for the list")
	fs.Var(&o.expires, "expires", "how long the token is good for, such as 90d (default: for ever)")
}

func runTokenCreate(ctx context.Context, std streams, g *globals, o *tokenCreateOptions) error {
	to := admin.TokenOptions{Name: o.name, Apps: o.apps, Lifetime: time.Duration(o.expires)}
	if o.read {
		to.May = append(to.May, token.Read)
	}
	if o.write {
		to.May = append(to.May, token.Write)
	}
	switch {
	case len(o.apps) == 0:
		return hinted(usagef("--app names the app that the token is for"), "logctl token create --app APP --write")
	case len(to.May) == 0:
		return hinted(usagef("say what the token lets its holder do: --read, --write or both"), "logctl token create --app "+o.apps[0]+" --write")
	}
	for _, app := range o.apps {
		if err := checkApp(app); err != nil {
			return err
		}
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	id, text, err := admin.CreateToken(ctx, c, to, time.Now())
	if err != nil {
		return c.explain(err, "")
	}
	fmt.Fprintf(std.err, "logctl: token %s may %s %s; this is the only time that it is shown\n", id, strings.Join(to.May, " and "), strings.Join(o.apps, ", "))
	_, err = fmt.Fprintln(std.out, text)
	return err
}

func newTokenList(g *globals) *cobra.Command {
	o := &outputFlag{}
	c := &cobra.Command{
		Use:   "list",
		Short: "List the tokens and what they are for",
		Long: `List the tokens: id, name, apps, what the holder may do, when it was made and when it ends. "rotating" tells that the
secret before the last is good for some more time. It takes an admin's account.

  logctl token list

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runTokenList(c.Context(), streamsOf(c), g, o) },
	}
	o.addFlags(c.Flags())
	return c
}

func runTokenList(ctx context.Context, std streams, g *globals, o *outputFlag) error {
	if err := o.check(); err != nil {
		return err
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	all, err := admin.Tokens(ctx, c)
	if err != nil {
		return c.explain(err, "")
	}
	if len(all) == 0 {
		fmt.Fprintln(std.err, "logctl: no tokens")
	}
	now := time.Now()
	_, err = o.write(std.out, reports.Result{
		Columns: []reports.Column{{Name: "id"}, {Name: "name"}, {Name: "apps"}, {Name: "may"}, {Name: "created"}, {Name: "expires"}, {Name: "state"}},
		Rows: reports.Each(all, func(r *token.Record) []any {
			expires := ""
			if end := r.Expires(); !end.IsZero() {
				expires = end.Format(time.RFC3339)
			}
			return []any{r.ID, r.Name, r.Apps, r.May, r.Created.Format(time.RFC3339), expires, tokenState(r, now)}
		}),
	})
	return err
}

// tokenState is "good", "rotating" while more than one secret is good, or "expired".
func tokenState(r *token.Record, now time.Time) string {
	ended := func(s token.Secret) bool { return !s.Expires.IsZero() && !now.Before(s.Expires) }
	switch n := len(slices.DeleteFunc(slices.Clone(r.Secrets), ended)); n {
	case 0:
		return "expired"
	case 1:
		return "good"
	}
	return "rotating"
}

type tokenRotateOptions struct {
	overlap, expires lifetime
}

func newTokenRotate(g *globals) *cobra.Command {
	o := &tokenRotateOptions{overlap: lifetime(24 * time.Hour), expires: -1}
	c := &cobra.Command{
		Use:   "rotate ID",
		Short: "Give a token a new secret, the old one staying good for a while",
		Long: `Give the token with that id a new secret and print the new token, once. The old one is good for --overlap longer, so that
programs change over one by one; 0 ends it at once. The new one lasts as long as the old one did, or as --expires says. A token has 100
secrets that are good at most; one more is refused (5), and none ends before its time.

  logctl token rotate k5xwm3tq2abc >shop.token
  logctl token rotate k5xwm3tq2abc --overlap 7d --expires 90d

Exit status: 0 done, 1 failed (or there is none), 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if o.expires == 0 && c.Flags().Changed("expires") {
				return errNeverGood
			}
			return runTokenRotate(c.Context(), streamsOf(c), g, o, args[0])
		},
	}
	c.Flags().Var(&o.overlap, "overlap", "how long the old secret stays good")
	c.Flags().Var(&o.expires, "expires", "how long the new secret is good for (default: as long as the old one)")
	return c
}

func runTokenRotate(ctx context.Context, std streams, g *globals, o *tokenRotateOptions, id string) error {
	if err := token.CheckID(id); err != nil {
		return usage(err)
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	text, err := admin.RotateToken(ctx, c, id, time.Duration(o.overlap), time.Duration(o.expires), time.Now())
	if err != nil {
		return c.explain(err, "")
	}
	old := "is not good any more"
	if o.overlap > 0 {
		old = "is good for " + o.overlap.String()
	}
	fmt.Fprintf(std.err, "logctl: token %s has a new secret; the old one %s\n", id, old)
	_, err = fmt.Fprintln(std.out, text)
	return err
}

func newTokenRevoke(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "Take a token away, at once",
		Long: `Take the token with that id away. No request that comes later gets through with it.

  logctl token revoke k5xwm3tq2abc

Exit status: 0 done, 1 failed (or there is none), 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return runTokenRevoke(c.Context(), streamsOf(c), g, args[0])
		},
	}
}

func runTokenRevoke(ctx context.Context, std streams, g *globals, id string) error {
	if err := token.CheckID(id); err != nil {
		return usage(err)
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := admin.RevokeToken(ctx, c, id); err != nil {
		return c.explain(err, "")
	}
	fmt.Fprintf(std.err, "logctl: revoked token %s\n", id)
	return nil
}

// lifetime is a flag's value: a duration as Go has it, or whole days (90d) or weeks (2w).
type lifetime time.Duration

// errNeverGood is for a --expires of nothing, which must not mean none.
var errNeverGood = usagef("--expires 0 makes a token that is never good; one that does not end takes none")

func (l *lifetime) Type() string { return "duration" }

func (l *lifetime) String() string {
	const day = lifetime(24 * time.Hour)
	switch {
	case *l <= 0:
		return ""
	case *l%day == 0:
		return strconv.Itoa(int(*l/day)) + "d"
	}
	return time.Duration(*l).String()
}

func (l *lifetime) Set(text string) error {
	unit := time.Duration(0)
	switch {
	case strings.HasSuffix(text, "d"):
		unit = 24 * time.Hour
	case strings.HasSuffix(text, "w"):
		unit = 7 * 24 * time.Hour
	}
	d, err := time.ParseDuration(text)
	if unit > 0 {
		var n uint64
		n, err = strconv.ParseUint(text[:len(text)-1], 10, 16)
		d = time.Duration(n) * unit
	}
	if err != nil || d < 0 {
		return store.NewError(store.KindBadRequest, "want a time such as 90d, 12h or 30m")
	}
	*l = lifetime(d)
	return nil
}
