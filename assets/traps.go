package assets

// installerTraps are the holes as other installers and their users met them.
func installerTraps() []Hole {
	return []Hole{
		{
			"T1", "2.1", "compose.yml waits for the host mongodb",
			"an endless restart without a useful error", "see H1",
			[]string{"test/loaders.TestInstanceWaits"},
		},
		{
			"T2", "1.1", "the monitoring mounts files that are never downloaded",
			"folders stand where files belong, also for the next try", "see H3",
			[]string{"test/loaders.TestCompose"},
		},
		{
			"T3", "1.4", "the collector of logs watches Docker on the database host",
			"logs of the instances are never collected, whatever one mounts",
			"no collection of logs: rcwizard reads each host's own when asked",
			[]string{"test/loaders.TestCompose"},
		},
		{
			"T4", "3.2", "a https: block in the dynamic file",
			"it is dropped without a word", "see H11",
			[]string{"test/loaders.TestTraefikServes"},
		},
		{
			"T5", "3.2", "traefik-init removes and writes what Traefik watches",
			"without the file at its start Traefik runs without routes; after a removal it watches nothing",
			"the mounted thing is the folder, and files in it are replaced by renaming",
			[]string{"test/loaders.TestTraefikServes", "test/lab/e2e.TestProxy"},
		},
		{
			"T6", "3.2", "the override drops the health check and the list of upstream's file, and upstream's leads to a host grafana",
			"see H12; Grafana is not found from another host",
			"all of it is rendered: health check, instances, Grafana by its private address",
			[]string{"test/loaders.TestTraefikRoutes", "test/loaders.TestTraefikServes", "test/lab/e2e.TestProxy"},
		},
		{
			"T7", "1.6", "the replica set is initiated by a container that never looks at the result",
			"it ends with 0 also when it failed, and fails each time afterwards, also with 0",
			"the one-shot asks first, initiates only what is not yet, waits for the primary, and ends with 1 and the reason otherwise",
			[]string{"test/loaders.TestReplicaSetIsInitiatedOnce"},
		},
		{
			"T8", "1.5", "mongod must reach the host's own address from inside a container",
			"a firewall that denies by default forbids just that", "see H6",
			[]string{"test/loaders.TestCompose", "render.TestGolden", "test/lab/e2e.TestFirewall"},
		},
		{
			"T9", "1.5", "MONGODB_PORT_NUMBER", "another port is published and nobody listens behind it", "see H5",
			[]string{"render.TestGolden", "test/lab/e2e.TestShapeSubdomainAndTCP"},
		},
		{
			"T10", "1.5", "MongoDB and NATS have no passwords, and their ports are published",
			"published ports go past the firewall: who reaches the address owns all data",
			"on the host's network the firewall counts. They still have no passwords, as in the guide: the files, DEPLOY.md and the check say so, and a public address gets a warning",
			[]string{"test/loaders.TestCompose", "test/loaders.TestNATS", "test/lab/e2e.TestProxy", "test/lab/e2e.TestFirewall"},
		},
		{
			"T11", "1.5", "Grafana's password is rc-admin and counts only once",
			"whoever changes it in .env later changes nothing",
			"the password is made; .env and the compose file say that it counts at the first start, and how to change it later",
			[]string{"render.TestGolden", "test/lab/e2e.TestProxy"},
		},
		{
			"T12", "2.3", "INSTANCE_IP is left out", "the instances are all called localhost", "see H9",
			[]string{"test/loaders.TestInstanceEnvironment", "test/lab/e2e.TestInstall"},
		},
		{
			"T13", "4.3", "the list of instances proves the setup",
			"they are listed and yet not linked without a licence", "see H25; the instance count tells registered from linked",
			[]string{"cluster.TestJudge", "test/lab/e2e.TestShapeOneHost"},
		},
		{
			"T14", "2.3", "NATS_URL begins with monolith+", "Rocket.Chat refuses any other form",
			"the address is made from the workspace, and empty only with the transporter tcp",
			[]string{"test/loaders.TestInstanceEnvironment"},
		},
		{
			"T15", "4.3", "the number of listed instances", "ghosts and doubles are in it",
			"not for files to close: the instance count compares sets of address and port, fresh by the database's clock",
			[]string{"cluster.TestJudge"},
		},
		{
			"T16", "", "an update that takes long looks as if it failed",
			"an older release after a migration never starts again",
			"not for files to close: deadlines are 15 minutes, and no release is ever lowered. The container's health check waits as long",
			[]string{"render.TestGolden"},
		},
		{
			"T17", "1.4", "files from the branch main", "they change under the guide", "see H23: the files are in the program",
			[]string{"assets.TestImagesAreExact"},
		},
		{
			"T18", "", "docker compose up --wait", "it fails when a one-shot ends with 0, and takes a crash loop for healthy",
			"rcwizard never uses it; the one-shots here end by themselves",
			[]string{"steps.TestUpDoesNotAskComposeToWait"},
		},
		{
			"T19", "2.2", "network_mode: host leaves ports: behind", "see H8", "there are none to leave",
			[]string{"test/loaders.TestCompose"},
		},
		{
			"T20", "1.3", "targets that only resolve on one host, and node-exporter at docker0's address",
			"they are down for ever", "see H17",
			[]string{"test/loaders.TestPrometheus", "test/lab/e2e.TestInstall"},
		},
		{
			"T21", "3.3", "certificates by TLS-ALPN", "names behind another TLS proxy never get one",
			"see H19; with TLS in front there is the mode none, where only a proxy on named addresses is believed",
			[]string{"test/loaders.TestTraefikFlags", "test/lab/e2e.TestShapeOneHost"},
		},
		{
			"T22", "", "upstream plans one script for all files", "its files will change again",
			"nothing is taken from there; the renderer knows files and templates, not their contents", nil,
		},
	}
}
