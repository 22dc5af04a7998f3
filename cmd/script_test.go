package cmd

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"logctl/store/couchpath"
)

// couchURL is the variable that tells a script's commands to use a CouchDB; unset on the embedded store.
const couchURL = "COUCHDB"

// scriptCommands are the words that scripts have besides testscript's own:
//
//	serve [-err PATTERN] [FLAG…]   starts `logctl serve` on a free port in front of the store under test and sets $URL
//	signer [FLAG…]                 starts `logctl ca serve` on a free port and sets $CAURL
//	halt [SIGNAL]                  ends the last one started: TERM, or KILL
//	bearer FILE METHOD URL [BODY]  http, with the token that is in a file
//	cert CERT KEY                  makes a certificate for 127.0.0.1 that signs itself, valid for an hour
//	mmdb FILE RECORDS              makes a database of addresses, see scriptMMDB
//	send [-cert CERT KEY] INPUT FILE
//	                               sends a file to an input of the serve, named as its flag; over UDP each line by itself
//	await PATTERN ARG…             runs logctl until its output, errors too, has the pattern
//	http [-user NAME:PASSWORD] [-H HEADER:VALUE]… [-until STATUS] METHOD URL [BODY]
//	                               prints the status and the body of the answer; -user admin is the admin; @FILE is a body;
//	                               -until asks again for a while: a CouchDB takes its time to notice a changed account
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"serve":  scriptServe,
		"signer": scriptSigner,
		"halt":   scriptHalt,
		"cert":   scriptCert,
		"mmdb":   scriptMMDB,
		"http":   scriptHTTP,
		"send":   scriptSend,
		"await":  scriptAwait,
		"bearer": func(ts *testscript.TestScript, neg bool, args []string) {
			if len(args) < 3 {
				ts.Fatalf("usage: bearer FILE METHOD URL [BODY]")
			}
			scriptHTTP(ts, neg, append([]string{"-H", "Authorization:Bearer " + strings.TrimSpace(ts.ReadFile(args[0]))}, args[1:]...))
		},
	}
}

func scriptCondition(cond string, couchdb bool) (bool, error) {
	switch cond {
	case "couchdb":
		return couchdb, nil
	case "embedded":
		return !couchdb, nil
	case "shared":
		_, err := os.Stat("../../shared/data")
		return err == nil, nil
	case "curl":
		_, err := exec.LookPath("curl")
		_, err2 := exec.LookPath("openssl")
		return err == nil && err2 == nil, nil
	case "kmsg":
		f, err := os.Open("/dev/kmsg")
		if err == nil {
			f.Close()
		}
		return err == nil, nil
	case "root":
		return os.Geteuid() == 0, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

// scriptServer is the serve that a script runs.
type scriptServer struct {
	cmd  *exec.Cmd
	done chan error
	log  bytes.Buffer
}

type serverKey struct{}

const startWait, stopWait, answerWait = time.Minute, time.Minute, time.Minute

func scriptServe(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("! serve: use `! exec logctl serve` for one that must not start")
	}
	data := ts.Getenv("LOGCTL_DATA")
	args = append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)
	env := os.Environ()
	for _, name := range []string{"PATH", "HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "LOGCTL_DATA", "TZ", "GORACE"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	if couch := ts.Getenv(couchURL); couch != "" {
		args = append(args, "--couchdb", couch)
		env = append(env, "LOGCTL_WRITER_PASSWORD_FILE="+ts.Getenv("LOGCTL_WRITER_PASSWORD_FILE"))
	}
	s := &scriptServer{done: make(chan error, 1)}
	path, err := findLogctl(ts.Getenv("PATH"))
	ts.Check(err)
	s.cmd = exec.Command(path, args...)
	s.cmd.Env, s.cmd.Dir = env, ts.MkAbs(".")
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	ts.Check(s.cmd.Start())
	go func() { s.done <- s.cmd.Wait() }()
	servers(ts).add(s)
	ts.Defer(func() { s.end(syscall.SIGKILL) })

	ts.Setenv("URL", awaitServe(ts, s, data))
}

// findLogctl finds the binary under test in a script's PATH.
func findLogctl(path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if p, err := exec.LookPath(filepath.Join(dir, "logctl")); err == nil {
			return p, nil
		}
	}
	return "", errors.New("no logctl in PATH")
}

// awaitServe waits until the serve with that process id says where it listens.
func awaitServe(ts *testscript.TestScript, s *scriptServer, data string) string {
	for deadline := time.Now().Add(startWait); time.Now().Before(deadline); {
		select {
		case err := <-s.done:
			ts.Fatalf("serve ended: %v\n%s", err, s.log.Bytes())
		case <-time.After(10 * time.Millisecond):
		}
		text, err := os.ReadFile(filepath.Join(data, "serve.json"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		ts.Check(err)
		var ad struct {
			PID int
			URL string
		}
		if json.Unmarshal(text, &ad) == nil && ad.PID == s.cmd.Process.Pid {
			return ad.URL
		}
	}
	s.end(syscall.SIGKILL)
	ts.Fatalf("serve did not start\n%s", s.log.Bytes())
	return ""
}

// end sends sig and waits; the error is the exit status.
func (s *scriptServer) end(sig syscall.Signal) error {
	if s.cmd.ProcessState != nil {
		return nil
	}
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case err := <-s.done:
		return err
	case <-time.After(stopWait):
		s.cmd.Process.Kill()
		return errors.New("did not end")
	}
}

// serverList is what a script has started and not yet stopped.
type serverList struct{ running []*scriptServer }

func (l *serverList) add(s *scriptServer) { l.running = append(l.running, s) }

func servers(ts *testscript.TestScript) *serverList { return ts.Value(serverKey{}).(*serverList) }

func scriptHalt(ts *testscript.TestScript, _ bool, args []string) {
	l := servers(ts)
	if len(l.running) == 0 {
		ts.Fatalf("no serve is running")
	}
	s := l.running[len(l.running)-1]
	l.running = l.running[:len(l.running)-1]
	if len(args) == 1 && args[0] == "KILL" {
		s.end(syscall.SIGKILL)
		return
	}
	if err := s.end(syscall.SIGTERM); err != nil {
		ts.Fatalf("serve: %v\n%s", err, s.log.Bytes())
	}
	fmt.Fprintf(ts.Stdout(), "%s", s.log.Bytes())
}

func scriptHTTP(ts *testscript.TestScript, neg bool, args []string) {
	header := http.Header{}
	user, until := "", ""
	for len(args) > 1 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-user":
			user = args[1]
		case "-H":
			name, value, _ := strings.Cut(args[1], ":")
			header.Add(name, strings.TrimSpace(value))
		case "-until":
			until = args[1]
		default:
			ts.Fatalf("http: unknown flag %s", args[0])
		}
		args = args[2:]
	}
	if len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: http [-user NAME:PASSWORD] [-H HEADER:VALUE]... METHOD URL [BODY]")
	}
	body := ""
	if len(args) == 3 {
		body = args[2]
		if file, ok := strings.CutPrefix(body, "@"); ok {
			body = ts.ReadFile(file)
		}
		if header.Get("Content-Type") == "" {
			header.Set("Content-Type", "application/json")
		}
	}
	if user == "admin" {
		user = adminAccount(ts)
	}
	for deadline := time.Now().Add(answerWait); ; time.Sleep(100 * time.Millisecond) {
		status, answer, err := ask(args[0], args[1], user, header, body)
		if neg {
			if err == nil {
				ts.Fatalf("http: an answer came: %d", status)
			}
			return
		}
		ts.Check(err)
		if until == "" || until == strconv.Itoa(status) || time.Now().After(deadline) {
			fmt.Fprintf(ts.Stdout(), "%d\n%s", status, answer)
			return
		}
	}
}

// ask sends one request and reads its answer.
func ask(method, url, user string, header http.Header, body string) (status int, answer []byte, err error) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header = header.Clone()
	if name, password, ok := strings.Cut(user, ":"); ok {
		r.SetBasicAuth(name, password)
	}
	client := &http.Client{
		Timeout:       time.Minute,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

func scriptCert(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: cert CERT KEY")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	now := time.Now()
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "log.example.com"},
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	ts.Check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	for i, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: der}, {Type: "PRIVATE KEY", Bytes: secret}} {
		ts.Check(os.WriteFile(ts.MkAbs(args[i]), pem.EncodeToMemory(block), 0o600))
	}
}

// adminAccount is NAME:PASSWORD of the admin of the store under test.
func adminAccount(ts *testscript.TestScript) string {
	if couch := ts.Getenv("COUCHDB_ADMIN"); couch != "" {
		return couch
	}
	text, err := os.ReadFile(filepath.Join(ts.Getenv("LOGCTL_DATA"), "admin.password"))
	ts.Check(err)
	return "admin:" + strings.TrimSpace(string(text))
}

// useCouchDB points a script's commands at a CouchDB with nothing of ours in it.
func useCouchDB(e *testscript.Env, couch string) error {
	u, err := url.Parse(couch)
	if err != nil || u.User == nil {
		return errors.New("LOGCTL_TEST_COUCHDB_URL must be http://ADMIN:PASSWORD@HOST:PORT")
	}
	if err := emptyCouchDB(couch); err != nil {
		return fmt.Errorf("empty the CouchDB: %w", err)
	}
	password, _ := u.User.Password()
	files := map[string]string{"admin.secret": password, "writer.secret": "writer-password-of-the-tests"}
	for name, secret := range files {
		if err := os.WriteFile(filepath.Join(e.WorkDir, name), []byte(secret+"\n"), 0o600); err != nil {
			return err
		}
	}
	e.Setenv("COUCHDB_ADMIN", u.User.Username()+":"+password)
	e.Setenv("LOGCTL_USER", u.User.Username())
	e.Setenv("LOGCTL_PASSWORD_FILE", filepath.Join(e.WorkDir, "admin.secret"))
	e.Setenv("LOGCTL_WRITER_PASSWORD_FILE", filepath.Join(e.WorkDir, "writer.secret"))
	u.User = nil
	e.Setenv(couchURL, u.String())
	e.Setenv("LOGCTL_URL", u.String())
	return nil
}

// emptyCouchDB deletes every app's database, all tokens and all accounts. The database of the accounts stays: a CouchDB that loses it goes
// on with what it remembers of it for a while.
func emptyCouchDB(base string) error {
	var names []string
	if err := couchJSON(http.MethodGet, base+"/_all_dbs", nil, &names); err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "log_") && name != "logctl" {
			continue
		}
		if err := couchJSON(http.MethodDelete, base+couchpath.Of(name), nil, nil); err != nil {
			return err
		}
	}
	var users struct {
		Rows []struct {
			ID    string
			Value struct{ Rev string }
		}
	}
	if err := couchJSON(http.MethodGet, base+"/_users/_all_docs?startkey=%22org.couchdb.user:%22", nil, &users); err != nil {
		return err
	}
	type tombstone struct {
		ID      string `json:"_id"`
		Rev     string `json:"_rev"`
		Deleted bool   `json:"_deleted"`
	}
	gone := []tombstone{}
	for _, row := range users.Rows {
		gone = append(gone, tombstone{row.ID, row.Value.Rev, true})
	}
	return couchJSON(http.MethodPost, base+"/_users/_bulk_docs", map[string]any{"docs": gone}, nil)
}

// couchJSON sends body as JSON and reads the answer into answer, where there is one.
func couchJSON(method, url string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(method, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if answer == nil {
		answer = new(any)
	}
	return json.NewDecoder(res.Body).Decode(answer)
}
