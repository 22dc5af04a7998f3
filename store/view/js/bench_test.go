package js

import (
	"encoding/json"
	"fmt"
	"testing"

	"logctl/store/view/js/plain"
)

// banDoc is what a line of fail2ban becomes.
const banDoc = `{"_id":"20170614171612329-5m8hfl0q2c7nv1ad","_rev":"1-967a00dff5e02add41819138abb3284d","date":"2017-06-14",` +
	`"hour":"17:16:12,329","process":"sshd","ip":"59.45.175.88","machine":"server"}`

// BenchmarkMap is the cost of mapping a doc, by plan and in the engine.
func BenchmarkMap(b *testing.B) {
	sources := map[string][]string{
		"attacks":   {`function(doc) { var date = new Date(doc.date); emit([doc.machine, date.getFullYear(), date.getMonth(), date.getDate()], 1) }`},
		"attackers": {`function(doc) { emit(doc.date, [doc.ip, doc.process]) }`},
		"nothing":   {`function(doc) { }`},
		"report":    reportMaps(b),
	}
	for name, src := range sources {
		maps, err := CompileMaps(src, Options{})
		if err != nil {
			b.Fatal(err)
		}
		engine := *maps
		engine.plain = make([]*plain.Map, len(src))
		for way, maps := range map[string]*Maps{"plan": maps, "engine": &engine} {
			b.Run(name+"/"+way, func(b *testing.B) {
				w, err := maps.NewMapper()
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if err := w.Map(banDoc, func(int, []byte, []byte) {}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
	b.Run("baseline=encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var doc map[string]any
			if err := json.Unmarshal([]byte(banDoc), &doc); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRereduce merges counts of addresses, without the engine and in it.
func BenchmarkRereduce(b *testing.B) {
	r, err := NewReducer(`function(keys, values, rereduce) { var n = {}, i, ip; for (i = 0; i < values.length; i++) { for (ip in values[i]) { n[ip] = (n[ip] || 0) + values[i][ip] } } return n }`, Options{})
	if err != nil {
		b.Fatal(err)
	}
	const reductions, addresses = 8, 2000
	var list [][]byte
	for i := range reductions {
		text := []byte("{")
		for a := range addresses {
			if a%3 != i%3 {
				text = fmt.Appendf(text, `"%d.%d.%d.%d":%d,`, 11+a%180, a*89%251, a*31%241, 1+a*7%253, a%77)
			}
		}
		text[len(text)-1] = '}'
		list = append(list, text)
	}
	for way, r := range map[string]*Reducer{"fold": r, "engine": {f: r.f}} {
		b.Run(way, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Rereduce(nil, list); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
