package learn

// ReportVersion is the version of Report's JSON form.
const ReportVersion = 1

// Report is a Result with the lines that show it, for a program.
type Report struct {
	Version    int          `json:"version"`
	Lines      int          `json:"lines"`
	Blank      int          `json:"blank"`    // left out
	TooLong    int          `json:"too_long"` // left out
	More       bool         `json:"more"`     // there were more lines than were read
	Matched    int          `json:"matched"`  // lines that a schema of their own matches
	General    int          `json:"general"`  // lines that only a general schema matches
	LeftOver   int          `json:"left_over"`
	LeftLines  []string     `json:"left_over_examples,omitempty"`
	Time       []string     `json:"time,omitempty"`
	TimeLayout string       `json:"time_layout,omitempty"`
	Groups     []GroupShare `json:"groups"`
	Schemas    []SchemaUse  `json:"schemas"`
}

// GroupShare is a kind of line and how many lines are of it.
type GroupShare struct {
	Group    int     `json:"group"` // from 1
	Label    string  `json:"label"`
	Template string  `json:"template"`
	Lines    int     `json:"lines"`
	Share    float64 `json:"share"` // of all lines, from 0 to 1
	Example  string  `json:"example"`
}

// SchemaUse is a schema and how many lines it is the first to match.
type SchemaUse struct {
	Schema string  `json:"schema"`
	Label  string  `json:"label"`
	Group  int     `json:"group,omitempty"` // none: the schema is general
	Also   []int   `json:"also,omitempty"`  // groups that differ from that one in the name of a user
	Lines  int     `json:"lines"`
	Share  float64 `json:"share"`
}

const (
	maxExamples = 5
	maxExample  = 2000 // bytes of a line that is shown
)

// Report makes a Report of what was learned from s.
func (r *Result) Report(s *Sample) *Report {
	o := &Report{
		Version: ReportVersion, Lines: s.Lines(), Blank: s.Blank, TooLong: s.TooLong, More: s.More,
		Matched: r.Matched, General: r.General, LeftOver: len(r.Left), Time: r.TimeFields, TimeLayout: r.TimeLayout,
		Groups: []GroupShare{}, Schemas: []SchemaUse{},
	}
	share := func(lines int) float64 { return float64(lines) / float64(max(s.Lines(), 1)) }
	for _, i := range r.Left[:min(len(r.Left), maxExamples)] {
		o.LeftLines = append(o.LeftLines, s.example(i))
	}
	for i, g := range r.Groups {
		o.Groups = append(o.Groups, GroupShare{i + 1, g.Label, g.Template, g.Lines, share(g.Lines), s.example(g.Example)})
	}
	for _, u := range r.Schemas {
		use := SchemaUse{Schema: u.Text, Label: r.label(u), Group: u.Group + 1, Lines: u.Lines, Share: share(u.Lines)}
		for _, g := range u.Also {
			use.Also = append(use.Also, g+1)
		}
		o.Schemas = append(o.Schemas, use)
	}
	return o
}

// label is that of the schema's group.
func (r *Result) label(s Schema) string {
	if s.Group == generalGroup {
		return generalLabel
	}
	return r.Groups[s.Group].Label
}

// example is a line, cut if it is very long.
func (s *Sample) example(i int) string {
	line := s.lines[i]
	return string(line[:min(len(line), maxExample)])
}
