package app

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"logctl/internal/config"
)

// AdminName is the account that the embedded store always has.
const AdminName = "admin"

// adminPasswordPath is where the admin's password stands: in file if one is named, else in the data directory.
func adminPasswordPath(dir, file string) string {
	if file != "" {
		return file
	}
	return filepath.Join(dir, "admin.password")
}

// admin knows the admin's password by its hash.
type admin struct {
	hash [sha256.Size]byte
}

// Verify tells whether name and password are the admin's, in a time that tells nothing about either.
func (a *admin) Verify(name, password string) bool {
	hash := sha256.Sum256([]byte(password))
	same := subtle.ConstantTimeCompare(hash[:], a.hash[:])
	return same&subtle.ConstantTimeCompare([]byte(name), []byte(AdminName)) == 1
}

// openAdmin reads the admin's password, making a random one in the data directory where there is none; made tells so.
func openAdmin(dir, file string) (a *admin, made bool, err error) {
	path := adminPasswordPath(dir, file)
	password, err := config.ReadSecret(path)
	if errors.Is(err, fs.ErrNotExist) && file == "" {
		password, made = rand.Text(), true
		err = writeSecret(path, password)
	}
	if err != nil {
		return nil, false, fmt.Errorf("admin's password: %w", err)
	}
	return &admin{hash: sha256.Sum256([]byte(password))}, made, nil
}

// writeSecret puts a file in place that only its owner may read; a crash leaves all of it or nothing.
func writeSecret(path, secret string) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.WriteString(secret + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(tmp, path)
}
