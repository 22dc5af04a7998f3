package lines

import (
	"context"
	"testing"
	"time"

	"logctl/format"
	"logctl/format/preset"
	"logctl/store"
)

// presetFormatter is a preset at work.
type presetFormatter struct{ *format.Formatter }

func (f presetFormatter) Append(dst, line []byte) ([]byte, Verdict) {
	f.SetReference(time.Now())
	dst, verdict := f.Formatter.Append(dst, line)
	if verdict != format.Matched {
		return dst, Reject
	}
	return dst, Doc
}

// noStore stores nothing.
type noStore struct{}

func (noStore) Store(context.Context, store.DBName, []store.Doc, func(int, string)) error { return nil }

// BenchmarkTake is all that becomes of a syslog message but for the store's part.
func BenchmarkTake(b *testing.B) {
	set, err := preset.Load()
	if err != nil {
		b.Fatal(err)
	}
	parser, err := set.Parser("syslog", preset.Options{})
	if err != nil {
		b.Fatal(err)
	}
	formatter, err := format.New(format.Options{Parser: parser})
	if err != nil {
		b.Fatal(err)
	}
	s, err := Start(Options{Sink: noStore{}, Compile: func(Format) (func() Formatter, error) {
		return func() Formatter { return presetFormatter{formatter.Clone()} }, nil
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Stop()
	message := []byte("<38>Nov 21 01:42:45 web1 sshd[1234]: Failed password for root from 192.0.2.9 port 22 ssh2")
	b.ReportAllocs()
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		o := origin{input: InputSyslog, peer: "192.0.2.1"}
		if !s.take(message, false, &o, true) {
			b.Fatal("not taken")
		}
	}
}
