package render

import (
	"net/netip"
	"strings"

	"github.com/rcwizard/rcwizard/assets"
)

// The database's compose files, as the guide names them (step 1.6).
const (
	composeDatabase   = "compose.database.yml"
	composeMonitoring = "compose.monitoring.yml"
)

// databaseData is what the database host's templates see.
type databaseData struct {
	Command                              string
	Services                             string
	MongoDB, NATS, Monitoring            bool
	NodeExporter, SubPath, SecureCookies bool
	MongoDBImage, GrafanaHealth          string
	PrometheusPort, NodeExporterPort     int
	Targets                              []target
}

type target struct{ Instance, Address string }

// database renders the project of the database host: MongoDB unless it is an
// external one, NATS unless the transporter is tcp, monitoring unless there is
// none.
func database(in Inputs) (Project, error) {
	w := in.Workspace
	host := w.DatabaseHost()
	p := Project{
		Host:    host.Name,
		Role:    RoleDatabase,
		Name:    projectName(w, RoleDatabase, ""),
		Dir:     projectDir(w, RoleDatabase, ""),
		Compose: []string{composeDatabase},
	}
	if w.RunsMonitoring() {
		p.Compose = append(p.Compose, composeMonitoring)
	}

	d := databaseData{
		Command:        "docker compose -f " + strings.Join(p.Compose, " -f ") + " up -d",
		MongoDB:        w.RunsMongoDB(),
		NATS:           w.RunsNATS(),
		Monitoring:     w.RunsMonitoring(),
		SubPath:        w.Grafana.Path != "",
		SecureCookies:  strings.HasPrefix(w.RootURL, "https:"),
		GrafanaHealth:  "http://" + bracketed(host.PrivateIP) + ":${GRAFANA_HOST_PORT:-5050}${GRAFANA_PATH-}/api/health",
		PrometheusPort: w.Database.PrometheusPort,
		// One name for both: the tag is a variable, so that .env alone decides.
		MongoDBImage: imageRepository("mongodb") + ":${MONGODB_TAG:?}",
	}
	if n := w.Database.NodeExporterPort; n != nil && *n != 0 {
		d.NodeExporter, d.NodeExporterPort = true, *n
	}
	switch {
	case d.MongoDB && d.NATS:
		d.Services = "MongoDB and NATS"
	case d.MongoDB:
		d.Services = "MongoDB; with the transporter tcp there is no NATS"
	case d.NATS:
		d.Services = "NATS; MongoDB is an external one"
	default:
		d.Services = "nothing in this file, since MongoDB is an external one and the transporter is tcp"
	}
	for _, i := range w.Instances {
		d.Targets = append(d.Targets, target{Instance: i.Name, Address: i.MetricsAddress(w)})
	}

	var err error
	p.Files, err = files(assets.Database, d, []File{databaseEnv(in, p, d)}, d.skips)
	p.Images = d.images(in)
	if err != nil || !w.Compose.Official() {
		return p, err
	}
	return officialDatabase(in, p, d)
}

// skips reports whether a file has nothing to do in this workspace.
func (d databaseData) skips(path string) bool {
	switch {
	case strings.HasPrefix(path, "files/nats/"):
		return !d.NATS
	case strings.HasPrefix(path, "files/"), path == composeMonitoring, path == overrideOf(composeMonitoring):
		if !d.Monitoring {
			return true
		}
	}
	switch path {
	case "files/grafana/dashboards/mongodb.json", dashboards + "mongodb/mongodb-exporter.json", "files/prometheus/file_sd_configs/mongo.yml":
		return !d.MongoDB
	case "files/grafana/dashboards/nats.json", dashboards + "nats/nats-server.json", "files/prometheus/file_sd_configs/nats.yml":
		return !d.NATS
	case "files/grafana/dashboards/host.json", dashboards + "prometheus/node-exporter-full.json", "files/prometheus/file_sd_configs/node-exporter.yml":
		return !d.NodeExporter
	}
	return false
}

// images lists what the project pulls, in the order of the table.
func (d databaseData) images(in Inputs) []string {
	wanted := map[string]bool{
		"mongodb": d.MongoDB, "mongodb-exporter": d.MongoDB,
		"nats": d.NATS, "nats-exporter": d.NATS,
		"prometheus": d.Monitoring, "grafana": d.Monitoring,
		"node-exporter": d.Monitoring && d.NodeExporter,
	}
	var out []string
	for _, image := range assets.Images() {
		if !wanted[image.Name] {
			continue
		}
		if image.Name == "mongodb" {
			image = image.WithTag(assets.MongoDBTag(in.Workspace.Database.MongoDBVersion))
		}
		out = append(out, image.Reference())
	}
	return out
}

// databaseEnv is the guide's .env of step 1.5, with the variables that it
// leaves out. MONGODB_INITIAL_PRIMARY_HOST is not there: nothing reads it.
func databaseEnv(in Inputs, p Project, d databaseData) File {
	w := in.Workspace
	ip := w.DatabaseHost().PrivateIP
	var e dotenv
	e.comment("Written by rcwizard for host " + p.Host + ": the guide's step 1.5.")
	e.set("COMPOSE_PROJECT_NAME", p.Name)
	if d.MongoDB {
		e.comment("MongoDB")
		e.set("MONGODB_TAG", assets.MongoDBTag(w.Database.MongoDBVersion))
		e.set("MONGODB_BIND_IP", ip)
		e.port("MONGODB_PORT_NUMBER", w.Database.MongoDBPort)
		e.set("MONGODB_ADVERTISED_HOSTNAME", bracketed(ip))
		if isIPv6(ip) {
			e.set("MONGODB_OPTIONS", "--ipv6")
		}
	}
	if d.NATS {
		e.comment("NATS")
		e.set("NATS_BIND_IP", ip)
		e.port("NATS_PORT_NUMBER", w.Database.NATSPort)
	}
	if d.Monitoring {
		e.comment("Prometheus")
		e.port("PROMETHEUS_PORT", d.PrometheusPort)
		if d.NodeExporter {
			e.port("NODE_EXPORTER_PORT", d.NodeExporterPort)
		}
		e.comment("Grafana. GRAFANA_ADMIN_PASSWORD counts at the very first start only.")
		e.set("GRAFANA_DOMAIN", w.Grafana.Domain)
		e.set("GRAFANA_PATH", w.Grafana.Path)
		e.set("GRAFANA_ROOT_URL", w.GrafanaURL())
		e.set("GRAFANA_BIND_IP", ip)
		e.port("GRAFANA_HOST_PORT", w.Grafana.Port)
		e.someSecret("GRAFANA_ADMIN_PASSWORD", in.Secrets.GrafanaAdminPassword)
	}
	if w.Compose.Official() {
		e.comment("The tags, where Rocket.Chat's own files take them from.")
		e.tag("MONGODB_EXPORTER_VERSION", "mongodb-exporter", d.MongoDB)
		e.tag("NATS_VERSION", "nats", d.NATS)
		e.tag("NATS_EXPORTER_VERSION", "nats-exporter", d.NATS)
		e.tag("PROMETHEUS_VERSION", "prometheus", d.Monitoring)
		e.tag("NODE_EXPORTER_VERSION", "node-exporter", d.Monitoring && d.NodeExporter)
		e.tag("GRAFANA_VERSION", "grafana", d.Monitoring)
	}
	return e.file()
}

func imageRepository(name string) string {
	image, _ := assets.ImageNamed(name)
	return image.Repository
}

func isIPv6(ip string) bool {
	address, err := netip.ParseAddr(ip)
	return err == nil && address.Is6() && !address.Is4In6()
}

// bracketed is an address as it stands before ":port".
func bracketed(ip string) string {
	if isIPv6(ip) {
		return "[" + ip + "]"
	}
	return ip
}
