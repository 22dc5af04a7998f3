package app

import (
	"bufio"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unsafe"
)

// program gives what is mapped of the test's own file.
func program(t *testing.T) []mapping {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := readMappings(bufio.NewScanner(f))
	if err != nil {
		t.Fatal(err)
	}
	return programOf(all, uint64(reflect.ValueOf(unmapProgram).Pointer()))
}

// resident is how much memory of a kind the process has, in KiB, as proc_pid_status(5) tells it.
func resident(t *testing.T, kind string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), kind+":")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kb
}

func TestGiveBackProgram(t *testing.T) {
	parts, sum := program(t), byte(0)
	if len(parts) == 0 {
		t.Fatal("the program has no mappings")
	}
	for _, m := range parts {
		if strings.Contains(m.access, "w") {
			t.Errorf("%+v", m)
		}
		for at := m.start; at < m.end; at += uint64(os.Getpagesize()) {
			sum += *(*byte)(at2pointer(at))
		}
	}
	before := resident(t, "RssFile")
	giveBack()
	if after := resident(t, "RssFile"); after >= before*9/10 {
		t.Errorf("%d KiB of the program were in memory, %d KiB still are (%d)", before, after, sum)
	}
}

// at2pointer is the address as a pointer: it is in no memory of Go's, which might move.
func at2pointer(at uint64) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&at)) }

func TestProgramOf(t *testing.T) {
	const smaps = `00400000-00402000 r--p 00000000 fe:00 12                                 /bin/logctl (deleted)
Rss:                   8 kB
Anonymous:             0 kB
VmFlags: rd mr mw me sd
00402000-014b6000 r-xp 00002000 fe:00 12                                 /bin/logctl (deleted)
Rss:               16720 kB
Anonymous:             0 kB
014b6000-0264d000 r--p 010b6000 fe:00 12                                 /bin/logctl (deleted)
Rss:                  40 kB
Anonymous:             8 kB
0264d000-0264f000 rw-p 0224d000 fe:00 12                                 /bin/logctl (deleted)
Rss:                1740 kB
Anonymous:             0 kB
33adc5400000-33adc5800000 rw-p 00000000 00:00 0 
Rss:                   4 kB
Anonymous:             4 kB
7f043a3ec000-7f043a541000 r-xp 00026000 fe:00 13                         /lib/libc.so.6
Rss:                 912 kB
Anonymous:             0 kB
`
	all, err := readMappings(bufio.NewScanner(strings.NewReader(smaps)))
	if err != nil || len(all) != 6 {
		t.Fatal(err, all)
	}
	got := programOf(all, 0x500000)
	// What was written to is not the file's any more, and would be lost.
	want := []mapping{{0x400000, 0x402000, "r--p", "fe:00 12", 0}, {0x402000, 0x14b6000, "r-xp", "fe:00 12", 0}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	for _, bad := range []string{"1-2 r-xp\nx-2 r-xp 0 0 0 f", "1-2 r-xp 0 0 0 f\nAnonymous: many kB"} {
		if _, err := readMappings(bufio.NewScanner(strings.NewReader(bad))); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
