package senders

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"

	"logctl/internal/config"
)

// podSpec is what a DaemonSet's pods are, as far as it is looked at here.
type podSpec struct {
	ServiceAccountName           string `yaml:"serviceAccountName"`
	AutomountServiceAccountToken *bool  `yaml:"automountServiceAccountToken"`
	HostNetwork, HostPID         bool
	Containers                   []struct {
		Args []string
		Env  []struct{ Name, Value string }

		Resources       struct{ Limits map[string]string }
		SecurityContext struct {
			RunAsUser, RunAsGroup    *int `yaml:",omitempty"`
			Privileged               bool
			AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
			ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
			Capabilities             struct{ Add, Drop []string }
			SeccompProfile           struct{ Type string } `yaml:"seccompProfile"`
		} `yaml:"securityContext"`
		VolumeMounts []struct {
			Name      string
			MountPath string `yaml:"mountPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		} `yaml:"volumeMounts"`
	}
	Volumes []struct {
		Name     string
		HostPath *struct{ Path, Type string } `yaml:"hostPath"`
		Secret   *struct {
			SecretName string `yaml:"secretName"`
			Items      []struct{ Key, Path string }
		}
	}
}

type object struct {
	Kind string
	Spec struct{ Template struct{ Spec podSpec } }

	ServiceAccountToken *bool `yaml:"automountServiceAccountToken"`
	Rules               []map[string][]string
	RoleRef             struct{ Kind, Name string } `yaml:"roleRef"`
	Subjects            []map[string]string
	Metadata            struct{ Name, Namespace string }
}

// manifest are the objects of a file in docs/kubernetes, over what is in them before.
func manifest(t *testing.T, name string, into ...*object) []*object {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "kubernetes", name))
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	for i := 0; ; i++ {
		if i == len(into) {
			into = append(into, &object{})
		}
		if err := d.Decode(into[i]); errors.Is(err, io.EOF) {
			return into[:i]
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// daemonSet is that of the page.
func daemonSet(t *testing.T) *object {
	t.Helper()
	all := manifest(t, "daemonset.yaml")
	if len(all) != 2 || all[0].Kind != "Namespace" || all[1].Kind != "DaemonSet" || len(all[1].Spec.Template.Spec.Containers) != 1 {
		t.Fatalf("%+v", all)
	}
	return all[1]
}

// The pods have no rights but to read the logs of pods and their token, and to write their state, which outlives them.
func TestKubernetesRights(t *testing.T) {
	t.Parallel()
	spec := daemonSet(t).Spec.Template.Spec
	c := spec.Containers[0]
	sc := c.SecurityContext
	if sc.Privileged || *sc.AllowPrivilegeEscalation || !sc.ReadOnlyRootFilesystem || len(sc.Capabilities.Add) > 0 ||
		!slices.Equal(sc.Capabilities.Drop, []string{"ALL"}) || sc.SeccompProfile.Type != "RuntimeDefault" || c.Resources.Limits["memory"] == "" {
		t.Errorf("%+v", sc)
	}
	if spec.HostNetwork || spec.HostPID || spec.ServiceAccountName != "" || *spec.AutomountServiceAccountToken {
		t.Errorf("%+v", spec)
	}
	kinds := map[string]string{}
	for _, v := range spec.Volumes {
		switch {
		case v.HostPath != nil:
			kinds[v.Name] = "host " + v.HostPath.Path
		case v.Secret != nil:
			kinds[v.Name] = "secret " + v.Secret.Items[0].Path
		}
	}
	got := map[string]string{}
	for _, m := range c.VolumeMounts {
		got[m.MountPath] = fmt.Sprint(kinds[m.Name], " ", m.ReadOnly)
	}
	want := map[string]string{"/var/log/pods": "host /var/log/pods true", "/var/lib/logctl": "host /var/lib/logctl false", "/etc/logctl": "secret token true"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	known := map[string]bool{"NODE_NAME": true, "GOMEMLIMIT": true}
	(&config.Config{}).Each(func(_, help string, _ *string) {
		_, variable, _ := strings.Cut(help, "($")
		known[strings.TrimSuffix(variable, ")")] = true
	})
	for _, v := range c.Env {
		if !known[v.Name] {
			t.Errorf("logctl does not know %s", v.Name)
		}
		switch {
		case v.Name == "LOGCTL_DATA" && v.Value != "/var/lib/logctl", v.Name == "LOGCTL_TOKEN_FILE" && v.Value != "/etc/logctl/token":
			t.Errorf("%s is %s", v.Name, v.Value)
		}
	}
}

// With labels they may get pods, and nothing else.
func TestKubernetesLabels(t *testing.T) {
	t.Parallel()
	all := manifest(t, "labels.yaml")
	if len(all) != 3 || all[0].Kind != "ServiceAccount" || *all[0].ServiceAccountToken || all[1].Kind != "ClusterRole" || all[2].Kind != "ClusterRoleBinding" {
		t.Fatalf("%+v", all)
	}
	if want := []map[string][]string{{"apiGroups": {""}, "resources": {"pods"}, "verbs": {"get"}}}; !reflect.DeepEqual(all[1].Rules, want) {
		t.Errorf("%v", all[1].Rules)
	}
	account := all[0].Metadata
	if want := []map[string]string{{"kind": "ServiceAccount", "name": account.Name, "namespace": account.Namespace}}; !reflect.DeepEqual(all[2].Subjects, want) ||
		all[2].RoleRef.Kind != "ClusterRole" || all[2].RoleRef.Name != all[1].Metadata.Name {
		t.Errorf("%+v", all[2])
	}
	d := daemonSet(t)
	before := len(d.Spec.Template.Spec.Containers)
	manifest(t, "labels-patch.yaml", d)
	spec := d.Spec.Template.Spec
	if spec.ServiceAccountName != account.Name || d.Metadata.Namespace != account.Namespace || !*spec.AutomountServiceAccountToken || len(spec.Containers) != before {
		t.Errorf("%+v", spec)
	}
}

// The DaemonSet's command ships the logs of a node as it stands there, and its next pod goes on where it was.
func TestKubernetesShips(t *testing.T) {
	t.Parallel()
	s := serve(t)
	dir := t.TempDir()
	do := func(args ...string) []byte {
		t.Helper()
		c := logctl(t, s.data, args...)
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		return out
	}
	do("app", "create", "pods")
	token := write(t, filepath.Join(dir, "token"), string(do("token", "create", "--app", "pods", "--write")))
	log := filepath.Join(dir, "pods", "shop_web-1_0a1b", "nginx", "0.log")
	if err := os.MkdirAll(filepath.Dir(log), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, log, "2026-11-26T04:16:13.1Z stdout F one\n2026-11-26T04:16:13.2Z stderr P two \n2026-11-26T04:16:13.3Z stderr F three\n")

	container := daemonSet(t).Spec.Template.Spec.Containers[0]
	node := func() *exec.Cmd {
		here := map[string]string{"NODE_NAME": "node1", "LOGCTL_URL": s.url, "LOGCTL_TOKEN_FILE": token, "LOGCTL_DATA": filepath.Join(dir, "state")}
		var args []string
		for _, arg := range container.Args {
			args = append(args, strings.ReplaceAll(arg, "$(NODE_NAME)", here["NODE_NAME"]))
		}
		c := logctl(t, "", append(args, filepath.Join(dir, "pods", "*", "*", "*.log*"))...)
		for _, v := range container.Env {
			value, ok := here[v.Name]
			if !ok {
				value = v.Value
			}
			c.Env = append(c.Env, v.Name+"="+value)
		}
		c.Env = append(c.Env, "TMPDIR="+filepath.Join(dir, "none"), "HOME="+filepath.Join(dir, "none"))
		return c
	}
	for i, text := range []string{"", "2026-11-26T04:16:14Z stdout F four\n"} {
		f, err := os.OpenFile(log, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		f.Close()
		c := node()
		var said bytes.Buffer
		c.Stderr = &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		last := map[string]any{"message": []string{"two three", "four"}[i], "machine": "node1", "namespace": "shop", "pod": "web-1", "container": "nginx", "uid": "0a1b"}
		s.find(t, "pods", last)
		s.find(t, "pods", map[string]any{"message": "one", "stream": "stdout"})
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil || said.Len() > 0 {
			t.Errorf("%v: %s", err, said.Bytes())
		}
	}
	if docs := s.docs(t, "pods"); len(docs) != 3 {
		t.Errorf("%d docs, want 3", len(docs))
	}
}
