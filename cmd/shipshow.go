package cmd

import (
	"fmt"
	"io"
	"strings"
	"time"

	"logctl/internal/app"
	"logctl/ship"
)

// summaryLine tells what became of the lines that were read.
func summaryLine(s ship.Summary, anonymous bool) string {
	var b strings.Builder
	b.WriteString(count(s.Lines, "line") + " read: ")
	if anonymous {
		fmt.Fprintf(&b, "%d stored or already there", s.Either)
	} else {
		fmt.Fprintf(&b, "%d stored, %d already there", s.Stored, s.There)
	}
	fmt.Fprintf(&b, ", %d rejected", s.Rejected+s.Refused)
	if s.TooLong > 0 {
		fmt.Fprintf(&b, " (%d too long)", s.TooLong)
	}
	if s.Skipped > 0 {
		fmt.Fprintf(&b, ", %d skipped", s.Skipped)
	}
	if s.Spooled > 0 {
		fmt.Fprintf(&b, ", %d in the spool", s.Spooled)
	}
	if s.Left > 0 {
		fmt.Fprintf(&b, ", %d not stored yet", s.Left)
	}
	if s.Removed > 0 {
		fmt.Fprintf(&b, "; %s taken out of %s", count(s.RemovedBytes, "byte"), count(int64(s.Removed), "file"))
	}
	fmt.Fprintf(&b, " in %.2f s (%.0f lines/s)", s.Elapsed.Seconds(), perSecond(s.Lines, s.Elapsed))
	return b.String()
}

// sayProblems tells what could not be read, and what was not for a reason.
func (o *shipOptions) sayProblems(w io.Writer, sum ship.Summary) {
	tell := problems(w)
	for _, problem := range sum.Problems {
		tell(problem)
	}
	if o.quiet {
		return
	}
	for _, note := range sum.Notes {
		fmt.Fprintf(w, "logctl: %s\n", oneLine(note))
	}
}

// problems tells problems on w, and what may be done about them where that is not what was said last.
func problems(w io.Writer) func(error) {
	last := ""
	return func(err error) {
		fmt.Fprintf(w, "logctl: error: %s\n", oneLine(err.Error()))
		if hint := hintOf(err); hint != "" && hint != last {
			fmt.Fprintf(w, "logctl: hint: %s\n", oneLine(hint))
			last = hint
		}
	}
}

// startFollow lets a run that does not end tell on w what there is to tell as it comes.
func (o *shipOptions) startFollow(w io.Writer, conn *app.Conn, so *ship.Options, files []string) {
	so.Follow = true
	so.Problem = problems(w)
	if o.quiet {
		return
	}
	so.Note = func(text string) { fmt.Fprintf(w, "logctl: %s\n", oneLine(text)) }
	fmt.Fprintf(w, "logctl: following %s\n", oneLine(strings.Join(files, " ")))
	if conn.InProcess {
		fmt.Fprintln(w, "logctl: hint: no other command can use the store meanwhile; with logctl serve running, or LOGCTL_URL, they can")
	}
}

// sayNotKept tells on w of rejects that are only counted.
func sayNotKept(w io.Writer, k ship.Kept, o *shipOptions) {
	if k.Over > 0 && o.maxRejects > 0 {
		fmt.Fprintf(w, "logctl: error: %s not kept: a run keeps %d, and 256 MiB of them\n", count(k.Over, "reject"), o.maxRejects)
		fmt.Fprintln(w, "logctl: hint: is it the right schema? --max-rejects keeps more; the files still have all of them")
	}
	if k.Lost > 0 {
		fmt.Fprintf(w, "logctl: error: %s not kept: %s\n", count(k.Lost, "reject"), oneLine(k.Why.Error()))
		fmt.Fprintf(w, "logctl: hint: logctl app create %s makes the database for them; --rejects FILE keeps them in a file\n", o.app)
	}
}

// count is "1 line" or "2 lines".
func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func perSecond(n int64, d time.Duration) float64 { return float64(n) / max(d.Seconds(), 1e-6) }
