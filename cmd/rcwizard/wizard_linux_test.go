package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rcwizard/rcwizard/workspace/state"
)

// Answers from a pipe and from a terminal make the same file, and no password
// is shown at either.
func TestWizardFromAPipeAndATerminal(t *testing.T) {
	t.Parallel()
	lines, _ := wizardAnswers()
	piped, typed := t.TempDir(), t.TempDir()

	cmd := wizardAt(t, piped)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if bytes.Contains(out, []byte("a password of mine")) {
		t.Error("the password is in the output")
	}

	at := openTerminal(t)
	cmd = wizardAt(t, typed)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = at.screen, at.screen, at.screen
	at.lead(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	prompts := []string{
		"Servers: ", "(yes/no): ", "(yes/no) [yes]: ", "What now [1]: ",
		"Domain: ", "E-mail: ", "another [1]: ", "(yes/no) [yes]: ", "name [admin]: ", "e-mail [ops@example.org]: ", "password (made for you): ", "(not registered): ", "Licence (none): ",
		"Number [1]: ", "path [/grafana]: ", "Grafana's password (made for you): ", "Number [1]: ",
		"(yes/no) [no]: ", "What now: ", "Deploy to 1 server now? (yes/no): ",
	}
	for n, prompt := range prompts {
		at.await(t, prompt)
		at.text.Reset()
		if _, err := at.keyboard.WriteString(lines[n] + "\r"); err != nil {
			t.Fatal(err)
		}
		if lines[n] == "a password of mine" {
			at.await(t, "Registration token")
			if strings.Contains(at.text.String(), lines[n]) {
				t.Error("the terminal shows the password")
			}
		}
	}
	at.await(t, "2 of 2 instances registered")
	if err := cmd.Wait(); err != nil {
		t.Errorf("at the terminal: %v", err)
	}
	if diff := cmp.Diff(keptFile(t, piped), keptFile(t, typed)); diff != "" {
		t.Errorf("pipe and terminal differ:\n%s", diff)
	}
	secrets, err := state.ReadSecrets(filepath.Join(stateBase(typed), "chat-example-org", "secrets.yaml"))
	if err != nil || secrets.AdminPassword != "a password of mine" {
		t.Errorf("the password that was typed is not the one that is kept: %v", err)
	}
}

// A wizard that is killed, with -9, at a question goes on after the last page
// that was finished.
func TestWizardKilled(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	lines, _ := wizardAnswers()
	at := openTerminal(t)
	cmd := wizardAt(t, home)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = at.screen, at.screen, at.screen
	at.lead(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for n, prompt := range []string{"Servers: ", "(yes/no): ", "(yes/no) [yes]: ", "What now [1]: ", "Domain: "} {
		at.await(t, prompt)
		at.text.Reset()
		if _, err := at.keyboard.WriteString(lines[n] + "\r"); err != nil {
			t.Fatal(err)
		}
	}
	at.await(t, "E-mail: ")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()

	again := wizardAt(t, home)
	again.Stdin = strings.NewReader("1\n" + strings.Join(lines[3:], "\n") + "\n")
	out, err := again.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Contains(out, []byte("without a name yet, 1 server: go on answering")) || bytes.Contains(out, []byte("Connecting to")) {
		t.Errorf("it did not go on where it was:\n%s", out)
	}
	keptFile(t, home)
}
