package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rcwizard/rcwizard/cluster"
	"github.com/rcwizard/rcwizard/steps"
)

// picture is everything that an installation brings about, to be compared
// between a run that nobody disturbed and one that somebody did. What cannot be
// the same in two installations is left out, and named where it is.
type picture struct {
	// Files are the files and directories of the workspace's directory by host
	// and path: kind, mode, owner and group, and the content. Secrets stand in it
	// by their names in secrets.yaml, since they are made anew for each
	// installation: a secret that is not the one in secrets.yaml is a difference.
	Files map[string]string
	// Beside are all other paths of each host, outside of Docker's own directories.
	Beside []string
	// Containers are by host and name. Their ids, times and restarts are left out:
	// they are new with each container.
	Containers map[string]container
	// Images are by host, with digests. Of volumes that have no name there is the
	// number.
	Images, Volumes map[string][]string
	// Registry are the instances as the cluster counts them, without the ids and
	// times, which are new with each start. Targets are what Prometheus asks.
	Registry []cluster.Row
	Linked   cluster.Answer
	Targets  []cluster.Target
	// Folder are the state folder's files with their modes. Transcripts are left
	// out: there is one for each run.
	Folder []string
}

// container is what makes one container the same as another.
type container struct {
	Image, Digest, State, Restart, Network, User string
	ExitCode                                     int
	Command, Env, Binds                          []string
}

// photograph takes the picture of an installation that is whole.
func (r *rig) photograph() picture {
	r.t.Helper()
	p := picture{
		Files: make(map[string]string), Containers: make(map[string]container),
		Images: make(map[string][]string), Volumes: make(map[string][]string),
	}
	named := r.namedSecrets()
	for _, h := range r.w.Hosts {
		hashes := r.dockerPicture(h.Name, &p, named)
		r.filePicture(h.Name, &p, named, hashes)
		p.Beside = append(p.Beside, r.beside(h.Name)...)
	}
	report := r.settled()
	p.Linked, p.Targets = report.Linked, report.Facts.Prometheus.Targets
	for _, row := range report.Instances {
		row.Record, row.Since = "", time.Time{}
		p.Registry = append(p.Registry, row)
	}
	p.Folder = r.folderPicture()
	return p
}

// settled is what status says once Prometheus has seen all that it watches, as it
// has 15 s after the last start at the latest.
func (r *rig) settled() cluster.Report {
	r.t.Helper()
	var report cluster.Report
	eventually(r.t, "Prometheus to reach what it watches", 2*time.Minute, func() (bool, string) {
		report, _ = r.status()
		return !slices.ContainsFunc(report.Findings, func(f cluster.Finding) bool { return f.ID == "target-down" || f.ID == "target-unknown" }), fmt.Sprintf("%+v", report.Findings)
	})
	return report
}

// namedSecrets puts the names of the secrets in secrets.yaml in their places.
func (r *rig) namedSecrets() *strings.Replacer {
	r.t.Helper()
	s := r.kept()
	return strings.NewReplacer(s.GrafanaAdminPassword, "<grafana_admin_password>", s.AdminPassword, "<admin_password>")
}

// dockerPicture looks at containers, images and volumes, and returns Compose's
// sums of the containers, by project and service.
func (r *rig) dockerPicture(host string, p *picture, named *strings.Replacer) map[string]string {
	r.t.Helper()
	var inspected []struct {
		Name, Image string
		Config      struct {
			Image, User string
			Env, Cmd    []string
			Entrypoint  []string
			Labels      map[string]string
		}
		State struct {
			Status   string
			ExitCode int
		}
		HostConfig struct {
			NetworkMode   string
			Binds         []string
			RestartPolicy struct{ Name string }
		}
	}
	listed := r.shell(host, `all=$(docker ps -aq); if [ -n "$all" ]; then docker inspect $all; else echo '[]'; fi`)
	if err := json.Unmarshal([]byte(listed), &inspected); err != nil {
		r.t.Fatalf("%s: docker inspect: %v", host, err)
	}
	hashes := make(map[string]string)
	for _, c := range inspected {
		env := slices.Clone(c.Config.Env)
		for i := range env {
			env[i] = named.Replace(env[i])
		}
		slices.Sort(env)
		slices.Sort(c.HostConfig.Binds)
		p.Containers[host+c.Name] = container{
			Image: c.Config.Image, Digest: c.Image, State: c.State.Status, ExitCode: c.State.ExitCode,
			Restart: c.HostConfig.RestartPolicy.Name, Network: c.HostConfig.NetworkMode, User: c.Config.User,
			Command: append(slices.Clone(c.Config.Entrypoint), c.Config.Cmd...), Env: env, Binds: c.HostConfig.Binds,
		}
		l := c.Config.Labels
		hashes[l["com.docker.compose.project"]+"/"+l["com.docker.compose.service"]] = l["com.docker.compose.config-hash"]
	}
	p.Images[host] = sortedLines(r.shell(host, `docker images --digests --format '{{.Repository}}:{{.Tag}}@{{.Digest}}'`))
	unnamed := 0
	for _, v := range sortedLines(r.shell(host, `docker volume ls --format '{{.Name}}'`)) {
		if _, err := hex.DecodeString(v); err == nil && len(v) == 64 {
			unnamed++
			continue
		}
		p.Volumes[host] = append(p.Volumes[host], v)
	}
	p.Volumes[host] = append(p.Volumes[host], fmt.Sprintf("and %d without a name", unnamed))
	return hashes
}

// filePicture looks at the workspace's directory on a host.
func (r *rig) filePicture(host string, p *picture, named *strings.Replacer, hashes map[string]string) {
	r.t.Helper()
	root := fmt.Sprintf("/proc/%d/root", r.Host(host).PID())
	err := filepath.WalkDir(root+r.w.Directory, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		owner := info.Sys().(*syscall.Stat_t)
		text := fmt.Sprintf("%s %d:%d", info.Mode(), owner.Uid, owner.Gid)
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if d.Name() == "receipt.json" {
				content = plainReceipt(content, filepath.Dir(path), hashes)
			}
			text += "\n" + named.Replace(string(content))
		}
		p.Files[host+":"+strings.TrimPrefix(path, root)] = text
		return nil
	})
	r.must(err)
}

// plainReceipt puts words in the place of sums that follow from the made
// passwords, where they are the sums that they should be.
func plainReceipt(data []byte, dir string, hashes map[string]string) []byte {
	var receipt steps.Receipt
	if err := json.Unmarshal(data, &receipt); err != nil {
		return data // which differs from every receipt that can be read
	}
	for name, want := range receipt.Files {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if sum := sha256.Sum256(content); err == nil && hex.EncodeToString(sum[:]) == want {
			receipt.Files[name] = "the file's"
		}
	}
	if len(receipt.Applied) == sha256.Size*2 {
		receipt.Applied = "a digest" // of which the run that changes nothing tells whether it is right
	}
	for name, s := range receipt.Services {
		if s.ConfigHash == hashes[receipt.Project+"/"+name] {
			s.ConfigHash = "the container's"
			receipt.Services[name] = s
		}
	}
	text, err := json.MarshalIndent(receipt, "", "  ")
	if err != nil {
		return data
	}
	return text
}

// beside are all paths on a host but those of the kernel, of Docker and of the
// workspace: whatever a run leaves anywhere is among them.
func (r *rig) beside(host string) []string {
	r.t.Helper()
	paths := sortedLines(r.shell(host, `find / /run /tmp /dev/shm -xdev \( -path /proc -o -path /sys -o -path /run/docker -o -path /run/containerd \
	-o -path /var/lib/docker -o -path `+r.w.Directory+` \) -prune -o -print 2>/dev/null || true`))
	for i := range paths {
		paths[i] = host + ":" + paths[i]
	}
	return paths
}

// folderPicture lists the state folder.
func (r *rig) folderPicture() []string {
	r.t.Helper()
	var out []string
	r.must(filepath.WalkDir(r.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(r.state, path)
		if err != nil {
			return err
		}
		if filepath.Dir(name) == "log" {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		out = append(out, fmt.Sprintf("%s %s", info.Mode(), name))
		return nil
	}))
	return out
}

func sortedLines(text string) []string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	slices.Sort(lines)
	return lines
}
