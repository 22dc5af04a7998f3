package couchapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/couchpath"
	"logctl/store/engine"
	"logctl/store/inproc"
	"logctl/store/password"
	"logctl/store/uuids"
	"logctl/store/view"
)

// Admins knows the server admins, who exist outside of any database.
type Admins interface {
	// Verify tells whether password is the admin name's. It is called once per request that sends credentials and must
	// be quick; guessing is slowed down by the handler (see password.Lockout). An admin's cookie sessions end when the server
	// stops, and when the admin logs in with another password.
	Verify(name, password string) bool
}

// Replicator runs replications for the server; see package replicate.
type Replicator interface {
	// Replicate answers the body of a POST to _replicate.
	Replicate(ctx context.Context, who store.Caller, body []byte) (status int, answer []byte, err error)
	// Check refuses a doc of _replicator that makes no sense.
	Check(doc []byte) error
	// Jobs, Docs and Tasks are the entries of _scheduler/jobs, _scheduler/docs and _active_tasks, each a JSON object.
	Jobs() []json.RawMessage
	Docs() []json.RawMessage
	Tasks() []json.RawMessage
}

// Options of a Handler; Engine is the one that has no default.
type Options struct {
	Engine *engine.Engine
	Views  *view.Manager // nil: made by New, closed by Close
	Admins Admins        // nil: no server admins
	Log    *slog.Logger  // nil: nothing is logged

	Replicator Replicator // nil: _replicate answers 501

	Fauxton fs.FS  // what /_utils/ serves; nil, or while it has no index.html: a page that says how to install it
	Version string // logctl's own version, for the welcome page

	PasswordRounds int           // PBKDF2 rounds of new passwords; 0: 600,000
	SessionTimeout time.Duration // of a session cookie; 0: 10 minutes
	// Bare says that no door is before the handler. The settings may then name other ways to tell who calls, as a CouchDB's may:
	// authentication_handlers, authentication_db. They may also have new databases be everybody's: default_security.
	Bare bool

	MaxDoc     int   // bytes of one doc; 0: 8,000,000
	MaxRequest int64 // bytes of one request body, decompressed; 0: 64 MiB
}

// Defaults of Options, CouchDB's own but for MaxRequest.
const (
	defaultRounds         = 600_000
	defaultSessionTimeout = 10 * time.Minute
	defaultMaxDoc         = 8_000_000
	defaultMaxRequest     = 64 << 20
)

// Handler answers CouchDB's API. It is safe for concurrent use.
type Handler struct {
	o        Options
	ownViews bool
	router   *mux.Router
	ids      *uuids.Source
	accounts *accounts
	designs  *designCache
	settings *settings
	users    *usersDB
	room     *room

	// start reads what the handler keeps in the engine; its error is answered to every request.
	start  func() error
	secret []byte // signs session cookies; written by start only

	background sync.WaitGroup  // what goes on when its request has been answered
	ending     context.Context // of that; Close ends it
	end        context.CancelFunc
}

// New makes a Handler. It takes over neither the engine nor, if given, the view manager: close those after it.
func New(o Options) *Handler {
	h := &Handler{o: o}
	h.ending, h.end = context.WithCancel(context.Background())
	if h.o.Log == nil {
		h.o.Log = slog.New(slog.DiscardHandler)
	}
	if h.o.Views == nil {
		h.o.Views = view.New(view.Options{Log: h.o.Log})
		h.ownViews = true
	}
	if h.o.PasswordRounds == 0 {
		h.o.PasswordRounds = defaultRounds
	}
	if h.o.SessionTimeout == 0 {
		h.o.SessionTimeout = defaultSessionTimeout
	}
	if h.o.MaxDoc == 0 {
		h.o.MaxDoc = defaultMaxDoc
	}
	if h.o.MaxRequest == 0 {
		h.o.MaxRequest = defaultMaxRequest
	}
	h.room = newRoom(h.o.MaxRequest)
	h.ids = uuids.New()
	h.designs = newDesignCache()
	h.settings = newSettings(o.Engine)
	h.users = &usersDB{engine: o.Engine, designs: h.designs, rounds: h.o.PasswordRounds, bare: o.Bare, settings: h.settings}
	h.accounts = newAccounts(h.users, o.Admins, h.settings, h.o.Log)
	h.start = sync.OnceValue(h.load)
	h.router = h.routes()
	return h
}

// Close ends what the handler itself has started. Requests must have ended.
func (h *Handler) Close() error {
	h.end()
	h.background.Wait()
	if !h.ownViews {
		return nil
	}
	return h.o.Views.Close()
}

// Transport is a client's way to the handler within one process, as inproc.Transport.
func (h *Handler) Transport(c store.Caller) http.RoundTripper { return inproc.Transport(h, c) }

// load reads the settings and the cookie secret, and makes the latter on a first start.
func (h *Handler) load() error {
	if err := h.settings.load(); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	h.heed()
	if err := h.users.ensureRules(context.Background()); err != nil {
		return err
	}
	secret, err := loadSecret(context.Background(), h.o.Engine)
	if err != nil {
		return fmt.Errorf("read the cookie secret: %w", err)
	}
	h.secret = secret
	return nil
}

// heed brings the settings that others look after to them.
func (h *Handler) heed() {
	algorithm, _ := h.settings.get("uuids", "algorithm")
	suffix, _ := h.settings.get("uuids", "utc_id_suffix")
	h.ids.SetMode(algorithm, suffix)
	h.o.Views.SetReduceLimit(h.settings.flag("query_server_config", "reduce_limit"))
	lockout, _ := h.settings.get("chttpd_auth_lockout", "mode")
	h.accounts.lockout.Set(lockout, h.settings.number("chttpd_auth_lockout", "threshold", password.LockoutAfter))
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	plus, _ := h.settings.get("chttpd", "decode_plus_to_space")
	h.router.ServeHTTP(w, couchpath.Canonical(r, plus == "false"))
}
