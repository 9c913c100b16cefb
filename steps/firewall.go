package steps

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
	"github.com/rcwizard/rcwizard/workspace"
)

// FirewallRefusedError is a host whose firewall rcwizard leaves alone, and why.
type FirewallRefusedError struct {
	Host string
	// None says that no firewall filters on the host, so that nothing has to be
	// let in.
	None bool
	// Reason says what is in the way and what to do.
	Reason string
}

func (e *FirewallRefusedError) Error() string { return "host " + e.Host + ": " + e.Reason }

// refuseFirewall says why rules cannot be given to the host's firewall, or nil.
func refuseFirewall(host string, fw check.Firewall) *FirewallRefusedError {
	no := func(format string, args ...any) *FirewallRefusedError {
		return &FirewallRefusedError{Host: host, Reason: fmt.Sprintf(format, args...)}
	}
	kind, one := fw.Managed()
	switch active := fw.Managers(); {
	case !fw.Seen:
		return no("which firewall is active can be seen by root alone: let the login use sudo")
	case len(active) == 0:
		return &FirewallRefusedError{Host: host, None: true, Reason: "no firewall is active, and rcwizard turns none on"}
	case !one:
		return no("%s and %s are both active, and which of them was meant to be cannot be known: turn one off, or type the lines that rcwizard check --firewall prints", active[0], active[1])
	case kind == check.IPTables:
		return no("iptables has no file of rules that could be taken back: saving writes down everything that is in force, Docker's rules too. Type the lines that rcwizard check --firewall prints")
	case kind == check.NFTables && len(fw.Chains) == 0:
		return no("nftables drops what comes in, and in which chain could not be read: type the rule where the others are")
	case kind == check.NFTables && fw.File == "":
		return no("nftables filters, but the service nftables is not enabled, or does not say which file it loads, so that a rule would be gone after a boot: enable it (systemctl enable nftables), or add the rules where the others come from")
	}
	return nil
}

// PlanFirewall finds out which entries the host's active firewall lacks for the
// edges, and keeps what undo needs. It changes nothing. A *FirewallRefusedError says
// that the firewall is left alone.
func PlanFirewall(ctx context.Context, h remote.Host, w workspace.Workspace, edges []check.Edge, fw check.Firewall) (check.AppliedChange, error) {
	none := check.AppliedChange{}
	if no := refuseFirewall(h.Name(), fw); no != nil {
		return none, no
	}
	kind, _ := fw.Managed()
	standing, err := standingRules(ctx, h, kind, placesOf(w, h.Name(), edges, fw, kind), fw.File)
	if err != nil {
		return none, err
	}
	out := check.AppliedChange{FirewallChange: check.Change(w, h.Name(), edges, fw, kind, standing)}
	if len(out.Apply) == 0 {
		return out, nil
	}
	if err := loads(ctx, h, fw.File, out.Loads); err != nil {
		return none, err
	}
	if out.Before, err = firewallSays(ctx, h, kind, out.Places); err != nil {
		return none, err
	}
	out.Files, err = readFiles(ctx, h, firewallFiles(kind, out.Places, fw.File))
	return out, err
}

// placesOf are the zones or chains that the edges' rules belong into.
func placesOf(w workspace.Workspace, host string, edges []check.Edge, fw check.Firewall, kind check.FirewallKind) []string {
	return check.Change(w, host, edges, fw, kind, check.Standing{}).Places
}

// firewallFiles are the files in which a firewall keeps rules over a boot.
// firewalld keeps the last version of each beside it.
func firewallFiles(kind check.FirewallKind, places []string, file string) []string {
	switch kind {
	case check.UFW:
		return []string{"/etc/ufw/user.rules", "/etc/ufw/user6.rules"}
	case check.Firewalld:
		var out []string
		for _, zone := range places {
			at := path.Join("/etc/firewalld/zones", zone+".xml")
			out = append(out, at, at+".old")
		}
		return out
	case check.NFTables:
		return []string{file}
	case check.IPTables, check.Cloud:
	}
	return nil
}

// firewallRun runs a script as root that must succeed.
func firewallRun(ctx context.Context, h remote.Host, doing string, c remote.Command) (string, error) {
	c.Root = true
	c.Env = map[string]string{"LC_ALL": "C", "PYTHONUTF8": "1"}
	res, err := h.Run(ctx, c)
	if err != nil {
		return "", fmt.Errorf("host %s: %s: %w", h.Name(), doing, err)
	}
	if res.Code != 0 {
		return "", &firewallFailedError{host: h.Name(), doing: doing, code: res.Code, text: strings.TrimSpace(res.Stderr)}
	}
	return res.Stdout, nil
}

// firewallFailedError is a firewall that said no.
type firewallFailedError struct {
	host, doing, text string
	code              int
}

func (e *firewallFailedError) Error() string {
	return fmt.Sprintf("host %s: %s: exit code %d: %s", e.host, e.doing, e.code, e.text)
}

// standingRules asks the firewall for the rules that it has.
func standingRules(ctx context.Context, h remote.Host, kind check.FirewallKind, places []string, file string) (check.Standing, error) {
	run := func(script string, args ...string) (string, error) {
		return firewallRun(ctx, h, "list the rules of "+string(kind), remote.Command{Script: script, Args: args})
	}
	s := check.Standing{Now: map[string][]string{}, Boot: map[string][]string{}}
	switch kind {
	case check.UFW:
		text, err := run("ufw show added")
		return check.ParseUFW(text), err
	case check.Firewalld:
		for _, zone := range places {
			now, err := run(`firewall-cmd --zone="$1" --list-rich-rules`, zone)
			if err != nil {
				return s, err
			}
			boot, err := run(`firewall-cmd --permanent --zone="$1" --list-rich-rules`, zone)
			if err != nil {
				return s, err
			}
			s.Now[zone], s.Boot[zone] = check.ParseRichRules(now), check.ParseRichRules(boot)
		}
	case check.NFTables:
		text, err := run(`cat -- "$1"`, file)
		if err != nil {
			return s, err
		}
		for _, chain := range places {
			now, err := run(`nft list chain $1`, chain)
			if err != nil {
				return s, err
			}
			s.Now[chain], s.Boot[chain] = check.ParseChain(now, chain), check.ParseChain(text, chain)
		}
	case check.IPTables, check.Cloud:
	}
	return s, nil
}

// loadsScript has nftables read the file with more lines at its end, as at boot,
// when there are no rules yet. It is asked to check and changes nothing.
const loadsScript = `
f=$1
t=$(mktemp)
trap 'rm -f -- "$t"' EXIT
cat -- "$f" >"$t"
[ -z "$(tail -c1 -- "$t")" ] || echo >>"$t"
cat >>"$t"
cd -- "${f%/*}"/
printf 'flush ruleset\ninclude "%s"\n' "$t" | nft -c -f -`

// loads proves that what is added to nftables' file is loaded at the next boot.
func loads(ctx context.Context, h remote.Host, file string, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	_, err := firewallRun(ctx, h, "check "+file, remote.Command{
		Script: loadsScript, Args: []string{file}, Stdin: strings.NewReader(strings.Join(lines, "\n") + "\n"),
	})
	if failed, ok := errors.AsType[*firewallFailedError](err); ok {
		return &FirewallRefusedError{Host: h.Name(), Reason: fmt.Sprintf("%s, which is loaded at boot, does not make the chain that the rules belong into: add them where that chain is made (nft says: %s)", file, failed.text)}
	}
	return err
}

// firewallSays is what the firewall says of itself, for people and to be compared.
func firewallSays(ctx context.Context, h remote.Host, kind check.FirewallKind, places []string) (string, error) {
	script := map[check.FirewallKind]string{
		check.UFW: `ufw status verbose; ufw show added`,
		// In an order of their own: firewalld's is another after each start.
		check.Firewalld: `for z; do for p in "" --permanent; do firewall-cmd $p --zone="$z" --list-all | sort; done; done`,
		check.NFTables:  `for c; do nft -s list chain $c; done`,
	}[kind]
	return firewallRun(ctx, h, "ask "+string(kind)+" for its rules", remote.Command{Script: script, Args: places})
}

const readFilesScript = `
for f; do
	if [ -e "$f" ]; then printf 'there '; base64 <"$f" | tr -d '\n'; echo; else echo absent; fi
done`

func readFiles(ctx context.Context, h remote.Host, paths []string) ([]check.KeptFile, error) {
	text, err := firewallRun(ctx, h, "read the firewall's files", remote.Command{Script: readFilesScript, Args: paths})
	if err != nil {
		return nil, err
	}
	lines := slices.Collect(strings.Lines(text))
	if len(lines) != len(paths) {
		return nil, fmt.Errorf("host %s: read the firewall's files: %d answers for %d files", h.Name(), len(lines), len(paths))
	}
	out := make([]check.KeptFile, len(paths))
	for i, p := range paths {
		encoded, there := strings.CutPrefix(strings.TrimSpace(lines[i]), "there")
		content, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		if there && err != nil {
			return nil, fmt.Errorf("host %s: read %s: %w", h.Name(), p, err)
		}
		out[i] = check.KeptFile{Path: p, There: there}
		if there {
			out[i].Content = content
		}
	}
	return out, nil
}

// FirewallProof is how a change of a firewall is proven harmless.
type FirewallProof struct {
	// Reconnect opens a new connection to the host, by SSH.
	Reconnect func(context.Context) (remote.Host, error)
	// Within is how long the host waits for it; then it takes the change back by
	// itself. Whole seconds.
	Within time.Duration
}

// applyScript runs the lines, with the host itself ready to take them back: a
// process that outlives this script and its connection undoes them unless
// somebody decides within the time. Deciding is making a directory, of which only
// one can be the first. Lines that take longer are waited for, since what they do
// after they were undone would stay; those that end with their connection are not.
//
// Where systemd is, that process is a service of its own: logind, told to
// (KillUserProcesses=yes in logind.conf), kills whatever belongs to a login that
// ends, setsid or not, root's by sudo too. systemd-run would expand dollar signs in
// arguments, hence the file.
const applyScript = `
d=/run/rcwizard-firewall-$1 within=$2 apply=$3 undo=$4 watch=$5
shift 5
umask 077
mkdir -- "$d"
i=0
for f; do
	i=$((i+1))
	[ ! -e "$f" ] || cp -a -- "$f" "$d/$i"
done
printf '%s\n' "$undo" >"$d/undo"
printf '%s\n' "$apply" >"$d/apply"
printf '%s\n' "$watch" >"$d/watch"
refuse() {
	rm -rf -- "$d"
	echo "$1, without which the host could not take the change back by itself: $2" >&2
	exit 69
}
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
	why=$(systemd-run --quiet --unit="${d##*/}" /bin/sh "$d/watch" "$d" "$within" $$ </dev/null 2>&1) || refuse "systemd-run starts no service" "$why"
elif command -v setsid >/dev/null; then
	setsid sh "$d/watch" "$d" "$within" $$ </dev/null >/dev/null 2>&1 &
else
	refuse "setsid is missing" "install util-linux"
fi
if ! sh -eu "$d/apply" >"$d/out" 2>&1 </dev/null; then
	cat "$d/out" >&2 || :
	mkdir "$d/decided" 2>/dev/null || exit 75
	sh "$d/undo" "$d" >/dev/null 2>&1 </dev/null || :
	rm -rf -- "$d"
	exit 70
fi
cat "$d/out" 2>/dev/null || :
mkdir "$d/ran" 2>/dev/null || : # a redirection that fails would end the script
if [ ! -d "$d" ] || [ -d "$d/decided" ]; then
	echo "the lines took longer than $within seconds" >&2
	exit 75
fi`

// tooLate is the exit code of a script of a change which the host takes back.
const tooLate = 75

// watchScript waits on the host, and takes the change in a directory back unless
// that was decided within so many seconds, once the process that runs the lines is
// done with them or gone.
const watchScript = `
export LC_ALL=C PYTHONUTF8=1
i=0
while [ $i -lt "$2" ]; do
	sleep 1
	[ -d "$1" ] && [ ! -d "$1/decided" ] || exit 0
	i=$((i+1))
done
mkdir "$1/decided" || exit 0
i=0
while [ ! -e "$1/ran" ] && kill -0 "$3" && [ $i -lt 60 ]; do
	sleep 1
	i=$((i+1))
done
sh "$1/undo" "$1"
rm -rf "$1"`

// confirmScript lets the change stand; takeBackScript undoes it at once.
const (
	confirmScript = `
d=/run/rcwizard-firewall-$1
mkdir "$d/decided" || { echo "the host has taken the change back by itself: nobody came within the time" >&2; exit 75; }
rm -rf -- "$d"`
	takeBackScript = `
d=/run/rcwizard-firewall-$1
[ -d "$d" ] || { echo over; exit 0; }
mkdir "$d/decided" 2>/dev/null || { echo decided; exit 0; }
sh "$d/undo" "$d" </dev/null >&2
rm -rf -- "$d"`
)

// rollback is the text of a change's undo on the host itself, where the files
// were copied to before the change.
func rollback(c check.AppliedChange) string {
	var b strings.Builder
	b.WriteString(`d=$1
back() {
	if [ -e "$d/$1" ]; then cp -a -- "$d/$1" "$2.rcwizard" && mv -f -- "$2.rcwizard" "$2"; else rm -f -- "$2"; fi
}
`)
	for _, line := range c.Undo {
		b.WriteString(line + "\n")
	}
	for i, f := range c.Files {
		b.WriteString("back " + strconv.Itoa(i+1) + " " + remote.Quote(f.Path) + "\n")
	}
	return b.String()
}

// ErrFirewallAsBefore is part of an error after which the firewall certainly is
// as it was before.
var ErrFirewallAsBefore = errors.New("the firewall is as it was before")

// ApplyFirewall runs a change's lines on the host and proves with a new
// connection that the host still lets SSH in. Without that proof the change is taken back: from here if the old connection still
// serves, in any case by the host itself within the time. The result is the
// change with what undo needs to know of it.
func ApplyFirewall(ctx context.Context, h remote.Host, c check.AppliedChange, proof FirewallProof) (check.AppliedChange, error) {
	nonce := strings.ToLower(rand.Text())
	args := make([]string, 0, 5+len(c.Files))
	args = append(args, nonce, strconv.Itoa(int(proof.Within.Seconds())), strings.Join(c.Apply, "\n"), rollback(c), watchScript)
	for _, f := range c.Files {
		args = append(args, f.Path)
	}
	doing := "change " + string(c.Firewall)
	_, err := firewallRun(ctx, h, doing, remote.Command{Script: applyScript, Args: args})
	if failed, ok := errors.AsType[*firewallFailedError](err); ok && failed.code != tooLate {
		return c, fmt.Errorf("%w; %w", err, ErrFirewallAsBefore)
	} else if err != nil {
		return c, fmt.Errorf("%w; whatever was changed is taken back by the host itself, within %s if it has not been already", err, proof.Within)
	}
	if err := confirm(ctx, nonce, proof); err != nil {
		// The operator may have pressed Ctrl+C: that too means that it is not wanted.
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		said, backErr := firewallRun(back, h, "take the change of "+string(c.Firewall)+" back", remote.Command{Script: takeBackScript, Args: []string{nonce}})
		if late, ok := errors.AsType[*firewallFailedError](err); backErr == nil && strings.TrimSpace(said) == "over" && (!ok || late.code != tooLate) {
			return c, fmt.Errorf("host %s: whether the change of %s stands is not known, since the answer to its proof was lost; rcwizard check --firewall --undo takes it back if it does: %w", h.Name(), c.Firewall, err)
		}
		if backErr != nil || said != "" {
			return c, fmt.Errorf("host %s: no new SSH connection came through after the change of %s, which the host takes back by itself within %s: %w", h.Name(), c.Firewall, proof.Within, err)
		}
		return c, fmt.Errorf("host %s: no new SSH connection came through after the change of %s; %w: %w", h.Name(), c.Firewall, ErrFirewallAsBefore, err)
	}
	c.Confirmed = true
	c.Files = slices.Clone(c.Files) // the caller's change stays as it is
	sums, err := sumFiles(ctx, h, c.Files)
	for i := range sums {
		c.Files[i].After = sums[i]
	}
	if err != nil {
		return c, fmt.Errorf("%s was changed, and the change stands; only what its files are by now is not known: %w", c.Firewall, err)
	}
	return c, nil
}

// confirm comes back to the host by a new connection, and says that the change
// may stand.
func confirm(ctx context.Context, nonce string, proof FirewallProof) error {
	ctx, cancel := context.WithTimeout(ctx, proof.Within*2/3)
	defer cancel()
	again, err := proof.Reconnect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = again.Close() }()
	_, err = firewallRun(ctx, again, "let the change of the firewall stand", remote.Command{Script: confirmScript, Args: []string{nonce}})
	return err
}
