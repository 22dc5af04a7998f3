package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"logctl/proxy/token"
	"logctl/store"
)

// TokenOptions say what a new token is for.
type TokenOptions struct {
	Name     string   // for people; may be empty
	Apps     []string // that there are
	May      []string // token.Read, token.Write
	Lifetime time.Duration
}

// CreateToken makes an app token and gives its id and its text, which nobody can find out again. A Lifetime of 0 never ends.
func CreateToken(ctx context.Context, s Server, o TokenOptions, now time.Time) (id, text string, err error) {
	for _, app := range o.Apps {
		db, err := store.AppDB(app)
		if err != nil {
			return "", "", err
		}
		if _, err := s.Security(ctx, db); err != nil {
			return "", "", noApp(err, app)
		}
	}
	if err := ensureTokens(ctx, s); err != nil {
		return "", "", err
	}
	id = token.NewID()
	text = token.NewText(id)
	now = now.UTC().Truncate(time.Second)
	r := &token.Record{Name: o.Name, Apps: o.Apps, May: o.May, Created: now, Secrets: []token.Secret{token.NewSecret(text, now, endOf(now, o.Lifetime))}}
	doc, err := r.Encode()
	if err != nil {
		return "", "", err
	}
	_, err = s.Put(ctx, token.DB, token.DocPrefix+id, doc)
	return id, text, err
}

func endOf(now time.Time, lifetime time.Duration) time.Time {
	if lifetime == 0 {
		return time.Time{}
	}
	return now.Add(lifetime)
}

// ensureTokens makes the database of the tokens, which admins and the door's account alone may use.
func ensureTokens(ctx context.Context, s Server) error {
	if _, err := createDatabase(ctx, s, token.DB); err != nil {
		return err
	}
	before, err := s.Security(ctx, token.DB)
	if err != nil {
		return err
	}
	const want = `{"admins":{"roles":["_admin"]},"members":{"names":["app_write"],"roles":["_admin"]}}`
	if sameJSON(before, []byte(want)) {
		return nil
	}
	return s.SetSecurity(ctx, token.DB, json.RawMessage(want))
}

// Tokens are the app tokens, the oldest first.
func Tokens(ctx context.Context, s Server) ([]*token.Record, error) {
	q := store.NewViewQuery()
	q.StartKey, q.EndKey = json.RawMessage(`"token:"`), json.RawMessage(`"token;"`)
	q.ExclusiveEnd, q.IncludeDocs = true, true
	var all []*token.Record
	for row, err := range s.AllDocs(ctx, token.DB, q) {
		if store.IsKind(err, store.KindNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		r, err := token.Decode(strings.TrimPrefix(row.ID, token.DocPrefix), row.Doc)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	slices.SortStableFunc(all, func(a, b *token.Record) int { return a.Created.Compare(b.Created) })
	return all, nil
}

// RevokeToken takes a token away, at once. KindNotFound if there is none.
func RevokeToken(ctx context.Context, s Server, id string) error {
	_, rev, err := getToken(ctx, s, id)
	if err != nil {
		return err
	}
	return s.Delete(ctx, token.DB, token.DocPrefix+id, rev)
}

// RotateToken gives a token another secret, and its text. What it had before is good for as long as overlap says, or ends earlier
// by itself. A lifetime below 0 stands for the one that the last secret was given. KindTooManyRequests if token.MaxSecrets are good yet.
func RotateToken(ctx context.Context, s Server, id string, overlap, lifetime time.Duration, now time.Time) (text string, err error) {
	r, rev, err := getToken(ctx, s, id)
	if err != nil {
		return "", err
	}
	now = now.UTC().Truncate(time.Second)
	end := endOf(now, overlap)
	if overlap == 0 {
		end = now
	}
	if last := r.Secrets[len(r.Secrets)-1]; lifetime < 0 && last.Expires.IsZero() {
		lifetime = 0
	} else if lifetime < 0 {
		lifetime = last.Expires.Sub(last.Created)
	}
	for i := range r.Secrets {
		if e := &r.Secrets[i].Expires; e.IsZero() || end.Before(*e) {
			*e = end
		}
	}
	r.Secrets = slices.DeleteFunc(r.Secrets, func(s token.Secret) bool { return !now.Before(s.Expires) })
	if len(r.Secrets) >= token.MaxSecrets {
		// Ending the oldest instead would break a promise to programs that go on with it.
		first := slices.MinFunc(r.Secrets, func(a, b token.Secret) int { return a.Expires.Compare(b.Expires) })
		return "", &store.Error{Kind: store.KindTooManyRequests,
			Reason: fmt.Sprintf("token %s has %d secrets that are good yet, and no more at a time; the first ends at %s", id, len(r.Secrets), first.Expires.Format(time.RFC3339)),
			Hint:   "wait for that, or end all at once: logctl token rotate " + id + " --overlap 0; a shorter --overlap each time keeps them few"}
	}
	text = token.NewText(id)
	r.Secrets = append(r.Secrets, token.NewSecret(text, now, endOf(now, lifetime)))
	doc, err := r.Encode()
	if err != nil {
		return "", err
	}
	if doc, err = withRev(doc, rev); err != nil {
		return "", err
	}
	_, err = s.Put(ctx, token.DB, token.DocPrefix+id, doc)
	return text, err
}

func getToken(ctx context.Context, s Server, id string) (*token.Record, store.Rev, error) {
	if err := token.CheckID(id); err != nil {
		return nil, store.Rev{}, err
	}
	raw, err := s.Get(ctx, token.DB, token.DocPrefix+id)
	if store.IsKind(err, store.KindNotFound) {
		return nil, store.Rev{}, &store.Error{Kind: store.KindNotFound, Reason: "there is no token " + id, Hint: "logctl token list"}
	}
	if err != nil {
		return nil, store.Rev{}, err
	}
	r, err := token.Decode(id, raw)
	if err != nil {
		return nil, store.Rev{}, err
	}
	var doc struct {
		Rev string `json:"_rev"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, store.Rev{}, fmt.Errorf("token %s: %w", id, err)
	}
	rev, err := store.ParseRev(doc.Rev)
	return r, rev, err
}

// withRev is a document that replaces the revision rev.
func withRev(doc []byte, rev store.Rev) ([]byte, error) {
	var members map[string]any
	if err := json.Unmarshal(doc, &members); err != nil {
		return nil, err
	}
	members["_rev"] = rev.String()
	return json.Marshal(members)
}
