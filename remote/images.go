package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// Image is an image that the host has.
type Image struct {
	// ID is the digest of its configuration: the same image has the same ID on
	// every host, whatever registry it came from.
	ID string
	// Digests are "name@sha256:…", one for each repository it came from.
	Digests []string
	// Size is in bytes, unpacked.
	Size     int64
	OS, Arch string
}

// ErrNoImage is in the chain of Image's error when the host has no such image.
var ErrNoImage = errors.New("the image is not on the host")

// Image looks at an image on the host, by name and tag, digest or ID.
func (d *Docker) Image(ctx context.Context, ref string) (Image, error) {
	ctx, cancel := asking(ctx)
	defer cancel()
	i, err := d.api.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return Image{}, fmt.Errorf("host %s: %s: %w", d.host, ref, ErrNoImage)
	}
	if err != nil {
		return Image{}, d.fail("look at image "+ref, err)
	}
	digests := slices.Clone(i.RepoDigests)
	slices.Sort(digests)
	return Image{ID: i.ID, Digests: digests, Size: i.Size, OS: i.Os, Arch: i.Architecture}, nil
}

// PullProgress is the state of one layer of an image that is pulled.
type PullProgress struct {
	// Layer is the layer's short id; empty for the image as a whole.
	Layer string
	// Status is in the engine's words: Downloading, Extracting, Pull complete.
	Status string
	// Current and Total are bytes of what Status says; Total is 0 while it is
	// not known.
	Current, Total int64
}

// PullKind says why an image could not be pulled.
type PullKind string

// The kinds.
const (
	PullNoImage     PullKind = "no such image"
	PullNoTag       PullKind = "no such tag"
	PullNoPlatform  PullKind = "not for this architecture"
	PullNoSpace     PullKind = "no space left"
	PullUnreachable PullKind = "registry unreachable"
	PullUntrusted   PullKind = "certificate not trusted"
	PullDenied      PullKind = "access denied"
	PullRateLimit   PullKind = "rate limit"
	PullFailed      PullKind = "failed"
)

// PullError is an image that could not be pulled.
type PullError struct {
	Host, Ref string
	Kind      PullKind
	Err       error
	text      string
}

func (e *PullError) Error() string {
	var next string
	switch e.Kind {
	case PullNoImage:
		next = "check its name"
	case PullNoTag:
		next = "check the version"
	case PullNoPlatform:
		next = "use a host of an architecture that the image is made for"
	case PullNoSpace:
		next = "free some space below Docker's root directory (docker system df shows what is unused)"
	case PullUnreachable:
		next = "check the host's DNS and its way to the internet; behind a proxy, tell Docker about it (https://docs.docker.com/engine/daemon/proxy/). If a mirror is set up, its failure is hidden behind this one"
	case PullUntrusted:
		next = "check the host's clock and its CA certificates"
	case PullDenied:
		next = "log in to the registry on the host with docker login and pull it there by hand (docker pull " + e.Ref + "); an image that is there is not pulled again"
	case PullRateLimit:
		next = "wait, set up a mirror, or log in on the host with docker login and pull it there by hand (docker pull " + e.Ref + ")"
	case PullFailed:
		next = "run it again"
	}
	return fmt.Sprintf("host %s: pull %s: %s (%s): %s", e.Host, e.Ref, e.Kind, e.text, next)
}

func (e *PullError) Unwrap() error { return e.Err }

// Pull pulls an image and gives its digest, "sha256:…", as the registry has
// it. progress may be nil; it is never called concurrently. Where the connection
// broke, or the engine was restarted, the error wraps ErrOutcomeUnknown: pulling
// again goes on with the layers that came whole.
func (d *Docker) Pull(ctx context.Context, ref string, progress func(PullProgress)) (digest string, err error) {
	fail := func(err error) error {
		if ctx.Err() != nil {
			return fmt.Errorf("host %s: pull %s: %w", d.host, ref, context.Cause(ctx))
		}
		if lost := d.lost(); lost != nil {
			return fmt.Errorf("pull %s: %w", ref, lost)
		}
		text := d.redact.Redact(clean([]byte(err.Error())))
		if streamBroke(err) {
			return &engineCutError{fmt.Errorf("host %s: pull %s: the connection to Docker's engine broke: %s", d.host, ref, text)}
		}
		return &PullError{Host: d.host, Ref: ref, Kind: pullKind(text), Err: err, text: text}
	}
	stream, err := d.api.ImagePull(ctx, ref, client.ImagePullOptions{})
	if err != nil {
		return "", fail(err)
	}
	defer func() { _ = stream.Close() }()
	done := false
	for m, err := range stream.JSONMessages(ctx) {
		if err != nil {
			return "", fail(err)
		}
		if m.Error != nil {
			return "", fail(errors.New(m.Error.Error())) // in words only, whatever they are like
		}
		if rest, ok := strings.CutPrefix(m.Status, "Digest: "); ok {
			digest = strings.TrimSpace(rest)
		}
		done = done || strings.HasPrefix(m.Status, "Status: ")
		if progress == nil {
			continue
		}
		p := PullProgress{Layer: m.ID, Status: clean([]byte(m.Status))}
		if m.Progress != nil {
			p.Current, p.Total = m.Progress.Current, m.Progress.Total
		}
		if strings.HasPrefix(m.Status, "Pulling from ") {
			p.Layer = "" // the id is the tag
		}
		progress(p)
	}
	if !done {
		return "", fail(fmt.Errorf("its answer ended in the middle: %w", io.ErrUnexpectedEOF))
	}
	if digest == "" {
		i, err := d.Image(ctx, ref)
		if err != nil {
			return "", err
		}
		if len(i.Digests) > 0 {
			_, digest, _ = strings.Cut(i.Digests[0], "@")
		}
	}
	return digest, nil
}

// pullKind reads the engine's words, of 19.03 to 29, with either image store.
func pullKind(text string) PullKind {
	t := strings.ToLower(text)
	for _, m := range []struct {
		part string
		kind PullKind
	}{
		{"no space left on device", PullNoSpace},
		{"disk quota exceeded", PullNoSpace},
		{"no matching manifest for", PullNoPlatform},
		{"no match for platform", PullNoPlatform},
		{"toomanyrequests", PullRateLimit},
		{"too many requests", PullRateLimit},
		{"rate limit", PullRateLimit},
		{"x509:", PullUntrusted},
		{"repository does not exist", PullNoImage},
		{"name unknown", PullNoImage},
		{"repository name not known", PullNoImage},
		{"manifest unknown", PullNoTag},
		{"manifest for", PullNoTag},
		{"no such manifest", PullNoTag},
		{": not found", PullNoTag},
		{"unauthorized", PullDenied},
		{"access denied", PullDenied},
		{"authentication required", PullDenied},
		{"lookup ", PullUnreachable},
		{"no such host", PullUnreachable},
		{"dial tcp", PullUnreachable},
		{"connection refused", PullUnreachable},
		{"connection reset", PullUnreachable},
		{"i/o timeout", PullUnreachable},
		{"timeout", PullUnreachable},
		{"deadline exceeded", PullUnreachable},
		{"client.timeout", PullUnreachable},
		{"network is unreachable", PullUnreachable},
		{"no route to host", PullUnreachable},
		{"unexpected eof", PullUnreachable},
		{": eof", PullUnreachable},
		{"received unexpected http status", PullUnreachable},
		{"http response to https client", PullUnreachable},
	} {
		if strings.Contains(t, m.part) {
			return m.kind
		}
	}
	return PullFailed
}
