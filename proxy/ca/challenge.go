package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"logctl/store"
)

// oidChallenge is PKCS#9's challengePassword (RFC 2985, 5.4.1).
var oidChallenge = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 7}

// maxChallenge is pkcs-9-ub-challengePassword, in characters.
const maxChallenge = 255

// certificationRequestInfo is RFC 2986's; what it holds is read by crypto/x509 but for the attributes.
type certificationRequestInfo struct {
	Raw        asn1.RawContent
	Version    int
	Subject    asn1.RawValue
	PublicKey  asn1.RawValue
	Attributes []asn1.RawValue `asn1:"tag:0"`
}

// attribute is RFC 2986's Attribute.
type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

// challenge is the challengePassword of a CertificationRequestInfo in DER, "" if there is none. Two of them are an error: nobody
// can say which one counts.
func challenge(info []byte) (string, error) {
	var tbs certificationRequestInfo
	if rest, err := asn1.Unmarshal(info, &tbs); err != nil || len(rest) > 0 {
		return "", bad("the CSR's attributes can't be read")
	}
	secret, found := "", false
	for _, raw := range tbs.Attributes {
		var a struct {
			Type   asn1.ObjectIdentifier
			Values asn1.RawValue
		}
		if _, err := asn1.Unmarshal(raw.FullBytes, &a); err != nil {
			return "", bad("the CSR's attributes can't be read")
		}
		if !a.Type.Equal(oidChallenge) {
			continue
		}
		if found {
			return "", bad("the CSR has two challengePasswords")
		}
		var value asn1.RawValue
		rest, err := asn1.Unmarshal(a.Values.Bytes, &value)
		if err != nil || len(rest) > 0 || a.Values.Class != asn1.ClassUniversal || a.Values.Tag != asn1.TagSet {
			return "", bad("the CSR's challengePassword must be one string")
		}
		if secret, err = directoryString(value); err != nil {
			return "", err
		}
		found = true
	}
	return secret, nil
}

// Tags of strings that encoding/asn1 has no names for.
const tagUniversalString = 28

// directoryString reads an X.520 DirectoryString, or the IA5String that some write instead.
func directoryString(v asn1.RawValue) (string, error) {
	var text []rune
	ok := v.Class == asn1.ClassUniversal && !v.IsCompound
	switch v.Tag {
	case asn1.TagUTF8String:
		ok = ok && utf8.Valid(v.Bytes)
		text = []rune(string(v.Bytes))
	case asn1.TagPrintableString, asn1.TagT61String, asn1.TagIA5String:
		for _, b := range v.Bytes {
			ok = ok && b < utf8.RuneSelf
			text = append(text, rune(b))
		}
	case asn1.TagBMPString:
		ok = ok && len(v.Bytes)%2 == 0
		for b := v.Bytes; ok && len(b) > 0; b = b[2:] {
			r := rune(binary.BigEndian.Uint16(b))
			ok = !utf16.IsSurrogate(r)
			text = append(text, r)
		}
	case tagUniversalString:
		ok = ok && len(v.Bytes)%4 == 0
		for b := v.Bytes; ok && len(b) > 0; b = b[4:] {
			r := binary.BigEndian.Uint32(b)
			ok = r <= utf8.MaxRune && utf8.ValidRune(rune(r))
			text = append(text, rune(r))
		}
	default:
		ok = false
	}
	if !ok || len(text) == 0 || len(text) > maxChallenge {
		return "", bad(fmt.Sprintf("the CSR's challengePassword must be a string of 1 to %d characters", maxChallenge))
	}
	return string(text), nil
}

var oidECDSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}

// NewRequest makes a CSR in PEM for a name, with secret as its challengePassword; "" is none. The key must be an ECDSA one.
func NewRequest(key *ecdsa.PrivateKey, name, secret string) ([]byte, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: name}, SignatureAlgorithm: x509.ECDSAWithSHA256,
	}, key)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	if secret != "" {
		if der, err = withChallenge(der, key, secret); err != nil {
			return nil, fmt.Errorf("make a request: %w", err)
		}
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}

// withChallenge adds the attribute to a CSR in DER and signs it anew: crypto/x509 can't write it.
func withChallenge(der []byte, key *ecdsa.PrivateKey, secret string) ([]byte, error) {
	if n := utf8.RuneCountInString(secret); !utf8.ValidString(secret) || n > maxChallenge {
		return nil, store.NewError(store.KindBadRequest, fmt.Sprintf("the code must be text of at most %d characters", maxChallenge))
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, err
	}
	var tbs certificationRequestInfo
	if _, err := asn1.Unmarshal(csr.RawTBSCertificateRequest, &tbs); err != nil {
		return nil, err
	}
	value := asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(secret)}
	a, err := asn1.Marshal(attribute{oidChallenge, []asn1.RawValue{value}})
	if err != nil {
		return nil, err
	}
	tbs.Raw, tbs.Attributes = nil, []asn1.RawValue{{FullBytes: a}}
	info, err := asn1.Marshal(tbs)
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(info)
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(struct {
		Info      asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{asn1.RawValue{FullBytes: info}, pkix.AlgorithmIdentifier{Algorithm: oidECDSAWithSHA256}, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
}
