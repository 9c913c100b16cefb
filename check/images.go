package check

import "github.com/rcwizard/rcwizard/workspace"

// ImageState is whether a host has an image, or can have it.
type ImageState string

// The states. The zero value: it was not asked.
const (
	ImagePresent     ImageState = "present"
	ImagePullable    ImageState = "pullable"    // the registry has shown its manifest to this host
	ImageMissing     ImageState = "missing"     // the registry has no such image
	ImageDenied      ImageState = "denied"      // the registry asks for a login
	ImageLimited     ImageState = "limited"     // too many pulls from this address
	ImageUnreachable ImageState = "unreachable" // the registry does not answer this host
	ImageArch        ImageState = "architecture"
)

// Image is one image that a host needs.
type Image struct {
	// Ref is the reference with its tag.
	Ref   string
	State ImageState
	// Detail is the registry's or Docker's own word.
	Detail string
}

// Images judges whether every host can have its images.
func Images(w workspace.Workspace, e Evidence) []Finding {
	var out []Finding
	for _, h := range w.Hosts {
		if len(w.RolesOn(h.Name)) == 0 {
			continue
		}
		images := e.Images[h.Name]
		if len(images) == 0 {
			images = []Image{{}}
		}
		for _, i := range images {
			out = append(out, image(e, h.Name, i))
		}
	}
	return out
}

func image(e Evidence, host string, i Image) Finding {
	id := "image:" + host
	if i.Ref != "" {
		id += ":" + i.Ref
	}
	fill := values{"host": host, "image": or(i.Ref, "its images"), "detail": said(i.Detail)}
	find := func(v Verdict, kind Kind) Finding {
		f := finding(id, v, kind, fill)
		f.Host = host
		return f
	}
	if i.Ref != "" {
		switch i.State {
		case ImagePresent:
			return find(Pass, "image-present")
		case ImagePullable:
			return find(Pass, "image-pullable")
		case ImageMissing:
			return find(Fail, "image-missing")
		case ImageDenied:
			return find(Fail, "image-denied")
		case ImageLimited:
			return find(Fail, "image-limited")
		case ImageUnreachable:
			return find(Fail, "image-unreachable")
		case ImageArch:
			return find(Fail, "image-architecture")
		}
	}
	f := find(Unknown, "image-not-asked")
	f.Because = withoutDocker(e, host)
	return f
}

// withoutDocker is the id of the finding why nothing could be learnt of Docker on
// a host.
func withoutDocker(e Evidence, host string) string {
	switch e.Hosts[host].Docker.State {
	case DockerAbsent, DockerNotRunning, DockerNotPermitted:
		return "host:" + host + ":docker"
	case DockerUsable, DockerFailed:
	}
	return because(e, host)
}
