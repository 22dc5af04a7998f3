package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sayLatency shows how long after a line was written to a followed file it is on the store's disk, as a client sees it that is told of
// changes.
func sayLatency(w io.Writer, logctl, dir string) error {
	const count, every = 200, 25 * time.Millisecond
	d, err := openDoor(logctl, filepath.Join(dir, "latency-store"))
	if err != nil {
		return err
	}
	defer d.close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	file, err := os.Create(filepath.Join(dir, "latency.log"))
	if err != nil {
		return err
	}
	defer file.Close()
	c := exec.CommandContext(ctx, logctl, "ship", "--url", d.url, "--app", "bench0", "--schema", "$written...", "--follow", "--quiet",
		"--state", filepath.Join(d.dir, "state"), file.Name())
	if err := c.Start(); err != nil {
		return err
	}
	defer func() {
		cancel()
		_ = c.Wait() // it was killed
	}()
	feed, err := changes(ctx, d, "log_bench0")
	if err != nil {
		return err
	}
	defer feed.Close()
	go func() {
		for range count {
			time.Sleep(every)
			fmt.Fprintf(file, "%d\n", time.Now().UnixNano()) // the feed misses what can't be written
		}
	}()
	var took []time.Duration
	for lines := bufio.NewScanner(feed); len(took) < count && lines.Scan(); {
		var change struct{ Doc struct{ Written string } }
		var written int64
		if json.Unmarshal(lines.Bytes(), &change) != nil {
			continue
		}
		if n, _ := fmt.Sscan(change.Doc.Written, &written); n == 1 {
			took = append(took, time.Since(time.Unix(0, written)))
		}
	}
	if len(took) < count {
		return fmt.Errorf("%d of %d lines came", len(took), count)
	}
	slices.Sort(took)
	at := func(percent int) time.Duration { return took[count*percent/100].Round(time.Millisecond) }
	_, err = fmt.Fprintf(w, "a line of a followed file is stored after %v (p50), %v (p95), %v (p99)\n", at(50), at(95), at(99))
	return err
}

// changes are the changes of a database from now on, with the docs, a line each.
func changes(ctx context.Context, d *door, db string) (io.ReadCloser, error) {
	password, err := os.ReadFile(filepath.Join(d.dir, "admin.password"))
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+"/"+db+"/_changes?feed=continuous&since=now&include_docs=true&heartbeat=1000", nil)
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth("admin", strings.TrimSpace(string(password)))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		return nil, fmt.Errorf("ask for changes: %s", res.Status)
	}
	return res.Body, nil
}
