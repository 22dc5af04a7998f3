package cmd

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"logctl/cron"
	"logctl/internal/config"
)

// cronOptions say what is shipped and how often.
type cronOptions struct {
	cronPlace
	formatFlags
	app, every string
}

func (o *cronOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.app, "app", "", "the app whose logs these are")
	fs.StringVar(&o.every, "every", "5m", "how often: 1m to 30m, 1h to 12h, 1d, 1w")
	o.cronPlace.addFlags(fs)
	o.formatFlags.addFlags(fs)
}

// job is the run of ship that the flags ask for. What is doubtful in the files is said on w.
func (o *cronOptions) job(w io.Writer, g *globals, files []string) (*cron.Job, error) {
	if err := checkApp(o.app); err != nil {
		return nil, err
	}
	every, err := cron.ParseEvery(o.every)
	if err != nil {
		return nil, usage(err)
	}
	if _, err := o.formatter(w, g); err != nil {
		return nil, err
	}
	if err := o.geoip.settle(); err != nil {
		return nil, err
	}
	if o.dir != "" && !o.systemd {
		return nil, usagef("--dir is a directory of units: it goes with --systemd")
	}
	job := &cron.Job{App: o.app, Every: every}
	if job.Env, err = scheduledEnv(g); err != nil {
		return nil, err
	}
	program, err := programPath()
	if err != nil {
		return nil, err
	}
	job.Args = append([]string{program, "ship", "--app", o.app, "--quiet", "--lock"}, o.formatFlags.args()...)
	if job.Files, err = scheduledFiles(w, files); err != nil {
		return nil, err
	}
	return job, nil
}

// scheduledEnv is what a run without this environment must be told.
func scheduledEnv(g *globals) ([]string, error) {
	env, err := config.Environ(g.flags, os.Getenv)
	if err != nil {
		return nil, fmt.Errorf("find the settings: %w", err)
	}
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		if u, err := url.Parse(value); name == "LOGCTL_URL" && err == nil && u.User != nil {
			return nil, hinted(usagef("the URL of the store holds an account, and a schedule can be read by others"),
				"set LOGCTL_USER, and LOGCTL_PASSWORD_FILE to a file that holds the password")
		}
	}
	return env, nil
}

// programPath is the absolute path by which this program was called. A link stays one, so that the schedule outlives what
// it points to.
func programPath() (string, error) {
	path, err := exec.LookPath(os.Args[0])
	if err != nil {
		path, err = os.Executable()
	}
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", fmt.Errorf("find the path of logctl: %w", err)
	}
	return path, nil
}

// scheduledFiles makes files absolute, and says on w where they may not be what was meant.
func scheduledFiles(w io.Writer, files []string) ([]string, error) {
	var all []string
	for _, name := range files {
		if name == "-" {
			return nil, usagef("a schedule has no standard input: name a file")
		}
		path, err := filepath.Abs(name)
		if err != nil {
			return nil, fmt.Errorf("find %s: %w", name, err)
		}
		if _, err := os.Lstat(path); err != nil {
			found, err := filepath.Glob(path)
			if err != nil {
				return nil, usagef("pattern %q: a bracket is not closed, or a backslash is last", name)
			}
			if len(found) == 0 {
				fmt.Fprintf(w, "logctl: note: nothing matches %s now\n", oneLine(path))
			}
		}
		for _, other := range all {
			if strings.HasPrefix(path, other+".") || strings.HasPrefix(path, other+"-") {
				fmt.Fprintf(w, "logctl: note: %s is a fixed name; '%s*', in quotes, finds the files of later days too\n",
					oneLine(path), oneLine(other))
			}
		}
		all = append(all, path)
	}
	return all, nil
}
