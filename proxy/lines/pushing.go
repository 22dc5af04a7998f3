package lines

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"logctl/store"
	"logctl/store/ejson"
)

// pushing is a push that is being stored. Docs go to the caller's sink as they come; rejects go at the end and only where the caller
// may write, since they are the writer's.
type pushing struct {
	s    *Server
	m    *maker
	ctx  context.Context
	sink Sink

	docs, rejects map[store.DBName]*pushBatch // by the app's database
	places        map[string]uint32           // how often a doc or a reject came in this push: sent again, it has the same place
}

// pushBatch is docs of one database.
type pushBatch struct {
	docs  []store.Doc
	kept  []reject // of each, what to keep where the store does not take it
	bytes int
	asked bool // the sink has taken some
}

func (b *pushBatch) add(doc store.Doc, kept reject) {
	b.docs, b.kept, b.bytes = append(b.docs, doc), append(b.kept, kept), b.bytes+len(doc.Body)
}

func batchOf(of map[store.DBName]*pushBatch, db store.DBName) *pushBatch {
	b := of[db]
	if b == nil {
		b = &pushBatch{}
		of[db] = b
	}
	return b
}

func (p *pushing) all(streams []lokiStream) error {
	for i := range streams {
		st := &streams[i]
		for j := range st.entries {
			if err := p.entry(st, &st.entries[j]); err != nil {
				return err
			}
		}
	}
	for db, b := range p.docs {
		if err := p.send(db, b); err != nil {
			return err
		}
	}
	for db, b := range p.rejects {
		if err := p.sendRejects(db, b); err != nil {
			return err
		}
	}
	return nil
}

// entry makes a doc, or a reject, of a line.
func (p *pushing) entry(st *lokiStream, e *lokiEntry) error {
	o := origin{input: InputLoki, label: func(name string) string {
		if v, ok := e.metadata.get(name); ok {
			return v
		}
		v, _ := st.labels.get(name)
		return v
	}}
	o.host = o.first("host", "hostname", "node_name", "nodename")
	o.application = o.first("application", "app", "service_name", "container", "container_name", "job")
	route := p.m.table.find(&o)
	db, err := store.AppDB(p.m.table.app(route, &o))
	if err != nil { // never: tables are checked
		return err
	}
	db = p.s.apps.admit(db, InputLoki)
	p.s.counters.Messages.Add(1)
	line, cut := e.line, len(e.line) > p.s.o.MaxMessage
	if cut {
		line = line[:p.s.o.MaxMessage]
		p.s.counters.Cut.Add(1)
	}
	kept := reject{line: line, machine: o.host, cut: cut, from: InputLoki, received: e.time, place: p.place(st, e)}
	own := p.m.of(route)
	switch p.m.pushed(own, line, cut, st, e, &o) {
	case Skip:
		p.s.counters.Skipped.Add(1)
		return nil
	case Reject:
		kept.reason, kept.detail = noFit, own.Reason(line)
		p.keep(db, kept)
		return nil
	}
	b := batchOf(p.docs, db)
	b.add(p.m.doc(p.count(db, string(ejson.AppendContentHash(nil, p.m.body))), nil), kept)
	if len(b.docs) >= batchDocs || b.bytes >= batchBytes {
		return p.send(db, b)
	}
	return nil
}

// count is how often something came in this push before.
func (p *pushing) count(db store.DBName, what string) uint32 {
	key := string(db) + " " + what
	p.places[key]++
	return p.places[key] - 1
}

// place is what tells the reject of a line from those of equal ones: when the line was written, and where.
func (p *pushing) place(st *lokiStream, e *lokiEntry) string {
	labels := append(e.metadata.appendMembers(st.labels.appendMembers([]byte{'{'}, ""), ""), e.line...)
	return string(ejson.AppendContentHash(append(strconv.AppendInt(nil, e.time.UnixNano(), 10), '-'), labels))
}

// keep adds a reject of the app of that database.
func (p *pushing) keep(db store.DBName, r reject) {
	p.s.counters.Rejected.Add(1)
	if n := p.count(db, "reject "+r.place); n > 0 {
		r.place = fmt.Sprintf("%s-%d", r.place, n)
	}
	batchOf(p.rejects, db).add(r.doc(), reject{})
}

// send stores the docs of a batch for the caller.
func (p *pushing) send(db store.DBName, b *pushBatch) error {
	if len(b.docs) == 0 && b.asked {
		return nil
	}
	var failed []reject
	err := p.store(p.sink, db, b, func(i int, reason string) {
		r := b.kept[i]
		r.reason, r.detail = refused, reason
		failed = append(failed, r)
	})
	if err != nil {
		return err
	}
	for _, r := range failed {
		p.keep(db, r)
	}
	p.s.counters.Stored.Add(int64(len(b.docs) - len(failed)))
	*b = pushBatch{docs: b.docs[:0], kept: b.kept[:0], asked: true}
	return nil
}

// sendRejects stores the rejects of an app, once it is known that the caller may write to it.
func (p *pushing) sendRejects(app store.DBName, b *pushBatch) error {
	if err := p.send(app, batchOf(p.docs, app)); err != nil {
		return err
	}
	name, _ := app.App()
	db, err := store.RejectsDB(name)
	if err != nil {
		return err
	}
	lost := 0
	if err := p.store(p.s.o.Sink, db, b, func(int, string) { lost++ }); err != nil {
		return err
	}
	p.s.counters.Lost.Add(int64(lost))
	p.s.counters.Stored.Add(int64(len(b.docs) - lost))
	return nil
}

// store stores a batch, and makes the app where it is missing.
func (p *pushing) store(sink Sink, db store.DBName, b *pushBatch, failed func(i int, reason string)) error {
	err := sink.Store(p.ctx, db, b.docs, failed)
	if !store.IsKind(err, store.KindNotFound) {
		return err
	}
	if made := p.s.apps.prepare(p.ctx, appOf(db)); made != nil {
		p.s.counters.NoApp.Add(int64(len(b.docs)))
		return made
	}
	return sink.Store(p.ctx, db, b.docs, failed)
}

// pushed makes m.body the doc of a line that was pushed.
func (m *maker) pushed(own Formatter, line []byte, cut bool, st *lokiStream, e *lokiEntry, o *origin) Verdict {
	b := append(m.out[:0], '{')
	stamp := e.time.Format(time.RFC3339Nano)
	if own == nil {
		b = appendText(appendText(b, memberTime, stamp), memberMessage, line)
	} else {
		var verdict Verdict
		if m.body, verdict = own.Append(m.body[:0], line); verdict != Doc {
			return verdict
		}
		n := look(m.body)
		if n.special {
			return Reject
		}
		b = appendWithout(b, m.body, func(key []byte) bool { return string(key) == memberReceived })
		if n.time { // both: equal lines with a time of their own may be of several moments
			b = appendText(b, memberReceived, e.time.UTC().Format(time.RFC3339Nano))
		} else {
			b = appendText(b, memberTime, stamp)
		}
	}
	b = e.metadata.appendMembers(st.labels.appendMembers(b, "label_"), "metadata_")
	if o.host != "" && !holds(b, memberMachine) {
		b = appendText(b, memberMachine, o.host)
	}
	if cut && !holds(b, memberCut) {
		b = strconv.AppendBool(appendMember(b, memberCut), true)
	}
	m.body, m.out = append(b, '}'), m.body
	return Doc
}

// first is the first of these labels that there is.
func (o *origin) first(names ...string) string {
	for _, name := range names {
		if v := o.label(name); v != "" {
			return v
		}
	}
	return ""
}
