package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rcwizard/rcwizard/engine"
)

// anew makes the hosts as fresh as they came, with their images or without, and
// the state folder another.
func (r *rig) anew(name string, images bool) {
	r.t.Helper()
	r.state = filepath.Join(filepath.Dir(r.file), name)
	r.must(os.Mkdir(r.state, 0o700))
	script := `docker ps -aq | xargs -r docker rm -f -v >/dev/null
docker volume ls -q | xargs -r docker volume rm -f >/dev/null
rm -rf ` + r.w.Directory
	if images {
		script += `
docker images -q | sort -u | xargs -r docker rmi -f >/dev/null`
	}
	var all sync.WaitGroup
	failed := make([]error, len(r.w.Hosts))
	for i, h := range r.w.Hosts {
		all.Go(func() { _, failed[i] = r.Host(h.Name).Shell(r.t.Context(), script) })
	}
	all.Wait()
	for _, err := range failed {
		r.must(err)
	}
}

// goOn is the command with which a person goes on after a kill: resume, or,
// where rcwizard kept nothing yet, the command that began.
func (r *rig) goOn() []string {
	if _, err := os.Stat(filepath.Join(r.state, "workspace.yaml")); err != nil {
		return []string{"install", "-f", r.file, "--yes"}
	}
	return []string{"resume", "--yes"}
}

// struck runs the program and kills it so long after a record as aim says, if it
// says that this is the one. aim is asked first of a record without a serial, as
// soon as the program runs.
func (r *rig) struck(args []string, aim func(rec engine.Record) (time.Duration, bool)) *live {
	r.t.Helper()
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	r.must(err)
	changes := os.NewFile(uintptr(fd), "inotify")
	_, err = unix.InotifyAddWatch(fd, r.state, unix.IN_MODIFY)
	r.must(err)
	known := len(r.journalled())
	began := time.Now()
	l := r.begin(args...)
	var watching sync.WaitGroup
	watching.Go(func() {
		kill := func(delay time.Duration) {
			timer := time.NewTimer(delay)
			defer timer.Stop()
			select {
			case <-timer.C:
				_ = l.cmd.Process.Kill() // it may have come to its end
			case <-l.done:
			}
		}
		if delay, now := aim(engine.Record{}); now {
			kill(delay)
			return
		}
		for buf := make([]byte, 64<<10); ; {
			if _, err := changes.Read(buf); err != nil {
				return // closed: the run is over
			}
			records := r.journalled()
			for _, rec := range records[known:] {
				if delay, now := aim(rec); now {
					kill(delay)
					return
				}
			}
			known = len(records)
		}
	})
	r.ends(l, 8*time.Minute)
	l.took = time.Since(began)
	r.must(changes.Close())
	watching.Wait()
	if h, err := engine.ReadJournal(filepath.Join(r.state, "journal.jsonl")); err != nil || h.Damaged != 0 {
		r.t.Fatalf("the journal has %d damaged lines, %v", h.Damaged, err)
	}
	return l
}

// journalled are the whole records in the journal.
func (r *rig) journalled() []engine.Record {
	data, err := os.ReadFile(filepath.Join(r.state, "journal.jsonl"))
	if err != nil {
		return nil
	}
	var out []engine.Record
	for line := range bytes.Lines(data) {
		_, text, _ := bytes.Cut(line, []byte{' '})
		var rec engine.Record
		if bytes.HasSuffix(line, []byte{'\n'}) && json.Unmarshal(text, &rec) == nil && rec.Serial > 0 {
			out = append(out, rec)
		}
	}
	return out
}

// recordKey names a record over several runs.
func recordKey(rec engine.Record) string {
	return strings.TrimRight(fmt.Sprintf("%s %s%s", rec.Kind, rec.Step, rec.Key), " ")
}

// keptSecrets sees that secrets.yaml never changes once it is there, and that
// the state folder is nobody else's.
type keptSecrets struct {
	r    *rig
	data []byte
}

func (k *keptSecrets) look() {
	k.r.t.Helper()
	data, err := os.ReadFile(filepath.Join(k.r.state, "secrets.yaml"))
	if err != nil && !os.IsNotExist(err) {
		k.r.t.Fatal(err)
	}
	if k.data != nil && !bytes.Equal(k.data, data) {
		k.r.t.Errorf("secrets.yaml was written anew with other secrets, or is gone: %v", err)
	}
	if len(data) > 0 {
		k.data = data
	}
	info, err := os.Stat(k.r.state)
	k.r.must(err)
	if info.Mode() != fs.ModeDir|0o700 {
		k.r.t.Errorf("the state folder has mode %v", info.Mode())
	}
}
