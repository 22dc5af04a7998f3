package ship

import (
	"bytes"

	"logctl/ship/state"
	"logctl/store"
	"logctl/store/ejson"
)

const machineMember = `"machine":`

// maker makes docs of the objects that a Formatter makes of lines: with the machine, an id and what Options.Extend adds. It
// is used by one goroutine.
type maker struct {
	count   func(state.Fingerprint) (uint32, error) // equal docs before
	extend  func(buf []byte, start int) []byte
	machine []byte // what ends a doc that has no machine, "" for none

	body []byte // the doc, from the Formatter's Append on
	id   []byte
}

// setMachine says whose lines follow; "" is nobody's.
func (m *maker) setMachine(name string) {
	m.machine = m.machine[:0]
	if name != "" {
		m.machine = append(store.AppendJSONString(append(m.machine, machineMember...), name), '}')
	}
}

// complete makes the object in m.body a doc, its id m.id.
func (m *maker) complete() error {
	if hasSpecialMember(m.body) {
		return store.NewError(store.KindDocValidation, "a field's name begins with an underscore; those names are the store's own")
	}
	m.addMachine()
	m.id = ejson.AppendContentID(m.id[:0], m.body, 0)
	n, err := m.count(state.OfID(m.id))
	if err != nil {
		return err
	}
	if n > 0 {
		m.id = ejson.AppendContentID(m.id[:0], m.body, n)
	}
	if m.extend != nil {
		m.body = m.extend(m.body, 0)
	}
	return nil
}

// hasSpecialMember tells whether a member's name begins with an underscore, which no server takes. As with the machine, the text
// looked for can't be inside a string.
func hasSpecialMember(body []byte) bool {
	return bytes.HasPrefix(body, []byte(`{"_`)) || bytes.Contains(body, []byte(`,"_`))
}

// addMachine adds the machine to a doc that does not say its own. A quotation mark inside a JSON string is escaped, so
// the text looked for can only be a member's name.
func (m *maker) addMachine() {
	if len(m.machine) == 0 || bytes.Contains(m.body, m.machine[:len(machineMember)]) {
		return
	}
	m.body = m.body[:len(m.body)-1]
	if len(m.body) > 1 {
		m.body = append(m.body, ',')
	}
	m.body = append(m.body, m.machine...)
}
