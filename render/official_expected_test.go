package render

import (
	"bytes"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/rcwizard/rcwizard/workspace"
)

// Of a commit that nobody vouches for, what the overrides were not made for is
// refused; the layout that is known is taken.
func TestOfficialBringsMore(t *testing.T) {
	t.Parallel()
	at := strings.Repeat("1", 40)
	add := func(name, behind, text string) func(*Inputs) {
		return func(in *Inputs) {
			in.Official.Files[name] = bytes.Replace(in.Official.Files[name], []byte(behind), []byte(behind+text), 1)
		}
	}
	changes := map[string]func(*Inputs){
		"": add(composeFile, "", "x-any: {a: b}\nname: theirs\nnetworks: {}\n"),
		"compose.yml at commit " + at + " has a service miner,":                           add(composeFile, "services:\n", "  miner: {image: x}\n"),
		"compose.traefik.yml at commit " + at + " has include,":                           add(composeTraefik, "", "include: [other.yml]\n"),
		"compose.yml at commit " + at + " has secrets,":                                   add(composeFile, "", "secrets: {}\n"),
		"compose.database.yml at commit " + at + " has build in the service nats,":        add(composeDatabase, "  nats:\n", "    build: .\n"),
		"compose.monitoring.yml at commit " + at + " has extends in the service grafana,": add(composeMonitoring, "  grafana:\n", "    extends: {service: loki}\n"),
		"compose.yml at commit " + at + " has more than one document,": func(in *Inputs) {
			in.Official.Files[composeFile] = append(in.Official.Files[composeFile], "\n---\nservices: {rocketchat: {privileged: true}}\n"...)
		},
		// A merge brings its keys with it.
		"compose.yml at commit " + at + " has userns_mode in the service rocketchat,": add(composeFile, "  rocketchat:\n", "    <<: {userns_mode: host}\n"),
		// Compose would put their list before ours.
		"compose.database.yml at commit " + at + " has volumes in the service nats,": add(composeDatabase, "  nats:\n", "    volumes: [/:/host]\n"),
		// Nothing of ours is in its place.
		"compose.database.yml at commit " + at + " has entrypoint in the service nats-exporter,": add(composeDatabase, "  nats-exporter:\n", "    entrypoint: [sh, -c, \"true\"]\n"),
	}
	for key, value := range map[string]string{
		"privileged": "true", "cap_add": "[ALL]", "devices": "[/dev/sda]", "device_cgroup_rules": "['a *:* rwm']", "gpus": "all",
		"pid": "host", "ipc": "host", "uts": "host", "cgroup": "host", "userns_mode": "host", "security_opt": "[apparmor:unconfined]",
		"volumes": "[/var/run/docker.sock:/var/run/docker.sock]", "volumes_from": "[traefik]", "env_file": "/etc/shadow",
		"secrets": "[s]", "configs": "[c]", "deploy": "{}", "runtime": "x", "sysctls": "{}", "cgroup_parent": "/", "group_add": "[docker]",
		"post_start": "[{command: id, privileged: true}]", "use_api_socket": "true", "networks": "[n]", "key-of-tomorrow": "1",
	} {
		changes["compose.yml at commit "+at+" has "+key+" in the service rocketchat,"] = add(composeFile, "  rocketchat:\n", "    "+key+": "+value+"\n")
	}
	for want, change := range changes {
		in := officialInputs(t)
		in.Workspace.Compose, in.Official.Commit = workspace.Compose("official@"+at), at
		change(&in)
		_, err := Render(in)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// An image of a commit that nobody vouches for is one of those that are known, of
// whichever release, and their logs stay on the host.
func TestOfficialImages(t *testing.T) {
	t.Parallel()
	at := strings.Repeat("1", 40)
	for line, fine := range map[string]bool{
		"image: docker.io/grafana/grafana:13.0":                true,
		"image: grafana/grafana":                               true,
		"image: &i docker.io/grafana/grafana:${GRAFANA:-13.0}": true,
		"image: docker.io/grafana/grafana@sha256:00":           true,
		"image: docker.io/grafana/other:13.0":                  false,
		"image: elsewhere.example/grafana/grafana:13.0":        false,
		"image: docker.io/grafana/grafana${X:-/other:1}":       false,
		"image: docker.io/grafana/grafana:${X:-1/other:1}":     false,
		"image: ${GRAFANA_IMAGE:-docker.io/grafana/grafana}":   false,
	} {
		in := officialInputs(t)
		in.Workspace.Compose, in.Official.Commit = workspace.Compose("official@"+at), at
		file := string(in.Official.Files[composeMonitoring])
		from := strings.Index(file, "image: docker.io/grafana/grafana:")
		if from < 0 {
			t.Fatal("Grafana has another image")
		}
		file = file[:from] + line + file[from+strings.IndexByte(file[from:], '\n'):]
		in.Official.Files[composeMonitoring] = []byte(file)
		if _, err := Render(in); (err == nil) != fine {
			t.Errorf("%s: %v", line, err)
		}
	}
	for driver, fine := range map[string]bool{"json-file": true, "syslog": false} {
		value := new(yaml.Node)
		if err := yaml.Unmarshal([]byte("driver: "+driver), value); err != nil {
			t.Fatal(err)
		}
		if passes("rocketchat", "logging", value, nil) != fine {
			t.Errorf("logs go to %s", driver)
		}
	}
}
