package geoip

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/oschwald/maxminddb-golang/v2"
)

// maxSize bounds a file, which is kept in memory: a mapped one that somebody writes over would end the process.
const maxSize = 1 << 30

// file is one database.
type file struct {
	path   string
	reader *maxminddb.Reader
	tried  os.FileInfo // what the file was when it was read last, with or without luck
	gone   bool        // it was not there when it was looked for last
}

// refresh reads the file again if it is another one than it was. The reader stays as it is with an error, which comes once for
// each state of the file.
func (f *file) refresh() (changed bool, err error) {
	info, err := os.Stat(f.path)
	if err != nil {
		told := f.gone
		f.gone = true
		if told {
			return false, nil
		}
		return false, plainPath(err)
	}
	f.gone = false
	if f.tried != nil && os.SameFile(f.tried, info) && f.tried.ModTime().Equal(info.ModTime()) && f.tried.Size() == info.Size() {
		return false, nil
	}
	f.tried = info
	if err := f.read(); err != nil {
		return false, fmt.Errorf("%s: %w", f.path, err)
	}
	return true, nil
}

// read reads the file and checks that there is something in it for us.
func (f *file) read() error {
	in, err := os.Open(f.path)
	if err != nil {
		return plainPath(err)
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, maxSize+1))
	switch {
	case err != nil:
		return plainPath(err)
	case len(data) > maxSize:
		return errors.New("is larger than 1 GiB")
	}
	reader, err := maxminddb.OpenBytes(data)
	if err != nil {
		return fmt.Errorf("is no MaxMind database, or not whole: %w", err)
	}
	if err := checkMembers(reader); err != nil {
		return err
	}
	f.reader = reader
	return nil
}

// sample is how many networks are looked at for a member that we read, with or without a record: a damaged tree may have more
// than anybody can wait for.
const sample = 100_000

var errMembers = errors.New("tells neither country.iso_code, registered_country.iso_code or country_code, nor autonomous_system_number or asn")

func checkMembers(r *maxminddb.Reader) error {
	n := 0
	for network := range r.Networks(maxminddb.IncludeNetworksWithoutData()) {
		if err := network.Err(); err != nil {
			return fmt.Errorf("is damaged: %w", err)
		}
		if p := readPlace(network); p.Country != "" || p.ASN != 0 {
			return nil
		}
		if n++; n == sample {
			break
		}
	}
	return errMembers
}

// plainPath is an error of a file without the name of the call.
func plainPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
