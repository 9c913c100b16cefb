package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/viper"
)

// What the check tells people to type of rcwizard is there: the command, its flags,
// and the file without which an installation does not begin.
func TestCommandsThatTextsName(t *testing.T) {
	t.Parallel()
	texts, err := os.ReadFile("../../check/texts.txt")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`rcwizard ([a-z][a-z-]+)((?: -{1,2}[a-z-]+(?:=[a-z]+)?| workspace\.yaml)+)`)
	found := named.FindAllStringSubmatch(string(texts), -1)
	if len(found) < 4 {
		t.Fatalf("only %d commands are named: %q", len(found), found)
	}
	for _, f := range found {
		cmd, _, err := (&app{config: viper.New()}).root().Find([]string{f[1]})
		if err != nil {
			t.Errorf("%s: %v", f[0], err)
			continue
		}
		for word := range strings.FieldsSeq(f[2]) {
			long, isLong := strings.CutPrefix(word, "--")
			long, _, _ = strings.Cut(long, "=")
			short, isShort := strings.CutPrefix(word, "-")
			if isLong && cmd.Flags().Lookup(long) == nil || isShort && !isLong && cmd.Flags().ShorthandLookup(short) == nil {
				t.Errorf("%s: there is no %s", f[0], word)
			}
		}
		if f[1] == "install" && !strings.Contains(f[2], " -f workspace.yaml") {
			t.Errorf("%s: an installation needs its file", f[0])
		}
	}
}
