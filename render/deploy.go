package render

import (
	"fmt"
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
)

// DeployFile is the name of the instructions in an export.
const DeployFile = "DEPLOY.md"

// deploy writes how the files are deployed by hand: exactly the guide's
// commands, in an order that is safe.
func (t Tree) deploy() []byte {
	var b strings.Builder
	w := t.Workspace
	whose := `These are rcwizard's files under the names that
Rocket.Chat's guide "Running Rocket.Chat with Multiple Instances" uses, so the
guide's commands work on them. Do not download Rocket.Chat's own files over them.`
	oldest := "2.24"
	if w.Compose.Official() {
		whose = `These are Rocket.Chat's
own files, with an override each under the names that Rocket.Chat's guide "Running
Rocket.Chat with Multiple Instances" uses, so the guide's commands work on them. Do
not download those of another day over them.`
		oldest = "2.24.4"
	}
	fmt.Fprintf(&b, `# Deploying %s by hand

Rocket.Chat %s with %s behind %s. %s

Each folder here is one host. Copy what is in it to %s on that host, keep the
modes (.env is 0600), and run the commands as a user who may use Docker. Compose
%s or later; a variable of your shell beats .env, so use a clean one.
`, w.Domain, w.Release, counted(len(w.Instances), "instance"), w.RootURL, whose, w.Directory, oldest)

	step := 0
	next := func(title string) {
		step++
		fmt.Fprintf(&b, "\n## %d. %s\n", step, title)
	}
	command := func(p Project, lines ...string) {
		fmt.Fprintf(&b, "\nOn **%s** (`%s/`):\n\n    cd %s\n", p.Host, p.folder(), p.Dir)
		for _, line := range lines {
			b.WriteString("    " + line + "\n")
		}
	}

	if p, ok := t.Database(); ok {
		next("The database host")
		command(p, p.ComposeCommand())
		if w.RunsMongoDB() {
			b.WriteString("\nThe replica set is initiated by itself. It is ready when this prints `true`:\n\n" +
				"    docker compose -f compose.database.yml exec mongodb mongosh --quiet \\\n" +
				fmt.Sprintf("      --port %d --eval 'db.hello().isWritablePrimary'\n", w.Database.MongoDBPort) +
				"\nOtherwise the log of `mongodb-init-container` says why.\n")
		}
	}
	t.deployInstances(&b, next, command)
	if p, ok := t.Proxy(); ok {
		next("The reverse proxy, last")
		command(p, p.ComposeCommand())
		if w.TLS.Mode.UsesACME() {
			fmt.Fprintf(&b, "\nThe certificate is issued when %s points to this host and port 443 is open from outside.\n", w.Domain)
		}
	}

	next("Firewalls")
	fmt.Fprintf(&b, "\n%s: whoever gets through owns all data. Let in only what is listed.\n\n", NoPasswords(w))
	t.deployFirewall(&b)
	return []byte(b.String())
}

// NoPasswords says in a sentence without a full stop which of the workspace's
// services let in whoever reaches their ports: those that the guide gives no
// passwords, and Rocket.Chat's TCP transporter, which knows none.
func NoPasswords(w workspace.Workspace) string {
	var open []string
	if w.RunsMongoDB() {
		open = append(open, "MongoDB")
	}
	if w.RunsNATS() {
		open = append(open, "NATS")
	} else {
		open = append(open, "the instances' TCP transporter")
	}
	verb := " has no password"
	if len(open) > 1 {
		verb = " have no passwords"
	}
	sentence := strings.Join(open, " and ") + verb
	return strings.ToUpper(sentence[:1]) + sentence[1:]
}

func (t Tree) deployInstances(b *strings.Builder, next func(string), command func(Project, ...string)) {
	w := t.Workspace
	for n, i := range w.Instances {
		p, ok := t.Instance(i.Name)
		if !ok {
			continue
		}
		switch n {
		case 0:
			next("ONE instance first")
			b.WriteString("\nOn an empty database several instances that start together get in each other's way.\n")
			first := p.ComposeCommand()
			if w.Admin.Creates() {
				first = "docker compose -f " + strings.Join(p.ComposeWith(FirstAdminFile), " -f ") + " up -d"
				fmt.Fprintf(b, "\nWhoever opens a new workspace first becomes its administrator. So make the\nadministrator before the proxy runs: on %s write `%s/%s`,\nmode 0600. The password is admin_password in secrets.yaml, in the state folder of\nthe workspace, or one of your choice if there is none; a $ in it is written $$:\n\n", p.Host, p.Dir, FirstAdminFile)
				fmt.Fprintf(b, "    services:\n      rocketchat:\n        environment:\n          ADMIN_USERNAME: %q\n", w.Admin.Username)
				if w.Admin.Email != "" {
					fmt.Fprintf(b, "          ADMIN_EMAIL: %q\n", w.Admin.Email)
				}
				b.WriteString("          ADMIN_PASS: \"<admin_password>\"\n")
			} else {
				b.WriteString("\nadmin.create is false: whoever opens the workspace first becomes its administrator.\nDo that yourself before anyone else can reach the proxy.\n")
			}
			command(p, first)
			fmt.Fprintf(b, "\nThe first start takes minutes. It answers when this prints its version:\n\n    curl -fsS http://%s/api/info\n", i.Address(w))
			if w.Admin.Creates() {
				fmt.Fprintf(b, "\nThen take the password out again:\n\n    rm %s\n    %s\n", FirstAdminFile, p.ComposeCommand())
			}
		case 1:
			next("The other instances")
			command(p, p.ComposeCommand())
		default:
			command(p, p.ComposeCommand())
		}
	}
}

func (t Tree) deployFirewall(b *strings.Builder) {
	w := t.Workspace
	b.WriteString("| on | port | from |\n|---|---|---|\n")
	row := func(on string, port int, from ...string) {
		fmt.Fprintf(b, "| %s | %d | %s |\n", on, port, strings.Join(unique(from), ", "))
	}
	instances := make([]string, 0, len(w.Instances))
	for _, i := range w.Instances {
		instances = append(instances, i.Host)
	}
	if w.RunsMongoDB() {
		row(w.Database.Host, w.Database.MongoDBPort, instances...)
	}
	if w.RunsNATS() {
		row(w.Database.Host, w.Database.NATSPort, instances...)
	}
	if w.RunsMonitoring() {
		row(w.Database.Host, w.Grafana.Port, w.Proxy.Host)
	}
	for _, i := range w.Instances {
		row(i.Host, i.Port, w.Proxy.Host)
		if w.RunsMonitoring() {
			row(i.Host, i.MetricsPort, w.Database.Host)
		}
		if !w.RunsNATS() {
			row(i.Host, i.TCPPort, instances...)
		}
	}
	row(w.Proxy.Host, w.Proxy.HTTPPort, "everywhere")
	if w.TLS.Mode != workspace.TLSNone {
		row(w.Proxy.Host, w.Proxy.HTTPSPort, "everywhere")
	}
}

// unique returns the names, each once, in their order.
func unique(names []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
