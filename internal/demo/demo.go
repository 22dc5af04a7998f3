// Package demo makes up fail2ban logs: attacks from documentation addresses (RFC 5737, RFC 3849) as fail2ban 1.0 writes them.
// The same Options give the same bytes.
package demo

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// Options say what to make up.
type Options struct {
	From, Until time.Time     // wall clock of the machine
	Pause       time.Duration // mean time between two attacks; 0: 7 minutes
	Seed        uint64
}

const (
	defaultPause = 7 * time.Minute
	banTime      = 10 * time.Minute
	pid          = 1112
	layout       = "2006-01-02 15:04:05.000"
	addresses    = 2000
)

var jails = [...]string{"sshd", "sshd", "sshd", "sshd", "postfix-sasl", "postfix-sasl", "nginx-http-auth", "nginx-botsearch"}

// ban is a ban that is to be lifted.
type ban struct {
	until    time.Time
	jail, ip string
}

// Write writes the lines of the attacks that begin between From and Until, in order of time, to w. It returns w's error.
func Write(w io.Writer, o Options) error {
	pause := o.Pause
	if pause <= 0 {
		pause = defaultPause
	}
	out := &log{w: bufio.NewWriter(w)}
	rnd := rand.New(rand.NewPCG(o.Seed, 2017))
	choose := rand.NewZipf(rnd, 1.2, 8, addresses-1)
	var bans []ban // in order of until
	for t := o.From; ; {
		t = t.Add(time.Duration(rnd.ExpFloat64() * float64(pause)))
		if !t.Before(o.Until) {
			break
		}
		for len(bans) > 0 && !bans[0].until.After(t) {
			out.action(bans[0].until, bans[0].jail, "Unban", bans[0].ip)
			bans = bans[1:]
		}
		n := choose.Uint64()
		jail, ip := jails[n*5%uint64(len(jails))], address(n)
		if rnd.IntN(50) == 0 { // an address is after one thing, and comes back
			jail = "recidive"
		}
		for range 2 + rnd.IntN(3) {
			out.line(t, "filter", "INFO", fmt.Sprintf("[%s] Found %s - %s", jail, ip, t.Format(time.DateTime)))
			t = t.Add(time.Duration(200+rnd.IntN(1500)) * time.Millisecond)
		}
		out.action(t, jail, "Ban", ip)
		bans = append(bans, ban{until: t.Add(banTime), jail: jail, ip: ip})
	}
	for _, b := range bans {
		out.action(b.until, b.jail, "Unban", b.ip)
	}
	return out.w.Flush()
}

// address is the n-th address: one in ten is of IPv6.
func address(n uint64) string {
	if n%10 == 9 {
		return fmt.Sprintf("2001:db8:%x::%x", n*7919%0xffff, n+1)
	}
	nets := [...]string{"192.0.2", "198.51.100", "203.0.113"}
	return fmt.Sprintf("%s.%d", nets[n%3], 1+n*89%254)
}

// log writes lines as fail2ban lays them out. It keeps the time from running backwards.
type log struct {
	w    *bufio.Writer
	last time.Time
}

func (l *log) action(t time.Time, jail, verb, ip string) {
	l.line(t, "actions", "NOTICE", "["+jail+"] "+verb+" "+ip)
}

func (l *log) line(t time.Time, logger, level, text string) {
	if t.Before(l.last) {
		t = l.last
	}
	l.last = t
	stamp := []byte(t.Format(layout))
	stamp[len("2006-01-02 15:04:05")] = ','
	fmt.Fprintf(l.w, "%s %-23s [%d]: %-7s %s\n", stamp, "fail2ban."+logger, pid, level, text)
}
