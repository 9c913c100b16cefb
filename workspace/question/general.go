package question

import (
	"strings"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/release"
)

// general are the questions about the workspace itself.
func general() []Question {
	creates := func(w workspace.Workspace, _ place) bool { return w.Admin.Creates() }
	return []Question{
		{
			Key: "domain", page: Workspace, Title: "Domain",
			Help:    "The name that users type, such as chat.example.com; it must lead to the reverse proxy.",
			lenient: withoutAuthority,
		},
		{
			Key: "email", page: Workspace, Title: "E-mail",
			Help: "Of the account with the certificate authority, and of the first administrator.",
			when: func(w workspace.Workspace, _ place) bool { return w.TLS.Mode.UsesACME() || w.Admin.Creates() },
		},
		{
			Key: "release", page: Workspace, Kind: Choice, Free: true, Title: "Release",
			Help:    "The exact release of Rocket.Chat, the same on every instance; any X.Y.Z may be typed.",
			options: releases,
		},
		{
			Key: "admin.create", page: Workspace, Kind: Toggle, Title: "First administrator",
			Help: "Made before the proxy opens; without one, whoever opens the workspace first becomes its administrator.",
		},
		{
			Key: "admin.username", page: Workspace, Title: "Administrator's name",
			Help: "With which the first administrator logs in.", when: creates,
		},
		{
			Key: "admin.email", page: Workspace, Title: "Administrator's e-mail",
			Help: "Where the mail goes with which a lost password is reset.", when: creates,
		},
		{
			Key: "admin_password", page: Workspace, Kind: Secret, Title: "Administrator's password",
			Help:  "Type one, or leave it and one is made; kept in secrets.yaml.",
			Blank: "made for you", when: creates,
		},
		{
			Key: "registration_token", page: Workspace, Kind: Secret, Title: "Registration token",
			Help:  "Registers the workspace with Rocket.Chat's cloud, from cloud.rocket.chat; a plan may bring a licence with it.",
			Blank: "not registered",
		},
		{
			Key: "license", page: Workspace, Kind: Secret, Title: "Licence",
			Help:  "Without an Enterprise licence, instances register but do not pass live events to each other.",
			Blank: "none",
		},
	}
}

// withoutAuthority takes away which authority is to issue certificates: that
// one issues none for a domain is told where the authority is chosen.
func withoutAuthority(w *workspace.Workspace) { w.TLS.Mode = workspace.TLSNone }

// releases are the choices of releases, with what decides between them.
func releases(w workspace.Workspace) []Option {
	var out []Option
	known := false
	for _, r := range release.Offered() {
		known = known || r.String() == w.Release
		out = append(out, Option{Value: r.String(), Title: r.String(), Help: about(r)})
	}
	if r, err := release.Parse(w.Release); err == nil && !known {
		out = append(out, Option{Value: r.String(), Title: r.String(), Help: about(r)})
	}
	return out
}

// about is what is known of a release: its line, the end of its support, its
// MongoDB.
func about(r release.Release) string {
	var parts []string
	if entry, ok := release.Find(r); ok {
		if entry.LTS {
			parts = append(parts, "LTS")
		}
		switch {
		case !entry.EndsAfter.IsZero():
			parts = append(parts, "supported until "+entry.EndsAfter.Format("January 2006"))
		case !entry.EndsBy.IsZero():
			parts = append(parts, "supported until "+entry.EndsBy.Format("January 2006")+" at the latest")
		}
	} else {
		parts = append(parts, "end of support not known")
	}
	if r == release.Default() {
		parts = append(parts, "recommended")
	}
	if version, _, known := release.MongoDB(r); known {
		parts = append(parts, "MongoDB "+version)
	} else {
		parts = append(parts, "MongoDB not known")
	}
	return strings.Join(parts, ", ")
}
