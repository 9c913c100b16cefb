package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/engine"
	"github.com/rcwizard/rcwizard/steps"
)

// offerDocker installs Docker on the hosts of which the check says that they
// have none, or not all of it where its installation was cut, if it was asked for: by --install-docker, or by a person who is
// shown the commands first. A person may decline; the check then stands.
func (s *stage) offerDocker(ctx context.Context, report check.Report) error {
	var begun []string
	if history, err := engine.ReadJournal(s.ans.folder.Journal()); err == nil {
		begun = dockerBegun(history)
	}
	none, half := withoutDocker(report, begun)
	hosts := slices.Concat(none, half)
	if len(half) > 0 {
		s.a.sayf("The installation of Docker on %s did not come to its end.\n", strings.Join(half, ", "))
	}
	if s.docker == "" && !s.ask {
		if len(half) > 0 {
			s.a.sayf("To finish it, run again with --install-docker=distribution, or =docker, as it was begun.\n")
		}
		return nil
	}
	if len(none) > 0 {
		s.a.sayf("Docker is not installed on %s.\n", strings.Join(none, ", "))
	}
	if len(hosts) == 0 {
		return nil
	}
	commands, err := s.chooseDocker(hosts)
	if err != nil || len(commands) == 0 {
		return err
	}
	s.installed = true
	plan := steps.InstallDocker(s.site, commands)
	return s.a.carryOut(ctx, plan, s.ans, &s.site.Result, nil)
}

// dockerBegun are the hosts on which rcwizard began to install Docker and was cut,
// or failed, as a journal tells.
func dockerBegun(history engine.History) []string {
	var hosts []string
	for _, run := range history.Runs {
		if run.Plan != steps.PlanDocker {
			continue
		}
		for _, s := range run.Done {
			hosts = slices.DeleteFunc(hosts, func(h string) bool { return h == s.Host })
		}
		for _, s := range slices.Concat(run.Failed, run.Cut) {
			if !slices.Contains(hosts, s.Host) {
				hosts = append(hosts, s.Host)
			}
		}
	}
	return hosts
}

// withoutDocker are the hosts of which a check says that they have no Docker, and
// those on which its installation was begun that have half of it: the engine that
// does not run yet, or no Compose plugin.
func withoutDocker(report check.Report, begun []string) (none, half []string) {
	for _, f := range report.Findings {
		if f.Skipped {
			continue
		}
		switch f.Kind {
		case "docker-absent", "docker-absent-by-hand":
			none = append(none, f.Host)
		case "docker-not-running", "compose-absent":
			if slices.Contains(begun, f.Host) && !slices.Contains(half, f.Host) {
				half = append(half, f.Host)
			}
		}
	}
	return none, slices.DeleteFunc(half, func(h string) bool { return slices.Contains(none, h) })
}

// chooseDocker gives the commands for each host, which were shown; none if they
// were declined or cannot be had.
func (s *stage) chooseDocker(hosts []string) (map[string][]string, error) {
	if s.docker != "" {
		commands, err := s.site.DockerFor(hosts, s.docker)
		if err != nil {
			return nil, &exitError{code: exitCheckFailed, err: err}
		}
		s.show(hosts, commands)
		if !s.ask {
			return commands, nil
		}
		if yes, err := s.a.ask("Run these commands as root?"); err != nil || !yes {
			return nil, err
		}
		return commands, nil
	}
	offers := map[string]map[string][]string{}
	var words []string
	for _, source := range []steps.DockerSource{steps.DockerDistribution, steps.DockerDocker} {
		commands, err := s.site.DockerFor(hosts, source)
		if err != nil {
			s.a.sayf("  %s\n", strings.ReplaceAll(err.Error(), "\n", "\n  "))
			continue
		}
		s.a.sayf("From the source %q:\n", source)
		s.show(hosts, commands)
		offers[string(source)] = commands
		words = append(words, string(source))
	}
	if len(words) == 0 {
		return map[string][]string{}, nil
	}
	question := fmt.Sprintf("Install it from which source? [%s/n] ", strings.Join(words, "/"))
	for {
		s.a.sayf("%s", question)
		answer, err := s.a.line()
		if err != nil {
			return nil, err
		}
		word := strings.ToLower(strings.TrimSpace(answer))
		if commands, ok := offers[word]; ok {
			return commands, nil
		}
		if word == "n" || word == "no" {
			return map[string][]string{}, nil
		}
	}
}

// show shows what would be run on each host; hosts with the same commands share
// them.
func (s *stage) show(hosts []string, commands map[string][]string) {
	var order []string
	sharing := map[string][]string{}
	for _, h := range hosts {
		lines := strings.Join(commands[h], "\n    ")
		if sharing[lines] == nil {
			order = append(order, lines)
		}
		sharing[lines] = append(sharing[lines], h)
	}
	for _, lines := range order {
		s.a.sayf("  as root on %s:\n    %s\n", strings.Join(sharing[lines], ", "), lines)
	}
}
