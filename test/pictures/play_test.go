package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// play carries out a script in a directory of its own with the given flags.
func play(t *testing.T, dir, text string, flags ...string) (string, error) {
	t.Helper()
	file := filepath.Join(dir, "x.script")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := run(t.Context(), append(append([]string{"-out", filepath.Join(dir, "out")}, flags...), file), &out, &out)
	return out.String(), err
}

// program is a shell script in the place of rcwizard.
func program(t *testing.T, dir, text string) string {
	t.Helper()
	file := filepath.Join(dir, "program")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPlay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	asks := program(t, dir, `printf 'args %s, %s, %s\n' "$*" "$A" "${SECRET:-clean}"; read line; echo "read $line after $$ s"; exit 3`)
	const text = "changing `after [0-9]+`\nenv A=b\ndo mkdir -p did/${WHAT}\nshow \"$ rcwizard ${WHAT}\"\nrun rcwizard ${WHAT}\n" +
		"wait \"args check, b\"\ntype yes\nkey enter\nwait \"read yes\"\ngone nothing\nexit 3\nsnapshot answer Answer\n"
	out, err := play(t, dir, text, "-program", asks, "-define", "WHAT=check", "-env", "SECRET=given")
	if err != nil || !strings.Contains(out, "answer.svg  new") {
		t.Fatalf("%v: %s", err, out)
	}
	picture, err := os.ReadFile(filepath.Join(dir, "out", "answer.svg"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "did", "check")); err != nil {
		t.Errorf("what was to be done: %v", err)
	}
	for _, want := range []string{"<title>Answer</title>", ">$ rcwizard check<", ">args check, b, given<", ">read yes after "} {
		if !bytes.Contains(picture, []byte(want)) {
			t.Errorf("no %q in:\n%s", want, picture)
		}
	}

	// Another process id, and nothing else that is new.
	out, err = play(t, dir, text, "-program", asks, "-define", "WHAT=check", "-env", "SECRET=given")
	again, readErr := os.ReadFile(filepath.Join(dir, "out", "answer.svg"))
	if err != nil || readErr != nil || !strings.Contains(out, "answer.svg  as it was") || !bytes.Equal(picture, again) {
		t.Errorf("taken again: %v, %v: %s", err, readErr, out)
	}
	out, err = play(t, dir, text, "-program", asks, "-define", "WHAT=check", "-through", "env SECRET=else")
	if err != nil || !strings.Contains(out, "answer.svg  new") {
		t.Errorf("taken through another command: %v: %s", err, out)
	}
}

func TestPlayTrouble(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"run rcwizard\nexit 0\n":                     "x.script:2: exit: the program ended with code 7",
		"run rcwizard\nwait else\n":                  "does not show [\"else\"]; it shows:\nhello",
		"timeout 50ms\nrun sleep 60\nwait else\n":    "x.script:3: wait: wait until the screen shows",
		"timeout 50ms\nrun sleep 60\nexit 0\n":       "x.script:3: exit: wait for the end of",
		"run rcwizard\nrun rcwizard\n":               "still runs",
		"do sh -c \"echo why; exit 2\"\n":            "exit status 2: why",
		"timeout 50ms\ndo sleep 60\n":                "x.script:2: do: [\"sleep\" \"60\"]: ",
		"run no-such-program\n":                      "no-such-program",
		"show x\nsize 20x20\n":                       "x.script:2: size: something was run already",
		"snapshot a b\n":                             "nothing was run yet",
		"type x\n":                                   "nothing was run yet",
		"run rcwizard\nwait hello\nexit 7\ntype x\n": "x.script:4: type: no program runs",
		"frob\n": "no such instruction",
		"run rcwizard\nwait hello\nexit 7\ntimeout 9s\nexit 7\n": "x.script:5: exit: no program runs",
	} {
		dir := t.TempDir()
		out, err := play(t, dir, text, "-program", program(t, dir, "echo hello; exit 7"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q; %s", text, err, want, out)
		}
	}
	for _, args := range [][]string{{}, {"-env", "A", "x"}, {"-define", "=b", "x"}, {"/no/such/script"}} {
		var out bytes.Buffer
		if err := run(t.Context(), append([]string{"-out", t.TempDir()}, args...), &out, &out); err == nil {
			t.Errorf("pictures %q is right", args)
		}
	}
}
