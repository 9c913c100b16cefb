package main

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// config is what the environment says (§4).
type config struct {
	release  release
	rootURL  string
	mongoURL string
	bindIP   string // "" listens on all addresses
	port     string // a string in the registry too (§1)

	transporter transporter
	instanceIP  string // "localhost" when INSTANCE_IP is not set (§1, H9)

	ping   time.Duration // MULTIPLE_INSTANCES_PING_INTERVAL, seconds
	expire time.Duration // MULTIPLE_INSTANCES_EXPIRE, minutes

	modules []string // of the licence
	startup time.Duration
	retry   time.Duration // between two tries for the migration lock

	env map[string]string
}

// transporter is how instances reach each other (§3).
type transporter struct {
	natsURL string // "" is Moleculer's TCP transporter
	tcpPort int    // 0 takes a random one
}

// release is a version of Rocket.Chat.
type release struct{ major, minor, patch int }

func parseRelease(s string) (release, error) {
	var r release
	if n, err := fmt.Sscanf(s, "%d.%d.%d", &r.major, &r.minor, &r.patch); err != nil || n != 3 {
		return r, fmt.Errorf("LAB_RELEASE=%q is no release", s)
	}
	return r, nil
}

func (r release) String() string { return fmt.Sprintf("%d.%d.%d", r.major, r.minor, r.patch) }

// minorVersion is all that anonymous callers of /api/info are told (§2).
func (r release) minorVersion() string { return fmt.Sprintf("%d.%d", r.major, r.minor) }

// migration is the number of the newest migration that the release knows. The
// numbers are the lab's own; patches bring none.
func (r release) migration() int32 { return int32(r.major*100 + r.minor) } //nolint:gosec // small

// built is the release's own build time, which migrations compare (§2.4).
func (r release) built() time.Time {
	return time.Date(2026, 1, 1, r.major, r.minor, r.patch, 0, time.UTC)
}

// startsInParallel is true from 8.9.1 on, whose notes (#43469) say that
// instances started together on a new database no longer hang.
func (r release) startsInParallel() bool {
	return r.major > 8 || r.major == 8 && (r.minor > 9 || r.minor == 9 && r.patch >= 1)
}

// parseConfig reads the environment. ROOT_URL, PORT and MONGO_URL are mandatory.
func parseConfig(env map[string]string) (*config, error) {
	c := &config{
		rootURL: env["ROOT_URL"], mongoURL: env["MONGO_URL"], bindIP: env["BIND_IP"], port: env["PORT"],
		instanceIP: strings.TrimSpace(env["INSTANCE_IP"]), env: env,
	}
	for _, name := range []string{"ROOT_URL", "PORT", "MONGO_URL"} {
		if env[name] == "" {
			return nil, fmt.Errorf("Error: %s must be set", name) //nolint:staticcheck // node's own form
		}
	}
	if c.instanceIP == "" {
		c.instanceIP = "localhost"
	}
	var err error
	if c.release, err = parseRelease(env["LAB_RELEASE"]); err != nil {
		return nil, err
	}
	if c.transporter, err = parseTransporter(env["TRANSPORTER"], env["TCP_PORT"]); err != nil {
		return nil, err
	}
	ping, err1 := number(env, "MULTIPLE_INSTANCES_PING_INTERVAL", 10)
	// §1: ceil(ping * 3 / 60) minutes unless said otherwise.
	expire, err2 := number(env, "MULTIPLE_INSTANCES_EXPIRE", (ping*3+59)/60)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	c.ping, c.expire = time.Duration(ping)*time.Second, time.Duration(expire)*time.Minute
	c.startup, err1 = duration(env, "LAB_STARTUP", time.Second)
	c.retry, err2 = duration(env, "LAB_MIGRATION_RETRY", 10*time.Second)
	c.modules = licence(env["ROCKETCHAT_LICENSE"])
	return c, errors.Join(err1, err2)
}

// parseTransporter follows getTransporter.ts (§3): what is set must begin with
// monolith+, a plus in the rest is lost, and nothing means TCP.
func parseTransporter(s, tcpPort string) (transporter, error) {
	if s == "" {
		port := 0
		if tcpPort != "" {
			var err error
			if port, err = strconv.Atoi(tcpPort); err != nil {
				return transporter{}, fmt.Errorf("TCP_PORT: %w", err)
			}
		}
		return transporter{tcpPort: port}, nil
	}
	rest, ok := strings.CutPrefix(s, "monolith+")
	if !ok {
		return transporter{}, errors.New("Error: invalid transporter") //nolint:staticcheck // Rocket.Chat's own words
	}
	url := strings.ReplaceAll(rest, "+", "")
	if !strings.HasPrefix(url, "nats://") {
		return transporter{}, errors.New("Error: the lab's stand-in speaks NATS and TCP, no other transporter") //nolint:staticcheck // node's form
	}
	return transporter{natsURL: url}, nil
}

// licence reads the lab's own form of a licence, "lab:module,module". A text of
// another form is an invalid licence: no modules.
func licence(s string) []string {
	list, ok := strings.CutPrefix(s, "lab:")
	if !ok || list == "" {
		return []string{}
	}
	return strings.Split(list, ",")
}

// has is true when the licence holds the module.
func (c *config) has(module string) bool {
	return slices.Contains(c.modules, module)
}

// database is the path of MONGO_URL (§1).
func (c *config) database() string {
	_, rest, _ := strings.Cut(c.mongoURL, "://")
	_, path, _ := strings.Cut(rest, "/")
	name, _, _ := strings.Cut(path, "?")
	if name == "" {
		return "test"
	}
	return name
}

// address is where HTTP listens.
func (c *config) address(port string) string { return net.JoinHostPort(c.bindIP, port) }

// commit stands for the build's commit in /api/info.
func (c *config) commit() string {
	sum := sha256.Sum256([]byte(c.release.String()))
	return strconv.FormatUint(binary.BigEndian.Uint64(sum[:]), 16)
}

func number(env map[string]string, name string, otherwise int) (int, error) {
	if env[name] == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(env[name])
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s=%q is no positive number", name, env[name])
	}
	return n, nil
}

func duration(env map[string]string, name string, otherwise time.Duration) (time.Duration, error) {
	if env[name] == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(env[name])
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

// hostName is the machine's name, for os and page texts.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}
