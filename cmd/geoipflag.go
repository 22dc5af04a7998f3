package cmd

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/pflag"

	"logctl/format/geoip"
)

// geoipFlag is --geoip.
type geoipFlag struct{ files []string }

func (f *geoipFlag) addFlags(fs *pflag.FlagSet, help string) {
	fs.StringSliceVar(&f.files, "geoip", nil, help)
}

// open opens the databases; nil if none is named. warn is told of files that can't be read any more.
func (f *geoipFlag) open(warn func(error)) (*geoip.DB, error) {
	if len(f.files) == 0 {
		return nil, nil
	}
	return geoip.Open(warn, f.files...)
}

// extend is what adds to docs what the databases know of their addresses; nil if none is named.
func (f *geoipFlag) extend(warn func(error)) (func(buf []byte, start int) []byte, error) {
	db, err := f.open(warn)
	if db == nil {
		return nil, err
	}
	return db.Extend, nil
}

// settle checks the databases and makes their paths mean the same from any directory.
func (f *geoipFlag) settle() error {
	if _, err := f.open(nil); err != nil {
		return err
	}
	for i, file := range f.files {
		path, err := filepath.Abs(file)
		if err != nil {
			return fmt.Errorf("find %s: %w", file, err)
		}
		f.files[i] = path
	}
	return nil
}
