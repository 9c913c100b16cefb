package stepstest

import (
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.yaml.in/yaml/v3"

	"github.com/rcwizard/rcwizard/cluster/clustertest"
	"github.com/rcwizard/rcwizard/remote"
)

// definition is what Compose makes of the files of a project: the services in
// the order in which they start.
type definition struct {
	project  string
	services []service
}

type service struct {
	name, image, restart, hash string
	env                        map[string]string
}

var (
	assignment = regexp.MustCompile(`(?m)^([A-Z_0-9]+)="?([^"\n]*)"?$`)
	variable   = regexp.MustCompile(`\$\{([A-Z_0-9]+)[^}]*\}`)
)

// define reads compose files as far as the services' names, images, restart
// policies and environment, the variables put in from .env.
func define(m *machine, dir string, names []string) (definition, error) {
	env, ok := m.files[path.Join(dir, ".env")]
	if !ok {
		return definition{}, fmt.Errorf("no .env in %s", dir)
	}
	variables := map[string]string{}
	for _, found := range assignment.FindAllStringSubmatch(env.content, -1) {
		variables[found[1]] = found[2]
	}
	if len(names) == 0 {
		names = []string{"compose.yml"}
	}
	merged := map[string]map[string]any{}
	for _, name := range names {
		f, ok := m.files[path.Join(dir, name)]
		if !ok {
			return definition{}, fmt.Errorf("open %s/%s: no such file or directory", dir, name)
		}
		var doc struct {
			Services map[string]map[string]any `yaml:"services"`
		}
		if err := yaml.Unmarshal([]byte(f.content), &doc); err != nil {
			return definition{}, fmt.Errorf("read %s: %w", name, err)
		}
		for service, fields := range doc.Services {
			if merged[service] == nil {
				merged[service] = map[string]any{}
			}
			for key, value := range fields {
				if more, isMap := value.(map[string]any); isMap && merged[service][key] != nil {
					maps.Copy(merged[service][key].(map[string]any), more) //nolint:forcetypeassert // one key, one kind
					continue
				}
				merged[service][key] = value
			}
		}
	}
	d := definition{project: variables["COMPOSE_PROJECT_NAME"]}
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		fields := merged[name]
		text, err := yaml.Marshal(fields) // with its keys sorted
		if err != nil {
			return definition{}, fmt.Errorf("sum %s: %w", name, err)
		}
		expand := func(v any) string {
			return variable.ReplaceAllStringFunc(fmt.Sprint(v), func(found string) string {
				return variables[variable.FindStringSubmatch(found)[1]]
			})
		}
		s := service{name: name, image: expand(fields["image"]), restart: fmt.Sprint(fields["restart"]), env: maps.Clone(variables)}
		s.hash = sum(string(text) + fmt.Sprint(variables))[:12]
		if environment, ok := fields["environment"].(map[string]any); ok {
			for key, value := range environment {
				s.env[key] = expand(value)
			}
		}
		d.services = append(d.services, s)
	}
	return d, nil
}

// compose is docker compose with what steps ask of it. An operator who dies
// leaves what was made until then: the host ends his command.
func (h *host) compose(ctx context.Context, args []string) (remote.Result, error) {
	dir, args := args[0], args[1:]
	var files []string
	for len(args) > 1 && args[0] == "-f" {
		files, args = append(files, args[1]), args[2:]
	}
	if len(args) == 3 && args[0] == "--project-name" && len(files) == 0 {
		// By the containers' labels, without a file.
		switch project, verb := args[1], args[2]; verb {
		case "stop", "down":
			return remote.Result{}, h.down(project, verb == "down")
		}
	}
	var d definition
	var err error
	h.world.on(h.name, func(m *machine) { d, err = define(m, dir, files) })
	if err != nil {
		return remote.Result{Code: 1, Stderr: err.Error()}, nil //nolint:nilerr // Compose says it
	}
	switch verb := strings.Join(args, " "); verb {
	case "config --services":
		var b strings.Builder
		for _, s := range d.services {
			b.WriteString(s.name + "\n")
		}
		return remote.Result{Stdout: b.String()}, nil
	case "up --detach", "up --detach --remove-orphans":
		for _, s := range d.services {
			if err := ended(ctx); err != nil {
				return remote.Result{}, err
			}
			if err := h.up(d.project, dir, s); err != nil {
				return remote.Result{}, err
			}
		}
		return remote.Result{}, nil
	case "stop", "down":
		return remote.Result{}, h.down(d.project, verb == "down")
	default:
		return remote.Result{}, fmt.Errorf("host %s: docker compose %s is not known here", h.name, verb)
	}
}

// up makes one service's container, anew if it was made of something else, gives it
// the name of the one that it replaces, and starts it: each a change, as with
// Compose, which leaves the name as it is where it is cut before it gives it.
func (h *host) up(project, dir string, s service) error {
	key := project + "/" + s.name
	var have *container
	var present bool
	h.world.on(h.name, func(m *machine) { have, present = m.containers[key], m.images[s.image] })
	if !present {
		return fmt.Errorf("host %s: Compose pulls %s, which the plan has not pulled", h.name, s.image)
	}
	if have != nil && have.hash == s.hash && have.state == "running" {
		return nil
	}
	if have == nil || have.hash != s.hash {
		if err := h.world.change(func() {
			old, replaces := h.world.hosts[h.name].containers[key], ""
			if old != nil {
				replaces = old.id
			}
			h.stopped(old)
			h.world.serial++
			h.world.hosts[h.name].containers[key] = &container{
				id: fmt.Sprintf("c%d", h.world.serial), replaces: replaces, project: project, service: s.name, image: s.image, dir: dir,
				hash: s.hash, restart: s.restart, state: "created", env: s.env,
			}
		}); err != nil {
			return err
		}
		if have != nil {
			if err := h.world.change(func() { h.world.hosts[h.name].containers[key].replaces = "" }); err != nil {
				return err
			}
		}
	}
	return h.world.change(func() { h.started(h.world.hosts[h.name].containers[key]) })
}

func (h *host) down(project string, remove bool) error {
	var mine []string
	h.world.on(h.name, func(m *machine) {
		for key, c := range m.containers {
			if c.project == project {
				mine = append(mine, key)
			}
		}
	})
	slices.Sort(mine)
	for _, key := range mine {
		if err := h.world.change(func() {
			h.stopped(h.world.hosts[h.name].containers[key])
			if remove {
				delete(h.world.hosts[h.name].containers, key)
			}
		}); err != nil {
			return err
		}
	}
	return nil
}

const (
	instancesCollection = "rocketchat.instances"
	usersCollection     = "rocketchat.users"
)

// started is what a container does when it starts. The world is held.
func (h *host) started(c *container) {
	c.state = "running"
	if c.restart == "no" {
		c.state = "exited" // a one-shot has done its work
	}
	switch c.service {
	case "mongodb-init-container":
		h.world.mongo.Change(func(map[string][]bson.D) {
			h.world.mongo.Hello = clustertest.PrimaryHello(h.world.w.MongoDBAddress())
		})
	case "rocketchat":
		h.world.serial++
		now := clustertest.ServerNow()
		record := clustertest.Document(c.id, c.env["INSTANCE_IP"], c.env["PORT"], now.Add(-time.Hour), now)
		h.world.mongo.Change(func(documents map[string][]bson.D) {
			documents[instancesCollection] = append(documents[instancesCollection], record)
			if c.env["ADMIN_PASS"] != "" && len(documents[usersCollection]) == 0 {
				documents[usersCollection] = []bson.D{{
					{Key: "_id", Value: "admin"},
					{Key: "username", Value: c.env["ADMIN_USERNAME"]},
					{Key: "type", Value: "user"},
					{Key: "roles", Value: bson.A{"admin"}},
				}}
			}
		})
	}
}

// stopped is what a container does when it stops: Rocket.Chat's record would go
// after a minute or two, which here are over at once, unless records linger.
func (h *host) stopped(c *container) {
	if c == nil {
		return
	}
	if c.state == "running" {
		c.state = "exited"
	}
	if h.world.lingering {
		return
	}
	h.world.mongo.Change(func(documents map[string][]bson.D) {
		documents[instancesCollection] = slices.DeleteFunc(documents[instancesCollection], func(d bson.D) bool { return d[0].Value == c.id })
	})
}

// addressOf is where a record of the registry says that its instance listens.
func addressOf(d bson.D) string {
	for _, e := range d {
		if extra, ok := e.Value.(bson.D); ok && e.Key == "extraInformation" {
			return fmt.Sprintf("%v:%v", extra[0].Value, extra[1].Value)
		}
	}
	return ""
}
