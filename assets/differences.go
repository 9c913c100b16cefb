package assets

import "slices"

// Difference is one place in which Rocket.Chat's own compose files with
// rcwizard's override come to another configuration than rcwizard's own files.
// Everything else is the same; the table feeds docs/official-files.md.
type Difference struct {
	// Services are the names of those that have it.
	Services []string
	// Field is the service's field in what docker compose config prints.
	Field string
	// Keys are those in the field that are not the same; none means all of it.
	Keys []string
	// Reason says why it may stay so.
	Reason string
}

// OneInBothKinds reports whether a service comes to the same configuration from
// both kinds of compose files, so that its container stays when one changes from
// one kind to the other.
func OneInBothKinds(service string) bool {
	return !slices.ContainsFunc(Differences(), func(d Difference) bool { return slices.Contains(d.Services, service) })
}

// Differences returns the table, in the order of the guide.
func Differences() []Difference {
	return []Difference{
		{
			[]string{"mongodb", "mongodb-init-container", "nats", "prometheus", "node-exporter", "grafana", "rocketchat", "traefik"},
			"labels",
			[]string{"container_tag"},
			"the name under which Rocket.Chat's collector of logs would know the container; nobody reads it, as the collector does not run (H4)",
		},
		{
			[]string{"mongodb"},
			"environment",
			[]string{"ALLOW_EMPTY_PASSWORD", "MONGODB_ADVERTISED_HOSTNAME", "MONGODB_PORT_NUMBER", "MONGODB_REPLICA_SET_NAME", "MONGODB_USER_ID"},
			"read by Rocket.Chat's own start of mongod, in whose place is ours; mongod itself reads none of them",
		},
		{
			[]string{"mongodb-init-container"},
			"environment",
			[]string{"MONGODB_REPLICA_SET_NAME", "MONGODB_URI"},
			"read by Rocket.Chat's own way to initiate the replica set, in whose place is ours",
		},
		{
			[]string{"nats"},
			"image", nil,
			"docker.io/nats, which is short for docker.io/library/nats: the same image with the same tag",
		},
		{
			[]string{"grafana"},
			"environment",
			[]string{"GF_AUTH_ANONYMOUS_ORG_NAME", "GF_AUTH_ANONYMOUS_ORG_ROLE"},
			"what somebody without a login would be; nobody without one is let in (GF_AUTH_ANONYMOUS_ENABLED is false)",
		},
		{
			[]string{"grafana"},
			"labels",
			[]string{"io.github.rcwizard.files"},
			"a sum over what Grafana reads at its start: the data source is the same, the folder of the dashboards is not",
		},
		{
			[]string{"rocketchat"},
			"labels",
			[]string{"prometheus.io/port", "prometheus.io/scrape"},
			"read by a Prometheus that asks Docker for its targets; ours has a list of them",
		},
		{
			[]string{"rocketchat"},
			"environment",
			[]string{"LICENSE_DEBUG"},
			"has Rocket.Chat write more of its licence into its log",
		},
		{
			[]string{"traefik"},
			"image", nil,
			"docker.io/traefik, which is short for docker.io/library/traefik: the same image with the same tag",
		},
		{
			[]string{"traefik"},
			"environment",
			[]string{"DOMAIN", "GRAFANA_DOMAIN", "GRAFANA_PATH", "TRAEFIK_PROTOCOL"},
			"read by the dynamic file that traefik-init would write; the routes are in ./dynamic, and ask for no variable",
		},
	}
}
