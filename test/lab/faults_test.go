package lab_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rcwizard/rcwizard/test/lab"
)

func TestNetworkFaults(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: lab.Hosts("a", "b", "c-3"), Bare: true})
	a, b, c, ctx := f.Host("a"), f.Host("b"), f.Host("c-3"), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// reach checks every pair of hosts on port 22; cut says which way is shut.
	reach := func(when string, cut func(from, to *lab.Host) bool) {
		t.Helper()
		for _, from := range f.Hosts() {
			for _, to := range f.Hosts() {
				if from.Name() != to.Name() && opens(t, from, to, "22") == cut(from, to) {
					t.Errorf("%s: %s to %s: open is %v", when, from.Name(), to.Name(), cut(from, to))
				}
			}
		}
	}
	pair := func(x, y *lab.Host) func(from, to *lab.Host) bool {
		return func(from, to *lab.Host) bool {
			return from.Name() == x.Name() && to.Name() == y.Name() || from.Name() == y.Name() && to.Name() == x.Name()
		}
	}
	none := func(_, _ *lab.Host) bool { return false }
	reach("at first", none)
	must(a.Partition(ctx, c))
	reach("a and c parted", pair(a, c))
	must(a.Heal(ctx, c))
	reach("healed", none)

	must(b.Firewall(ctx, lab.Rule{Port: 22, From: []*lab.Host{a}}))
	reach("b lets a in alone", func(from, to *lab.Host) bool { return to.Name() == "b" && from.Name() != "a" })
	must(b.Firewall(ctx, lab.Rule{Port: 22}))
	reach("b lets all in", none)
	must(b.Firewall(ctx))
	reach("b lets nobody in", func(_, to *lab.Host) bool { return to.Name() == "b" })
	must(b.NoFirewall(ctx))
	reach("b without firewall", none)

	must(b.Unplug(ctx))
	reach("b unplugged", func(from, to *lab.Host) bool { return from.Name() == "b" || to.Name() == "b" })
	must(b.Plug(ctx))
	// A neighbour that asked for b's hardware address in vain asks again after a second.
	eventually(t, "a reaches b", func() bool { return opens(t, a, b, "22") })
	eventually(t, "c reaches b", func() bool { return opens(t, c, b, "22") })
	reach("b plugged in", none)
}

func TestSSHFaults(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: []lab.HostOptions{{Name: "one", NoDocker: true}}, Bare: true})
	h, ctx := f.Host("one"), t.Context()
	session := f.Op(ctx, "ssh", "-F", "none", "-i", f.KeyFile(), "-o", "UserKnownHostsFile="+f.KnownHostsFile(),
		"root@"+h.Address().String(), "echo ready; read answer; echo $answer")
	in, err := session.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start(); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 100)
	if n, err := out.Read(buffer); string(buffer[:n]) != "ready\n" {
		t.Fatalf("the session said %q, %v", buffer[:n], err)
	}

	if err := h.FreezeSSH(ctx); err != nil {
		t.Fatal(err)
	}
	brief, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if _, err := f.Op(brief, "ssh", "-F", "none", "-i", f.KeyFile(), "root@"+h.Address().String(), "true").Output(); brief.Err() == nil {
		t.Errorf("sshd answered although it is frozen: %v", err)
	}
	if err := h.ThawSSH(ctx); err != nil {
		t.Fatal(err)
	}
	if got, err := sshTo(t, f, h, lab.Root, "echo again"); got != "again" || err != nil {
		t.Errorf("after the thaw: %q, %v", got, err)
	}

	if err := h.KillConnections(ctx, 22); err != nil {
		t.Fatal(err)
	}
	// A session that lived would answer.
	_, _ = in.Write([]byte("alive\n"))
	n, _ := out.Read(buffer)
	if err := session.Wait(); err == nil || strings.Contains(string(buffer[:n]), "alive") {
		t.Errorf("the session outlived its connection: %q, %v", buffer[:n], err)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	f := lab.Up(t, lab.Options{Hosts: []lab.HostOptions{{Name: "one", DockerDisk: 256 << 20}, {Name: "two", NoDocker: true}}, Bare: true})
	h, ctx := f.Host("one"), t.Context()
	for _, path := range []string{"/opt", "/var/lib/docker"} {
		write := []string{"dd", "if=/dev/zero", "of=" + path + "/lab-test", "bs=1M", "count=8"}
		run(t, h, write...)
		run(t, h, "rm", path+"/lab-test")
		undo, err := h.FillDisk(ctx, path, 2<<20)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Exec(ctx, write...); err == nil || !strings.Contains(err.Error(), "No space left on device") {
			t.Errorf("%s is full, and 8 MiB fit: %v", path, err)
		}
		run(t, h, "rm", path+"/lab-test")
		run(t, h, "dd", "if=/dev/zero", "of="+path+"/lab-test", "bs=1M", "count=1")
		if err := undo(ctx); err != nil {
			t.Fatal(err)
		}
		run(t, h, write...)
	}
	if _, err := f.Host("two").FillDisk(ctx, "/var/lib/docker", 0); err == nil {
		t.Error("the machine's own disk was filled")
	}
}
