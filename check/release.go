package check

import (
	"slices"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/release"
)

// Release is what is known of the release that is wanted, and of those that run.
type Release struct {
	// Exists says whether the registry has its image.
	Exists Answer
	// SupportAsked says that Support and SupportUntil are an answer; without it
	// they are nothing.
	SupportAsked bool
	Support      release.Support
	SupportUntil time.Time // the last day; zero if no source gives one
	// MongoDB are the versions that it declares, major.minor; where none are
	// given, the catalogue's are taken.
	MongoDB []string
	// ExternalMongoDB is the version of the external database.
	ExternalMongoDB string
	// Running are the releases that the instances are on, by instance, as far as
	// they were looked at: an empty release says that nothing runs there.
	Running map[string]Running
	// Detail is why Exists is not known.
	Detail string
}

// Running is the release that an instance is on.
type Running struct {
	Release string
	// Where says by what that is known: "its container rocketchat-1".
	Where string
}

// supportSoon is when the end of support is near enough to say so.
const supportSoon = 60 * 24 * time.Hour

// Releases judges the release.
func Releases(w workspace.Workspace, e Evidence) []Finding {
	r := e.Release
	fill := values{"release": w.Release, "detail": said(r.Detail)}
	var out []Finding
	switch r.Exists {
	case Yes:
		out = append(out, finding("release:exists", Pass, "release-exists", fill))
	case No:
		out = append(out, finding("release:exists", Fail, "release-missing", fill))
	case NotKnown:
		out = append(out, finding("release:exists", Unknown, "release-exists-unknown", fill))
	}
	out = append(out, supported(w, e), mongoFits(w, r))
	for _, i := range w.Instances {
		f := notLowered(w, r, i)
		if f.Verdict == Unknown {
			f.Because = because(e, i.Host)
		}
		out = append(out, f)
	}
	return out
}

func supported(w workspace.Workspace, e Evidence) Finding {
	r := e.Release
	fill := values{"release": w.Release, "until": r.SupportUntil.Format(time.DateOnly)}
	if r.SupportUntil.IsZero() {
		fill["until"] = "a day that is not published"
	}
	find := func(v Verdict, kind Kind) Finding { return finding("release:support", v, kind, fill) }
	switch {
	case !r.SupportAsked || e.At.IsZero():
		return find(Unknown, "support-not-asked")
	case r.Support == release.SupportNo:
		return find(Warn, "support-ended")
	case r.Support == release.SupportUnknown:
		return find(Warn, "support-unknown")
	case !r.SupportUntil.IsZero() && r.SupportUntil.Sub(e.At) < supportSoon:
		return find(Warn, "support-ends")
	}
	return find(Pass, "support-lasts")
}

func mongoFits(w workspace.Workspace, r Release) Finding {
	declared := r.MongoDB
	wanted, err := release.Parse(w.Release)
	if len(declared) == 0 && err == nil {
		declared, _ = release.Compatible(wanted)
	}
	version := w.Database.MongoDBVersion
	if w.Database.External {
		version = r.ExternalMongoDB
	}
	fill := values{"release": w.Release, "version": or(version, "a version that is not known"), "declared": strings.Join(declared, ", ")}
	find := func(v Verdict, kind Kind) Finding { return finding("release:mongodb", v, kind, fill) }
	switch {
	case !isVersion(version):
		return find(Unknown, "mongodb-version-unknown")
	case len(declared) == 0:
		return find(Unknown, "mongodb-fit-unknown")
	case slices.ContainsFunc(declared, func(d string) bool { return sameLine(d, version) }):
		return find(Pass, "mongodb-fits")
	}
	return find(Fail, "mongodb-unfit")
}

func notLowered(w workspace.Workspace, r Release, i workspace.Instance) Finding {
	running, asked := r.Running[i.Name]
	fill := values{"release": w.Release, "instance": i.Name, "running": running.Release, "where": or(running.Where, "as it says itself"), "host": i.Host}
	find := func(v Verdict, kind Kind) Finding {
		f := finding("release:instance:"+i.Name, v, kind, fill)
		f.Host = i.Host
		return f
	}
	switch {
	case !asked:
		return find(Unknown, "running-unknown")
	case running.Release == "":
		return find(Pass, "running-none")
	case !isVersion(running.Release) || !isVersion(w.Release):
		return find(Unknown, "running-unclear")
	case Older(w.Release, running.Release):
		return find(Fail, "running-newer")
	case Older(running.Release, w.Release):
		return find(Pass, "running-older")
	}
	return find(Pass, "running-same")
}
