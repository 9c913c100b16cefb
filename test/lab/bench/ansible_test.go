package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/test/lab"
)

// ansible does the same with ansible-core as its documentation tells to make
// it fast: pipelining, one connection for all tasks, a process for each host.
// copy sends file by file, unarchive one archive. Without ansible-playbook on
// the machine there is no series.
func ansible(b *testing.B, f *lab.Fleet, files string) []*series {
	b.Helper()
	if _, err := exec.LookPath("ansible-playbook"); err != nil {
		b.Log("ansible-playbook is not installed: apt-get install ansible-core")
		return nil
	}
	dir := b.TempDir()
	archive := filepath.Join(dir, "files.tar")
	if out, err := exec.CommandContext(b.Context(), "tar", "-cf", archive, "-C", files, ".").CombinedOutput(); err != nil {
		b.Fatalf("tar: %v: %s", err, out)
	}
	var inventory strings.Builder
	for _, h := range f.Hosts() {
		fmt.Fprintf(&inventory, "%s ansible_host=%s ansible_user=root ansible_ssh_private_key_file=%s ansible_python_interpreter=/usr/bin/python3\n", h.Name(), h.Address(), f.KeyFile())
	}
	write(b, filepath.Join(dir, "inventory"), inventory.String())
	playbook := func(name, task string) string {
		file := filepath.Join(dir, name+".yml")
		write(b, file, fmt.Sprintf(`- hosts: all
  tasks:
    - file: {path: /srv/bench/%[1]s, state: directory, mode: "0755"}
    - %[2]s
    - command: uname -a
`, name, task))
		return file
	}
	run := func(ctx context.Context, file string) *exec.Cmd {
		cmd := f.Op(ctx, "ansible-playbook", "-i", filepath.Join(dir, "inventory"), "-f", strconv.Itoa(hosts), file)
		cmd.Env = append(cmd.Env,
			"ANSIBLE_PIPELINING=1", "ANSIBLE_HOME="+filepath.Join(dir, "home"), "ANSIBLE_LOCAL_TEMP="+filepath.Join(dir, "tmp"),
			"ANSIBLE_SSH_CONTROL_PATH_DIR="+socketDir(b),
			"ANSIBLE_SSH_ARGS=-o ControlMaster=auto -o ControlPersist=5s -o UserKnownHostsFile="+f.KnownHostsFile(),
		)
		return cmd
	}
	byFile, byArchive := &series{name: "ansible-core, copy"}, &series{name: "ansible-core, unarchive"}
	copying := playbook("copied", fmt.Sprintf("copy: {src: %s/, dest: /srv/bench/copied/, mode: \"0600\"}", files))
	unpacking := playbook("unpacked", fmt.Sprintf("unarchive: {src: %s, dest: /srv/bench/unpacked}", archive))
	for range 2 {
		byArchive.bounded(b, func(ctx context.Context) *exec.Cmd { return run(ctx, unpacking) })
		for _, h := range f.Hosts() {
			if out, err := h.Shell(b.Context(), "rm -rf /srv/bench/unpacked"); err != nil {
				b.Fatalf("%s: %v: %s", h.Name(), err, out)
			}
		}
	}
	byFile.bounded(b, func(ctx context.Context) *exec.Cmd { return run(ctx, copying) })
	return []*series{byFile, byArchive}
}

// socketDir is for the sockets of one run, so that it connects anew; their
// paths must be short.
func socketDir(b *testing.B) string {
	b.Helper()
	dir, err := os.MkdirTemp("/tmp", "cp") //nolint:usetesting // b.TempDir is too long a path for a socket
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func write(b *testing.B, name, text string) {
	b.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}
