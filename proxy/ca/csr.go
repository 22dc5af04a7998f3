package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"logctl/store"
)

// MaxRequest is how many bytes a CSR in PEM may have.
const MaxRequest = 16 << 10

// request is what a CSR asks for. Its signature is good: who sent it has the key.
type request struct {
	name   string   // the subject's common name
	dns    []string // names besides, sorted, without name
	key    crypto.PublicKey
	keyID  string // the SHA-256 of the key's SPKI, in hexadecimal
	secret string // the challengePassword, "" if there is none
}

// parseRequest reads a CSR in PEM. All errors are of KindBadRequest and tell what is wrong with it, never its secret.
func parseRequest(text []byte) (*request, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
		return nil, bad("the body is no CSR in PEM: it begins with -----BEGIN CERTIFICATE REQUEST-----")
	}
	if strings.TrimSpace(string(rest)) != "" {
		return nil, bad("something follows the CSR")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, bad("the CSR can't be read")
	}
	if err := checkKey(csr.PublicKey); err != nil {
		return nil, err
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, bad("the CSR's signature is not good")
	}
	r := &request{name: csr.Subject.CommonName, key: csr.PublicKey}
	sum := sha256.Sum256(csr.RawSubjectPublicKeyInfo)
	r.keyID = hex.EncodeToString(sum[:])
	if r.dns, err = namesOf(csr); err != nil {
		return nil, err
	}
	if r.secret, err = challenge(csr.RawTBSCertificateRequest); err != nil {
		return nil, err
	}
	return r, nil
}

func bad(reason string) error { return store.NewError(store.KindBadRequest, reason) }

// checkKey takes the keys that are neither weak nor slow to check.
func checkKey(key crypto.PublicKey) error {
	switch k := key.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits >= 2048 && bits <= 4096 {
			return nil
		}
		return bad("an RSA key must have 2048 to 4096 bits")
	}
	return bad("the key must be ECDSA, Ed25519 or RSA")
}

// maxNames is how many names a certificate may have.
const maxNames = 16

// namesOf are the names that a CSR asks for besides its common name, which it checks, too.
func namesOf(csr *x509.CertificateRequest) ([]string, error) {
	if err := CheckName(csr.Subject.CommonName); err != nil {
		return nil, fmt.Errorf("the subject's common name: %w", err)
	}
	for _, e := range csr.Extensions {
		if e.Id.Equal(oidBasicConstraints) && asksForCA(e.Value) {
			return nil, bad("the CSR asks for a CA's certificate, and there are none to be had here")
		}
	}
	if len(csr.IPAddresses)+len(csr.EmailAddresses)+len(csr.URIs) > 0 {
		return nil, bad("subject alternative names must be DNS names")
	}
	if len(csr.DNSNames) > maxNames {
		return nil, bad(fmt.Sprintf("the CSR has more than %d names", maxNames))
	}
	var dns []string
	for _, n := range csr.DNSNames {
		if err := CheckName(n); err != nil {
			return nil, fmt.Errorf("a subject alternative name: %w", err)
		}
		if n != csr.Subject.CommonName {
			dns = append(dns, n)
		}
	}
	slices.Sort(dns)
	return slices.Compact(dns), nil
}

var oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}

// asksForCA tells whether basic constraints say CA:TRUE; what can't be read does.
func asksForCA(der []byte) bool {
	var b struct {
		CA      bool `asn1:"optional"`
		PathLen int  `asn1:"optional,default:-1"`
	}
	rest, err := asn1.Unmarshal(der, &b)
	return err != nil || len(rest) > 0 || b.CA
}

const maxName = 64 // X.520's ub-common-name

// CheckName tells what is wrong with the name of a machine: it is lower case letters, digits, dots, dashes and underscores.
func CheckName(name string) error {
	if name == "" || len(name) > maxName {
		return bad(fmt.Sprintf("a name has 1 to %d characters", maxName))
	}
	for i := range len(name) {
		c := name[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		inner := i > 0 && i < len(name)-1
		if !alnum && !(inner && (c == '.' && name[i-1] != '.' || c == '-' || c == '_')) {
			return bad("a name is lower case letters, digits, and between them dots, dashes and underscores")
		}
	}
	return nil
}
