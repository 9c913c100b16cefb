package render

import (
	"github.com/rcwizard/rcwizard/assets"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/release"
)

// instance renders one Rocket.Chat process. Its compose.yml is the same for
// every instance of every workspace; what differs is in .env.
func instance(in Inputs, i workspace.Instance) (Project, error) {
	w := in.Workspace
	p := Project{
		Host:     i.Host,
		Role:     RoleInstance,
		Instance: i.Name,
		Name:     projectName(w, RoleInstance, i.Name),
		Dir:      projectDir(w, RoleInstance, i.Name),
		Images:   []string{imageRepository("rocketchat") + ":" + w.Release},
	}
	var err error
	p.Files, err = files(assets.Instance, nil, []File{instanceEnv(in, p, i)}, nothingSkipped)
	if err != nil || !w.Compose.Official() {
		return p, err
	}
	return officialInstance(in, p)
}

// instanceEnv is the guide's .env of step 2.3, with what it leaves out.
func instanceEnv(in Inputs, p Project, i workspace.Instance) File {
	w := in.Workspace
	host, _ := w.Host(i.Host)
	var e dotenv
	e.comment("Written by rcwizard for instance " + i.Name + " on host " + i.Host + ": the guide's step 2.3.")
	e.set("COMPOSE_PROJECT_NAME", p.Name)

	e.comment("To update: change it on every host, stop all instances, start one, then the others.")
	e.set("RELEASE", w.Release)
	e.set("ROOT_URL", w.RootURL)

	e.comment("The database, and how the instances pass live events to each other.")
	if w.Database.External {
		e.someSecret("MONGO_URL", in.Secrets.MongoURL)
	} else {
		e.set("MONGO_URL", "mongodb://"+w.MongoDBAddress()+"/rocketchat?replicaSet=rs0")
	}
	// Empty with the transporter tcp, and it must be there then: see compose.yml.
	e.set("NATS_URL", w.NATSURL())
	if w.Messaging.Transporter == workspace.TransporterTCP {
		e.port("TCP_PORT", i.TCPPort)
	}

	e.comment("Where this instance listens, and under which address the others know it.")
	e.set("BIND_IP", host.PrivateIP)
	e.set("INSTANCE_IP", host.PrivateIP)
	e.port("PORT", i.Port)
	e.port("METRICS_PORT", i.MetricsPort)
	e.set("HEALTHCHECK_PATH", healthPath(w.Release))

	if in.Secrets.RegistrationToken != "" || in.Secrets.License != "" {
		e.comment("Rocket.Chat's cloud, and the licence that links the instances.")
		e.someSecret("REG_TOKEN", in.Secrets.RegistrationToken)
		e.someSecret("ROCKETCHAT_LICENSE", in.Secrets.License)
	}
	storage(&e, w.Storage, in.Secrets)
	return e.file()
}

// healthPath is where an instance says that it lives. /livez is new in 7.11;
// from then on /health is deprecated and writes a line into the log at every
// call (docs/rocketchat.md §2). A release that cannot be read gets the one that
// all have.
func healthPath(version string) string {
	r, err := release.Parse(version)
	if err == nil && r.Compare(release.Release{Major: 7, Minor: 11}) >= 0 {
		return "/livez"
	}
	return "/health"
}
