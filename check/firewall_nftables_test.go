package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParseDropChains: a chain that lets in nothing but what its rules say is told
// from one that shuts out this or that.
func TestParseDropChains(t *testing.T) {
	t.Parallel()
	input := func(policy string, rules ...string) string {
		return "table inet filter {\n\tset bad {\n\t\ttype ipv4_addr\n\t}\n\tchain input {\n\t\ttype filter hook input priority filter; policy " + policy + ";\n\t\t" +
			strings.Join(rules, "\n\t\t") + "\n\t}\n\tchain output {\n\t\ttype filter hook output priority filter; policy drop;\n\t}\n}\n"
	}
	ours := []string{"inet filter input"}
	for _, test := range []struct {
		name, ruleset string
		want          []string
	}{
		{"nothing", "", nil},
		{"open", input("accept", "tcp dport 22 accept"), nil},
		{"policy", input("drop", "tcp dport 22 accept"), ours},
		{"policy, empty", input("drop"), ours},
		{"drop", input("accept", "tcp dport 22 accept", "drop"), ours},
		{"drop, more behind it", input("accept", "drop", "tcp dport 22 accept"), ours},
		{"counter", input("accept", "counter packets 12 bytes 720 drop"), ours},
		{"named counter", input("accept", `counter name "shut" drop`), ours},
		{"log", input("accept", `log prefix "drop in: " level info flags all counter packets 1 bytes 60 drop comment "the rest"`), ours},
		{"reject", input("accept", "reject"), ours},
		{"reject with", input("accept", "reject with icmpx admin-prohibited"), ours},
		{"reject tcp", input("accept", "meta l4proto tcp reject with tcp reset"), ours},
		{"all but loopback", input("accept", `iifname != "lo" drop # handle 9`), ours},
		{"new ones", input("accept", "ct state new counter packets 0 bytes 0 drop"), ours},
		{"new and untracked ones", input("accept", "ct state { new, untracked } drop"), ours},
		{"invalid ones", input("accept", "ct state invalid drop"), nil},
		{"one interface", input("accept", `iifname "eth1" drop`), nil},
		{"one port", input("accept", "tcp dport 23 drop"), nil},
		{"some addresses", input("accept", "ip saddr @bad drop"), nil},
		{"some addresses on lines", input("accept", "ip saddr { 10.0.0.1,", "\t     10.0.0.2 } drop"), nil},
		{"too many", input("accept", "limit rate over 5/second burst 5 packets drop"), nil},
		{"verdict in a comment", input("accept", `tcp dport 22 accept comment "then drop"`), nil},
		{"log alone", input("accept", `log prefix "would drop"`), nil},
		{"set's own", "table inet filter {\n\tset s {\n\t\tdrop\n\t}\n}\n", nil},
		{"other hook", strings.ReplaceAll(input("accept", "drop"), "hook input", "hook forward"), nil},
		{"address translation", strings.ReplaceAll(input("accept", "drop"), "type filter hook input", "type nat hook input"), nil},
		{"arp", strings.ReplaceAll(input("drop"), "table inet", "table arp"), nil},
		{"handed on", input("accept", "goto shut") + "table inet filter {\n\tchain shut {\n\t\tlog prefix \"x\"\n\t\tdrop\n\t}\n}\n", ours},
		{"handed on, back again", input("accept", "jump maybe") + "table inet filter {\n\tchain maybe {\n\t\ttcp dport 23 drop\n\t}\n}\n", nil},
		{"handed on to another table's", input("accept", "jump shut") + "table ip filter {\n\tchain shut {\n\t\tdrop\n\t}\n}\n", nil},
		{"in a circle", input("accept", "jump a") + "table inet filter {\n\tchain a {\n\t\tjump b\n\t}\n\tchain b {\n\t\tjump a\n\t}\n}\n", nil},
		{
			"two", input("accept", "drop") + "table ip filter {\n\tchain INPUT {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n",
			[]string{"inet filter input", "ip filter INPUT"},
		},
	} {
		if diff := cmp.Diff(test.want, ParseDropChains(test.ruleset)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
