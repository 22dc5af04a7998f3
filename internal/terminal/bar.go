package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Bar draws one line on a terminal, over and over: how far a run through lines is.
type Bar struct {
	w     io.Writer
	start time.Time
}

const barWidth = 24

// NewBar is the bar of a run that starts now.
func NewBar(w io.Writer) *Bar { return &Bar{w: w, start: time.Now()} }

// Draw tells of lines and of bytes among size; a size of 0 is not known.
func (b *Bar) Draw(lines, bytes, size int64) {
	bar := ""
	if size > 0 {
		part := min(float64(bytes)/float64(size), 1)
		full := int(part * barWidth)
		bar = fmt.Sprintf("[%s%s] %3.0f %%  ", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), 100*part)
	}
	what := "lines"
	if lines == 1 {
		what = "line"
	}
	fmt.Fprintf(b.w, "\r%s%d %s  %.0f lines/s\x1b[K", bar, lines, what, float64(lines)/max(time.Since(b.start).Seconds(), 1e-6))
}

// Clear removes the line.
func (b *Bar) Clear() { fmt.Fprint(b.w, "\r\x1b[K") }
