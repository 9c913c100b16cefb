package check

import (
	"regexp"
	"slices"
	"strings"
)

// nftChain is as much of one of nftables' chains as says what becomes of a packet
// that no rule was about.
type nftChain struct {
	table, name string // table with its family
	// input says that packets for the host itself come here.
	input bool
	// shut says that the policy or the last rule lets nothing in; onward is the
	// chain of the same table that the last rule leaves it to.
	shut   bool
	onward string
}

// ParseDropChains reads a ruleset as nft list ruleset prints it, of which each
// chain's rules but the last may be missing: the chains for what comes in, as
// "inet filter input", that drop or reject whatever no rule was about, be it by
// their policy or by their last rule.
func ParseDropChains(text string) []string {
	last := regexp.MustCompile(lastWord)
	var chains []nftChain
	table, inside := "", false
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "table" && len(words) >= 3:
			table, inside = words[1]+" "+words[2], false
		case words[0] == "chain" && len(words) >= 2:
			chains, inside = append(chains, nftChain{table: table, name: words[1]}), true
		case words[0] == "}":
			inside = false
		case !inside:
		case words[0] == "type" && slices.Contains(words, "hook"):
			c := &chains[len(chains)-1]
			c.input = words[1] == "filter" && strings.Contains(line, " hook input ")
			c.shut = strings.Contains(line, "policy drop;")
		default:
			c := &chains[len(chains)-1]
			c.onward = ""
			if said := last.FindStringSubmatch(strings.Join(words, " ")); said != nil {
				c.shut, c.onward = c.shut || said[1] != "", said[2]
			}
		}
	}
	var out []string
	for _, c := range chains {
		family, _, _ := strings.Cut(c.table, " ")
		if c.input && slices.Contains([]string{"ip", "ip6", "inet"}, family) && shuts(chains, c, nil) {
			out = append(out, c.table+" "+c.name)
		}
	}
	return out
}

// lastWord matches a rule that is about every address and every port: first how
// it ends what it is about, second the chain that it hands that on to.
const lastWord = `^(?:(?:counter(?: packets \d+ bytes \d+| name "[^"]*")?` +
	`|log(?: prefix "[^"]*"| level \w+| flags \w+(?: \w+(?:,\w+)*)?| group \d+| snaplen \d+| queue-threshold \d+)*` +
	`|iif(?:name)? != "?lo"?|ct state (?:\{ )?(?:invalid, ?)?new(?:, ?untracked)?(?: \})?|meta l4proto tcp|ip protocol tcp) )*` +
	`(?:(drop|reject(?: with [\w -]+)?)|(?:jump|goto) (\S+))(?: comment "[^"]*")?(?: # handle \d+)?$`

// shuts follows a chain to where its last rule leads. passed are the chains that
// led here.
func shuts(chains []nftChain, c nftChain, passed []string) bool {
	if c.shut || c.onward == "" || slices.Contains(passed, c.onward) {
		return c.shut
	}
	next := slices.IndexFunc(chains, func(o nftChain) bool { return o.table == c.table && o.name == c.onward })
	return next >= 0 && shuts(chains, chains[next], append(passed, c.onward))
}
