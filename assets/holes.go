package assets

import "slices"

// Hole is one place where following Rocket.Chat's guide to the letter, with
// Rocket.Chat's own files, ends in something that does not work, or works and
// is not safe. The table feeds docs/guide-map.md.
type Hole struct {
	// ID is H1 to H25 for what was found in the guide and its files, T1 to T22
	// for the same and more seen from other installers. Comments in the files
	// name them.
	ID string
	// Guide is the step of the guide, "2.3"; empty where it has none.
	Guide string
	// Says is what the guide, or a file that it downloads, says.
	Says string
	// Happens is what follows from it.
	Happens string
	// Cure is what rcwizard does; where files cannot close the hole, who does.
	Cure string
	// Tests are those that show it, as folder.Test.
	Tests []string
}

// Holes returns the table, H before T, each in order.
func Holes() []Hole { return slices.Concat(guideHoles(), installerTraps()) }

func guideHoles() []Hole {
	return []Hole{
		{
			"H1", "2.1", "compose.yml waits for the host mongodb before it starts Rocket.Chat",
			"on any other server the name does not resolve: it waits five minutes, ends, and begins again for ever",
			"compose.yml waits for the hosts that MONGO_URL names, in all of its forms, and says which it waits for",
			[]string{"test/loaders.TestInstanceWaits"},
		},
		{
			"H2", "1.4", "downloads compose.database.yml and compose.monitoring.yml from main",
			"on main NATS has moved into a file that the guide never downloads; without NATS no instance registers",
			"NATS is in compose.database.yml; the files are in the program and never downloaded",
			[]string{"test/loaders.TestNATS"},
		},
		{
			"H3", "1.1", "makes one folder below files/ and downloads nothing into the others",
			"Docker makes folders where files are mounted: Prometheus, Loki and the collector fail, Grafana is empty",
			"every file that is mounted is rendered; folders that an earlier try left in their place are removed when the files are put",
			[]string{"test/loaders.TestCompose", "test/loaders.TestPrometheus", "test/loaders.TestDashboards"},
		},
		{
			"H4", "1.4", "compose.monitoring.yml collects logs with a collector that needs Docker's socket, which only docker.yml mounts",
			"the collector fails; with docker.yml the project has a service without an image and is refused",
			"no collection of logs, since it is no part of the guide: no container gets Docker's socket",
			[]string{"test/loaders.TestCompose"},
		},
		{
			"H5", "1.5", "sets MONGODB_PORT_NUMBER",
			"mongod is never told: with any other port than 27017 the replica set has no member that is itself",
			"mongod gets --port, and everything that speaks to it the same variable",
			[]string{"render.TestGolden", "test/lab/e2e.TestShapeSubdomainAndTCP"},
		},
		{
			"H6", "1.5", "advertises the private address of a mongod in a bridge network",
			"mongod reaches itself through the published port and the host's firewall, which refuses it; the set never gets a primary",
			"mongod is on the host's network, on 127.0.0.1 and the private address",
			[]string{"test/loaders.TestCompose", "render.TestGolden", "test/lab/e2e.TestProxy"},
		},
		{
			"H7", "1.6", "the health check of MongoDB evaluates a string in quotes",
			"it is healthy as soon as it can be connected to, primary or not",
			"the health check asks for isWritablePrimary and answers with an exit code",
			[]string{"render.TestGolden"},
		},
		{
			"H8", "2.2", "adds network_mode: host to a service that has ports:",
			"Compose version 1 refuses it, version 2 drops the ports without a word",
			"no service has ports:; Compose 2.24 or later is required",
			[]string{"test/loaders.TestCompose"},
		},
		{
			"H9", "2.3", "leaves INSTANCE_IP out of .env, as if host networking made it needless",
			"every instance registers as localhost, and step 4.3 cannot tell one from the other",
			"INSTANCE_IP is always the private address",
			[]string{"test/loaders.TestInstanceEnvironment", "test/lab/e2e.TestInstall"},
		},
		{
			"H10", "", "says to set TCP_PORT behind a firewall",
			"compose.yml never passes it on: the port stays random",
			"with the transporter tcp each instance has a TCP_PORT of its own, counted up per host, and gets it",
			[]string{"test/loaders.TestInstanceEnvironment", "test/lab/e2e.TestShapeSubdomainAndTCP"},
		},
		{
			"H11", "3.2", "redirects to HTTPS in a top-level https: block of the dynamic file",
			"Traefik knows no such section and drops it: port 80 answers 404",
			"the redirect belongs to the entry point, and leads to the port of root_url",
			[]string{"test/loaders.TestTraefikServes", "test/loaders.TestTraefikFlags", "test/lab/e2e.TestProxy", "test/lab/e2e.TestShapeExternal"},
		},
		{
			"H12", "3.2", "the override has no health check for the instances",
			"a dead instance keeps getting its share of the requests",
			"Traefik asks each instance every 5 s and takes it out after 8 s at most; until then a request without the sticky cookie is tried on another one, and a browser with it waits or gets an error",
			[]string{"test/loaders.TestTraefikServes", "test/loaders.TestTraefikRoutes", "test/lab/e2e.TestProxy"},
		},
		{
			"H13", "3.2", "no sticky sessions",
			"a browser that falls back from WebSocket asks another instance each time and hangs",
			"a sticky cookie, httpOnly, and secure where there is TLS",
			[]string{"test/loaders.TestTraefikServes", "test/lab/e2e.TestProxy"},
		},
		{
			"H14", "3.2", "a container writes the dynamic file while Traefik starts",
			"Traefik may start before and then has no routes; a change needs the container again",
			"the file lies in a folder that is mounted and watched: a change is taken over without a restart",
			[]string{"test/loaders.TestTraefikServes", "test/lab/e2e.TestProxy"},
		},
		{
			"H15", "1.5", "leaves GRAFANA_DOMAIN empty for a path",
			"Grafana's root URL becomes http:///grafana/: links and redirects are wrong",
			"GRAFANA_ROOT_URL is the whole address in both modes",
			[]string{"render.TestGolden", "test/lab/e2e.TestProxy", "test/lab/e2e.TestShapeSubdomainAndTCP"},
		},
		{
			"H16", "1.5", "sets no GRAFANA_BIND_IP, and rc-admin as the password",
			"Grafana is open to the world with a password that everyone can read",
			"Grafana listens on the private address, with a password that is made for it",
			[]string{"render.TestGolden", "test/lab/e2e.TestProxy"},
		},
		{
			"H17", "1.3", "the targets of the cloned files are rocketchat:9458 and traefik:9096",
			"both are down for ever",
			"the targets are the instances, by address, and the exporters that run",
			[]string{"test/loaders.TestPrometheus", "test/lab/e2e.TestInstall"},
		},
		{
			"H18", "1.6", "node-exporter is privileged and listens on every address, on the database host alone",
			"its figures are public; the other hosts have none",
			"it listens on 127.0.0.1 and is not privileged; it is still on the database host alone, since the guide opens no port for others",
			[]string{"test/loaders.TestCompose", "test/lab/e2e.TestProxy"},
		},
		{
			"H19", "3.3", "Let's Encrypt by TLS-ALPN only, without a way to try it",
			"it needs port 443 from outside; each failed try counts against the limits",
			"a staging mode, another ACME directory, own files or none; the certificates of each authority are kept apart",
			[]string{"test/loaders.TestTraefikFlags", "test/loaders.TestTraefikStarts", "test/lab/e2e.TestShapeExternal", "test/lab/e2e.TestShapeOneHost"},
		},
		{
			"H20", "3.2", "Grafana always has a route",
			"without monitoring it answers 502; with neither path nor domain the rule is invalid",
			"the route is there when Grafana is",
			[]string{"test/loaders.TestTraefikRoutes", "test/lab/e2e.TestShapeExternal"},
		},
		{
			"H21", "", "recommends N-1 instances on a host with N cores and says no more",
			"with host networking they take each other's ports and project name",
			"each instance has its folder, project name, PORT, METRICS_PORT and TCP_PORT; METRICS_PORT becomes PROMETHEUS_PORT and no longer a setting, which is in the database and so one for all",
			[]string{"test/loaders.TestInstanceEnvironment", "render.TestNamesAreUnique", "test/lab/e2e.TestShapeOneHost", "test/lab/e2e.TestShapeSubdomainAndTCP"},
		},
		{
			"H22", "", "updates host after host, without a backup or an order",
			"two releases run on one database and may migrate it together",
			"nothing in files can hold this: the order is one instance first, in DEPLOY.md, in .env's comments and in rcwizard's own plan",
			[]string{"render.TestGolden"},
		},
		{
			"H23", "1.4", "alpine:latest, files from main, a release by default",
			"the same commands give another cluster next month",
			"exact tags from one table; RELEASE has no default; what was pulled, by digest, is in the receipts. A MongoDB line without a known exact tag has the line's own",
			[]string{"test/loaders.TestCompose", "assets.TestImagesAreExact"},
		},
		{
			"H24", "2.4", "restart: always, and no health check for Rocket.Chat",
			"an instance that was stopped for an update comes back with its old release when the host boots; Up says nothing",
			"restart: unless-stopped, and a health check that asks the instance. An address that appears late at boot is retried by the restart",
			[]string{"test/loaders.TestCompose"},
		},
		{
			"H25", "", "no word of a licence",
			"without the module scalability instances register and pass no live events to each other",
			"ROCKETCHAT_LICENSE and REG_TOKEN are passed on when given; whether the instances are linked is asked and said at the end",
			[]string{"test/loaders.TestInstanceEnvironment", "test/lab/e2e.TestInstall"},
		},
	}
}
