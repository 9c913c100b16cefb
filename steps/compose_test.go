package steps

import (
	"slices"
	"strings"
	"testing"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
	"github.com/rcwizard/rcwizard/render"
)

func TestAmiss(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		want Service
		have *remote.Container
		why  string
	}{
		"running":             {Service{ConfigHash: "a"}, &remote.Container{ConfigHash: "a", State: "running"}, ""},
		"gone":                {Service{ConfigHash: "a"}, nil, "no container"},
		"other configuration": {Service{ConfigHash: "a"}, &remote.Container{ConfigHash: "b", State: "running"}, "made from another configuration"},
		"stopped":             {Service{ConfigHash: "a"}, &remote.Container{ConfigHash: "a", State: "exited"}, "exited with code 0"},
		"crashed":             {Service{ConfigHash: "a"}, &remote.Container{ConfigHash: "a", State: "exited", ExitCode: 137}, "exited with code 137"},
		"paused":              {Service{ConfigHash: "a"}, &remote.Container{ConfigHash: "a", State: "paused"}, "paused"},
		"never started":       {Service{ConfigHash: "a"}, &remote.Container{ConfigHash: "a", State: "created"}, "created"},
		"cut while made anew": {
			Service{ConfigHash: "a"},
			&remote.Container{Name: "fbb71502b370_chat-rc1-rocketchat-1", ConfigHash: "a", State: "running"},
			"left with a name of Compose's own, fbb71502b370_chat-rc1-rocketchat-1",
		},
		"one-shot done":    {Service{ConfigHash: "a", OneShot: true}, &remote.Container{ConfigHash: "a", State: "exited"}, ""},
		"one-shot at work": {Service{ConfigHash: "a", OneShot: true}, &remote.Container{ConfigHash: "a", State: "running"}, ""},
		"one-shot failed":  {Service{ConfigHash: "a", OneShot: true}, &remote.Container{ConfigHash: "a", State: "exited", ExitCode: 1}, "exited with code 1"},
	} {
		if why := amiss(test.want, test.have); why != test.why {
			t.Errorf("%s: %q, want %q", name, why, test.why)
		}
	}
}

func TestOneShotAndEnded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		c              remote.Container
		oneShot, ended bool
	}{
		{remote.Container{Restart: "no", State: "exited"}, true, true},
		{remote.Container{Restart: "", State: "exited"}, true, true},
		{remote.Container{Restart: "on-failure", State: "exited"}, true, true},
		{remote.Container{Restart: "on-failure", State: "exited", ExitCode: 1}, true, false},
		{remote.Container{Restart: "on-failure", State: "running"}, true, false},
		{remote.Container{Restart: "always", State: "exited"}, false, false},
		{remote.Container{Restart: "unless-stopped", State: "exited"}, false, false},
	} {
		if got := oneShot(&test.c); got != test.oneShot {
			t.Errorf("%+v: one-shot is %t", test.c, got)
		}
		if got := ended(&test.c); got != test.ended {
			t.Errorf("%+v: ended is %t", test.c, got)
		}
	}
}

func TestDigestOf(t *testing.T) {
	t.Parallel()
	if got := digestOf(remote.Image{ID: "sha256:id", Digests: []string{"docker.io/library/mongo@sha256:pulled"}}); got != "sha256:pulled" {
		t.Errorf("a pulled image is %s", got)
	}
	if got := digestOf(remote.Image{ID: "sha256:id"}); got != "sha256:id" {
		t.Errorf("an image that was loaded is %s", got)
	}
}

func TestComposeCause(t *testing.T) {
	t.Parallel()
	for text, test := range map[string]struct{ cause, next string }{
		"write /var/lib/docker/x: no space left on device":                                          {"the disk of db is full", "docker system df"},
		"listen tcp 10.0.0.10:27017: bind: address already in use":                                  {"taken by another program on db", "ss -ltnp"},
		"Bind for 0.0.0.0:80 failed: port is already allocated":                                     {"taken by another program on db", "ss -ltnp"},
		"Cannot connect to the Docker daemon at unix:///var/run/docker.sock":                        {"Docker does not run on db", "systemctl start docker"},
		"permission denied while trying to connect to the Docker daemon socket":                     {"may not use Docker on db", "group docker"},
		"path / is mounted on / but it is not a shared or slave mount":                              {"mounted private", "--make-rshared"},
		"service \"x\" has neither an image nor a build context specified: invalid compose project": {"", "look at the lines above"},
	} {
		cause, next := composeCause(text, "db")
		if !strings.Contains(cause, test.cause) || (cause == "") != (test.cause == "") || !strings.Contains(next, test.next) {
			t.Errorf("%q: cause %q, next %q", text, cause, next)
		}
	}
}

func TestLastLines(t *testing.T) {
	t.Parallel()
	if got := lastLines("a\nb\nc\n\n", 2); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("%q", got)
	}
	if got := lastLines("a", 10); !slices.Equal(got, []string{"a"}) {
		t.Errorf("%q", got)
	}
}

// Compose gets the files by their names, in the project's directory, and no
// secret in its arguments.
func TestComposeCommand(t *testing.T) {
	t.Parallel()
	s, _ := onDisk(t)
	for _, role := range []render.Role{render.RoleDatabase, render.RoleInstance, render.RoleProxy} {
		p := one(t, s, role)
		c := p.composeCommand(p.Compose, "up", "--detach")
		want := append(make([]string, 0, 16), p.Dir)
		for _, f := range p.Compose {
			want = append(want, "-f", f)
		}
		if want = append(want, "up", "--detach"); !slices.Equal(c.Args, want) {
			t.Errorf("%s: arguments %q, want %q", role, c.Args, want)
		}
		for _, secret := range s.Secrets.Values() {
			if strings.Contains(c.Script+strings.Join(c.Args, " "), secret) {
				t.Errorf("%s: a secret is in the command", role)
			}
		}
	}
}

// What Compose says is kept, with the cause and what to do.
func TestComposeProblem(t *testing.T) {
	t.Parallel()
	s, _ := onDisk(t)
	fake := &remotetest.Fake{Label: "db", OnRun: answer(remote.Result{Code: 18, Stderr: "one\nwrite x: no space left on device\n"})}
	s.Hosts["db"] = fake
	p := one(t, s, render.RoleDatabase)
	err := p.compose(t.Context(), &output{}, p.Compose, "up", "--detach")
	problem := asProblem(t, err)
	if problem.Command != "docker compose up --detach" || problem.ExitCode != 18 || problem.Cause != "the disk of db is full" || problem.Next == "" {
		t.Errorf("problem %+v", problem)
	}
	if !strings.Contains(err.Error(), p.Dir) || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("error %v", err)
	}
}

// A Compose that fails without a word is an error all the same.
func TestComposeSilent(t *testing.T) {
	t.Parallel()
	s, _ := onDisk(t)
	s.Hosts["db"] = &remotetest.Fake{Label: "db", OnRun: answer(remote.Result{Code: 1})}
	p := one(t, s, render.RoleDatabase)
	err := p.compose(t.Context(), &output{}, p.Compose, "up")
	if problem := asProblem(t, err); problem.ExitCode != 1 || strings.HasSuffix(err.Error(), ": ") {
		t.Errorf("problem %+v, error %q", problem, err)
	}
}
