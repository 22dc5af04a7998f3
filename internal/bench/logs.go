package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"logctl/internal/demo"
)

// manyLines is how many lines the made up logs have.
const manyLines = 500_000

// writeFail2ban writes a year of attacks, about a million lines.
func writeFail2ban(path string) error {
	return writeLog(path, func(w io.Writer) error {
		from := time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC)
		return demo.Write(w, demo.Options{From: from, Until: from.AddDate(1, 0, 0), Pause: 150 * time.Second, Seed: 7})
	})
}

// writeNginx writes requests as nginx and Apache do in the combined format.
func writeNginx(path string) error {
	agents := []string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0", "curl/8.5.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
	}
	return writeLines(path, func(w io.Writer, rnd *rand.Rand, at time.Time) {
		fmt.Fprintf(w, "203.0.113.%d - - [%s] \"GET /wp-login.php?try=%d HTTP/1.1\" %d %d \"https://www.example.org/?p=%d\" \"%s\"\n",
			rnd.IntN(256), at.Format("02/Jan/2006:15:04:05 -0700"), rnd.IntN(1e6), 200+rnd.IntN(4)*100, rnd.IntN(1e6), rnd.IntN(1e4), agents[rnd.IntN(len(agents))])
	})
}

// writeRFC5424 writes failed logins in syslog's own format, some with structured data.
func writeRFC5424(path string) error {
	return writeLines(path, func(w io.Writer, rnd *rand.Rand, at time.Time) {
		data := "-"
		if rnd.IntN(4) == 0 {
			data = fmt.Sprintf("[origin ip=\"192.0.2.%d\" software=\"sshd\"]", rnd.IntN(256))
		}
		fmt.Fprintf(w, "<%d>1 %s www%d.example.org sshd %d - %s Failed password for root from 203.0.113.%d port %d ssh2\n",
			rnd.IntN(192), at.Format("2006-01-02T15:04:05.000000Z07:00"), rnd.IntN(20), rnd.IntN(1e5), data, rnd.IntN(256), rnd.IntN(1<<16))
	})
}

func writeLines(path string, write func(io.Writer, *rand.Rand, time.Time)) error {
	return writeLog(path, func(w io.Writer) error {
		rnd := rand.New(rand.NewPCG(1, 2))
		at := time.Date(2026, 11, 21, 1, 18, 29, 0, time.FixedZone("", 3600))
		for range manyLines {
			at = at.Add(time.Duration(rnd.IntN(2e9)))
			write(w, rnd, at)
		}
		return nil
	})
}

func writeLog(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err := write(w); err != nil {
		f.Close()
		return err
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
