package ui

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rcwizard/rcwizard/check"
	"github.com/rcwizard/rcwizard/workspace"
	"github.com/rcwizard/rcwizard/workspace/question"
)

// ErrNoOfficialFiles is in the error of a Backend that could not get Rocket.Chat's
// own compose files. With rcwizard's own, which need no internet, there is none.
var ErrNoOfficialFiles = errors.New("the official compose files cannot be had")

// Backend is all that a wizard asks of the world around it. Whoever implements
// it opens the connections and keeps the state; a face only calls it, from
// commands that run beside the screen, never while it draws.
//
// Every method may be called from any goroutine, returns soon after its context
// ends, and changes nothing that it was handed: a Draft is a value. An error is
// one sentence or two that a person understands, with the host that it is about
// and what to do next. No error holds a secret.
type Backend interface {
	// Workspaces lists what is known on this machine, the unfinished first, then
	// by name. A folder that cannot be read is in the list and says so.
	Workspaces(ctx context.Context) ([]Known, error)
	// Open reads what is kept of a workspace, for key as in Known.
	Open(ctx context.Context, key string) (Draft, error)
	// Forget drops the answers that are being changed of a workspace, so that Open
	// begins with those that it keeps. Of a draft that is no workspace yet there is
	// nothing else: that is an error.
	Forget(ctx context.Context, key string) error
	// Alter opens a workspace that was deployed for instances to be added, or to
	// be removed: the draft has a Change. An addition that was begun earlier and
	// not carried out is there again, as long as it still fits the workspace; one
	// that was cut in the middle is there as it was begun.
	Alter(ctx context.Context, key string, kind ChangeKind) (Draft, error)
	// Save keeps a draft, whole or not at all, and returns it with its Key. What
	// is in Typed is not written down. It is on the disk when Save returns. One
	// with a Change is kept beside the workspace, whose answers stay as they are;
	// of a removal nothing is kept.
	Save(ctx context.Context, d Draft) (Draft, error)

	// Inspect connects to one host of the draft, by its name, and looks. It never
	// asks: what only a person can settle is in the answer.
	Inspect(ctx context.Context, d Draft, host string) Inspection
	// AcceptKey takes a host key into known_hosts, as Inspect showed it.
	AcceptKey(ctx context.Context, key HostKey) error
	// Releases lists the releases worth offering, the newest first.
	Releases(ctx context.Context) ([]Release, error)

	// Check proves hosts, ports, domain, release and images, and changes nothing;
	// for a draft with a Change, what the change brings.
	// each is called for every finding as soon as it stands, from any goroutine;
	// a later call with the same ID replaces the earlier one. The report at the
	// end has them all.
	Check(ctx context.Context, d Draft, o CheckOptions, each func(check.Finding)) (check.Report, error)
	// Review renders the files and asks every step of the plan to look. For a draft
	// with a Change they are those that the change is about, and those that are
	// left as they are although rcwizard would write something else today.
	Review(ctx context.Context, d Draft) (Review, error)
	// Export writes the files without deploying them.
	Export(ctx context.Context, d Draft, o ExportOptions) (Exported, error)
	// Deploy begins to carry the plan out and returns as soon as it is under way;
	// the end of ctx afterwards does not end the run, Run.Stop does. Host keys
	// and passwords must be settled before: a run asks nothing.
	Deploy(ctx context.Context, d Draft) (*Run, error)
	// Status counts the instances of a workspace that was deployed.
	Status(ctx context.Context, d Draft) (Count, error)
}

// CheckOptions say what of the checks is wanted.
type CheckOptions struct {
	// Skips are the ids that the person chose not to heed, as check.Skip has them.
	Skips []string
	// Only are the ids to look at again, as check.Matches has them; the rest
	// keeps what Before says. Empty: everything.
	Only []string
	// Before are the findings of the check before, for Only.
	Before []check.Finding
}

// ExportOptions say where an export goes.
type ExportOptions struct {
	// To is a folder, or a file that ends in .tar.gz. Empty: a folder with the
	// workspace's name in the current directory.
	To string
	// NoSecrets leaves every secret out of the files.
	NoSecrets bool
}

// Exported is what an export wrote.
type Exported struct {
	// Path is absolute.
	Path  string
	Files int
	// Left are files in the folder that are no part of the export.
	Left []string
}

// Release is one release to choose.
type Release struct {
	// Version is X.Y.Z.
	Version string
	LTS     bool
	// Support is a word or two: "until 2027-02-28", "ended", "not known".
	Support string
	// Ended says that the support is over.
	Ended bool
	// MongoDB is the version that it needs, major.minor.
	MongoDB string
	// Default says that it is what rcwizard proposes.
	Default bool
}

// Draft is what is known so far of a workspace that is being described: the
// answers, whole or not, and where the person was.
type Draft struct {
	// Key names where it is kept. Empty: nowhere yet.
	Key string
	// Page is the name of the page that comes next, as the face gave it to Save.
	Page string
	// Answers are as they were given, without the defaults. Its secrets are kept
	// too, in a file of their own.
	Answers question.Answers
	// Typed are secrets for this run alone: they are never written down.
	Typed workspace.Secrets
	// Skips are the checks that the person chose not to heed.
	Skips []string
	// Change is nil for a workspace that is deployed as a whole. Otherwise nothing
	// but the instances that it names is carried out.
	Change *Change
}

// ChangeKind says whether instances come or go.
type ChangeKind string

// What can be done with the instances of a workspace that was deployed.
const (
	AddInstances    ChangeKind = "add"
	RemoveInstances ChangeKind = "remove"
)

// Change is which instances of a deployed workspace come or go. The draft's
// answers have them in either case.
type Change struct {
	Kind ChangeKind
	// Instances are their names; none as long as nobody has chosen any.
	Instances []string
	// Begun says that their addition or removal was cut in the middle, and goes
	// on: which they are is settled.
	Begun bool
	// Drain is how long an instance that leaves goes on for those who are with it.
	Drain time.Duration
	// WithoutHost says of a removal that the instances' host is gone for good: it
	// need not be reached. Where it can be, what is on it goes all the same.
	WithoutHost bool
}

// SilentError says that the host of an instance that is removed cannot be
// reached. If it is gone for good, that can be done without it: see
// Change.WithoutHost.
type SilentError struct {
	// Hosts are their names.
	Hosts []string
	// Err says of each what happened, and what to do.
	Err error
}

func (e *SilentError) Error() string { return e.Err.Error() }

func (e *SilentError) Unwrap() error { return e.Err }

// Consequence says what becomes of the instances that are removed without their
// host.
func (e *SilentError) Consequence(instances []string) string {
	return fmt.Sprintf("If the server %s is gone for good, the instance %s can be removed everywhere else. Its container and files stay on the server; what to do if that ever starts again is said at the end.",
		strings.Join(e.Hosts, ", "), strings.Join(instances, ", "))
}

// Leaving says how an instance leaves, and under which conditions.
func (c Change) Leaving() string {
	text := "The proxy sends nobody there any more; it goes on for " + spelled(c.Drain) + " for those who are with it, and stops. Their browsers come back to another."
	if c.Drain <= 0 {
		text = "The proxy sends nobody there any more, and it stops at once. The browsers of those who are with it come back to another."
	}
	text += " Then its container and the files that rcwizard wrote leave the server; files that somebody edited stay."
	if c.WithoutHost {
		text += " Its server is held to be gone for good: if it cannot be reached, all of it stays there, and at the end it is said what to do."
	}
	return text
}

// spelled is a time that somebody chose, no less exact than they chose it.
func spelled(d time.Duration) string {
	if d%time.Minute == 0 {
		return strconv.FormatInt(int64(d/time.Minute), 10) + " min"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

// Without is the draft's workspace, complete, without the instances of its
// Change, and without the hosts that would have nothing to do.
func (d Draft) Without() workspace.Workspace {
	w := d.Answers.Workspace.Complete()
	if d.Change == nil {
		return w
	}
	return w.Without(d.Change.Instances...)
}

// Beyond are the names of the draft's instances that a workspace does not have.
func (d Draft) Beyond(w workspace.Workspace) []string {
	var names []string
	for _, i := range d.Answers.Workspace.Complete().Instances {
		if _, there := w.Instance(i.Name); !there {
			names = append(names, i.Name)
		}
	}
	return names
}

// All are the secrets that are kept and those that were typed.
func (d Draft) All() workspace.Secrets { return d.Answers.Secrets.Override(d.Typed) }

// Clone is a draft that shares no memory with this one.
func (d Draft) Clone() Draft {
	d.Answers = d.Answers.Clone()
	d.Typed.Hosts = maps.Clone(d.Typed.Hosts)
	d.Skips = slices.Clone(d.Skips)
	if d.Change != nil {
		change := *d.Change
		change.Instances = slices.Clone(change.Instances)
		d.Change = &change
	}
	return d
}
