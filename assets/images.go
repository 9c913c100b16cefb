package assets

// Image is one container image that rcwizard deploys. Its tag is exact: the
// same workspace.yaml pulls the same release of every program in a year's
// time. What was really pulled, by digest, is written into the receipts.
type Image struct {
	// Name is how the compose files and the rest of rcwizard speak of the image.
	Name string
	// Repository is the registry and path, without a tag.
	Repository string
	// Tag is exact. It is empty where the workspace decides: Rocket.Chat's own
	// release and MongoDB's version.
	Tag string
	// Source says where the tag was taken from.
	Source string
}

// Reference is what a host is told to pull.
func (i Image) Reference() string { return i.Repository + ":" + i.Tag }

// Images returns the table of all images, in the order of the guide.
func Images() []Image {
	const compose = "rocketchat-compose f693f76"
	return []Image{
		{Name: "mongodb", Repository: "docker.io/mongodb/mongodb-community-server", Source: compose + " compose.database.yml; the tag follows the release"},
		{Name: "mongodb-exporter", Repository: "docker.io/percona/mongodb_exporter", Tag: "0.44.0", Source: compose + " compose.database.yml"},
		{Name: "nats", Repository: "docker.io/library/nats", Tag: "2.11.9-alpine", Source: compose + " compose.database.yml says 2.11-alpine; 2.11.9 is a release of that line"},
		{Name: "nats-exporter", Repository: "docker.io/natsio/prometheus-nats-exporter", Tag: "0.17.3", Source: compose + " compose.database.yml"},
		{Name: "prometheus", Repository: "docker.io/prom/prometheus", Tag: "v3.4.2", Source: compose + " compose.monitoring.yml"},
		{Name: "node-exporter", Repository: "docker.io/prom/node-exporter", Tag: "v1.9.1", Source: compose + " compose.monitoring.yml"},
		{Name: "grafana", Repository: "docker.io/grafana/grafana", Tag: "12.0.2", Source: compose + " compose.monitoring.yml"},
		{Name: "rocketchat", Repository: "registry.rocket.chat/rocketchat/rocket.chat", Source: compose + " compose.yml; the tag is the release"},
		{Name: "traefik", Repository: "docker.io/library/traefik", Tag: "v3.6.12", Source: compose + " compose.traefik.yml says v3.4; 3.6.12 speaks Docker's present API and is what the tests load"},
	}
}

// ImageNamed returns the image of that name in the table.
func ImageNamed(name string) (Image, bool) {
	for _, image := range Images() {
		if image.Name == name {
			return image, true
		}
	}
	return Image{}, false
}

// WithTag returns the image with another tag: MongoDB's and Rocket.Chat's, which
// the workspace decides.
func (i Image) WithTag(tag string) Image {
	i.Tag = tag
	return i
}
