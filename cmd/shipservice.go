package cmd

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/pflag"

	"logctl/cron"
)

// serviceFlags make of a ship that follows a service of systemd's.
type serviceFlags struct {
	install bool
	dir     string
	set     *pflag.FlagSet // all flags of the command
}

func (o *serviceFlags) addFlags(fs *pflag.FlagSet) {
	o.set = fs
	fs.BoolVar(&o.install, "install-service", false, "have systemd run this command with --follow, now and after each start of the machine")
	fs.StringVar(&o.dir, "unit-dir", "", "directory of units for --install-service, without telling systemd (for packages)")
}

// pathFlags are those of ship whose values are paths, which have to mean the same from any directory.
var pathFlags = map[string]bool{"rejects": true, "state": true, "geoip": true, "socket": true}

// args are the flags that were given, for the service, but for those that its environment says.
func (o *serviceFlags) args(g *globals) (args []string, err error) {
	said := map[string]bool{"install-service": true, "unit-dir": true, "follow": true, "app": true, "quiet": true}
	g.flags.Each(func(flag, _ string, _ *string) { said[flag] = true })
	add := func(name, value string) {
		if pathFlags[name] {
			if value, err = filepath.Abs(value); err != nil {
				return
			}
		}
		args = append(args, "--"+name+"="+value)
	}
	o.set.Visit(func(f *pflag.Flag) {
		switch list, isList := f.Value.(pflag.SliceValue); {
		case said[f.Name]:
		case isList:
			for _, value := range list.GetSlice() {
				add(f.Name, value)
			}
		default:
			add(f.Name, f.Value.String())
		}
	})
	return args, err
}

// installService writes the service and starts it. The flags have been looked at as those of a run are.
func (o *shipOptions) installService(ctx context.Context, std streams, g *globals, files []string) error {
	if o.lock || o.again || o.remove.truncate || o.remove.delete {
		return usagef("--install-service is for a command that goes on: leave --lock, --again, --truncate and --delete out")
	}
	place := cronPlace{systemd: true, dir: o.service.dir}
	units, err := place.units()
	if err != nil {
		return err
	}
	program, err := programPath()
	if err != nil {
		return err
	}
	job := &cron.Job{App: o.app}
	if job.Env, err = scheduledEnv(g); err != nil {
		return err
	}
	flags, err := o.service.args(g)
	if err != nil {
		return err
	}
	job.Args = append([]string{program, "ship", "--app", o.app, "--follow", "--quiet"}, flags...)
	if job.Files, err = scheduledFiles(std.err, files); err != nil {
		return err
	}
	changed, err := units.InstallService(ctx, job)
	if err != nil {
		return err
	}
	what := "as it was"
	if changed {
		what = "installed"
	}
	fmt.Fprintf(std.err, "logctl: the service that follows the logs of %s is %s; logctl cron remove --systemd --app %s takes it away\n", o.app, what, o.app)
	return nil
}
