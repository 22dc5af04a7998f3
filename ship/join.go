package ship

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"logctl/internal/lines"
	"logctl/ship/source"
	"logctl/ship/tail"
)

// Piece is a line that may be a part of a longer one. The longer one is the Head of its first piece, the Texts of all, and the Tail of the
// first.
type Piece struct {
	Stream           string // pieces of one belong together
	Head, Text, Tail []byte
	More             bool // another piece follows
}

// partKey begins the marks "part/N" of the pieces that wait in the text N of package tail: they are kept together with its position.
const partKey = "part/"

// parts are the pieces at the end of a log whose others are not written yet.
type parts struct {
	Name    string           `json:"name"` // of the origin
	File    string           `json:"file"`
	Written int64            `json:"written"` // Unix time in nanoseconds
	Streams map[string]*part `json:"streams"`
}

type part struct {
	Head []byte `json:"head"`
	Text []byte `json:"text"`
	Tail []byte `json:"tail"`
	Long bool   `json:"long,omitempty"` // a piece was cut
}

// line is what has come of the line, at most max bytes of it.
func (p *part) line(max int) source.Line {
	text := slices.Concat(p.Head, p.Text, p.Tail)
	return source.Line{Text: text[:min(len(text), max)], TooLong: p.Long || len(text) > max}
}

// joinedSource is a Source whose lines are put together of pieces.
type joinedSource struct {
	source.Source
	pieces func([]byte) (Piece, bool)
	max    int // bytes of a line
}

// Run is source.Source's. Pieces of what can't be read again, which nothing can follow any more, are a line at the end.
func (s *joinedSource) Run(ctx context.Context, kept source.Positions, sink source.Sink) error {
	j := &joiner{joinedSource: s, sink: sink, kept: kept, waiting: map[string]*parts{}}
	if err := s.Source.Run(ctx, kept, j); err != nil {
		return err
	}
	if p := j.waiting[""]; p != nil {
		return sink.Take(ctx, p.chunk(j.max))
	}
	return nil
}

// chunk is the lines that are not whole, as they are.
func (p *parts) chunk(max int) source.Chunk {
	c := source.Chunk{From: &source.Origin{Name: p.Name, File: p.File}, Written: time.Unix(0, p.Written)}
	for _, stream := range slices.Sorted(maps.Keys(p.Streams)) {
		c.Lines = append(c.Lines, p.Streams[stream].line(max))
	}
	return c
}

// joiner is the Sink of a joinedSource.
type joiner struct {
	*joinedSource
	sink    source.Sink
	kept    source.Positions
	waiting map[string]*parts // by the number of a text, "" for what has none; nil: looked for, and there are none
	lines   []source.Line
}

// Take is source.Sink's. What waits changes only when the lines are taken.
func (j *joiner) Take(ctx context.Context, c source.Chunk) error {
	number := ""
	for _, m := range c.Marks {
		n, ok := tail.NumberOf(m)
		switch {
		case ok && m.Value == nil:
			if err := j.giveUp(ctx, n); err != nil {
				return err
			}
		case ok && len(c.Lines) > 0:
			number = n
		}
	}
	if len(c.Lines) == 0 {
		return j.sink.Take(ctx, c)
	}
	before, err := j.load(number)
	if err != nil {
		return err
	}
	after := before.clone(c)
	j.lines = j.lines[:0]
	for _, line := range c.Lines {
		j.add(after, line)
	}
	if len(after.Streams) == 0 {
		after = nil
	}
	if number != "" && (before != nil || after != nil) {
		m := source.Mark{Key: partKey + number}
		if after != nil {
			m.Value, _ = json.Marshal(after) // texts and a number
		}
		c.Marks = append(slices.Clone(c.Marks), m)
	}
	c.Lines = j.lines
	if err := j.sink.Take(ctx, c); err != nil {
		return err
	}
	j.waiting[number] = after
	return nil
}

// load is what waits in a text.
func (j *joiner) load(number string) (*parts, error) {
	p, ok := j.waiting[number]
	if ok || number == "" {
		return p, nil
	}
	if value := j.kept.Position(partKey + number); value != nil {
		p = &parts{}
		if err := json.Unmarshal(value, p); err != nil {
			return nil, fmt.Errorf("what was read of an unfinished line can't be read again: %w", err)
		}
	}
	return p, nil
}

// giveUp takes pieces as they are when their log is forgotten.
func (j *joiner) giveUp(ctx context.Context, number string) error {
	p, err := j.load(number)
	if err != nil || p == nil {
		return err
	}
	c := p.chunk(j.max)
	c.Marks = []source.Mark{{Key: partKey + number}}
	if err := j.sink.Take(ctx, c); err != nil {
		return err
	}
	delete(j.waiting, number)
	return nil
}

// clone is what waits, to be changed by the lines of a chunk.
func (p *parts) clone(c source.Chunk) *parts {
	n := &parts{Name: c.From.Name, File: c.From.File, Written: c.Written.UnixNano(), Streams: map[string]*part{}}
	if p != nil {
		for stream, one := range p.Streams {
			n.Streams[stream] = &part{one.Head, bytes.Clone(one.Text), one.Tail, one.Long}
		}
	}
	return n
}

// add adds a line to those that are whole, or to what waits.
func (j *joiner) add(p *parts, line source.Line) {
	piece, ok := j.pieces(line.Text)
	first := p.Streams[piece.Stream]
	if !ok || first == nil && !piece.More {
		j.lines = append(j.lines, line)
		return
	}
	if first == nil {
		first = &part{Head: bytes.Clone(piece.Head), Tail: bytes.Clone(piece.Tail)}
		p.Streams[piece.Stream] = first
	}
	// One byte more than a line may have tells that it is too long.
	room := max(0, j.max+1-len(first.Text))
	first.Text = append(first.Text, piece.Text[:min(room, len(piece.Text))]...)
	first.Long = first.Long || line.TooLong
	if !piece.More {
		j.lines = append(j.lines, first.line(j.max))
		delete(p.Streams, piece.Stream)
	}
}

// join puts lines together of their pieces in files and streams.
func (in *inputs) join(o *Options) {
	limit := o.MaxLine
	if limit <= 0 {
		limit = lines.DefaultMax
	}
	for i, s := range in.list {
		switch s.(type) {
		case *tail.Tailer, *streamSource:
			in.list[i] = &joinedSource{Source: s, pieces: o.Pieces, max: limit}
		}
	}
}
