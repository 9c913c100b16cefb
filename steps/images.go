package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/remote"
)

// pullsAtOnce is how many images one host pulls side by side; Docker itself
// fetches three layers of each at a time.
const pullsAtOnce = 2

// images pulls every image that the host's projects of the plan use, before anything
// starts: a tag that does not exist is found out while the old cluster still
// runs, and the slowest part of an installation runs on all hosts at once.
func (s *Site) images(host string, needs ...string) engine.Step {
	refs := s.references(host)
	return engine.Step{
		ID:    imagesID(host),
		Title: "Pull the images",
		Host:  host,
		Guide: "1.6, 2.4, 3.4",
		Needs: needs,
		// One after the other in any order; those that are there are not pulled again.
		Command: "docker pull " + strings.Join(refs, "; docker pull "),
		Check: func(ctx context.Context, _ engine.Output) (engine.Report, error) {
			_, missing, err := s.missingImages(ctx, host, refs)
			if err != nil {
				return engine.Report{}, err
			}
			if len(missing) == 0 {
				return done(fmt.Sprintf("%d images are there", len(refs))), nil
			}
			var changes []engine.Change
			for _, ref := range missing {
				changes = append(changes, engine.Change{Kind: engine.Pull, Path: ref})
			}
			return needed(fmt.Sprintf("%d of %d images are missing", len(missing), len(refs)), changes...), nil
		},
		Apply: func(ctx context.Context, out engine.Output) error {
			docker, missing, err := s.missingImages(ctx, host, refs)
			if err != nil {
				return err
			}
			return s.short(ctx, host, docker, pull(ctx, docker, host, missing, out))
		},
	}
}

func (s *Site) references(host string) []string {
	var refs []string
	for _, p := range s.Tree.Projects {
		if p.Host == host && s.writes(p) {
			refs = append(refs, p.Images...)
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

// compared are the images of the plan's projects that the host's projects use.
func (s *Site) compared(host string) []string {
	var wanted, refs []string
	for _, p := range s.Tree.Projects {
		if s.writes(p) {
			wanted = append(wanted, p.Images...)
		}
	}
	for _, p := range s.Tree.Projects {
		if p.Host == host {
			refs = append(refs, p.Images...)
		}
	}
	slices.Sort(refs)
	return slices.DeleteFunc(slices.Compact(refs), func(ref string) bool { return !slices.Contains(wanted, ref) })
}

func (s *Site) missingImages(ctx context.Context, host string, refs []string) (*remote.Docker, []string, error) {
	h, err := s.host(host)
	if err != nil {
		return nil, nil, err
	}
	docker, err := h.Docker(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("ask Docker on %s: %w", host, err)
	}
	var missing []string
	for _, ref := range refs {
		_, err := docker.Image(ctx, ref)
		switch {
		case errors.Is(err, remote.ErrNoImage):
			missing = append(missing, ref)
		case err != nil:
			return nil, nil, fmt.Errorf("look for the image %s on %s: %w", ref, host, err)
		}
	}
	return docker, missing, nil
}

func pull(ctx context.Context, docker *remote.Docker, host string, refs []string, out engine.Output) error {
	meter := newMeter(out)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(pullsAtOnce)
	for _, ref := range refs {
		group.Go(func() error {
			out.Line("pull", "pulling "+ref)
			digest, err := docker.Pull(ctx, ref, func(p remote.PullProgress) { meter.layer(p) })
			if err != nil {
				return pullProblem(ref, host, err)
			}
			out.Line("pull", ref+" is there: "+digest)
			return nil
		})
	}
	return group.Wait() //nolint:wrapcheck // each pull has said which image and why
}

// differingImages says which hosts have different images under one tag, as
// when a tag was pushed anew between two pulls; nothing where all are the same.
func (s *Site) differingImages(ctx context.Context) (string, error) {
	type held struct {
		host  string
		image remote.Image
	}
	first := make(map[string]held)
	for _, host := range s.hostNames() {
		h, err := s.host(host)
		if err != nil {
			return "", err
		}
		docker, err := h.Docker(ctx)
		if err != nil {
			return "", fmt.Errorf("ask Docker on %s: %w", host, err)
		}
		for _, ref := range s.compared(host) {
			image, err := docker.Image(ctx, ref)
			if err != nil {
				return "", fmt.Errorf("look at the image %s on %s: %w", ref, host, err)
			}
			other, known := first[ref]
			if !known {
				first[ref] = held{host, image}
				continue
			}
			if !sameImage(other.image, image) {
				return fmt.Sprintf("%s and %s have different images under the tag %s", other.host, host, ref), nil
			}
		}
	}
	return "", nil
}

// sameImage compares by the digest that a registry gave, and where the two have
// none in common (one was loaded from a file) by the image's own id.
func sameImage(a, b remote.Image) bool {
	digests := make(map[string]bool, len(a.Digests))
	for _, d := range a.Digests {
		digests[d[strings.LastIndex(d, "@")+1:]] = true
	}
	for _, d := range b.Digests {
		if digests[d[strings.LastIndex(d, "@")+1:]] {
			return true
		}
	}
	return a.ID == b.ID
}

// pullProblem says why an image did not come and what to do; the error names
// both, from what the engine said. That the way to the engine broke is left as it
// is: it says nothing of the registry.
func pullProblem(ref, host string, err error) error {
	if errors.Is(err, remote.ErrOutcomeUnknown) || !transient(err) {
		return err
	}
	p := &engine.Problem{
		Command: "docker pull " + ref,
		Next:    "see that " + host + " can reach the registry, then run again; what was pulled stays",
		Err:     err,
	}
	var pull *remote.PullError
	if !errors.As(err, &pull) {
		return p
	}
	switch pull.Kind {
	case remote.PullNoImage, remote.PullNoTag:
		p.Cause = "the registry has no such image or tag"
		p.Next = "correct the release or the MongoDB version in workspace.yaml, then run again"
	case remote.PullNoSpace:
		p.Cause = "the disk on which Docker keeps its images on " + host + " is full"
		p.Next = roomForImages
	case remote.PullUnreachable:
		p.Cause = host + " cannot reach the registry"
	case remote.PullRateLimit:
		p.Cause = "the registry limits how much may be pulled"
		p.Next = "wait, or pull it by hand on " + host + " after docker login (docker pull " + ref + "), then run again"
	case remote.PullDenied:
		p.Cause = "the registry wants a login"
		p.Next = "pull it by hand on " + host + " after docker login (docker pull " + ref + "), then run again: an image that is there is not pulled again"
	case remote.PullNoPlatform, remote.PullUntrusted, remote.PullFailed:
		p.Cause = string(pull.Kind)
	}
	return p
}

// roomForImages is what to do about a full disk.
const roomForImages = "free space there (docker system df shows what is unused), then run again; what was pulled stays"

// enoughRoom is how many bytes must be free where Docker keeps its images for
// a failed pull not to be laid at the disk's door.
const enoughRoom = 100 << 20

// short gives a pull that failed its true cause where the disk is full. The
// engine itself may hide it: whatever fails on a mirror, the disk too, has it
// try Docker Hub, and what it tells is that this cannot be reached either.
func (s *Site) short(ctx context.Context, host string, docker *remote.Docker, failed error) error {
	p, ok := errors.AsType[*engine.Problem](failed)
	if !ok {
		return failed
	}
	if e, ok := errors.AsType[*remote.PullError](failed); ok && (e.Kind == remote.PullNoImage || e.Kind == remote.PullNoTag) {
		return failed
	}
	info, err := docker.Info(ctx)
	if err != nil {
		return failed
	}
	h, err := s.host(host)
	if err != nil {
		return failed
	}
	res, err := h.Run(ctx, remote.Command{Script: `df -P -k -- "$1" | tail -n 1`, Args: []string{info.RootDir}, Root: s.asRoot(host)})
	if err != nil {
		return failed
	}
	fields := strings.Fields(res.Stdout)
	if len(fields) < 4 {
		return failed
	}
	if free, err := strconv.ParseInt(fields[3], 10, 64); err == nil && free<<10 < enoughRoom {
		p.Cause = fmt.Sprintf("the disk on which Docker keeps its images on %s is full: %d MiB are free at %s", host, free>>10, info.RootDir)
		p.Next = roomForImages
	}
	return failed
}

// meter adds up the bytes of all layers of all images of one host.
type meter struct {
	out engine.Output

	mu     sync.Mutex
	layers map[string]remote.PullProgress
}

func newMeter(out engine.Output) *meter {
	return &meter{out: out, layers: make(map[string]remote.PullProgress)}
}

func (m *meter) layer(p remote.PullProgress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch old, known := m.layers[p.Layer]; {
	case p.Status == "Downloading" && p.Total > 0:
		m.layers[p.Layer] = p
	case known && p.Status != "Downloading":
		// What follows the download of a layer counts other bytes.
		old.Current = old.Total
		m.layers[p.Layer] = old
	}
	var have, total int64
	for _, l := range m.layers {
		have += l.Current
		total += l.Total
	}
	m.out.Progress(have, total, "bytes")
}
