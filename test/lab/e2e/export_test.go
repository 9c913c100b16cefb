package e2e

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/test/lab"
	"github.com/rcwizard/rcwizard/workspace"
)

// The files of an export, carried to four hosts by hand and started with what
// its own DEPLOY.md says, are the cluster that install makes: rcwizard counts
// it, and takes it over without touching a container.
//
//nolint:tparallel // the parts are of one fleet, in their order
func TestExport(t *testing.T) {
	t.Parallel()
	canary := workspace.Secrets{
		License: "lab:scalability", AdminPassword: "canary-admin-Pa55",
		GrafanaAdminPassword: "canary-grafana-Pa55",
	}
	r := newRig(t, lab.Up(t, lab.Options{Hosts: four()}), canary, nil)
	folder := filepath.Join(r.Dir(), "files")

	t.Run("the same answers give the same bytes", func(t *testing.T) { sameBytes(t, r, folder) })
	t.Run("without secrets", func(t *testing.T) { withoutSecrets(t, r, canary) })
	t.Run("what differs from an earlier export", func(t *testing.T) { differences(t, r, folder) })

	deployByHand(t, r, folder, canary.AdminPassword)
	eventually(t, "the proxy to have its certificate and both instances", 3*time.Minute, func() (bool, string) {
		o := r.run("status", "-f", r.file)
		return o.code == 0 && strings.Contains(o.stdout, "2 of 2 instances registered, linked"), o.text()
	})
	r.counts(cluster.VerdictOK, "2 of 2 instances registered, linked")
	takeOver(t, r)
}

func sameBytes(t *testing.T, r *rig, folder string) {
	t.Helper()
	archives := make([][]byte, 2)
	for n := range archives {
		archive := filepath.Join(r.Dir(), "files.tar.gz")
		if o := r.run("export", "-f", r.file, "-o", archive); o.code != 0 {
			t.Fatalf("export ended with code %d:\n%s", o.code, o.text())
		}
		info, err := os.Stat(archive)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("the archive, which holds secrets, has the mode %s", info.Mode())
		}
		if archives[n], err = os.ReadFile(archive); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(archive); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two archives of the same answers differ")
	}
	unpacked := t.TempDir()
	tar := exec.CommandContext(t.Context(), "tar", "-xzpf", "-", "-C", unpacked)
	tar.Stdin = bytes.NewReader(archives[0])
	if out, err := tar.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	again := filepath.Join(t.TempDir(), "again")
	for _, dir := range []string{folder, again} {
		if o := r.run("export", "-f", r.file, "-o", dir); o.code != 0 {
			t.Fatalf("export ended with code %d:\n%s", o.code, o.text())
		}
	}
	first := tree(t, folder)
	if diff := cmp.Diff(first, tree(t, again)); diff != "" {
		t.Errorf("two folders of the same answers differ (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(first, tree(t, unpacked)); diff != "" {
		t.Errorf("folder and archive differ (-folder +archive):\n%s", diff)
	}
	env := 0
	for name, f := range first {
		if path.Base(name) == ".env" {
			env++
			if f.Mode != 0o600 {
				t.Errorf("%s has the mode %s", name, f.Mode)
			}
		}
	}
	if env != 4 {
		t.Errorf("the export has %d .env files, want one for each of 4 projects", env)
	}
}

func withoutSecrets(t *testing.T, r *rig, canary workspace.Secrets) {
	t.Helper()
	bare := filepath.Join(t.TempDir(), "bare")
	if o := r.run("export", "-f", r.file, "--no-secrets", "-o", bare); o.code != 0 {
		t.Fatalf("export ended with code %d:\n%s", o.code, o.text())
	}
	files := tree(t, bare)
	placeholders := make([]string, 0, len(files))
	placeholder := regexp.MustCompile(`(?m)^[A-Z_]+="<[a-z_]+>"$`)
	for name, f := range files {
		for _, secret := range []string{canary.License, canary.AdminPassword, canary.GrafanaAdminPassword} {
			if strings.Contains(f.Content, secret) {
				t.Errorf("%s holds a secret:\n%s", name, f.Content)
			}
		}
		placeholders = append(placeholders, placeholder.FindAllString(f.Content, -1)...)
	}
	for _, want := range []string{`ROCKETCHAT_LICENSE="<license>"`, `="<grafana_admin_password>"`} {
		if !strings.Contains(strings.Join(placeholders, "\n"), want) {
			t.Errorf("no placeholder %s among %q", want, placeholders)
		}
	}
}

func differences(t *testing.T, r *rig, folder string) {
	t.Helper()
	same := r.run("export", "-f", r.file, "--diff", folder)
	if same.code != 0 || !strings.Contains(same.stdout, "no differences") {
		t.Errorf("export --diff against its own files: code %d:\n%s", same.code, same.text())
	}
	other := r.run("export", "-f", r.file, "--release", "8.8.0", "--diff", folder)
	if other.code != 0 {
		t.Fatalf("export --diff ended with code %d:\n%s", other.code, other.text())
	}
	for _, want := range []string{"rc1/instances/rc1/.env", "rc2/instances/rc2/.env", `-RELEASE="` + lab.Release + `"`, `+RELEASE="8.8.0"`} {
		if !strings.Contains(other.stdout, want) {
			t.Errorf("export --diff does not show %q:\n%s", want, other.stdout)
		}
	}
}

// exported is a file of an export.
type exported struct {
	Mode    fs.FileMode
	Content string
}

// tree reads a folder.
func tree(t *testing.T, dir string) map[string]exported {
	t.Helper()
	out := make(map[string]exported)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, name)
		out[relative] = exported{info.Mode(), string(content)}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatalf("%s is empty", dir)
	}
	return out
}

// deployByHand does what DEPLOY.md says: it copies each host's folder, writes
// the one file that is to be written, and types the commands in their order,
// waiting where it says what to wait for.
func deployByHand(t *testing.T, r *rig, folder, password string) {
	t.Helper()
	started := time.Now()
	guide, err := os.ReadFile(filepath.Join(folder, "DEPLOY.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range r.w.Hosts {
		pack := exec.CommandContext(t.Context(), "tar", "-cpf", "-", "-C", filepath.Join(folder, h.Name), ".")
		packed, err := pack.Output()
		if err != nil {
			t.Fatalf("pack the files of %s: %v", h.Name, err)
		}
		unpack := r.Host(h.Name).Command(t.Context(), "sh", "-c", `mkdir -p "$1" && tar -xpf - -C "$1"`, "sh", r.w.Directory)
		unpack.Stdin = bytes.NewReader(packed)
		if out, err := unpack.CombinedOutput(); err != nil {
			t.Fatalf("unpack the files on %s: %v: %s", h.Name, err, out)
		}
	}
	typed := 0
	for _, b := range codeBlocks(string(guide)) {
		if b.file != "" {
			write := r.Host(b.host).Command(t.Context(), "sh", "-c", `umask 077; cat >"$1"`, "sh", b.file)
			write.Stdin = strings.NewReader(strings.ReplaceAll(b.text, "<admin_password>", password))
			if out, err := write.CombinedOutput(); err != nil {
				t.Fatalf("write %s on %s: %v: %s", b.file, b.host, err, out)
			}
			continue
		}
		typed += strings.Count(b.text, "docker compose")
		if !b.wait {
			r.shell(b.host, b.text)
			continue
		}
		eventually(t, b.text, 2*time.Minute, func() (bool, string) {
			out, err := r.Host(b.host).Shell(t.Context(), b.text)
			if err != nil {
				return false, out + err.Error()
			}
			return strings.TrimSpace(out) == "true" || strings.Contains(out, `"version"`), out
		})
	}
	if typed != 6 {
		t.Errorf("DEPLOY.md has %d calls of docker compose, want 4 to start, 1 to look and 1 to take the password out", typed)
	}
	t.Logf("lab: deployed by hand in %.1f s", time.Since(started).Seconds())
}

// codeBlock is what DEPLOY.md has a person type on a host, or write to a file.
type codeBlock struct {
	host, text string
	// file is where the text is to be written; empty for commands.
	file string
	// wait says that the text is to be typed until it prints what it should.
	wait bool
}

// codeBlocks reads DEPLOY.md as a person does who has one shell on each host:
// "On **host**" says where, and a shell stays in the directory it went to.
func codeBlocks(guide string) []codeBlock {
	var out []codeBlock
	var host, directory, prose string
	on := regexp.MustCompile(`[Oo]n \*{0,2}([a-z0-9-]+)\*{0,2} (?:write|\()`)
	file := regexp.MustCompile("write `(/[^`]+)`")
	for block := range strings.SplitSeq(guide, "\n\n") {
		if !strings.HasPrefix(block, "    ") {
			prose = block
			if m := on.FindStringSubmatch(prose); m != nil {
				host, directory = m[1], ""
			}
			continue
		}
		text := strings.ReplaceAll("\n"+block, "\n    ", "\n")[1:] + "\n"
		b := codeBlock{host: host, wait: strings.Contains(prose, "when this prints")}
		if m := file.FindStringSubmatch(prose); m != nil {
			b.file = m[1]
		} else if cd, _, ok := strings.Cut(text, "\n"); ok && strings.HasPrefix(cd, "cd ") {
			directory = cd
		} else {
			text = directory + "\n" + text
		}
		b.text = text
		out = append(out, b)
	}
	return out
}

// takeOver installs over what was deployed by hand: the files are rcwizard's
// to the byte, so it says nothing of them, and keeps every container.
func takeOver(t *testing.T, r *rig) {
	t.Helper()
	before := r.lasting()
	if len(before) == 0 {
		t.Fatal("no containers")
	}
	plan := r.run("plan", "-f", r.file)
	if plan.code != 0 {
		t.Errorf("plan ended with code %d:\n%s", plan.code, plan.text())
	}
	for text, times := range map[string]int{
		"they are taken over":              3, // and workspace.yaml, which no export has, is new on the fourth host
		"its containers are there already": 4, "there already, and not written by rcwizard": 0, "update ": 0,
	} {
		if n := strings.Count(plan.text(), text); n != times {
			t.Errorf("the plan over files that are as they should be says %q %d times, want %d:\n%s", text, n, times, plan.text())
		}
	}
	if strings.Contains(plan.text(), "not as it was last time") {
		t.Errorf("a look at another release was taken for an answer:\n%s", plan.text())
	}
	foreignFile(t, r)
	o := r.install()
	if diff := cmp.Diff(before, r.lasting()); diff != "" {
		t.Errorf("taking over touched containers (-before +after):\n%s", diff)
	}
	t.Logf("lab: took over in %.1f s", o.took.Seconds())
	runAgain(t, r)
}

// foreignFile shows that a file which is not as rcwizard would write it is not
// written over, but named with its difference.
func foreignFile(t *testing.T, r *rig) {
	t.Helper()
	const file = "/opt/rocketchat/proxy/override-traefik.yaml"
	r.shell("edge", "echo '# mine' >>"+file)
	const said = "override-traefik.yaml in /opt/rocketchat/proxy on edge: there already, and not written by rcwizard"
	r.told(t, r.run("plan", "-f", r.file), 3, said, "--overwrite-edited", "-# mine")
	r.told(t, r.run("install", "-f", r.file, "--yes"), 3, "got    override-traefik.yaml", "--overwrite-edited")
	if got := r.shell("edge", "tail -n 1 "+file); got != "# mine\n" {
		t.Errorf("the last line is %q", got)
	}
	r.shell("edge", "sed -i '$d' "+file)
}

// lasting are the containers, and the start times of those that run. Compose
// starts the ones that do their work and end with each up.
func (r *rig) lasting() map[string]string {
	r.t.Helper()
	out := r.containers()
	for name, have := range out {
		if strings.HasSuffix(name, "-container-1") {
			out[name], _, _ = strings.Cut(have, " ")
		}
	}
	return out
}

// eventually asks until it holds, and fails the test with what was seen last.
// promised waits until something holds, and fails the test if that took longer than
// is promised, without the time in which the machine had no processor for it.
func promised(t *testing.T, what string, since lab.Stopwatch, promise time.Duration, holds func() (bool, string)) {
	t.Helper()
	eventually(t, what, lab.Patience(promise), holds)
	if took := since.Took(); took > promise {
		t.Errorf("%s took %s, of which %s count: more than %s", what, since.Elapsed(), took, promise)
	}
}

// looks is how often eventually looks at least: on a busy machine one look may take
// as long as all of the time.
const looks = 5

// eventually waits until something holds, and fails the test if it does not within the time.
func eventually(t *testing.T, what string, within time.Duration, holds func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(within)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for looked := 1; ; looked++ {
		ok, seen := holds()
		if ok {
			return
		}
		if looked >= looks && time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for %s; last seen:\n%s", within, what, tail(seen, 60))
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("the test ends before %s; last seen:\n%s", what, tail(seen, 60))
		case <-tick.C:
		}
	}
}
