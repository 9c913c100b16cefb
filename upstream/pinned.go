package upstream

// Commit is one commit of Rocket.Chat's repository.
type Commit struct {
	// ID is the whole commit, 40 characters.
	ID string
	// Sums are the SHA-256 of files, in hexadecimal, by their paths in the
	// repository. Where there are none, nobody vouches for the files.
	Sums map[string]string
}

// Short is the commit as people write it.
func (c Commit) Short() string { return c.ID[:min(7, len(c.ID))] }

// Pinned is the commit that this rcwizard knows and makes its overrides for, of
// 2026-06-08. The table is what `rcwizard internal pin` prints for it.
func Pinned() Commit {
	return Commit{
		ID: "f693f76c0335e98ba214276e869f54e319220d20",
		Sums: map[string]string{
			"compose.database.yml":   "6ecae8496bfba9d273742d97b1de921278dbfe6ffec40850ae328ab2fee47786",
			"compose.monitoring.yml": "b2ee9a9b8327bf7957fdebd3bd885073d773f5f0cf3663d3f9287fa9e0d0535f",
			"compose.traefik.yml":    "9482478e0b05293be77e28fc619b8f1713559255582b2922f1cde5efae026551",
			"compose.yml":            "a55785df4b9b484c844786ad226fa589453842c0c27cbb522752c24841d61e85",
			"files/grafana/dashboards/imported/mongodb/mongodb-exporter.json":      "edbc3c2f190bcf0b47e2bd74eba7d0d5ee53df2c9b52e047e325c6b8c65ea66c",
			"files/grafana/dashboards/imported/nats/nats-server.json":              "1a8a4fa06870d0351237d95bb0425c2860fd255919a8294a841798fac38ae5f4",
			"files/grafana/dashboards/imported/prometheus/node-exporter-full.json": "6e5b9662816bef2a01c09763585759e19303bdced3df2d427df57562bf72ba39",
			"files/grafana/dashboards/imported/prometheus/prometheus-stats.json":   "03bd2f4dd848c829faf6064e17b688e44906ac992e2d327a6b29968d4358a965",
			"files/grafana/dashboards/imported/rocketchat/rocketchat-metrics.json": "c83deb0d2ed6c0fc88d9a00e2464f46002c94374b4cc3f19d03b098bf60c9d16",
			"files/grafana/provisioning/dashboards/from-dir.yml":                   "adb141996a481452a1e4d6b299fe248fc298d5951a31262399b28f875bdf8f53",
			"files/prometheus/prometheus.yml":                                      "e347242d07c43f31197998eb6972606c652865821ad1be56724f9834b2f1d2c5",
		},
	}
}

// At is the commit of that id: c itself, if it is c's or empty, else one that
// nobody vouches for.
func (c Commit) At(id string) Commit {
	if id == "" || id == c.ID {
		return c
	}
	return Commit{ID: id}
}
