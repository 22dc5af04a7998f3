package preset

import (
	"slices"

	"logctl/format"
)

// addPrograms finds the presets that read the messages of a carrier.
func (c *compiler) addPrograms(pl *plan) error {
	for _, name := range c.set.names {
		d := c.set.byName[name]
		if !slices.Contains(d.Inside, pl.def.Name) {
			continue
		}
		prog, err := c.program(name)
		if err != nil {
			return err
		}
		if d.Reader == readerFail2ban {
			pl.native = prog
			continue
		}
		if d.Reader == "" {
			pl.programs = append(pl.programs, prog)
		}
	}
	// Those for certain programs come first.
	slices.SortStableFunc(pl.programs, func(a, b *program) int {
		return min(len(b.cond), 1) - min(len(a.cond), 1)
	})
	return nil
}

// dispatch gives a carrier's message to the presets of the program that wrote it, and keeps it as it is where none fits.
func (p *Parser) dispatch(dst []byte, start int, line []byte, in inner) ([]byte, bool) {
	if p.native != nil && p.native.wants(dst[start:], in) {
		if out, verdict := p.ban.Append(dst[:start], line); verdict == format.Matched {
			return out, true
		}
		dst, in, _ = p.open(p.program, nil, dst[:start], line)
	}
	var kept *program
	for _, c := range p.candidates(in.app) {
		if !c.wants(dst[start:], in) {
			continue
		}
		if out, ok := p.body(dst, start, c, in.text); ok {
			return p.finish(out, start, c), true
		}
		if c.otherwise != nil && kept == nil {
			kept = c
		}
	}
	dst = p.keep(dst, kept, in)
	if kept != nil {
		return p.finish(dst, start, kept), true
	}
	return append(dst, '}'), len(dst) > start+len("{")
}

// maxApps is for how many applications the candidates are remembered.
const maxApps = 1024

// candidates are the programs whose condition for the application holds.
func (p *Parser) candidates(app []byte) []*program {
	if all, ok := p.byApp[string(app)]; ok {
		return all
	}
	var all []*program
	for _, c := range p.programs {
		if !slices.ContainsFunc(c.cond, func(c condition) bool { return c.member == "application" && !c.fits(app) }) {
			all = append(all, c)
		}
	}
	if p.byApp == nil || len(p.byApp) >= maxApps {
		p.byApp = map[string][]*program{}
	}
	p.byApp[string(app)] = all
	return all
}
