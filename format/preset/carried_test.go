package preset

import (
	"testing"

	"logctl/format"
)

// Messages of a carrier are what a schema is for, and a preset where it does not fit whole lines; the header is added.
func TestCarried(t *testing.T) {
	t.Parallel()
	set := load(t)
	const ban = "2017-06-14 17:16:12,329 fail2ban.actions [1112]: NOTICE [sshd] Ban 59.45.175.88"
	for _, tt := range []struct{ carrier, schema, preset, line, want string }{
		{"journald", "paid $total:int", "", `{"__REALTIME_TIMESTAMP":"1764000000001000","_HOSTNAME":"a","_PID":"7","PRIORITY":"6","_SYSTEMD_UNIT":"u","X":"y","MESSAGE":"paid 5"}`,
			`{"time":"2025-11-24T16:00:00.001000Z","host":"a","pid":7,"level":"info","unit":"u","total":5}`},
		{"journald", "$host $total:int", "", `{"__REALTIME_TIMESTAMP":"1764000000001000","_HOSTNAME":"a","MESSAGE":"b 5"}`, `{"time":"2025-11-24T16:00:00.001000Z","host":"b","total":5}`},
		{"journald", "paid $total:int", "", `{"__REALTIME_TIMESTAMP":"1764000000001000","MESSAGE":"hello"}`, ""},
		{"journald", "paid $total:int", "", "paid 5", ""},
		{"journald", "", "fail2ban", `{"__REALTIME_TIMESTAMP":"1764000000001000","_HOSTNAME":"a","MESSAGE":"` + ban + `"}`,
			`{"time":"2025-11-24T16:00:00.001000Z","host":"a","date":"2017-06-14","hour":"17:16:12,329","process":"sshd","ip":"59.45.175.88","level":"NOTICE","event":"ban"}`},
		{"journald", "", "sshd", `{"__REALTIME_TIMESTAMP":"1764000000001000","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"Connection closed by 192.0.2.9 port 7"}`,
			`{"time":"2025-11-24T16:00:00.001000Z","application":"sshd","how":"closed","ip":"192.0.2.9","port":7,"event":"closed"}`},
		{"syslog", "oom $what...", "", `<6>1 2026-11-26T10:05:44.140900Z web1 kernel - - [kmsg A="b"] oom killed 7`,
			`{"time":"2026-11-26T10:05:44.140900Z","host":"web1","application":"kernel","facility":"kern","level":"info","data":{"kmsg":{"A":"b"}},"what":"killed 7"}`},
	} {
		var inner *format.Formatter
		var err error
		if tt.schema != "" {
			inner, err = format.New(format.Options{Schemas: []string{tt.schema}})
		} else {
			inner, err = format.New(format.Options{Parser: parser(t, set, tt.preset, Options{Zone: "UTC"})})
		}
		if err != nil {
			t.Fatal(err)
		}
		c, err := set.Carried(tt.carrier, "UTC", inner, tt.schema != "")
		if err != nil {
			t.Fatal(err)
		}
		p := c.Clone()
		got, verdict := p.Append([]byte("x"), []byte(tt.line))
		if string(got) != "x"+tt.want || (verdict == format.Matched) != (tt.want != "") {
			t.Errorf("%s\n got %s\nwant %s", tt.line, got, tt.want)
		}
		if tt.want == "" && p.Reason([]byte(tt.line)) == "" {
			t.Errorf("%s: no reason", tt.line)
		}
	}
}

// Fields of the journal that are bytes, several, or need escapes.
func TestJournaldFields(t *testing.T) {
	t.Parallel()
	p := parser(t, load(t), "journald", Options{Zone: "UTC"})
	for line, want := range map[string]string{
		`{"SYSLOG_IDENTIFIER":"a\"b\\c","MESSAGE":"x"}`:                    `"application":"a\"b\\c","message":"x"`,
		`{"SYSLOG_IDENTIFIER":["first","second"],"MESSAGE":["one","two"]}`: `"application":"first","message":["one","two"]`,
		`{"SYSLOG_IDENTIFIER":[97,255],"MESSAGE":[104,105,255]}`:           `"application":"a` + "\ufffd" + `","message":"hi` + "\ufffd" + `"`,
		`{"SYSLOG_IDENTIFIER":[[97,98],"c"],"PRIORITY":["3","6"]}`:         `"application":"ab","level":"err"`,
		`{"SYSLOG_IDENTIFIER":[],"_HOSTNAME":null,"MESSAGE":"x"}`:          `"message":"x"`,
		`{"Z":"1","MESSAGE":"x","B":["2",[1]],"A":[1,2]}`:                  `"A":[1,2],"B":["2",[1]],"Z":"1","message":"x"`,
		`{"A":[1,2],"B":["2",[1]],"Z":"1","MESSAGE":"x"}`:                  `"A":[1,2],"B":["2",[1]],"Z":"1","message":"x"`,
	} {
		got, _ := p.Append(nil, append([]byte(`{"__REALTIME_TIMESTAMP":"1764000000001000",`), line[1:]...))
		if want := `{"time":"2025-11-24T16:00:00.001000Z",` + want + `}`; string(got) != want {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
	}
}
