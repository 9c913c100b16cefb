package bench

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/test/lab"
)

// What goes to each host: 30 files of 244 kB together, as a large workspace.
const (
	hosts     = 10
	fileCount = 30
	fileBytes = 244_000
)

// BenchmarkHosts does the same on ten hosts at once with three programs.
func BenchmarkHosts(b *testing.B) {
	options := lab.Options{Name: "bench", Bare: true}
	for i := range hosts {
		options.Hosts = append(options.Hosts, lab.HostOptions{Name: fmt.Sprintf("h%d", i+1), NoDocker: true})
	}
	f := lab.Up(b, options)
	files := makeFiles(b)
	addresses := make([]string, 0, hosts)
	for _, h := range f.Hosts() {
		addresses = append(addresses, h.Address().String())
	}
	run := 0
	into := func() string { run++; return fmt.Sprintf("/srv/bench/%d", run) }
	ours, minimal := &series{name: "rcwizard's package remote"}, &series{name: "minimal x/crypto program"}
	viaRemote := func() *exec.Cmd {
		return f.Op(b.Context(), append([]string{variable(b, "RCWIZARD_BENCH_VIAREMOTE"), f.KeyFile(), f.KnownHostsFile(), files, into()}, addresses...)...)
	}
	viaMinimal := func() *exec.Cmd {
		return f.Op(b.Context(), append([]string{variable(b, "RCWIZARD_BENCH_MINIMAL"), f.KeyFile(), f.KnownHostsFile(), variable(b, "RCWIZARD_BENCH_FACTS"), files, into()}, addresses...)...)
	}
	// The first of each warms the caches of programs and hosts.
	timed(b, viaRemote())
	timed(b, viaMinimal())
	check(b, f, 1)
	check(b, f, 2)
	calm(b, runtime.NumCPU())
	for i := range 14 {
		pair := []func(){
			func() { ours.add(timed(b, viaRemote())) },
			func() { minimal.add(timed(b, viaMinimal())) },
		}
		// In turn who is first: neither always follows the other.
		pair[i%2]()
		pair[1-i%2]()
	}
	title := fmt.Sprintf("%d hosts at once: connect, facts, %d files (%d kB), one command", hosts, fileCount, fileBytes/1000)
	report(title, ours, minimal)
	sayf("rcwizard's package remote takes %.2f times as long as the minimal program (aim: at most 1.1)\n",
		ours.median().Seconds()/minimal.median().Seconds())
	report("The same with ansible-core", append([]*series{ours}, ansible(b, f, files)...)...)
}

// check fails unless every file of a run is on every host: a program that does
// nothing is fast.
func check(b *testing.B, f *lab.Fleet, run int) {
	b.Helper()
	for _, h := range f.Hosts() {
		out, err := h.Shell(b.Context(), fmt.Sprintf("cd /srv/bench/%d && find . -type f | wc -l && cat ./* | wc -c", run))
		if got := strings.Fields(out); err != nil || len(got) != 2 || got[0] != strconv.Itoa(fileCount) || got[1] != strconv.Itoa(fileBytes) {
			b.Fatalf("%s has files and bytes %v of run %d: %v", h.Name(), got, run, err)
		}
	}
}

// makeFiles writes the files, of bytes that do not compress, the same each
// time.
func makeFiles(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	source := rand.NewChaCha8([32]byte{1})
	left := fileBytes
	for i := range fileCount {
		content := make([]byte, left/(fileCount-i))
		left -= len(content)
		_, _ = source.Read(content)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%02d", i)), content, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	return dir
}
