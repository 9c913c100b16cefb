package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/viper"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/steps/stepstest"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/state"
)

// operator is the program over a state folder that keeps the guide's workspace.
func operator(t *testing.T, edit func(*workspace.Workspace)) (*app, answers) {
	t.Helper()
	w, problems := workspace.Load("workspace.yaml", []byte(guideWorkspace))
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(&w)
		w = w.Complete()
	}
	folder, err := state.Open(filepath.Join(t.TempDir(), "chat"))
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.SaveWorkspace(w); err != nil {
		t.Fatal(err)
	}
	a := &app{
		stop:   &stopper{},
		sys:    system{stderr: new(bytes.Buffer), env: func(string) string { return "" }},
		config: viper.New(), home: "/home/me", redactor: remote.NewRedactor(),
	}
	return a, answers{workspace: w, folder: folder, lastTime: &w}
}

func TestExtend(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, hosts string
		flags       map[string]any
		edit        func(*workspace.Workspace)
		want        []workspace.Instance
		host        workspace.Host
	}{
		{
			name: "a new host", hosts: "10.0.0.14",
			want: []workspace.Instance{{Name: "host1", Host: "host1", Port: 3000, MetricsPort: 9458}},
			host: workspace.Host{Name: "host1", Address: "10.0.0.14", PrivateIP: "10.0.0.14", Sudo: "auto", SSH: workspace.SSH{User: "root", Port: 22}},
		},
		{
			name: "a new host with everything said", hosts: "deploy@rc3.example.com:2222",
			flags: map[string]any{"name": []string{"third"}, "private-ip": []string{"10.0.0.14"}, "identity-file": "~/.ssh/key", "proxy-jump": "jump"},
			want:  []workspace.Instance{{Name: "third", Host: "third", Port: 3000, MetricsPort: 9458}},
			host: workspace.Host{Name: "third", Address: "rc3.example.com", PrivateIP: "10.0.0.14", Sudo: "auto", SSH: workspace.SSH{
				User: "deploy", Port: 2222, IdentityFile: "/home/me/.ssh/key", ProxyJump: "jump",
			}},
		},
		{
			name: "logged in to as the others", hosts: "10.0.0.14",
			edit: func(w *workspace.Workspace) {
				for i := range w.Hosts {
					w.Hosts[i].SSH = workspace.SSH{User: "deploy", Port: 2200 + i, IdentityFile: "/k", ProxyJump: "jump"}
					w.Hosts[i].Sudo = workspace.SudoNever
				}
			},
			want: []workspace.Instance{{Name: "host1", Host: "host1", Port: 3000, MetricsPort: 9458}},
			host: workspace.Host{Name: "host1", Address: "10.0.0.14", PrivateIP: "10.0.0.14", Sudo: "never", SSH: workspace.SSH{
				User: "deploy", Port: 22, IdentityFile: "/k", ProxyJump: "jump",
			}},
		},
		{
			name: "one more by name and one by address", hosts: "rc1 root@10.0.0.12",
			want: []workspace.Instance{
				{Name: "rc1-2", Host: "rc1", Port: 3001, MetricsPort: 9459},
				{Name: "rc2-2", Host: "rc2", Port: 3001, MetricsPort: 9459},
			},
		},
		{
			name: "two new hosts and one more on each", hosts: "10.0.0.14 10.0.0.15 rc1 rc2",
			want: []workspace.Instance{
				{Name: "host1", Host: "host1", Port: 3000, MetricsPort: 9458},
				{Name: "host2", Host: "host2", Port: 3000, MetricsPort: 9458},
				{Name: "rc1-2", Host: "rc1", Port: 3001, MetricsPort: 9459},
				{Name: "rc2-2", Host: "rc2", Port: 3001, MetricsPort: 9459},
			},
		},
		{
			name: "a new host twice", hosts: "10.0.0.14 10.0.0.14",
			want: []workspace.Instance{
				{Name: "host1", Host: "host1", Port: 3000, MetricsPort: 9458},
				{Name: "host1-2", Host: "host1", Port: 3001, MetricsPort: 9459},
			},
		},
		{
			name: "IPv6", hosts: "fd00::14",
			edit: func(w *workspace.Workspace) {
				for i := range w.Hosts {
					w.Hosts[i].Address = fmt.Sprintf("fd00::%d", i+1)
					w.Hosts[i].PrivateIP = w.Hosts[i].Address
				}
			},
			want: []workspace.Instance{{Name: "host1", Host: "host1", Port: 3000, MetricsPort: 9458}},
			host: workspace.Host{Name: "host1", Address: "fd00::14", PrivateIP: "fd00::14", Sudo: "auto", SSH: workspace.SSH{User: "root", Port: 22}},
		},
		{
			name: "this machine", hosts: "local", flags: map[string]any{"private-ip": []string{"10.0.0.9"}},
			want: []workspace.Instance{{Name: "local", Host: "local", Port: 3000, MetricsPort: 9458}},
			host: workspace.Host{Name: "local", Address: "local", PrivateIP: "10.0.0.9", Sudo: "auto"},
		},
		{
			name: "with an external database", hosts: "10.0.0.14",
			edit: func(w *workspace.Workspace) {
				w.Database = workspace.Database{External: true}
				w.Hosts = w.Hosts[1:]
				w.Grafana.Mode = workspace.GrafanaNone
				w.Messaging.Transporter = workspace.TransporterTCP
			},
			want: []workspace.Instance{{Name: "host1", Host: "host1", Port: 3000, MetricsPort: 9458, TCPPort: 3301}},
		},
		{
			name: "one more with the transporter tcp", hosts: "rc1", flags: map[string]any{"name": []string{"second"}},
			edit: func(w *workspace.Workspace) { w.Messaging.Transporter = workspace.TransporterTCP },
			want: []workspace.Instance{{Name: "second", Host: "rc1", Port: 3001, MetricsPort: 9459, TCPPort: 3302}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, ans := operator(t, test.edit)
			for name, value := range test.flags {
				a.config.Set(name, value)
			}
			c := &alteration{app: a}
			if err := a.extend(c, ans, addressesIn(strings.Fields(test.hosts))); err != nil {
				t.Fatal(err)
			}
			w := c.ans.workspace
			if !slices.Equal(w.Instances[2:], test.want) || len(c.names) != len(test.want) || len(c.without.Instances) != 2 {
				t.Errorf("instances %+v, names %v", w.Instances, c.names)
			}
			if test.host.Name != "" && w.Hosts[len(w.Hosts)-1] != test.host {
				t.Errorf("host %+v, want %+v", w.Hosts[len(w.Hosts)-1], test.host)
			}
		})
	}
}

// What was cut is gone on with by the same command, whether or not the workspace
// had the instance by then; another command is refused until that is done.
func TestGoesOn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		verb   string
		kept   bool // the workspace has the instance already
		hosts  string
		flag   string
		names  []string
		goesOn bool
		wrong  string
	}{
		{name: "before it was kept", verb: steps.PlanAdd, hosts: "10.0.0.14", names: []string{"third"}, goesOn: true},
		{name: "after it was kept", verb: steps.PlanAdd, kept: true, hosts: "root@10.0.0.14", names: []string{"third"}, goesOn: true},
		{name: "by its name", verb: steps.PlanAdd, kept: true, hosts: "third", names: []string{"third"}, goesOn: true},
		{name: "under the same name", verb: steps.PlanAdd, hosts: "10.0.0.14", flag: "third", names: []string{"third"}, goesOn: true},
		{name: "under another name", verb: steps.PlanAdd, hosts: "10.0.0.14", flag: "fourth", wrong: "rcwizard remove-instance third --workspace chat-example-com"},
		{name: "another host", verb: steps.PlanAdd, hosts: "10.0.0.15", names: []string{"host1"}},
		{name: "one host more", verb: steps.PlanAdd, hosts: "10.0.0.14 10.0.0.15", names: []string{"host1", "host2"}},
		{name: "a removal", verb: steps.PlanRemove, kept: true, hosts: "third", names: []string{"third-2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a, ans := operator(t, nil)
			with := ans.workspace.Clone()
			with.Hosts = append(with.Hosts, workspace.Host{Name: "third", Address: "10.0.0.14"})
			with.Instances = append(with.Instances, workspace.Instance{Host: "third"})
			with = with.Complete()
			if test.kept {
				if err := ans.folder.SaveWorkspace(with); err != nil {
					t.Fatal(err)
				}
				ans.workspace, ans.lastTime = with, &with
			}
			if err := ans.folder.SaveAlteration(state.Alteration{Verb: test.verb, Instances: []string{"third"}, Workspace: with, Drain: time.Second, Command: "x"}); err != nil {
				t.Fatal(err)
			}
			if test.flag != "" {
				a.config.Set("name", []string{test.flag})
			}
			c := &alteration{app: a}
			err := a.extend(c, ans, addressesIn(strings.Fields(test.hosts)))
			if test.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), test.wrong) {
					t.Errorf("error %v, want %q", err, test.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(c.names, test.names) || c.goesOn != test.goesOn {
				t.Errorf("names %v, goes on %t", c.names, c.goesOn)
			}
			for _, name := range test.names {
				_, with := c.ans.workspace.Instance(name)
				_, without := c.without.Instance(name)
				if !with || without {
					t.Errorf("%s: with it %t, without it %t", name, with, without)
				}
			}
			if err := c.unchanged(); (err == nil) != test.goesOn {
				t.Errorf("with the lock: %v", err)
			}
			if err := c.done(); err != nil {
				t.Fatal(err)
			}
			if err := c.unchanged(); err == nil || !strings.Contains(err.Error(), "meanwhile") {
				t.Errorf("somebody was quicker: %v", err)
			}
		})
	}
}

// An instance that was being added is taken back by its name, with those that were
// added beside it.
func TestDeparture(t *testing.T) {
	t.Parallel()
	a, ans := operator(t, nil)
	with := ans.workspace.Clone()
	with.Instances = append(with.Instances, workspace.Instance{Host: "rc1"}, workspace.Instance{Host: "rc2"})
	with = with.Complete()
	if _, err := a.departure(ans, "rc1-2", time.Second); err == nil || !strings.Contains(err.Error(), `no instance "rc1-2"; it has rc1, rc2; did you mean rc1?`) {
		t.Errorf("error %v", err)
	}
	if err := ans.folder.SaveAlteration(state.Alteration{Verb: steps.PlanAdd, Instances: []string{"rc1-2", "rc2-2"}, Workspace: with, Command: "x"}); err != nil {
		t.Fatal(err)
	}
	c, err := a.departure(ans, "rc1-2", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.names, []string{"rc1-2", "rc2-2"}) || len(c.ans.workspace.Instances) != 4 || len(c.without.Instances) != 2 || c.unchanged() != nil {
		t.Errorf("%v leave %v for %v: %v", c.names, c.ans.workspace.Instances, c.without.Instances, c.unchanged())
	}
	if c, err = a.departure(ans, "rc2", time.Second); err != nil {
		t.Fatal(err)
	}
	if err := c.unchanged(); err == nil || !strings.Contains(err.Error(), "the addition of rc1-2, rc2-2 was cut") {
		t.Errorf("while an addition was cut: %v", err)
	}
}

// Only the hosts that an alteration touches must answer.
func TestMissed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		adds        bool
		withoutHost bool
		silent      string
		wrong       string
	}{
		{name: "another's host", adds: true, silent: "rc1"},
		{name: "another's host, removing", silent: "rc1"},
		{name: "the new host", adds: true, silent: "rc2", wrong: "rc2 is silent"},
		{name: "the database's", silent: "db", wrong: "db is silent"},
		{name: "the proxy's, without host", withoutHost: true, silent: "edge", wrong: "edge is silent"},
		{name: "its host", silent: "rc2", wrong: "if it is gone for good, remove rc2 without it: rcwizard remove-instance rc2 --workspace chat-example-com --without-host"},
		{name: "without its host", withoutHost: true, silent: "rc2"},
	} {
		a, ans := operator(t, nil)
		c := &alteration{app: a, ans: ans, names: []string{"rc2"}, adds: test.adds, verb: steps.PlanRemove, withoutHost: test.withoutHost}
		err := c.missed(map[string]error{test.silent: errors.New(test.silent + " is silent")})
		if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s: %v", test.name, err)
		}
		_, asked := errors.AsType[*ui.SilentError](c.silent(map[string]error{test.silent: errors.New(test.silent + " is silent")}))
		if asked != strings.Contains(test.wrong, "--without-host") {
			t.Errorf("%s: a face may ask: %t", test.name, asked)
		}
		if test.wrong == "rc2 is silent" && strings.Contains(err.Error(), "--without-host") {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// simulated is a workspace's cluster whose hosts are in memory, with nothing
// deployed on them yet.
func simulated(t *testing.T, w workspace.Workspace) (*steps.Site, *stepstest.World) {
	t.Helper()
	secrets, _ := workspace.Secrets{}.Generate(w)
	tree, err := render.Render(render.Inputs{Workspace: w, Secrets: secrets})
	if err != nil {
		t.Fatal(err)
	}
	world := stepstest.New(t, w)
	hosts := world.Hosts()
	t.Cleanup(func() { closeAll(hosts) })
	timing := steps.Patience()
	timing.Poll = time.Millisecond
	return &steps.Site{
		Workspace: w, Secrets: secrets, Tree: tree, Hosts: hosts, Timing: timing,
		View: steps.ViewFrom(w, hosts, world.Outside, world.Trust()),
	}, world
}

// Whoever does not know of an instance that was added from another machine changes
// nothing; an order of one's own, and an edit of the answers there, are no reason.
func TestCurrent(t *testing.T) {
	t.Parallel()
	_, theirs := operator(t, nil)
	site, world := simulated(t, theirs.workspace)
	asks := func(want string, edit func(*workspace.Workspace)) {
		t.Helper()
		a, ans := operator(t, edit)
		c := &alteration{app: a, ans: ans, site: site, without: ans.workspace.Without("rc2")}
		err := c.current(t.Context())
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	one := func(w *workspace.Workspace) { w.Hosts, w.Instances = w.Hosts[:2], w.Instances[:1]; w.Proxy.Host = "db" }
	asks("", one) // nothing is deployed yet
	if _, err := engine.Run(t.Context(), steps.Install(site), engine.Options{}); err != nil {
		t.Fatal(err)
	}
	asks("", nil)
	asks("", func(w *workspace.Workspace) { slices.Reverse(w.Instances) })
	asks("have the instances rc1, rc2, and those of this machine rc1: somebody added or removed one from another machine", one)
	world.Put("db", "/opt/rocketchat/database/workspace.yaml", "somebody's", 0o600)
	asks("", one)
}

// What stays behind of a host that leaves is told: with one that is gone, what is
// on it, and with any, who still lets it in.
func TestLeft(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		gone       bool
		names      []string
		want, none []string
	}{
		{names: []string{"rc2"}, want: []string{"rc2 is no host", "10.0.0.12 to NATS on db (port 4222), MongoDB on db (port 27017)."}, none: []string{"Left on"}},
		{gone: true, names: []string{"rc2"}, want: []string{"Left on rc2", "cd /opt/rocketchat/instances/rc2 && docker compose down", "rc2 is no host"}},
		{names: []string{"rc1-2"}, none: []string{"Left on", "no host"}},
	} {
		a, ans := operator(t, func(w *workspace.Workspace) { w.Instances = append(w.Instances, workspace.Instance{Host: "rc1"}) })
		c := &alteration{app: a, ans: ans, names: test.names, without: ans.workspace.Without(test.names...), unreached: map[string]error{}}
		if test.gone {
			c.unreached["rc2"] = errors.New("silent")
		}
		said := c.left()
		for _, text := range test.want {
			if !strings.Contains(said, text) {
				t.Errorf("%v: %q is not said:\n%s", test.names, text, said)
			}
		}
		for _, text := range test.none {
			if strings.Contains(said, text) {
				t.Errorf("%v: %q is said:\n%s", test.names, text, said)
			}
		}
	}
}

// A removal that the wizard carries out ends with what it leaves to the person.
func TestWizardTellsWhatIsLeft(t *testing.T) {
	t.Parallel()
	a, ans := operator(t, nil)
	site, _ := simulated(t, ans.workspace)
	ans.secrets = site.Secrets
	if _, err := engine.Run(t.Context(), steps.Install(site), engine.Options{}); err != nil {
		t.Fatal(err)
	}
	c := &alteration{
		app: a, ans: ans, names: []string{"rc2"}, verb: steps.PlanRemove,
		without: ans.workspace.Without("rc2"), drain: time.Millisecond,
	}
	c.at(site)
	if err := c.begin(); err != nil {
		t.Fatal(err)
	}
	x, err := a.execution(ans)
	if err != nil {
		t.Fatal(err)
	}
	end, err := c.conclusion(t.Context(), nil, x, nil, func(string, ...any) {})
	if err != nil || end.Summary.Outcome != engine.Succeeded {
		t.Fatalf("%+v, %v", end.Summary, err)
	}
	if want := "10.0.0.12 to NATS on db (port 4222), MongoDB on db (port 27017)."; !strings.Contains(end.Aftermath, want) {
		t.Errorf("%q is not said: %q", want, end.Aftermath)
	}
}

// The command to run again can be pasted, and has no password in it: it is kept, too.
func TestSameCommand(t *testing.T) {
	t.Parallel()
	a, _ := operator(t, nil)
	offline := a.addCommand()
	if err := offline.ParseFlags([]string{"--releases-url", noReleases}); err != nil {
		t.Fatal(err)
	}
	if got := a.sameCommand(offline, []string{"rc1"}); got != "rcwizard add-instance rc1 --releases-url none" {
		t.Error(got)
	}
	cmd := a.addCommand()
	if err := cmd.ParseFlags([]string{"--yes", "--logs=false", "--name", "a,b", "--skip", "port", "--identity-file", "/a b", "--compose-url", "https://u:p@mirror/?token=t", "--releases-url", "https://u:p@releases/?token=t"}); err != nil {
		t.Fatal(err)
	}
	got := a.sameCommand(cmd, []string{"root@10.0.0.14", "x y"})
	want := "rcwizard add-instance root@10.0.0.14 'x y' --identity-file '/a b' --logs=false --name a,b --skip port --yes"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if _, err := os.Stat("/a b"); err == nil || strings.Contains(got, "=true") {
		t.Error(got)
	}
}
