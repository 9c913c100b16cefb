package stepstest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// engine answers for Docker's engine, with what remote.Docker asks of it.
func (h *host) engine() http.Handler {
	version := regexp.MustCompile(`^/v[0-9.]+`)
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Api-Version", "1.44")
		rw.Header().Set("Ostype", "linux")
		h.engineAnswer(rw, r, version.ReplaceAllString(r.URL.Path, ""))
	})
}

type object = map[string]any

func (h *host) engineAnswer(rw http.ResponseWriter, r *http.Request, path string) {
	say := func(v any) {
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(v)
	}
	missing := func() { http.Error(rw, `{"message":"No such thing: `+path+`"}`, http.StatusNotFound) }
	part := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case path == "/_ping":
		_, _ = rw.Write([]byte("OK"))
	case path == "/info":
		say(object{"ServerVersion": "27.1.0", "DockerRootDir": "/var/lib/docker", "NCPU": 2})
	case path == "/containers/json":
		project := ""
		if _, label, ok := strings.Cut(r.URL.Query().Get("filters"), "com.docker.compose.project="); ok {
			project, _, _ = strings.Cut(label, `"`)
		}
		list := []object{}
		h.world.on(h.name, func(m *machine) {
			for _, c := range m.containers {
				if project == "" || c.project == project {
					list = append(list, object{"Id": c.id})
				}
			}
		})
		say(list)
	case part[0] == "containers" && len(part) == 3:
		var found *container
		h.world.on(h.name, func(m *machine) {
			for _, c := range m.containers {
				if c.id == part[1] {
					copied := *c
					found = &copied
				}
			}
		})
		switch {
		case found == nil:
			missing()
		case part[2] == "json":
			say(inspected(found))
		case part[2] == "rename" && r.URL.Query().Get("name") == found.project+"-"+found.service+"-1":
			if err := h.world.change(func() { h.world.hosts[h.name].containers[found.project+"/"+found.service].replaces = "" }); err != nil {
				http.Error(rw, `{"message":"`+err.Error()+`"}`, http.StatusInternalServerError)
			}
		case part[2] == "logs": // which say nothing and end
		default:
			missing()
		}
	case strings.HasPrefix(path, "/images/") && strings.HasSuffix(path, "/json"):
		ref := strings.TrimSuffix(strings.TrimPrefix(path, "/images/"), "/json")
		there := false
		h.world.on(h.name, func(m *machine) {
			for have := range m.images {
				there = there || have == ref || imageID(have) == ref
			}
		})
		if !there {
			missing()
			return
		}
		name, _, _ := strings.Cut(ref, ":")
		say(object{"Id": imageID(ref), "RepoDigests": []string{name + "@" + imageID(ref)}, "Os": "linux", "Architecture": "amd64"})
	case path == "/images/create":
		h.pull(rw, r.URL.Query().Get("fromImage")+":"+r.URL.Query().Get("tag"))
	default:
		missing()
	}
}

// pull puts an image there. Docker's own pull is not ended by the end of its
// client at once; that it is here is the harder case.
func (h *host) pull(rw http.ResponseWriter, ref string) {
	enc := json.NewEncoder(rw)
	if err := h.world.change(func() { h.world.hosts[h.name].images[ref] = true }); err != nil {
		_ = enc.Encode(object{"errorDetail": object{"message": err.Error()}, "error": err.Error()})
		return
	}
	_ = enc.Encode(object{"status": "Digest: " + imageID(ref)})
	_ = enc.Encode(object{"status": "Status: Downloaded newer image for " + ref})
}

// imageID is an image's id, which has none: it is itself.
func imageID(ref string) string {
	if strings.HasPrefix(ref, "sha256:") {
		return ref
	}
	return "sha256:" + sum(ref)
}

func inspected(c *container) object {
	const at = "2031-05-04T11:00:00Z"
	return object{
		"Id": c.id, "Name": "/" + c.name(), "Created": at, "Image": imageID(c.image),
		"State":      object{"Status": c.state, "ExitCode": c.code, "StartedAt": at},
		"HostConfig": object{"RestartPolicy": object{"Name": c.restart}},
		"Config": object{"Image": c.image, "Labels": object{
			"com.docker.compose.project": c.project, "com.docker.compose.service": c.service,
			"com.docker.compose.config-hash": c.hash, "com.docker.compose.project.working_dir": c.dir,
		}},
	}
}
