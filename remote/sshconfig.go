package remote

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	sshconfig "github.com/kevinburke/ssh_config"
)

// hop is one SSH server on the way, with everything looked up.
type hop struct {
	// label is for errors: the host's name, or the jump host's address.
	label string
	host  string
	port  int
	user  string
	// keyAlias is the name in known_hosts, if it is another.
	keyAlias       string
	identities     []string // explicit ones first
	explicit       int      // how many of identities were asked for by name
	identitiesOnly bool
	agent          string
	knownHosts     []string
	jump           string
	proxyCommand   string

	auth      Auth
	hostKey   string
	acceptNew bool
	timeout   time.Duration
}

func (h hop) addr() string { return net.JoinHostPort(h.host, strconv.Itoa(h.port)) }

// keyAddr is the address under which known_hosts has the key.
func (h hop) keyAddr() string {
	if h.keyAlias != "" {
		return net.JoinHostPort(h.keyAlias, "22")
	}
	return h.addr()
}

// settings are the lines of a configuration that apply to one host, keys in
// lower case, as ssh -G prints them.
type settings map[string][]string

func (s settings) first(key string) string {
	if len(s[key]) == 0 {
		return ""
	}
	return s[key][0]
}

// lookup reads the SSH configuration for a host. The local ssh does it best:
// it knows Match exec, tokens and Include. Without one a library reads what it
// can, and the warning says so.
func lookup(ctx context.Context, t Target) (s settings, warning string, err error) {
	if t.SSHConfig == "none" {
		return settings{}, "", nil
	}
	if bin, err := exec.LookPath("ssh"); err == nil {
		args := []string{"-G"}
		if t.SSHConfig != "" {
			args = append(args, "-F", t.SSHConfig)
		}
		if t.User != "" {
			args = append(args, "-l", t.User)
		}
		if t.Port != 0 {
			args = append(args, "-p", strconv.Itoa(t.Port))
		}
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, bin, append(args, "--", t.Address)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, "", fmt.Errorf("host %s: ssh -G cannot read the SSH configuration: %s", t.Name, lastLine(stderr.String()))
		}
		return parseSettings(out), "", nil
	}
	s, err = readConfig(t)
	if err != nil {
		return settings{}, fmt.Sprintf("the SSH configuration was not used, since there is no ssh program here to read it and it cannot be read without (%v)", err), nil
	}
	return s, "", nil
}

func parseSettings(out []byte) settings {
	s := settings{}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		key, value, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		if key != "" {
			key = strings.ToLower(key)
			s[key] = append(s[key], strings.TrimSpace(value))
		}
	}
	return s
}

func readConfig(t Target) (settings, error) {
	file := t.SSHConfig
	if file == "" {
		file = filepath.Join(homeDir(), ".ssh", "config")
	}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) && t.SSHConfig == "" {
		return settings{}, nil
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller tells it as a warning
	}
	defer func() { _ = f.Close() }()
	cfg, err := sshconfig.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	s := settings{}
	for _, key := range []string{
		"HostName", "User", "Port", "IdentityFile", "IdentitiesOnly", "IdentityAgent",
		"ProxyJump", "ProxyCommand", "UserKnownHostsFile", "HostKeyAlias",
	} {
		values, err := cfg.GetAll(t.Address, key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if len(values) > 0 {
			s[strings.ToLower(key)] = values
		}
	}
	if name := s.first("hostname"); name != "" {
		s["hostname"] = []string{strings.ReplaceAll(name, "%h", t.Address)}
	}
	return s, nil
}

// resolve is the hop for a target: what the target says, then what the
// configuration says, then the defaults of ssh.
func resolve(ctx context.Context, t Target) (hop, string, error) {
	if t.Address == "" || strings.HasPrefix(t.Address, "-") || strings.ContainsAny(t.Address, " \t\r\n\x00/@") {
		return hop{}, "", fmt.Errorf("host %s: %q is not an address", t.Name, t.Address)
	}
	s, warning, err := lookup(ctx, t)
	if err != nil {
		return hop{}, "", err
	}
	h := hop{
		label: t.Name, host: t.Address, port: t.Port, user: t.User,
		auth: t.Auth, hostKey: t.HostKey, acceptNew: t.AcceptNew, timeout: t.ConnectTimeout,
		agent: t.Auth.AgentSocket, jump: t.ProxyJump, knownHosts: t.KnownHosts,
		identitiesOnly: strings.EqualFold(s.first("identitiesonly"), "yes"),
		keyAlias:       s.first("hostkeyalias"),
	}
	if v := s.first("hostname"); v != "" {
		h.host = strings.Trim(v, "[]")
	}
	if h.port == 0 {
		h.port, _ = strconv.Atoi(s.first("port"))
	}
	if h.port == 0 {
		h.port = 22
	}
	if h.user == "" {
		h.user = s.first("user")
	}
	if h.user == "" {
		if u, err := user.Current(); err == nil {
			h.user = u.Username
		}
	}
	if v := s.first("identityagent"); v != "" && v != "SSH_AUTH_SOCK" && h.agent == "" {
		h.agent = expandHome(v)
	}
	if h.agent == "none" {
		h.agent = ""
	}
	if h.jump == "" {
		h.jump = s.first("proxyjump")
		if v := s.first("proxycommand"); v != "" && v != "none" && h.jump == "" {
			h.proxyCommand = v
		}
	}
	if h.jump == "none" {
		h.jump = ""
	}
	if len(h.knownHosts) == 0 {
		for _, v := range append(s["userknownhostsfile"], s["globalknownhostsfile"]...) {
			for file := range strings.FieldsSeq(v) {
				h.knownHosts = append(h.knownHosts, expandHome(file))
			}
		}
	}
	if len(h.knownHosts) == 0 {
		h.knownHosts = []string{filepath.Join(homeDir(), ".ssh", "known_hosts")}
	}
	h.setIdentities(t.IdentityFile, s["identityfile"])
	return h, warning, nil
}

// setIdentities orders the key files. ssh -G lists ssh's default files too;
// what differs from them was asked for.
func (h *hop) setIdentities(wanted string, configured []string) {
	defaults := map[string]bool{}
	names := []string{"id_ed25519", "id_ecdsa", "id_rsa", "id_dsa", "id_ecdsa_sk", "id_ed25519_sk", "id_xmss"}
	last := make([]string, 0, len(names))
	for _, name := range names {
		file := filepath.Join(homeDir(), ".ssh", name)
		defaults[file] = true
		last = append(last, file)
	}
	if wanted != "" {
		h.identities = append(h.identities, expandHome(wanted))
		h.identitiesOnly = h.identitiesOnly || h.agent == ""
	}
	for _, file := range configured {
		if file = expandHome(file); file != "none" && !defaults[file] {
			h.identities = append(h.identities, file)
		}
	}
	h.explicit = len(h.identities)
	h.identities = append(h.identities, last[:3]...)
}

func expandHome(file string) string {
	if file == "~" || strings.HasPrefix(file, "~/") {
		return filepath.Join(homeDir(), file[1:])
	}
	if rest, ok := strings.CutPrefix(file, "%d/"); ok {
		return filepath.Join(homeDir(), rest)
	}
	return file
}

// jumps are the hops on the way, the nearest first. Each is looked up in the
// configuration by itself; only the nearest may bring jump hosts of its own,
// as with ssh.
func jumps(ctx context.Context, t Target, list string, depth int) ([]hop, error) {
	if list == "" {
		return nil, nil
	}
	if depth > 8 {
		return nil, fmt.Errorf("host %s: ProxyJump goes in a circle: %s", t.Name, list)
	}
	var hops []hop
	for i, spec := range strings.Split(list, ",") {
		jt, err := parseJump(strings.TrimSpace(spec))
		if err != nil {
			return nil, fmt.Errorf("host %s: ProxyJump: %w", t.Name, err)
		}
		jt.Name = t.Name + " (jump host " + jt.Address + ")"
		jt.KnownHosts, jt.SSHConfig, jt.AcceptNew = t.KnownHosts, t.SSHConfig, t.AcceptNew
		jt.ConnectTimeout = t.ConnectTimeout
		// A password belongs to one host; keys and agent may open many.
		jt.Auth = Auth{AgentSocket: t.Auth.AgentSocket, KeyPassphrase: t.Auth.KeyPassphrase}
		jt.IdentityFile = t.IdentityFile
		h, _, err := resolve(ctx, jt)
		if err != nil {
			return nil, err
		}
		if i == 0 && h.jump != "" {
			before, err := jumps(ctx, t, h.jump, depth+1)
			if err != nil {
				return nil, err
			}
			hops = append(hops, before...)
		}
		hops = append(hops, h)
	}
	return hops, nil
}

// parseJump reads [ssh://][user@]host[:port], the host in brackets if it is an
// IPv6 address with a port.
func parseJump(spec string) (Target, error) {
	rest := strings.TrimSuffix(strings.TrimPrefix(spec, "ssh://"), "/")
	var t Target
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		t.User, rest = rest[:i], rest[i+1:]
	}
	t.Address = rest
	if host, port, err := net.SplitHostPort(rest); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return Target{}, fmt.Errorf("%q: %q is not a port", spec, port)
		}
		t.Address, t.Port = host, int(n)
	}
	t.Address = strings.Trim(t.Address, "[]")
	if t.Address == "" {
		return Target{}, fmt.Errorf("%q names no host", spec)
	}
	return t, nil
}
