package images

import (
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// recipe is how an image is made: its layers, and the configuration that the
// real image has.
type recipe struct {
	layers []layer
	config v1.Config
	// tags are set where rcwizard's table leaves the tag to the workspace.
	tags []tagged
	// versionEnv names the variable that tells a stand-in its version.
	versionEnv string
}

// recipes maps the names of rcwizard's image table to how the lab makes them.
// Entry points, users, ports and volumes are those of the real images, as far
// as their public Dockerfiles say.
func recipes(c *cache, base layer) map[string]recipe {
	return map[string]recipe{
		"mongodb":          mongodb(c, base),
		"mongodb-exporter": mongodbExporter(c),
		"nats":             nats(c, base),
		"nats-exporter":    natsExporter(c, base),
		"prometheus":       prometheus(c, base),
		"node-exporter":    nodeExporter(c, base),
		"grafana":          grafana(c, base),
		"rocketchat":       rocketchat(c, base),
		"traefik":          traefik(c, base),
	}
}

// mongodb runs as mongod's user unless compose says otherwise, and listens on
// all addresses when nothing is said, as the real entry point has it.
func mongodb(c *cache, base layer) recipe {
	const uid, gid = 998, 996
	own := layer{
		copied("/usr/bin/mongod", c.bin("mongod"), "mongod"),
		copied("/usr/bin/mongosh", c.bin("mongosh"), "mongosh"),
		file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nmongod:x:998:996::/home/mongod:/bin/sh\n"),
		file("/etc/group", "root:x:0:\nmongod:x:996:\n"),
		dir("/data/db").owned(uid, gid), dir("/data/configdb").owned(uid, gid), dir("/home/mongod").owned(uid, gid),
		script("/usr/local/bin/docker-entrypoint.sh", `#!/bin/sh
# As the real image: options alone mean mongod, and without --bind_ip it
# listens on every address.
set -e
case "$1" in -*) set -- mongod "$@" ;; esac
if [ "$1" = mongod ]; then
  case " $* " in
    *" --bind_ip"*) ;;
    *) set -- "$@" --bind_ip_all ;;
  esac
fi
exec "$@"
`),
	}
	return recipe{
		layers: []layer{base, own},
		config: v1.Config{
			Entrypoint: []string{"/usr/local/bin/docker-entrypoint.sh"}, Cmd: []string{"mongod"},
			User: "mongod", Env: searchPath(), ExposedPorts: ports("27017"),
			Volumes: map[string]struct{}{"/data/db": {}, "/data/configdb": {}},
		},
		tags: mongodbTags(), versionEnv: "LAB_MONGODB_VERSION",
	}
}

// mongodbExporter has no shell, like Percona's.
func mongodbExporter(c *cache) recipe {
	return recipe{
		layers: []layer{{copied("/mongodb_exporter", c.bin("mongodb-exporter"), "mongodb-exporter")}},
		config: v1.Config{Entrypoint: []string{"/mongodb_exporter"}, User: "65535:65535", ExposedPorts: ports("9216")},
	}
}

func nats(c *cache, base layer) recipe {
	own := layer{
		copied("/usr/local/bin/nats-server", c.bin("nats-server"), "nats-server"),
		file("/etc/nats/nats-server.conf", "port: 4222\nmonitor_port: 8222\ncluster {\n  name: lab\n  port: 6222\n}\n"),
		script("/usr/local/bin/docker-entrypoint.sh", "#!/bin/sh\nset -e\ncase \"$1\" in -*) set -- nats-server \"$@\" ;; esac\nexec \"$@\"\n"),
	}
	return recipe{
		layers: []layer{base, own},
		config: v1.Config{
			Entrypoint: []string{"docker-entrypoint.sh"}, Cmd: []string{"nats-server", "--config", "/etc/nats/nats-server.conf"},
			Env: searchPath(), ExposedPorts: ports("4222", "6222", "8222"),
		},
	}
}

func natsExporter(c *cache, base layer) recipe {
	return recipe{
		layers: []layer{base, {copied("/usr/local/bin/prometheus-nats-exporter", c.bin("nats-exporter"), "nats-exporter")}},
		config: v1.Config{
			Entrypoint: []string{"/usr/local/bin/prometheus-nats-exporter"}, Cmd: []string{"--help"},
			Env: searchPath(), ExposedPorts: ports("7777"),
		},
	}
}

// prometheus is Debian's behind a shim that drops what only version 3 knows.
func prometheus(c *cache, base layer) recipe {
	const nobody = 65534
	own := layer{
		copied("/bin/prometheus", c.bin("dropflags"), "dropflags"),
		copied("/usr/lib/lab/prometheus", filepath.Join(c.debian("prometheus"), "usr/bin/prometheus"), "debian/prometheus"),
		dir("/prometheus").owned(nobody, nobody), dir("/etc/prometheus").owned(nobody, nobody),
		file("/etc/prometheus/prometheus.yml", "global:\n  scrape_interval: 15s\nscrape_configs:\n  - job_name: prometheus\n    static_configs:\n      - targets: [localhost:9090]\n"),
	}
	return recipe{
		layers: []layer{base, own},
		config: v1.Config{
			Entrypoint: []string{"/bin/prometheus"},
			Cmd:        []string{"--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"},
			User:       "nobody", WorkingDir: "/prometheus", Env: searchPath(), ExposedPorts: ports("9090"),
			Volumes: map[string]struct{}{"/prometheus": {}},
		},
	}
}

func nodeExporter(c *cache, base layer) recipe {
	own := layer{
		copied("/bin/node_exporter", c.bin("dropflags"), "dropflags"),
		copied("/usr/lib/lab/node_exporter", filepath.Join(c.debian("prometheus-node-exporter"), "usr/bin/prometheus-node-exporter"), "debian/prometheus-node-exporter"),
	}
	return recipe{
		layers: []layer{base, own},
		config: v1.Config{Entrypoint: []string{"/bin/node_exporter"}, User: "nobody", Env: searchPath(), ExposedPorts: ports("9100")},
	}
}

func grafana(c *cache, base layer) recipe {
	const uid = 472
	own := layer{
		copied("/usr/share/grafana/bin/grafana", c.bin("grafana"), "grafana"),
		file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\ngrafana:x:472:0::/home/grafana:/bin/sh\n"),
		dir("/var/lib/grafana").owned(uid, 0).as(0o777), dir("/var/log/grafana").owned(uid, 0).as(0o777),
		dir("/etc/grafana").owned(uid, 0), dir("/etc/grafana/provisioning").owned(uid, 0),
		dir("/etc/grafana/provisioning/datasources").owned(uid, 0), dir("/etc/grafana/provisioning/dashboards").owned(uid, 0),
		script("/run.sh", "#!/bin/sh\nexec /usr/share/grafana/bin/grafana server \"$@\"\n"),
		link("/usr/bin/grafana", "/usr/share/grafana/bin/grafana"),
	}
	return recipe{
		layers: []layer{base, own},
		config: v1.Config{
			Entrypoint: []string{"/run.sh"}, User: "472", WorkingDir: "/usr/share/grafana", ExposedPorts: ports("3000"),
			Env: []string{
				"PATH=/usr/share/grafana/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				"GF_PATHS_DATA=/var/lib/grafana", "GF_PATHS_HOME=/usr/share/grafana",
				"GF_PATHS_LOGS=/var/log/grafana", "GF_PATHS_PROVISIONING=/etc/grafana/provisioning",
			},
		},
		versionEnv: "LAB_GRAFANA_VERSION",
	}
}

// rocketchat is a program named node that is given main.js, so that compose
// files which spell the command out work.
func rocketchat(c *cache, base layer) recipe {
	const uid = 65533
	own := layer{
		copied("/usr/local/bin/node", c.bin("rocketchat"), "rocketchat"),
		file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nrocketchat:x:65533:65533::/app:/bin/sh\n"),
		file("/etc/group", "root:x:0:\nrocketchat:x:65533:\n"),
		file("/app/bundle/main.js", "// The lab's stand-in for Rocket.Chat is the program named node.\n"),
		dir("/app/bundle").owned(uid, uid), dir("/app/uploads").owned(uid, uid),
	}
	return recipe{
		layers: []layer{base, own},
		config: v1.Config{
			Cmd: []string{"node", "main.js"}, User: "rocketchat", WorkingDir: "/app/bundle", ExposedPorts: ports("3000"),
			Env: append(searchPath(), "DEPLOY_METHOD=docker", "NODE_ENV=production", "MONGO_URL=mongodb://mongo:27017/rocketchat",
				"HOME=/tmp", "PORT=3000", "ROOT_URL=http://localhost:3000", "Accounts_AvatarStorePath=/app/uploads"),
			Volumes: map[string]struct{}{"/app/uploads": {}},
		},
		tags: rocketchatTags(), versionEnv: "LAB_RELEASE",
	}
}

func traefik(c *cache, base layer) recipe {
	own := layer{
		copied("/usr/local/bin/traefik", c.bin("traefik"), "traefik"),
		script("/entrypoint.sh", `#!/bin/sh
set -e
case "$1" in -*) set -- traefik "$@" ;; esac
if traefik "$1" --help >/dev/null 2>&1; then
  set -- traefik "$@"
else
  echo "= '$1' is not a Traefik command: assuming shell execution." 1>&2
fi
exec "$@"
`),
	}
	return recipe{
		layers: []layer{base, own},
		config: v1.Config{Entrypoint: []string{"/entrypoint.sh"}, Cmd: []string{"traefik"}, Env: searchPath(), ExposedPorts: ports("80")},
	}
}
