package steps

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/remote"
)

// absentSum stands for a file that is not there.
const absentSum = "absent"

const sumFilesScript = `
for f; do
	if [ -e "$f" ]; then sha256sum <"$f" | cut -d' ' -f1; else echo absent; fi
done`

func sumFiles(ctx context.Context, h remote.Host, files []check.KeptFile) ([]string, error) {
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	text, err := firewallRun(ctx, h, "sum the firewall's files", remote.Command{Script: sumFilesScript, Args: paths})
	if err != nil {
		return nil, err
	}
	sums := strings.Fields(text)
	if len(sums) != len(files) {
		return nil, fmt.Errorf("host %s: sum the firewall's files: %d answers for %d files", h.Name(), len(sums), len(files))
	}
	return sums, nil
}

// FirewallUndone says how taking back ended, for a person.
type FirewallUndone struct {
	Host     string             `json:"host"`
	Firewall check.FirewallKind `json:"firewall"`
	// Same says that the firewall says of itself what it said before the change.
	// What others changed since is not taken back, and shows here.
	Same bool `json:"same"`
	// Notes are whatever was not as rcwizard left it.
	Notes []string `json:"notes,omitempty"`
}

// aliveScript says of a firewall's program whether it is installed and active.
const aliveScript = `
case $1 in
ufw)
	command -v ufw >/dev/null || { echo gone; exit 0; }
	ufw status | grep -q '^Status: active' && echo active || echo inactive ;;
firewalld)
	command -v firewall-cmd >/dev/null || { echo gone; exit 0; }
	firewall-cmd --state >/dev/null 2>&1 && echo active || echo inactive ;;
nftables)
	command -v nft >/dev/null || { echo gone; exit 0; }
	shift
	for c; do nft list chain $c >/dev/null 2>&1 || { echo inactive; exit 0; }; done
	echo active ;;
esac`

// eachScript runs lines one by one, whatever becomes of the one before: a rule
// that somebody has taken away already is no reason to leave the others.
const eachScript = `
for line; do
	sh -c "$line" </dev/null || echo "exit code $?: $line" >&2
done
exit 0`

const putBackScript = `
f=$1
if [ "$2" = absent ]; then rm -f -- "$f"; exit 0; fi
if [ -e "$f" ]; then cp -a -- "$f" "$f.rcwizard"; else umask 077; fi
base64 -d >"$f.rcwizard"
sync
mv -f -- "$f.rcwizard" "$f"`

// UndoFirewall takes one change back: the entries, by the firewall's own means
// where it is still there, and then the files, byte for byte, unless somebody
// changed them since. Whatever other firewall is active by now is left alone.
func UndoFirewall(ctx context.Context, h remote.Host, c check.AppliedChange, now check.Firewall) (FirewallUndone, error) {
	out := FirewallUndone{Host: h.Name(), Firewall: c.Firewall}
	note := func(format string, args ...any) { out.Notes = append(out.Notes, fmt.Sprintf(format, args...)) }
	answer, err := firewallRun(ctx, h, "look for "+string(c.Firewall), remote.Command{Script: aliveScript, Args: append([]string{string(c.Firewall)}, c.Places...)})
	if err != nil {
		return out, err
	}
	alive := strings.TrimSpace(answer)
	if alive != "active" {
		state := map[string]string{"gone": "no longer installed", "inactive": "no longer active"}[alive]
		note("%s is %s", c.Firewall, state)
		for _, kind := range now.Managers() {
			if kind != c.Firewall {
				note("%s is active now and was not touched: rcwizard put nothing into it", kind)
			}
		}
	}
	before, err := sumFiles(ctx, h, c.Files)
	if err != nil {
		return out, err
	}
	if _, err := firewallRun(ctx, h, "take the rules back", remote.Command{Script: eachScript, Args: undoLines(c, alive)}); err != nil {
		return out, err
	}
	by := "was changed by somebody else since"
	if slices.ContainsFunc(c.Files, func(f check.KeptFile) bool { return f.After == "" }) {
		// How the change left them was never learnt: only how they are now says something.
		by = "is not as it was before the change, and who changed it is not known"
		if before, err = sumFiles(ctx, h, c.Files); err != nil {
			return out, err
		}
	}
	changed, err := putBack(ctx, h, c, before)
	if err != nil {
		return out, err
	}
	for _, f := range changed {
		note("%s %s, so only rcwizard's own rules were taken out of it", f, by)
	}
	if alive == "gone" {
		if len(changed) > 0 {
			return out, fmt.Errorf("host %s: %s is no longer installed, and %s was changed since: take rcwizard's rules out of it by hand, or install %s again and run this once more", h.Name(), c.Firewall, changed[0], c.Firewall)
		}
		return out, nil
	}
	if alive == "inactive" && c.Firewall != check.UFW {
		return out, nil // it would have nothing to say
	}
	says, err := firewallSays(ctx, h, c.Firewall, c.Places)
	if err != nil {
		return out, err
	}
	out.Same = says == c.Before
	return out, nil
}

// undoLines are the lines that take back, for a firewall in that state: what is
// kept over a boot can be taken out of a firewalld that does not run.
func undoLines(c check.AppliedChange, alive string) []string {
	if c.Firewall != check.Firewalld || alive == "active" {
		if alive == "gone" && c.Firewall == check.UFW {
			return nil
		}
		return c.Undo
	}
	var out []string
	for _, line := range c.Undo {
		if rest, ok := strings.CutPrefix(line, "firewall-cmd --permanent"); ok && alive == "inactive" {
			out = append(out, "firewall-offline-cmd"+rest)
		}
	}
	return out
}

// putBack gives the files that are as the change left them their old content,
// and returns those that were not.
func putBack(ctx context.Context, h remote.Host, c check.AppliedChange, before []string) (changed []string, err error) {
	for i, f := range c.Files {
		was := absentSum
		if f.There {
			was = sum(f.Content)
		}
		if f.After == "" || before[i] != f.After {
			if before[i] != was {
				changed = append(changed, f.Path)
			}
			continue
		}
		if _, err := firewallRun(ctx, h, "put "+f.Path+" back", remote.Command{
			Script: putBackScript, Args: []string{f.Path, map[bool]string{true: "there", false: absentSum}[f.There]},
			Stdin: strings.NewReader(base64.StdEncoding.EncodeToString(f.Content) + "\n"),
		}); err != nil {
			return nil, err
		}
	}
	return slices.Clip(changed), nil
}
