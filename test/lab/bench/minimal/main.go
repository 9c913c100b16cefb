// Command minimal does on many hosts at once what rcwizard's package remote
// does in the benchmark, with x/crypto and nothing around it: it connects, runs
// a script, uploads files as one verified tar stream that is renamed into
// place, and runs a command. It has no timeouts, no reconnect, no sudo and no
// care for login shells. It is the yardstick for what that care costs.
//
//	minimal KEY KNOWN_HOSTS SCRIPT FILES DIR HOST...
package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
	"golang.org/x/sync/errgroup"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "minimal: %v\n", err)
		os.Exit(1)
	}
}

// upload unpacks stdin beside the directory, checks every sum and renames the
// files into place, with both flushes to the disk that remote makes.
const upload = `set -e
d=%s; t=$d/.part-$$
mkdir -p "$t"; cd "$t"
tar -xpomf -
mv SUMS ../SUMS-$$
sha256sum -c --quiet ../SUMS-$$
sync -f .
while read -r sum f; do mv -f -- "$f" "$d/$f"; done <../SUMS-$$
rm -f ../SUMS-$$; cd "$d"; rmdir "$t"
sync -f "$d"
`

func run(args []string) error {
	if len(args) < 6 {
		return errors.New("usage: minimal KEY KNOWN_HOSTS SCRIPT FILES DIR HOST, and more hosts")
	}
	key, err := os.ReadFile(args[0]) //nolint:gosec // the caller's own file
	if err != nil {
		return fmt.Errorf("read the key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		return fmt.Errorf("read the key: %w", err)
	}
	known, err := knownhosts.New(args[1])
	if err != nil {
		return fmt.Errorf("read the host keys: %w", err)
	}
	script, err := os.ReadFile(args[2]) //nolint:gosec // as above
	if err != nil {
		return fmt.Errorf("read the script: %w", err)
	}
	stream, err := archive(args[3])
	if err != nil {
		return err
	}
	config := &ssh.ClientConfig{
		User: "root", Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: known,
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519},
	}
	var all errgroup.Group
	for _, host := range args[5:] {
		all.Go(func() error {
			if err := serve(host, config, script, stream, args[4]); err != nil {
				return fmt.Errorf("%s: %w", host, err)
			}
			return nil
		})
	}
	return all.Wait() //nolint:wrapcheck // each error names its host
}

func serve(host string, config *ssh.ClientConfig, script, stream []byte, dir string) error {
	client, err := ssh.Dial("tcp", net.JoinHostPort(host, "22"), config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = client.Close() }()
	for _, step := range []struct {
		command string
		stdin   []byte
	}{
		{"sh -s -- " + dir, script},
		{"mkdir -p " + dir + "; " + fmt.Sprintf(upload, dir), stream},
		{"uname -a", nil},
	} {
		session, err := client.NewSession()
		if err != nil {
			return fmt.Errorf("open a session: %w", err)
		}
		var said bytes.Buffer
		session.Stdin, session.Stdout, session.Stderr = bytes.NewReader(step.stdin), io.Discard, &said
		if err := session.Run(step.command); err != nil {
			return fmt.Errorf("%w: %s", err, said.String())
		}
	}
	return nil
}

// archive is a tar stream of a flat directory, with the sums as its last file.
func archive(dir string) ([]byte, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return nil, fmt.Errorf("list the files: %w", err)
	}
	var out, sums bytes.Buffer
	w := tar.NewWriter(&out)
	add := func(name string, content []byte) error {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(content))}); err != nil {
			return fmt.Errorf("archive %s: %w", name, err)
		}
		if _, err := w.Write(content); err != nil {
			return fmt.Errorf("archive %s: %w", name, err)
		}
		return nil
	}
	for _, name := range names {
		content, err := os.ReadFile(name) //nolint:gosec // as above
		if err != nil {
			return nil, fmt.Errorf("read the files: %w", err)
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(content), filepath.Base(name))
		if err := add(filepath.Base(name), content); err != nil {
			return nil, err
		}
	}
	if err := add("SUMS", sums.Bytes()); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("end the archive: %w", err)
	}
	return out.Bytes(), nil
}
