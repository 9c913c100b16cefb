package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// expected reports an error where a compose file of a commit that nobody vouches
// for would bring more onto a host than the override was made for: a service of
// which the override says nothing, a file, an image or a program from elsewhere, or
// a key that would give a container something of the host. images are those that
// the project is known to need.
func expected(theirs, override []byte, images []string) error {
	var ours struct {
		Services map[string]yaml.Node `yaml:"services"`
	}
	var file struct {
		Services map[string]map[string]yaml.Node `yaml:"services"`
		Rest     map[string]yaml.Node            `yaml:",inline"`
	}
	if err := yaml.Unmarshal(override, &ours); err != nil {
		return fmt.Errorf("cannot be compared: %w", err)
	}
	documents := yaml.NewDecoder(bytes.NewReader(theirs))
	if err := documents.Decode(&file); err != nil {
		return fmt.Errorf("cannot be compared: %w", err)
	}
	// Compose would put further ones over the first.
	if err := documents.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("has more than one document")
	}
	for _, key := range slices.Sorted(maps.Keys(file.Rest)) {
		if !slices.Contains([]string{"name", "version", "volumes", "networks"}, key) && !strings.HasPrefix(key, "x-") {
			return fmt.Errorf("has %s", key)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(file.Services)) {
		over, there := ours.Services[name]
		if !there {
			return fmt.Errorf("has a service %s", name)
		}
		if over.Tag == "!reset" {
			continue // it is taken away whole
		}
		replaced := map[string]yaml.Node{}
		if err := over.Decode(&replaced); err != nil {
			return fmt.Errorf("cannot be compared: %w", err)
		}
		for _, key := range slices.Sorted(maps.Keys(file.Services[name])) {
			value := file.Services[name][key]
			if !holds(replaced, key) && !passes(name, key, resolved(&value), images) {
				return fmt.Errorf("has %s in the service %s", key, name)
			}
		}
	}
	return nil
}

// holds reports whether an override has the last word on a key: what Compose would
// merge, of theirs and ours, is not replaced without a tag that says so.
func holds(override map[string]yaml.Node, key string) bool {
	ours, there := override[key]
	switch {
	case !there:
		return false
	case slices.Contains([]string{"command", "entrypoint", "healthcheck"}, key):
		return true // of which Compose takes the last one
	}
	return ours.Kind == yaml.ScalarNode || ours.Tag == "!override" || ours.Tag == "!reset"
}

// passes reports whether a key of theirs may come to a host as it is. What is not
// known here is not: Compose learns new keys.
func passes(service, key string, value *yaml.Node, images []string) bool {
	switch key {
	case "image":
		return slices.ContainsFunc(images, func(ref string) bool { return repository(ref) == repository(value.Value) && repository(ref) != "" })
	case "logging":
		var logging struct {
			Driver string `yaml:"driver"`
		}
		// Another driver may send them to somebody.
		return value.Decode(&logging) == nil && slices.Contains([]string{"", "json-file", "local", "none"}, logging.Driver)
	case "pid", "network_mode": // what it measures is the host
		return service == "node-exporter" && value.Value == "host"
	}
	return strings.HasPrefix(key, "x-") || slices.Contains([]string{
		"cap_drop", "cpus", "depends_on", "environment", "expose", "hostname", "init", "labels", "mem_limit", "mem_reservation",
		"pids_limit", "read_only", "restart", "shm_size", "stop_grace_period", "stop_signal", "tmpfs", "tty", "ulimits", "user", "working_dir",
	}, key)
}

// repository is an image's name without its tag and digest, and without what
// Docker fills in; empty where a variable decides about it.
func repository(image string) string {
	found := regexp.MustCompile(`^([a-zA-Z0-9._/-]+)([:@][^/]*)?$`).FindStringSubmatch(image)
	if found == nil {
		return ""
	}
	return strings.TrimPrefix(strings.TrimPrefix(found[1], "docker.io/"), "library/")
}

// resolved is what a node stands for.
func resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
