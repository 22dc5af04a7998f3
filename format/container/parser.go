package container

import (
	"bytes"
	"path/filepath"
	"strings"
	"time"

	"logctl/format"
	"logctl/store"
	"logctl/store/ejson"
)

// Parser is a format.Beginner of a container's lines: the message goes to another Formatter, and what stands around it is added to
// the object unless that has members of these names: time, stream, attrs, and by the path of the log those of a Pod.
type Parser struct {
	kind    Kind
	inner   *format.Formatter
	pods    bool
	of      Pod    // of the log at hand; zero: nobody knows
	pod     []byte // its members, each with a comma in front
	message []byte
	attrs   []byte
}

// NewParser makes a Parser of logs of the kind. pods says that their paths are those of PodOf.
func NewParser(kind Kind, inner *format.Formatter, pods bool) *Parser {
	return &Parser{kind: kind, inner: inner, pods: pods}
}

// Pod is whose log a file is.
type Pod struct{ Namespace, Name, UID, Container string }

// PodOf reads the path that Kubernetes gives a log: …/NAMESPACE_POD_UID/CONTAINER/N.log, whatever rotation adds.
func PodOf(path string) (p Pod, ok bool) {
	dir, _ := filepath.Split(path)
	dir, p.Container = filepath.Split(filepath.Clean(dir))
	parts := strings.Split(filepath.Base(dir), "_")
	if len(parts) != 3 || p.Container == "" || parts[0] == "" || parts[1] == "" || parts[2] == "" {
		return Pod{}, false
	}
	p.Namespace, p.Name, p.UID = parts[0], parts[1], parts[2]
	return p, true
}

// Begin is format.Beginner's: what follows is of the log of that path.
func (p *Parser) Begin(name string, sample []byte) (again func(), err error) {
	p.pod, p.of = nil, Pod{}
	if pod, ok := PodOf(name); ok && p.pods {
		p.of = pod
		for _, m := range [][2]string{{"namespace", pod.Namespace}, {"pod", pod.Name}, {"container", pod.Container}, {"uid", pod.UID}} {
			p.pod = append(store.AppendJSONString(append(p.pod, ','), m[0]), ':')
			p.pod = store.AppendJSONString(p.pod, m[1])
		}
	}
	var said []byte
	for line := range bytes.Lines(sample) {
		if l, ok := p.kind.Cut(bytes.TrimRight(line, "\r\n")); ok {
			if said = p.kind.message(said, l); !l.More {
				said = append(said, '\n')
			}
		}
	}
	inner, err := p.inner.Begin(name, func(n int) []byte { return said[:min(n, len(said))] })
	if err != nil {
		return nil, err
	}
	pod, of := p.pod, p.of
	return func() {
		p.pod, p.of = pod, of
		inner()
	}, nil
}

// Pod is whose log is at hand, the zero Pod where its path does not tell.
func (p *Parser) Pod() Pod { return p.of }

// Append is format.Parser's.
func (p *Parser) Append(dst, line []byte) ([]byte, format.Verdict) {
	l, ok := p.kind.Cut(line)
	if !ok {
		return dst, format.Rejected
	}
	start := len(dst)
	p.message = p.kind.message(p.message[:0], l)
	dst, verdict := p.inner.Append(dst, p.message)
	if verdict != format.Matched {
		return dst, verdict
	}
	dst = add(dst, start, "time", store.AppendJSONString(nil, l.Time))
	dst = add(dst, start, "stream", store.AppendJSONString(nil, l.Stream))
	if l.Attrs != nil {
		if attrs, err := ejson.Compact(p.attrs[:0], l.Attrs); err == nil {
			p.attrs = attrs
			dst = add(dst, start, "attrs", attrs)
		}
	}
	_ = ejson.Members(p.podObject(), func(key, value []byte) error {
		dst = add(dst, start, string(key), value)
		return nil
	})
	return dst, format.Matched
}

// podObject is the members of the pod as an object.
func (p *Parser) podObject() []byte {
	if len(p.pod) == 0 {
		return []byte("{}")
	}
	return append(append([]byte{'{'}, p.pod[1:]...), '}')
}

// add adds a member to the object in buf[start:], unless it has one of that name.
func add(buf []byte, start int, key string, value []byte) []byte {
	doc := buf[start:]
	if bytes.Contains(doc, []byte(`"`+key+`":`)) {
		has := false
		_ = ejson.Members(doc, func(k, _ []byte) error {
			has = has || string(k) == key
			return nil
		})
		if has {
			return buf
		}
	}
	buf = buf[:len(buf)-1]
	if len(doc) > len("{}") {
		buf = append(buf, ',')
	}
	buf = append(store.AppendJSONString(buf, key), ':')
	return append(append(buf, value...), '}')
}

// Reason is format.Parser's.
func (p *Parser) Reason(line []byte) string {
	l, ok := p.kind.Cut(line)
	if !ok {
		return "it is no line of a container's log (" + string(p.kind) + ")"
	}
	return p.inner.Reason(p.kind.message(nil, l))
}

// SetReference is format.Parser's.
func (p *Parser) SetReference(t time.Time) { p.inner.SetReference(t) }

// Clone is format.Parser's.
func (p *Parser) Clone() format.Parser {
	return &Parser{kind: p.kind, inner: p.inner.Clone(), pods: p.pods, of: p.of, pod: bytes.Clone(p.pod)}
}
