package steps

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
)

// manifestsAtOnce is how many manifests one host asks for side by side.
const manifestsAtOnce = 4

// images finds out of each image that the host needs whether it is there, or
// whether the registry shows its manifest to the host's engine. Nothing is
// pulled.
func (l *looker) images(ctx context.Context, h remote.Host, machine string) []check.Image {
	refs := l.s.references(h.Name())
	out := make([]check.Image, len(refs))
	docker, err := h.Docker(ctx)
	slots := make(chan struct{}, manifestsAtOnce)
	var all sync.WaitGroup
	for n, ref := range refs {
		out[n].Ref = ref
		if l.skips("image:" + h.Name() + ":" + ref) {
			continue
		}
		if err != nil {
			out[n].Detail = err.Error()
			continue
		}
		all.Go(func() {
			slots <- struct{}{}
			out[n] = imageOf(ctx, docker, ref, machine)
			<-slots
		})
	}
	all.Wait()
	return out
}

func imageOf(ctx context.Context, docker *remote.Docker, ref, machine string) check.Image {
	i := check.Image{Ref: ref}
	_, err := docker.Image(ctx, ref)
	if err == nil {
		i.State = check.ImagePresent
		return i
	}
	if !errors.Is(err, remote.ErrNoImage) {
		i.Detail = err.Error()
		return i
	}
	made, err := docker.Manifest(ctx, ref)
	arch := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[machine]
	failed, told := errors.AsType[*remote.PullError](err)
	switch {
	case err == nil && arch != "" && len(made) > 0 && !slices.Contains(made, arch):
		i.State, i.Detail = check.ImageArch, strings.Join(made, ", ")
	case err == nil:
		i.State = check.ImagePullable
	case told:
		i.Detail = err.Error()
		i.State = imageState(failed.Kind)
	default:
		i.Detail = err.Error()
	}
	return i
}

// imageState reads why a registry does not show a manifest.
func imageState(kind remote.PullKind) check.ImageState {
	switch kind {
	case remote.PullNoImage, remote.PullNoTag:
		return check.ImageMissing
	case remote.PullNoPlatform:
		return check.ImageArch
	case remote.PullDenied:
		return check.ImageDenied
	case remote.PullRateLimit:
		return check.ImageLimited
	case remote.PullUnreachable, remote.PullUntrusted:
		return check.ImageUnreachable
	case remote.PullNoSpace, remote.PullFailed:
	}
	return "" // it was not learnt
}

// What is set aside for an image that is not there yet, unpacked: registries do
// not tell. These are meant to be more than the images take.
const (
	roomRocketChat = int64(3) << 30
	roomMongoDB    = int64(3) << 29
	roomOther      = int64(1) << 29
)

// toStore is the room for the images that are missing; not known where it is
// not known which are.
func toStore(images []check.Image) (bytes int64, known bool) {
	for _, i := range images {
		switch i.State { //nolint:exhaustive // all others are to be stored
		case "":
			return 0, false
		case check.ImagePresent:
			continue
		}
		name, _, _ := strings.Cut(i.Ref[strings.LastIndex(i.Ref, "/")+1:], ":")
		switch {
		case releaseOf(i.Ref) != "":
			bytes += roomRocketChat
		case strings.HasPrefix(name, "mongo") && !strings.Contains(name, "exporter"):
			bytes += roomMongoDB
		default:
			bytes += roomOther
		}
	}
	return bytes, true
}
