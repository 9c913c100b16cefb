package plain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/ui"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// servers asks for the addresses, connects to each, and tells what it found.
func (s *session) servers(ctx context.Context) error {
	a := s.answers()
	if err := s.Asker.questions(func() []question.Question {
		q, _ := question.Find("hosts", a)
		return []question.Question{q}
	}, &a); err != nil {
		return err
	}
	s.take(a)
	for {
		if err := s.look(ctx); err != nil {
			return err
		}
		if err := s.learn(); err != nil {
			return err
		}
		if err := s.table(); err != nil {
			return err
		}
		found := question.Errors(question.Servers, s.answers())
		s.Asker.wrong(found)
		n, err := s.Asker.choose("What now", s.choices(), s.goOn(len(found) == 0))
		if err != nil {
			return err
		}
		switch hosts := len(s.draft.Answers.Workspace.Hosts); {
		case n == 0:
			return nil
		case n == 1:
			clear(s.seen)
		case n < hosts+2:
			if err := s.changeHost(n-2, func(question.Question) bool { return true }); err != nil && !errors.Is(err, errBack) {
				return err
			}
		default:
			return s.servers(ctx)
		}
	}
}

func (s *session) choices() []string {
	out := []string{"go on", "look at all of them again"}
	for _, h := range s.draft.Answers.Workspace.Hosts {
		out = append(out, "change something of "+h.Name)
	}
	return append(out, "change the list of servers")
}

// goOn is the place of "go on" where that is what an empty line means: nothing
// is wrong, and every host was seen.
func (s *session) goOn(right bool) int {
	for _, h := range s.draft.Answers.Workspace.Hosts {
		right = right && s.seen[key(h)].Seen != nil
	}
	if right {
		return 0
	}
	return -1
}

// key names a host and the way to it: with another way it must be looked at
// again.
func key(h workspace.Host) string {
	return fmt.Sprintf("%s %s %+v %s", h.Name, h.Address, h.SSH, h.Sudo)
}

// changeHost asks everything about one host that is wanted.
func (s *session) changeHost(n int, wanted func(question.Question) bool) error {
	a := s.answers()
	before := a.Workspace.Hosts[n].Name
	delete(s.seen, key(a.Workspace.Hosts[n])) // a password is no part of the key
	defer func() {
		s.take(a)
		if now := a.Workspace.Hosts[n].Name; now != before { // what was typed goes with the host
			s.draft.Typed = s.draft.Typed.Override(workspace.Secrets{Hosts: map[string]workspace.HostSecrets{now: s.draft.Typed.Hosts[before]}})
		}
	}()
	return s.Asker.questions(func() []question.Question {
		return slices.DeleteFunc(question.OnHost(question.Servers, a, n), func(q question.Question) bool { return !wanted(q) })
	}, &a)
}

// look connects to every host that was not seen yet, all at once, and settles
// what only a person can: keys, and passwords.
func (s *session) look(ctx context.Context) error {
	var waiting []workspace.Host
	for _, h := range s.draft.Answers.Workspace.Hosts {
		if _, ok := s.seen[key(h)]; !ok {
			waiting = append(waiting, h)
		}
	}
	for len(waiting) > 0 {
		s.Asker.sayf("Connecting to %s.", count(len(waiting), "server"))
		for h, i := range s.inspect(ctx, waiting) {
			s.seen[key(waiting[h])] = i
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("connect to the servers: %w", err)
		}
		again, err := s.settle(ctx, waiting)
		if err != nil {
			return err
		}
		waiting = again
	}
	return nil
}

// inspect looks at hosts, all at once.
func (s *session) inspect(ctx context.Context, hosts []workspace.Host) []ui.Inspection {
	out := make([]ui.Inspection, len(hosts))
	var all sync.WaitGroup
	for n, h := range hosts {
		all.Go(func() { out[n] = s.Backend.Inspect(ctx, s.draft.Clone(), h.Name) })
	}
	all.Wait()
	return out
}

// settle asks what hosts want of a person and returns those to be tried again.
func (s *session) settle(ctx context.Context, hosts []workspace.Host) ([]workspace.Host, error) {
	var keys []ui.HostKey
	var behind, again []workspace.Host
	for _, h := range hosts {
		i := s.seen[key(h)]
		switch {
		case i.Key != nil:
			behind = append(behind, h)
			if !slices.ContainsFunc(keys, func(k ui.HostKey) bool { return k.Address == i.Key.Address && k.Fingerprint == i.Key.Fingerprint }) {
				keys = append(keys, *i.Key)
			}
		case i.Secret != nil:
			typed, err := s.wanted(h, *i.Secret)
			if err != nil {
				return nil, err
			}
			if typed {
				again = append(again, h)
			} else {
				s.seen[key(h)] = ui.Inspection{Problem: &ui.Problem{Text: "no " + string(i.Secret.Kind) + " was given"}}
			}
		}
	}
	if len(keys) == 0 {
		return again, nil
	}
	accepted, err := s.accept(ctx, keys)
	if err != nil {
		return nil, err
	}
	if accepted {
		return append(again, behind...), nil
	}
	for _, h := range behind {
		s.seen[key(h)] = ui.Inspection{Problem: &ui.Problem{Text: "its host key was not accepted: nothing was sent to it"}}
	}
	return again, nil
}

// accept shows the fingerprints and takes them with a typed yes.
func (s *session) accept(ctx context.Context, keys []ui.HostKey) (bool, error) {
	s.Asker.sayf("Seen for the first time; compare the fingerprints with those of the servers themselves:")
	for _, k := range keys {
		s.Asker.sayf("  %s  %s  %s  %s", k.Host, k.Address, k.Type, k.Fingerprint)
	}
	yes, err := s.Asker.yes("Are these their keys?", "")
	if err != nil || !yes {
		return false, err
	}
	for _, k := range keys {
		if err := s.Backend.AcceptKey(ctx, k); err != nil {
			return false, fmt.Errorf("accept the key of %s: %w", k.Host, err)
		}
	}
	return true, nil
}

// wanted asks for a secret without which a host cannot be logged in to; it is
// for this run alone.
func (s *session) wanted(h workspace.Host, wanted ui.SecretWanted) (bool, error) {
	if wanted.Wrong {
		s.Asker.sayf("  not right: the %s of %s was refused", wanted.Kind, wanted.Of)
	}
	text, err := s.Asker.secret(fmt.Sprintf("%s: %s of %s (skip this server): ", h.Name, wanted.Kind, wanted.Of))
	if err != nil || text == "" {
		return false, err
	}
	secrets := s.draft.Typed.Hosts[h.Name]
	switch wanted.Kind {
	case ui.SSHPassword:
		secrets.SSHPassword = text
	case ui.KeyPassphrase:
		secrets.KeyPassphrase = text
	case ui.SudoPassword:
		secrets.SudoPassword = text
	}
	s.draft.Typed = s.draft.Typed.Override(workspace.Secrets{Hosts: map[string]workspace.HostSecrets{h.Name: secrets}})
	return true, nil
}

// learn takes what the hosts say of themselves into the answers, and offers the
// number of instances that suits them. What was declined is not offered again.
func (s *session) learn() error {
	seen := map[string]question.Seen{}
	for _, h := range s.draft.Answers.Workspace.Hosts {
		if found := s.seen[key(h)].Seen; found != nil {
			seen[h.Name] = question.Seen{Cores: found.Cores, Private: found.Private}
		}
	}
	a := s.answers()
	question.Learn(&a, seen)
	s.take(a)
	offered, ok := question.Offer(a, seen)
	if !ok || offered == s.declined {
		return nil
	}
	yes, err := s.Asker.yes(offered.Words(a)+". Take that?", "yes")
	if err != nil {
		return err
	}
	if !yes {
		s.declined = offered
		return nil
	}
	question.SetRoles(&a, offered.At, offered.Roles)
	s.take(a)
	return nil
}

// table tells what is known of the servers, a line each, and below what is
// wrong with them.
func (s *session) table() error {
	rows := make([][]string, 0, len(s.draft.Answers.Workspace.Hosts))
	w := s.draft.Answers.Workspace.Complete()
	var wrong []string
	for n, h := range s.draft.Answers.Workspace.Hosts {
		i := s.seen[key(h)]
		text := "not seen"
		if i.Seen != nil {
			text = describe(*i.Seen)
			for _, p := range i.Seen.Lacks {
				wrong = append(wrong, problemLine(h.Name, p))
			}
			for _, text := range i.Seen.Notes {
				wrong = append(wrong, "  note: "+h.Name+": "+engine.CleanLine(text)+"\n")
			}
		}
		if i.Problem != nil {
			wrong = append(wrong, problemLine(h.Name, *i.Problem))
		}
		private := ""
		if ip := w.Hosts[n].PrivateIP; ip != "" && ip != h.Address {
			private = ", reached at " + ip
		}
		rows = append(rows, []string{h.Name, h.Address + private, question.RolesOf(w, n).Words(), text})
	}
	return s.print(columns(rows) + strings.Join(wrong, ""))
}

func problemLine(host string, p ui.Problem) string {
	text := strings.TrimPrefix(p.Text, "host "+host+": ") // an error names its host itself
	line := "  " + host + ": " + engine.CleanLine(text) + "\n"
	if p.Next != "" {
		line += "    " + engine.CleanLine(p.Next) + "\n"
	}
	return line
}

// describe is what a host says of itself, in one line.
func describe(seen ui.Seen) string {
	var parts []string
	add := func(text string, is bool) {
		if is {
			parts = append(parts, text)
		}
	}
	add(seen.System, seen.System != "")
	add(count(seen.Cores, "core"), seen.Cores > 0)
	add(size(int64(min(seen.Memory, 1<<62)))+" of memory", seen.Memory > 0)
	add("Docker "+seen.Docker, seen.Docker != "")
	add("Compose "+seen.Compose, seen.Compose != "")
	add("runs the "+seen.Role+" already", seen.Role != "")
	if len(parts) == 0 {
		return "connected"
	}
	return strings.Join(parts, ", ")
}
