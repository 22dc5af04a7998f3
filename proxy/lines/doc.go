// Package lines takes log lines that come in other ways than as docs posted to the door: syslog over UDP, TCP and TLS, plain
// lines over TLS, and pushes in the form of Grafana Loki.
//
// Words: an input is one of these ways; a peer is the other end of a connection, or a datagram's sender; a message is what a peer
// sends at a time: a syslog message, a line, an entry of a push; a route (Table) says which app a message goes to and what it is
// made a doc by; a Formatter is the way from text to a doc's bytes, which whoever puts logctl together brings along; a Sink stores
// docs and answers when they are on disk.
//
// Invariants:
//   - Peers are strangers. They write, and are told nothing of what is stored.
//   - A push is answered when it is on disk. Sent again it stores nothing twice: its docs' ids follow from what they say.
//   - Syslog knows no answer, so a message that was read is held in memory until it is on disk: two equal messages are two docs, told
//     apart by the member "received", which never comes twice. A store that is away or slow holds up TCP; of UDP is counted
//     what is lost, by the kernel or here.
//   - A message that becomes no doc is a reject of its app, kept with the reason.
//   - Everything that is lost, cut, refused or rejected is counted (Counters), and said in the log once a minute.
//
// Limits: Options.MaxMessage bytes of a message, Options.MaxConns connections and Options.MaxHeld bytes of messages that are not on disk yet. What
// was read and is not on disk when the process is killed is lost: syslog has no way to ask for it again.
package lines
