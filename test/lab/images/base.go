package images

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// busybox is the layer under every image that has a shell in reality: Debian's
// static busybox with its applets, and the files that any root has.
//
// Two programs are not busybox's. Debian's nc lacks -z, which Alpine's has. And
// Debian's sh runs its own applets before it looks into PATH, so it would never
// find that nc: dash is sh.
func busybox(c *cache) (layer, error) {
	binary, err := firstOf(c.debian("busybox-static"), "bin/busybox", "usr/bin/busybox")
	if err != nil {
		return nil, err
	}
	out, err := exec.Command(binary, "--list").Output() //nolint:noctx // it prints a list and ends
	if err != nil {
		return nil, fmt.Errorf("images: applets of busybox: %w", err)
	}
	l := layer{
		copied("/bin/busybox", binary, "debian/busybox-static"),
		dir("/etc"), dir("/proc"), dir("/sys"), dir("/dev"), dir("/run"), dir("/var"), dir("/home"),
		dir("/root").as(0o700), dir("/tmp").as(0o1777),
		file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n"),
		file("/etc/group", "root:x:0:\nnogroup:x:65534:\n"),
		file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
	}
	for applet := range strings.FieldsSeq(string(bytes.TrimSpace(out))) {
		if applet != "busybox" && applet != "nc" && applet != "sh" {
			l = append(l, link("/bin/"+applet, "busybox"))
		}
	}
	dash, err := firstOf(c.debian("dash"), "bin/dash", "usr/bin/dash")
	if err != nil {
		return nil, err
	}
	libc, err := glibc(c)
	if err != nil {
		return nil, err
	}
	l = append(l, copied("/bin/dash", dash, "debian/dash"), link("/bin/sh", "dash"), copied("/bin/nc", c.bin("nc"), "nc"))
	return append(l, libc...), nil
}

// glibc is what a Go program linked to the C library needs of it, at the paths
// that it looks in.
func glibc(c *cache) (layer, error) {
	var l layer
	root := c.debian("libc6")
	wanted := []string{"libc.so.", "libm.so.", "libdl.so.", "libpthread.so.", "libresolv.so.", "libnss_files.so.", "libnss_dns.so.", "ld-linux"}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, w := range wanted {
			if strings.HasPrefix(d.Name(), w) {
				e, err := library(root, path, d)
				if err != nil {
					return err
				}
				l = append(l, e)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("images: libraries of libc6: %w", err)
	}
	return l, nil
}

// library is one file of libc6. Newer releases ship it below /usr and have /lib
// as a link, which an image without the rest of Debian has not.
func library(root, path string, d fs.DirEntry) (entry, error) {
	at := strings.TrimPrefix(strings.TrimPrefix(path, root), "/usr")
	if d.Type()&fs.ModeSymlink == 0 {
		return copied(at, path, "debian/libc6"), nil
	}
	target, err := os.Readlink(path)
	if err != nil {
		return entry{}, fmt.Errorf("read a link: %w", err)
	}
	return link(at, strings.TrimPrefix(target, "/usr")), nil
}

// firstOf finds a file that releases of Debian and Ubuntu keep in different
// places.
func firstOf(root string, candidates ...string) (string, error) {
	for _, c := range candidates {
		p := filepath.Join(root, c)
		if _, err := os.Stat(p); err == nil {
			return p, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("images: %w", err)
		}
	}
	return "", fmt.Errorf("images: %s has none of %s: this release of the package is laid out differently", root, strings.Join(candidates, ", "))
}
