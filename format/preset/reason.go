package preset

import (
	"fmt"
	"strings"

	"logctl/format"
)

// Reason is format.Parser's.
func (p *Parser) Reason(line []byte) string {
	if p.ban != nil && p.def.Reader == readerFail2ban {
		return p.ban.Reason(line)
	}
	p.m.Reference = p.reference
	reasons := []string{}
	if p.alone && p.def.Reader == "" {
		reasons = append(reasons, p.nearest(line))
	}
	switch p.def.Reader {
	case readerSyslog:
		return "it does not begin as syslog's lines do"
	case readerJournald, readerJSON:
		return p.reasonJSON(line)
	}
	for i, carrier := range p.carriers {
		out, in, ok := p.open(carrier, p.outer[i], nil, line)
		switch {
		case !ok && len(p.carriers) == 1:
			reasons = append(reasons, fmt.Sprintf("it is no line of %s", carrier.def.Name))
		case ok && !p.program.wants(out, in) && len(in.app) == 0:
			reasons = append(reasons, fmt.Sprintf("it is none of those that %s is for", p.def.Name))
		case ok && !p.program.wants(out, in):
			reasons = append(reasons, fmt.Sprintf("it is not of %s but of %q", p.def.Name, in.app))
		case ok:
			reasons = append(reasons, p.nearest(in.text))
		}
	}
	if len(reasons) == 0 {
		return fmt.Sprintf("it is no line of %s", strings.Join(p.def.Inside, " or "))
	}
	return strings.Join(reasons, "; ")
}

// nearest says where the alternative stops that comes farthest in the text.
func (p *Parser) nearest(text []byte) string {
	best, reach := (*alt)(nil), -1
	var stop format.Stop
	for _, a := range p.alts {
		if a.schema.Match(&p.m, text) {
			continue
		}
		if s := a.schema.Stop(&p.m); best == nil || s.Reach > reach {
			best, reach, stop = a, s.Reach, s
		}
	}
	if best == nil {
		return "nothing fits"
	}
	return fmt.Sprintf("alternative %d of %s stops %s", best.number, best.of, stop)
}
