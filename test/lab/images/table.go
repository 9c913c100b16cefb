package images

import (
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rcwizard/rcwizard/assets"
)

// tagged is a tag of an image whose product table leaves the tag to the
// workspace, and the version that the program in it says it is.
type tagged struct{ tag, version string }

// mongodbTags are what rcwizard makes of the MongoDB versions that a release of
// Rocket.Chat may ask for (releases.rocket.chat/<release>/info,
// compatibleMongoVersions), and upstream's own tags of the same lines.
func mongodbTags() []tagged {
	var tags []tagged
	for _, line := range []tagged{{"7.0", "7.0.28"}, {"8.0", "8.0.21"}, {"8.2", "8.2.3"}} {
		for _, tag := range []string{line.tag + "-ubi8", assets.MongoDBTag(line.tag), assets.MongoDBTag(line.version)} {
			t := tagged{tag, line.version}
			if !slices.Contains(tags, t) {
				tags = append(tags, t)
			}
		}
	}
	return tags
}

// rocketchatTags are the releases that the lab's tests install, upgrade to and
// refuse to go back to.
func rocketchatTags() []tagged {
	return []tagged{
		{"8.6.1", "8.6.1"},
		{"8.8.0", "8.8.0"},
		{"8.9.0", "8.9.0"},
		{"8.9.1", "8.9.1"},
		{"9.0.0", "9.0.0"},
	}
}

// table is every image that the lab's registry holds: each of rcwizard's own
// table, by its recipe, and alpine, for hosts that only need something to run.
func table(c *cache) ([]image, error) {
	base, err := busybox(c)
	if err != nil {
		return nil, err
	}
	recipes := recipes(c, base)
	all := []image{{repository: "library/alpine", tag: "3.22", layers: []layer{base}, config: v1.Config{Cmd: []string{"/bin/sh"}, Env: searchPath()}}}
	for _, wanted := range assets.Images() {
		recipe, ok := recipes[wanted.Name]
		if !ok {
			return nil, fmt.Errorf("images: rcwizard deploys %s (%s), and the lab has no recipe for it: add one to recipes", wanted.Name, wanted.Repository)
		}
		tags := recipe.tags
		if wanted.Tag != "" {
			tags = []tagged{{wanted.Tag, wanted.Tag}}
		}
		if len(tags) == 0 {
			return nil, fmt.Errorf("images: %s has no tag in rcwizard's table and none in the lab's", wanted.Name)
		}
		for _, t := range tags {
			i := image{repository: repository(wanted.Repository), tag: t.tag, layers: recipe.layers, config: recipe.config}
			if recipe.versionEnv != "" {
				i.config.Env = append(append([]string(nil), i.config.Env...), recipe.versionEnv+"="+t.version)
			}
			all = append(all, i)
		}
	}
	return all, nil
}

// searchPath is the environment that every official image has.
func searchPath() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
}

// ports are exposed ports, which Docker shows in docker ps.
func ports(list ...string) map[string]struct{} {
	set := make(map[string]struct{}, len(list))
	for _, p := range list {
		set[p+"/tcp"] = struct{}{}
	}
	return set
}
