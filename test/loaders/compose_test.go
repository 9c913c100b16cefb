package loaders

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/rcwizard/rcwizard/render"
	"github.com/rcwizard/rcwizard/workspace"
)

// load reads a project as Compose does, with its .env and a clean environment.
func load(t *testing.T, p written) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions(p.files(), cli.WithWorkingDirectory(p.dir), cli.WithEnvFiles(), cli.WithDotEnv, cli.WithName(p.Name))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		t.Fatalf("%s %s: %v", p.Role, p.Instance, err)
	}
	return project
}

// TestCompose shows that Compose's own loader accepts every project of every
// sample, and what must hold for all services.
func TestCompose(t *testing.T) {
	t.Parallel()
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range write(t, s.inputs) {
				project := load(t, p)
				for name, service := range project.Services {
					checkService(t, p, name, service)
				}
				checkImages(t, p, project)
			}
		})
	}
}

// exact is a reference with a tag that does not move, or the line's tag that
// MongoDB has where no exact one is known.
var exact = regexp.MustCompile(`:v?\d+\.\d+(\.\d+)?(-[a-z0-9]+)?$`)

func checkService(t *testing.T, p written, name string, s types.ServiceConfig) {
	t.Helper()
	if s.NetworkMode != "host" && s.NetworkMode != "none" {
		t.Errorf("%s: network_mode is %q", name, s.NetworkMode)
	}
	if len(s.Ports) > 0 || len(s.Expose) > 0 {
		t.Errorf("%s: ports beside network_mode: host (H8)", name)
	}
	if s.Restart != "unless-stopped" && s.Restart != "no" {
		t.Errorf("%s: restart is %q", name, s.Restart)
	}
	if !exact.MatchString(s.Image) {
		t.Errorf("%s: the tag of %s moves (H23)", name, s.Image)
	}
	if s.Logging == nil || s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "" {
		t.Errorf("%s: its log grows without end", name)
	}
	if s.Privileged {
		t.Errorf("%s is privileged (H18)", name)
	}
	for _, v := range s.Volumes {
		if strings.Contains(v.Source, "docker.sock") {
			t.Errorf("%s has Docker's socket", name)
		}
		if v.Type != types.VolumeTypeBind || v.Source == "/" {
			continue
		}
		if v.Bind == nil || v.Bind.SELinux != "z" || !v.ReadOnly {
			t.Errorf("%s: the mount of %s has no :ro,z", name, v.Source)
		}
		// Every file that is mounted is there (H3 T2): Docker would make a folder.
		rel, err := filepath.Rel(p.dir, v.Source)
		if err != nil || !slices.ContainsFunc(p.Files, func(f render.File) bool {
			return f.Path == rel || strings.HasPrefix(f.Path, rel+"/")
		}) {
			t.Errorf("%s mounts %s, which is not rendered (H3)", name, rel)
		}
	}
	for variable, value := range s.Environment {
		if value != nil && *value == "" && strings.HasPrefix(variable, "OVERWRITE_SETTING_") {
			t.Errorf("%s: %s is empty and would overwrite the setting", name, variable)
		}
	}
}

// checkImages shows that what the tree says is pulled is what the files name.
func checkImages(t *testing.T, p written, project *types.Project) {
	t.Helper()
	named := map[string]bool{}
	for _, s := range project.Services {
		named[s.Image] = true
	}
	if want, got := slices.Sorted(maps.Keys(named)), slices.Sorted(slices.Values(p.Images)); !slices.Equal(want, got) {
		t.Errorf("%s: the files name %v, the tree says %v", p.Role, want, got)
	}
}

// TestComposeProgram gives every project of every sample to docker compose.
func TestComposeProgram(t *testing.T) {
	t.Parallel()
	compose := program(t, "RCWIZARD_COMPOSE", "docker-compose")
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range write(t, s.inputs) {
				if got := composeConfig(t, compose, p); got.Name != p.Name {
					t.Errorf("the project is called %q, want %q", got.Name, p.Name)
				}
			}
		})
	}
}

// composed is what docker compose config prints, as far as it matters here.
type composed struct {
	Name     string
	Services map[string]struct {
		Command     []string
		Environment map[string]*string
	}
}

func composeConfig(t *testing.T, compose string, p written) composed {
	t.Helper()
	return composeConfigInto[composed](t, compose, p)
}

// composeConfigInto reads what docker compose config prints of a project, with the
// project's folder as a dot.
func composeConfigInto[T any](t *testing.T, compose string, p written) T {
	t.Helper()
	args := make([]string, 0, 2*len(p.Compose)+3)
	for _, f := range p.Compose {
		args = append(args, "-f", f)
	}
	cmd := exec.CommandContext(t.Context(), compose, append(args, "config", "--format", "json")...)
	cmd.Dir, cmd.Env = p.dir, []string{"PATH=/usr/bin:/bin", "HOME=" + p.dir}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: docker compose config: %v\n%s", p.Role, p.Instance, err, stderr.String())
	}
	if stderr.Len() > 0 {
		t.Errorf("%s %s: docker compose config warns:\n%s", p.Role, p.Instance, stderr.String())
	}
	var out T
	if err := json.Unmarshal(bytes.ReplaceAll(stdout.Bytes(), []byte(p.dir), []byte(".")), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// values are texts that .env files are known to lose, and random ones of the
// characters that mean something to anyone on the way.
func values() []string {
	const randomOnes = 200
	out := make([]string, 0, 64+randomOnes)
	out = append(
		out,
		"simple", " leading and trailing ", `"quoted"`, `'single'`, `it's "both"`, `back\slash`, `end\`, `\\`, `\"`, `\n`,
		"$HOME", "$$", "$", "${X:-y}", "a$b$c", "#comment", "a #b", "a=b", "=", "`id`", "$(id)", "line\nline", "line\r\nline\n",
		"\ttab\t", "ünï ☃ 漢字", "!history!", "%s%d", "{}[]<>", "*?~", "a;b&c|d", "true", "null", "123", "1e3", "0x1F", "~", "- a", "key: value", "@at", "\x01\x7f", "\u0085\u009f\ufeff\ufffe\uffff",
		"x\\$y", "\\\\$z", "a\\", "a\\\\\"", "\"\n\"", "'\\''",
	)
	const alphabet = `ab 19$\"'#=` + "`" + `{}()&;|<>*?~!%:@-_.,/[]^+ü☃` + "\n\r\t"
	runes := []rune(alphabet)
	random := rand.New(rand.NewPCG(1, 2))
	for range randomOnes {
		var b strings.Builder
		for range 1 + random.IntN(24) {
			b.WriteRune(runes[random.IntN(len(runes))])
		}
		out = append(out, b.String())
	}
	return out
}

// loaded renders a value as the licence of an instance and returns what Compose
// makes of it.
func loaded(t *testing.T, value string, read func(written) map[string]*string) string {
	t.Helper()
	in := render.Inputs{Workspace: basic(1).Complete(), Secrets: workspace.Secrets{GrafanaAdminPassword: "x", License: value}}
	for _, p := range write(t, in) {
		if p.Role == render.RoleInstance {
			if got := read(p)["ROCKETCHAT_LICENSE"]; got != nil {
				return *got
			}
		}
	}
	t.Fatal("the variable did not arrive")
	return ""
}

// TestValuesThroughEnv shows that any secret reaches the container unchanged.
func TestValuesThroughEnv(t *testing.T) {
	t.Parallel()
	for _, value := range values() {
		got := loaded(t, value, func(p written) map[string]*string { return load(t, p).Services["rocketchat"].Environment })
		if got != value {
			t.Errorf("%q arrives as %q", value, got)
		}
	}
}

// TestValuesThroughComposeProgram is the same with docker compose itself, for as
// many values as fit in its time. In what it prints $ is doubled.
func TestValuesThroughComposeProgram(t *testing.T) {
	t.Parallel()
	compose := program(t, "RCWIZARD_COMPOSE", "docker-compose")
	for _, value := range values()[:60] {
		got := loaded(t, value, func(p written) map[string]*string {
			return composeConfig(t, compose, p).Services["rocketchat"].Environment
		})
		if got = strings.ReplaceAll(got, "$$", "$"); got != value {
			t.Errorf("%q arrives as %q", value, got)
		}
	}
}

// TestFirstAdminThroughCompose shows that the extra file adds the administrator
// to the instance and that any password arrives unchanged.
func TestFirstAdminThroughCompose(t *testing.T) {
	t.Parallel()
	in := render.Inputs{Workspace: basic(1).Complete(), Secrets: workspace.Secrets{GrafanaAdminPassword: "x"}}
	for _, value := range values() {
		in.Secrets.AdminPassword = value
		f, err := render.FirstAdmin(in.Workspace, in.Secrets)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range write(t, in) {
			if p.Role != render.RoleInstance {
				continue
			}
			before := load(t, p).Services["rocketchat"].Environment
			p.Compose = []string{"compose.yml", f.Path}
			writeFile(t, filepath.Join(p.dir, f.Path), f.Content)
			after := load(t, p).Services["rocketchat"].Environment
			if got := after["ADMIN_PASS"]; got == nil || *got != value {
				t.Errorf("the password %q arrives as %v", value, got)
			}
			if before["ADMIN_PASS"] != nil || len(after) != len(before)+3 {
				t.Errorf("without the file %v, with it %v", before, after)
			}
		}
	}
}

// TestInstanceEnvironment shows what an instance is told, and that what was not
// said does not appear.
func TestInstanceEnvironment(t *testing.T) {
	t.Parallel()
	environments := func(name string) []types.MappingWithEquals {
		var out []types.MappingWithEquals
		for _, s := range samples() {
			if s.name != name {
				continue
			}
			for _, p := range write(t, s.inputs) {
				if p.Role == render.RoleInstance {
					out = append(out, load(t, p).Services["rocketchat"].Environment)
				}
			}
		}
		return out
	}
	value := func(e types.MappingWithEquals, name string) string {
		if v := e[name]; v != nil {
			return *v
		}
		return "(none)"
	}

	for i, e := range environments("three on one host") {
		for name, want := range map[string]string{
			"PORT": strconv.Itoa(3000 + i), "PROMETHEUS_PORT": strconv.Itoa(9458 + i),
			"BIND_IP": "10.0.1.1", "INSTANCE_IP": "10.0.1.1", "TCP_PORT": "(none)", "REG_TOKEN": "(none)", "ROCKETCHAT_LICENSE": "(none)",
			"TRANSPORTER": "monolith+nats://10.0.0.10:4222", "MONGO_URL": "mongodb://10.0.0.10:27017/rocketchat?replicaSet=rs0",
			"OVERWRITE_SETTING_FileUpload_Storage_Type": "(none)", "ADMIN_PASS": "(none)",
		} {
			if got := value(e, name); got != want {
				t.Errorf("three on one host, %d: %s is %s, want %s", i, name, got, want)
			}
		}
	}
	for _, e := range environments("tcp") {
		if value(e, "TRANSPORTER") != "" || value(e, "TCP_PORT") != "3301" {
			t.Errorf("tcp: TRANSPORTER is %s, TCP_PORT %s", value(e, "TRANSPORTER"), value(e, "TCP_PORT"))
		}
	}
	for _, e := range environments("IPv6") {
		if got := value(e, "MONGO_URL"); got != "mongodb://[fd00::1]:27017/rocketchat?replicaSet=rs0" {
			t.Errorf("IPv6: MONGO_URL is %s", got)
		}
	}
	const setting = "OVERWRITE_SETTING_FileUpload_"
	for kind, want := range map[string]map[string]string{
		"storage s3":    {"Storage_Type": "AmazonS3", "S3_BucketURL": "http://10.0.0.9:9000", "S3_ForcePathStyle": "false", "GoogleStorage_Bucket": "(none)"},
		"storage minio": {"Storage_Type": "AmazonS3", "S3_Region": "us-east-1", "S3_ForcePathStyle": "true", "S3_Proxy_Uploads": "true", "S3_AWSAccessKeyId": "AKIA"},
		"storage gcs":   {"Storage_Type": "GoogleCloudStorage", "GoogleStorage_ProjectId": "chat", "S3_Bucket": "(none)", "GoogleStorage_Secret": "-----BEGIN PRIVATE KEY-----\nab$c\"d\\ne=\n-----END PRIVATE KEY-----\n"},
	} {
		all := environments(kind)
		for name, v := range want {
			for _, e := range all {
				if got := value(e, setting+name); got != v {
					t.Errorf("%s: %s is %q, want %q", kind, name, got, v)
				}
			}
		}
	}
	// A setting is in the database, one for all instances: those that say different things overwrite each other's.
	for _, kind := range []string{"three on one host", "storage s3", "storage minio", "storage gcs"} {
		all := environments(kind)
		for name := range all[0] {
			if strings.HasPrefix(name, "OVERWRITE_SETTING_") && value(all[0], name) != value(all[1], name) {
				t.Errorf("%s: %s is not the same on all instances", kind, name)
			}
		}
	}
}
