package render

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rcwizard/rcwizard/assets"
	"github.com/rcwizard/rcwizard/workspace"
)

// Official are files of RocketChat/rocketchat-compose, byte for byte as they are
// there at one commit.
type Official struct {
	// Commit is the whole commit.
	Commit string
	// Files are the contents by their paths in the repository: those of
	// OfficialFiles.
	Files map[string][]byte
}

// Compose files, of which those of the instance are found by Compose itself.
const (
	composeFile     = "compose.yml"
	composeOverride = "compose.override.yml"
	composeTraefik  = "compose.traefik.yml"
)

// upstreamDir holds Rocket.Chat's own compose files of the database host: the
// guide's names on the command line are those of files that include them.
const upstreamDir = "upstream/"

// dashboards is where Rocket.Chat keeps what it has taken over from others.
const dashboards = "files/grafana/dashboards/imported/"

// dataSources are ours in either kind: Grafana keeps a source under its name, and
// takes no other id for it.
const dataSources = "files/grafana/provisioning/datasources/"

// OfficialFiles are the paths in Rocket.Chat's repository of the files that are
// deployed: those that the guide downloads, and those that they mount. Not among
// them are the lists of targets and the data sources, which name hosts that are
// not there, and what is for the collection of logs, which does not run (H4, H17).
func OfficialFiles() []string {
	return []string{
		composeDatabase,
		composeMonitoring,
		composeTraefik,
		composeFile,
		dashboards + "mongodb/mongodb-exporter.json",
		dashboards + "nats/nats-server.json",
		dashboards + "prometheus/node-exporter-full.json",
		dashboards + "prometheus/prometheus-stats.json",
		dashboards + "rocketchat/rocketchat-metrics.json",
		"files/grafana/provisioning/dashboards/from-dir.yml",
		"files/prometheus/prometheus.yml",
	}
}

func (o Official) check() error {
	var errs []error
	for _, name := range OfficialFiles() {
		if _, there := o.Files[name]; !there {
			errs = append(errs, fmt.Errorf("the official %s is missing", name))
		}
	}
	return errors.Join(errs...)
}

// OneInBothKinds reports whether a service's container stays when a workspace
// changes from one kind of compose files to the other.
func OneInBothKinds(service string) bool { return assets.OneInBothKinds(service) }

// file is one of the files, at a path in a project.
func (o Official) file(name, at string) File {
	return File{Path: at, Mode: 0o644, Content: o.Files[name], Live: live(at), Upstream: true}
}

// officialData is what the templates beside Rocket.Chat's own files see.
type officialData[T any] struct {
	// Data is what the bundled templates see.
	Data    T
	Commit  string
	Command string
}

// officialDatabase puts Rocket.Chat's own files into the database's project, in
// the place of those of ours that do the same.
func officialDatabase(in Inputs, p Project, d databaseData) (Project, error) {
	official := in.Official
	beside := keep(p.Files, func(name string) bool {
		return strings.HasPrefix(name, dataSources) ||
			!strings.HasPrefix(name, "compose.") && !strings.HasPrefix(name, "files/grafana/") && name != "files/prometheus/prometheus.yml"
	})
	for _, name := range OfficialFiles() {
		switch {
		case name == composeDatabase, name == composeMonitoring && d.Monitoring:
			beside = append(beside, official.file(name, upstreamDir+name))
		case strings.HasPrefix(name, "files/") && !d.skips(name):
			beside = append(beside, official.file(name, name))
		}
	}
	return withOverrides(in, p, assets.OfficialDatabase, d, beside, d.skips)
}

// officialInstance puts Rocket.Chat's own compose.yml into an instance's project.
func officialInstance(in Inputs, p Project) (Project, error) {
	beside := keep(p.Files, func(name string) bool { return name != composeFile })
	beside = append(beside, in.Official.file(composeFile, composeFile))
	return withOverrides(in, p, assets.OfficialInstance, struct{}{}, beside, nothingSkipped)
}

// officialProxy puts Rocket.Chat's own compose.traefik.yml into the proxy's project.
func officialProxy(in Inputs, p Project, d proxyData) (Project, error) {
	beside := keep(p.Files, func(name string) bool { return !slices.Contains(p.Compose, name) })
	beside = append(beside, in.Official.file(composeTraefik, composeTraefik))
	return withOverrides(in, p, assets.OfficialProxy, d, beside, nothingSkipped)
}

func nothingSkipped(string) bool { return false }

func keep(files []File, wanted func(name string) bool) []File {
	return slices.DeleteFunc(slices.Clone(files), func(f File) bool { return !wanted(f.Path) })
}

// withOverrides renders what goes beside Rocket.Chat's own files. p has the
// bundled ones, of which the templates take what must be the same.
func withOverrides[T any](in Inputs, p Project, project string, d T, beside []File, skip func(string) bool) (Project, error) {
	data := officialData[T]{Data: d, Commit: in.Official.Commit, Command: p.ComposeCommand()}
	all, err := filesBeside(p.Files, project, data, beside, skip)
	if err != nil {
		return Project{}, err
	}
	p.Files = all
	return p, p.fits(in.Workspace.Compose, in.Official)
}

// fits reports an error where a commit that rcwizard does not know is of another
// layout: an override for a service that is not there would make one.
func (p Project) fits(kind workspace.Compose, official Official) error {
	for _, f := range p.Files {
		name := path.Base(f.Path)
		if !f.Upstream || !strings.HasPrefix(name, "compose.") {
			continue
		}
		override, _ := p.File(overrideOf(name))
		theirs, err := services(f.Content)
		if err != nil {
			return fmt.Errorf("the official %s at commit %s cannot be read: %w", name, official.Commit, err)
		}
		ours, err := services(override.Content)
		if err != nil {
			return fmt.Errorf("read %s: %w", override.Path, err)
		}
		for _, service := range ours {
			if !slices.Contains(theirs, service) {
				return fmt.Errorf("the official %s at commit %s has no service %s, which rcwizard's override is for: use the commit that it knows (compose: official) or its own files (compose: bundled), not %s",
					name, official.Commit, service, kind)
			}
		}
		if kind.Commit() == "" {
			continue
		}
		if err := expected(f.Content, override.Content, p.Images); err != nil {
			return fmt.Errorf("the official %s at commit %s %w, which rcwizard's override says nothing of: use the commit that it knows (compose: official) or its own files (compose: bundled), not %s",
				name, official.Commit, err, kind)
		}
	}
	return nil
}

// overrideOf is the file that goes with one of Rocket.Chat's own.
func overrideOf(name string) string {
	switch name {
	case composeDatabase:
		return "override-database.yaml"
	case composeMonitoring:
		return "override-monitoring.yaml"
	case composeTraefik:
		return "override-traefik.yaml"
	}
	return composeOverride
}

// services are the names of a compose file's services, but for those that an
// override takes away.
func services(content []byte) ([]string, error) {
	var doc struct {
		Services map[string]yaml.Node `yaml:"services"`
	}
	if err := yaml.Unmarshal(content, &doc); err != nil {
		return nil, err //nolint:wrapcheck // wrapped by the callers, with the file's name
	}
	out := make([]string, 0, len(doc.Services))
	for name, service := range doc.Services {
		if service.Tag != "!reset" {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// piece is what a bundled compose file says of some keys of a service, line by
// line with the comments before them: an override takes from there what is to be
// the same, so that nothing is said twice.
func piece(others []File, file, service string, keys []string) (string, error) {
	n := slices.IndexFunc(others, func(f File) bool { return f.Path == file })
	if n < 0 {
		return "", fmt.Errorf("no bundled file is called %s", file)
	}
	lines := strings.Split(string(others[n].Content), "\n")
	begin := slices.Index(lines, "  "+service+":")
	if begin < 0 {
		return "", fmt.Errorf("%s has no service %s", file, service)
	}
	end := begin + 1
	for end < len(lines) && (lines[end] == "" || strings.HasPrefix(lines[end], "   ")) {
		end++
	}
	lines = lines[begin+1 : end]
	var out []string
	for _, key := range keys {
		at := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "    "+key+":") })
		if at < 0 {
			return "", fmt.Errorf("the service %s of %s has no %s", service, file, key)
		}
		from, to := at, at+1
		for from > 0 && strings.HasPrefix(lines[from-1], "    #") {
			from--
		}
		for to < len(lines) && (lines[to] == "" || strings.HasPrefix(lines[to], "     ")) {
			to++
		}
		for lines[to-1] == "" {
			to--
		}
		out = append(out, lines[from:to]...)
	}
	return strings.Join(out, "\n"), nil
}
