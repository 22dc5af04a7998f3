// Package ca is a small certificate authority for the machines that ship logs: a root, a signer that machines ask over HTTPS, and
// the client that asks it.
//
// Words: the root is the CA's own certificate, known by its fingerprint, the SHA-256 of its DER; a request is a PKCS#10 CSR in
// PEM; its secret is the challengePassword attribute (PKCS#9, RFC 2985): the secret word that all may know who are to get a
// certificate, or a code that is good for one; a certificate is live until it expires or is revoked; it holds its names.
//
// Invariants:
//   - Everything that was ever issued, revoked or made a code is in the log (log.go), on disk before anybody is told. Who may have
//     what is decided under the log's lock, so processes beside each other decide as one.
//   - A code gives one certificate. The same request with the same code gives the same one again, so whoever was cut off
//     before the answer came asks once more.
//   - A name that a live certificate holds goes to no other key, except by a renewal, for which the old certificate speaks.
//   - Certificates are for clients (or, issued on this machine alone, for servers), never for CAs, and say nothing of what the
//     request said but its names and its key.
//   - No secret is on disk but the root's key and the signer's own: of codes the log has hashes.
//
// The directory of a CA:
//
//	ca.key      the root's key, PKCS#8, readable by its owner alone
//	ca.pem      the root
//	ca.log      the log
//	crl.pem     the revocation list, written anew with every revocation and once a day by the signer
//	server.pem  the signer's own key and certificate
package ca
