package ca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"

	"logctl/store"
)

const (
	rootLife  = 10 * 365 * 24 * time.Hour
	clockSkew = 5 * time.Minute // by which the clocks of machines may differ

	// DefaultLife is how long a certificate is good.
	DefaultLife = 90 * 24 * time.Hour
)

// The files of a CA's directory.
const (
	keyFile    = "ca.key"
	rootFile   = "ca.pem"
	logFile    = "ca.log"
	crlFile    = "crl.pem"
	serverFile = "server.pem"
)

// Init makes a CA in dir with a name for its root, or completes what an earlier call left unfinished; made is false if there was
// nothing to do. It gives the root's fingerprint.
func Init(dir, name string) (fingerprint string, made bool, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", false, fmt.Errorf("make the CA's directory: %w", err)
	}
	keyPath, rootPath := filepath.Join(dir, keyFile), filepath.Join(dir, rootFile)
	key, err := LoadKey(keyPath)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(rootPath); err == nil {
			return "", false, store.NewError(store.KindNotFound, rootPath+" is there and its key "+keyPath+" is not: put the key back, or make a new CA in another directory")
		}
		made = true
		key, err = MakeKey(keyPath)
	}
	if err != nil {
		return "", false, err
	}
	if _, err := os.Stat(rootPath); errors.Is(err, fs.ErrNotExist) {
		made = true
		if err := makeRoot(rootPath, key, name); err != nil {
			return "", false, err
		}
	}
	b, err := openBook(filepath.Join(dir, logFile), true)
	if err != nil {
		return "", made, err
	}
	if err := b.Close(); err != nil {
		return "", made, err
	}
	c, err := Open(dir)
	if err != nil {
		return "", made, err
	}
	defer c.Close()
	return c.Fingerprint(), made, c.WriteCRL()
}

func makeRoot(path string, key *ecdsa.PrivateKey, name string) error {
	serial, err := newSerial()
	if err != nil {
		return err
	}
	now := time.Now()
	root := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(rootLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make the root: %w", err)
	}
	return WriteFile(path, pemCert(der), 0o644)
}

func pemCert(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// newSerial is a random number of 127 bits, above zero.
func newSerial() (*big.Int, error) {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:]), nil
}

// MakeKey makes an ECDSA key on the curve P-256, which openssl, curl and Go all take, and writes it where only its owner may read it.
func MakeKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	text, err := pemKey(key)
	if err != nil {
		return nil, err
	}
	return key, WriteFile(path, text, 0o600)
}

func pemKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// LoadKey reads an ECDSA key that MakeKey has written.
func LoadKey(path string) (*ecdsa.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key: %w", err)
	}
	return parseKey(text, path)
}

func parseKey(text []byte, path string) (*ecdsa.PrivateKey, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "PRIVATE KEY" {
			continue
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if k, ok := key.(*ecdsa.PrivateKey); err == nil && ok {
			return k, nil
		}
	}
	return nil, store.NewError(store.KindCorrupt, "there is no ECDSA key in "+path)
}

// WriteFile puts a file in place that is on disk when it returns; a crash leaves the old one or the new one.
func WriteFile(path string, text []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return noSpace(fmt.Errorf("write %s: %w", path, err))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer dir.Close()
	return dir.Sync()
}

// CA is an open certificate authority. It is safe for concurrent use, by other processes, too.
type CA struct {
	dir  string
	root *x509.Certificate
	key  *ecdsa.PrivateKey
	book *book
}

// Open opens the CA in dir; KindNotFound says that there is none.
func Open(dir string) (*CA, error) {
	root, err := ReadCertificate(filepath.Join(dir, rootFile))
	if err != nil {
		return nil, notThere(dir, err)
	}
	key, err := LoadKey(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, notThere(dir, err)
	}
	if !key.PublicKey.Equal(root.PublicKey) {
		return nil, store.NewError(store.KindCorrupt, "the key and the root in "+dir+" do not belong together")
	}
	b, err := openBook(filepath.Join(dir, logFile), false)
	if err != nil {
		return nil, notThere(dir, err)
	}
	return &CA{dir: dir, root: root, key: key, book: b}, nil
}

// Close closes the log.
func (c *CA) Close() error { return c.book.Close() }

// ReadCertificate reads the first certificate of a PEM file.
func ReadCertificate(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	cert, err := parseCertificate(text)
	if err != nil {
		return nil, store.NewError(store.KindCorrupt, "there is no certificate in "+path)
	}
	return cert, nil
}

func parseCertificate(text []byte) (*x509.Certificate, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, errors.New("no certificate")
}

// Fingerprint is the root's; see the function of that name.
func (c *CA) Fingerprint() string { return Fingerprint(c.root) }

// Root is the root in PEM.
func (c *CA) Root() []byte { return pemCert(c.root.Raw) }

// fingerprintPrefix names the hash.
const fingerprintPrefix = "sha256:"

// Fingerprint is a certificate's: "sha256:" and the hash of its DER in hexadecimal.
func Fingerprint(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return fingerprintPrefix + hex.EncodeToString(sum[:])
}

// ParseFingerprint reads a fingerprint as Fingerprint writes it, or as openssl does: in capitals, with colons.
func ParseFingerprint(s string) (string, error) {
	text := strings.ToLower(strings.TrimSpace(s))
	text = strings.TrimPrefix(text, fingerprintPrefix)
	text = strings.TrimPrefix(text, "sha256 fingerprint=")
	text = strings.ReplaceAll(text, ":", "")
	if b, err := hex.DecodeString(text); err != nil || len(b) != sha256.Size {
		return "", bad(fmt.Sprintf("%q is no fingerprint: sha256: and 64 hexadecimal digits", s))
	}
	return fingerprintPrefix + text, nil
}
