package stepstest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/remote/remotetest"
)

// host is a connection to one machine.
type host struct {
	world    *World
	name, ip string

	mu     sync.Mutex
	docker *remote.Docker
}

var _ remote.Host = (*host)(nil)

// Name implements remote.Host.
func (h *host) Name() string { return h.name }

// script is a script that hosts know, by a part of it that no other has.
type script struct {
	part string
	run  func(h *host, ctx context.Context, args []string) (remote.Result, error)
}

func scripts() []script {
	return []script{
		{"value boot-id", (*host).facts},
		{"stat -c 'stat %a %F|%n'", (*host).look},
		{`printf '%s %s\n' "$(wc -c <"$p"`, (*host).contents},
		{"docker compose --ansi never --progress plain", (*host).compose},
		{`[ ! -e "$1" ] || echo left`, (*host).exists},
		{`rm -f -- "$1"`, (*host).remove},
		{`rmdir -- "$1"`, func(*host, context.Context, []string) (remote.Result, error) { return remote.Result{}, nil }},
	}
}

// Run implements remote.Host.
func (h *host) Run(ctx context.Context, c remote.Command) (remote.Result, error) {
	if err := ended(ctx); err != nil {
		return remote.Result{}, err
	}
	for _, s := range scripts() {
		if strings.Contains(c.Script, s.part) {
			return s.run(h, ctx, c.Args)
		}
	}
	return remote.Result{}, fmt.Errorf("host %s: a script that is not known here: %.60s", h.name, strings.TrimSpace(c.Script))
}

// Stream implements remote.Host.
func (h *host) Stream(ctx context.Context, c remote.Command, emit func(remote.Line)) (remote.Result, error) {
	res, err := h.Run(ctx, c)
	remotetest.EmitLines(res, emit)
	return res, err
}

// Put implements remote.Host: each file is there or not, one after the other, as
// it is when a real one is cut between two renames.
func (h *host) Put(ctx context.Context, dir string, files []remote.File, opt remote.PutOptions) error {
	if err := ended(ctx); err != nil {
		return err
	}
	for _, gone := range opt.Remove {
		if err := h.delete(path.Join(dir, gone)); err != nil {
			return err
		}
	}
	for _, f := range files {
		at := path.Join(dir, f.Path)
		err := h.world.change(func() {
			m := h.world.hosts[h.name]
			m.files[at] = file{mode: f.Mode, content: string(f.Content)}
			if f.Mode&0o077 != 0 && path.Base(at) == ".env" && !slices.Contains(m.open, at) {
				m.open = append(m.open, at)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *host) delete(at string) error {
	return h.world.change(func() { delete(h.world.hosts[h.name].files, at) })
}

// Dial implements remote.Host.
func (h *host) Dial(ctx context.Context, _, address string) (net.Conn, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	return h.world.dial(h.name, address)
}

// Docker implements remote.Host.
func (h *host) Docker(ctx context.Context) (*remote.Docker, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.docker != nil {
		return h.docker, nil
	}
	d, err := remote.DockerOver(ctx, h.name, nil, func(context.Context) (net.Conn, error) { return answered(h.engine()), nil })
	h.docker = d
	return d, err //nolint:wrapcheck // it names the host
}

// Close implements remote.Host.
func (h *host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.docker == nil {
		return nil
	}
	return h.docker.Close() //nolint:wrapcheck // it names the host
}

func (h *host) facts(context.Context, []string) (remote.Result, error) {
	return remote.Result{Stdout: `@= machine x86_64
@= user root
@= uid 0
@= sudo root
@= docker-cli Docker version 27.1.0, build 1
@= docker-engine user 27.1.0 /var/lib/docker
@= compose 2.40.3
@@ os-release
PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
ID=debian
@@ cpu
2
flags		: fpu avx avx2
@@ memory
MemTotal:       24684084 kB
MemAvailable:   22823484 kB
@@ addresses
1: lo    inet 127.0.0.1/8 scope host lo
4: eth0    inet ` + h.ip + `/24 brd 10.0.0.255 scope global eth0
@@ tools
tar
sha256sum
flock
@@ end
`}, nil
}

// look answers as the script of the same name does with a real sh.
func (h *host) look(_ context.Context, args []string) (res remote.Result, err error) {
	dir, names := args[0], args[1:]
	h.world.on(h.name, func(m *machine) {
		var b strings.Builder
		known := slices.ContainsFunc(keys(m.files), func(at string) bool { return strings.HasPrefix(at, dir+"/") })
		if !known {
			return
		}
		for _, name := range names {
			if f, ok := m.files[path.Join(dir, name)]; ok {
				kind := "regular file"
				if f.content == "" {
					kind = "regular empty file"
				}
				fmt.Fprintf(&b, "stat %o %s|%s\n", f.mode&fs.ModePerm, kind, name)
			}
		}
		for _, name := range names {
			if f, ok := m.files[path.Join(dir, name)]; ok {
				fmt.Fprintf(&b, "sum %s  %s\n", sum(f.content), name)
			}
		}
		if f, ok := m.files[path.Join(dir, "receipt.json")]; ok {
			b.WriteString("receipt\n" + f.content)
		}
		res.Stdout = b.String()
	})
	return res, nil
}

func (h *host) contents(_ context.Context, args []string) (res remote.Result, err error) {
	h.world.on(h.name, func(m *machine) {
		for _, name := range args[1:] {
			f, ok := m.files[path.Join(args[0], name)]
			if !ok {
				res = remote.Result{Code: 1, Stderr: name + ": no such file"}
				return
			}
			res.Stdout += fmt.Sprintf("%d %s\n%s", len(f.content), name, f.content)
		}
	})
	return res, nil
}

func (h *host) exists(_ context.Context, args []string) (res remote.Result, err error) {
	h.world.on(h.name, func(m *machine) {
		if _, ok := m.files[args[0]]; ok {
			res.Stdout = "left\n"
		}
	})
	return res, nil
}

func (h *host) remove(_ context.Context, args []string) (remote.Result, error) {
	return remote.Result{}, h.delete(args[0])
}

func keys[K comparable, V any](m map[K]V) []K {
	out := make([]K, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

// Put a file by hand, as a person on the host would.
func (w *World) Put(hostName, at, content string, mode fs.FileMode) {
	w.on(hostName, func(m *machine) { m.files[at] = file{mode: mode, content: content} })
}

// Delete a file, or a directory with everything in it, by hand, as a person on the
// host would.
func (w *World) Delete(hostName, gone string) {
	w.on(hostName, func(m *machine) {
		maps.DeleteFunc(m.files, func(at string, _ file) bool { return strings.HasPrefix(at+"/", gone+"/") })
	})
}

// File is what is in a file.
func (w *World) File(hostName, at string) (content string, err error) {
	err = errors.New(hostName + " has no file " + at)
	w.on(hostName, func(m *machine) {
		if f, ok := m.files[at]; ok {
			content, err = f.content, nil
		}
	})
	return content, err
}
