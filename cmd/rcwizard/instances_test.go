package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/viper"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/steps"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
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
			if err := a.extend(c, ans, question.ParseAddresses(test.hosts)); err != nil {
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

// An addition that was cut behind the point where the workspace has the instance
// is gone on with; one that was done, or taken back, is not.
func TestExtendGoesOn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		plan    string
		outcome engine.Outcome
		want    string
	}{
		{"cut", steps.PlanAdd, "", "rc2"},
		{"failed", steps.PlanAdd, engine.Failed, "rc2"},
		{"done", steps.PlanAdd, engine.Succeeded, "rc2-2"},
		{"taken back", steps.PlanTakeBack, engine.Succeeded, "rc2-2"},
	} {
		a, ans := operator(t, nil)
		journal, err := engine.OpenJournal(ans.folder.Journal())
		if err != nil {
			t.Fatal(err)
		}
		records := []engine.Record{{Kind: engine.RecordRunStarted, Plan: test.plan, Steps: 1}, {Kind: engine.RecordNoted, Key: noteInstances, Value: "rc2"}}
		if test.outcome != "" {
			records = append(records, engine.Record{Kind: engine.RecordRunEnded, Outcome: test.outcome})
		}
		for _, r := range records {
			if err := journal.Record(r); err != nil {
				t.Fatal(err)
			}
		}
		if err := journal.Close(); err != nil {
			t.Fatal(err)
		}
		c := &alteration{app: a}
		if err := a.extend(c, ans, question.ParseAddresses("10.0.0.12")); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.names, []string{test.want}) {
			t.Errorf("%s: %v", test.name, c.names)
		}
		if _, there := c.without.Instance(test.want); there {
			t.Errorf("%s: the workspace without it has it", test.name)
		}
		if _, there := c.ans.workspace.Instance(test.want); !there {
			t.Errorf("%s: the workspace with it has it not", test.name)
		}
	}
}

// The command to run again can be pasted.
func TestSameCommand(t *testing.T) {
	t.Parallel()
	a, _ := operator(t, nil)
	cmd := a.addCommand()
	if err := cmd.ParseFlags([]string{"--yes", "--logs=false", "--name", "a,b", "--skip", "port", "--identity-file", "/a b"}); err != nil {
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
