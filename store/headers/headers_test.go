package headers

import "testing"

// FuzzRanges looks for a range that is not in the body.
func FuzzRanges(f *testing.F) {
	f.Add("bytes=0-1,-5,3-", int64(10))
	f.Add("bytes=9223372036854775807-", int64(0))
	f.Add("bytes=-0,--9223372036854775808, +1-+2 ,,-9223372036854775807", int64(1)<<62)
	f.Fuzz(func(t *testing.T, header string, length int64) {
		if length < 0 {
			return
		}
		ranges, err := Ranges(header, length)
		for _, r := range ranges {
			if err == nil && (r.From < 0 || r.From > r.To || r.To >= length) {
				t.Errorf("%q of %d bytes: %+v", header, length, r)
			}
		}
	})
}
