package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// BaseURL is where Rocket.Chat publishes what Refresh reads.
const BaseURL = "https://releases.rocket.chat"

var (
	// ErrUnreachable says that releases.rocket.chat gave no usable answer, which
	// says nothing about the release: treat what was asked as unknown.
	ErrUnreachable = errors.New("releases.rocket.chat gave no answer that can be used")
	// ErrNoSuchRelease says that releases.rocket.chat knows no such release.
	ErrNoSuchRelease = errors.New("releases.rocket.chat knows no such release")
)

// Published is what releases.rocket.chat says of one release, now. Where it
// says nothing, the catalogue answers. The zero value knows only the catalogue.
type Published struct {
	// Release is the release that was asked for.
	Release Release
	// MongoDB are the versions that the release declares, major.minor, oldest
	// first; none if the answer had none.
	MongoDB []string
	// Node is the version of Node.js that it needs; it may be empty.
	Node string
	// Supported is the published list of lines, oldest first; none if it could
	// not be read.
	Supported []SupportedLine
}

// SupportedLine is one minor line in the published list.
type SupportedLine struct {
	// Line is X.Y. Patches do not count: apps match a workspace by ~X.Y.
	Line string
	// Expires is the end of the support; zero if the list gives none that can be
	// read.
	Expires time.Time
}

// MongoDBVersion is the newest version of MongoDB that the release declares,
// from what was published or else from the catalogue.
func (p Published) MongoDBVersion() (version, source string, known bool) {
	if n := len(p.MongoDB); n > 0 {
		return p.MongoDB[n-1], BaseURL + "/" + p.Release.String() + "/info", true
	}
	return MongoDB(p.Release)
}

// Support says whether the release is supported at the given time, from what
// was published or else from the catalogue, and until when; until is zero if
// that is not known. A line that is missing from the list is not supported if
// it is older than all that are there; of a newer one the list says nothing.
func (p Published) Support(now time.Time) (support Support, until time.Time) {
	listed, older := false, len(p.Supported) > 0
	for _, line := range p.Supported {
		if line.Line == p.Release.Line() {
			listed = true
			if line.Expires.After(until) {
				until = line.Expires
			}
		}
		older = older && p.Release.Compare(majorMinor(line.Line)) < 0
	}
	switch {
	case older:
		return SupportNo, time.Time{}
	case !listed || until.IsZero():
		return Supported(p.Release, now)
	case now.Before(until):
		return SupportYes, until
	}
	return SupportNo, until
}

// Refresh asks what is published of the release. The error wraps
// ErrNoSuchRelease if there is no such release, and ErrUnreachable if an answer
// is missing or cannot be read; what was learnt besides is returned with it, so
// a caller may go on with either. The context bounds the time. baseURL is
// BaseURL except in tests.
func Refresh(ctx context.Context, client *http.Client, baseURL string, r Release) (Published, error) {
	p := Published{Release: r}
	baseURL = strings.TrimSuffix(baseURL, "/")
	var info struct {
		Tag   string          `json:"tag"`
		Node  json.RawMessage `json:"nodeVersion"`
		Mongo json.RawMessage `json:"compatibleMongoVersions"`
	}
	err := get(ctx, client, baseURL+"/"+url.PathEscape(r.String())+"/info", &info)
	switch {
	case err != nil:
	case info.Tag == "": // how a missing release answers
		err = fmt.Errorf("%s: %w", r, ErrNoSuchRelease)
	default:
		p.Node = text(info.Node)
		p.MongoDB = mongoVersions(info.Mongo)
	}
	var list struct {
		Versions []struct {
			Version    json.RawMessage `json:"version"`
			Expiration json.RawMessage `json:"expiration"`
		} `json:"versions"`
	}
	listErr := get(ctx, client, baseURL+"/v2/server/supportedVersions?source=desktop", &list)
	for _, v := range list.Versions {
		if line, ok := supportedLine(text(v.Version), text(v.Expiration)); ok {
			p.Supported = append(p.Supported, line)
		}
	}
	slices.SortStableFunc(p.Supported, func(a, b SupportedLine) int { return majorMinor(a.Line).Compare(majorMinor(b.Line)) })
	if errors.Is(err, ErrUnreachable) && listErr != nil {
		return p, err // one reason is enough
	}
	return p, errors.Join(err, listErr)
}

// most is more than either answer has; a longer one is cut and then refused.
const most = 4 << 20

// get reads one JSON answer. Every failure wraps ErrUnreachable, except that
// the answer 404 leaves into as it is.
func get(ctx context.Context, client *http.Client, address string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return fmt.Errorf("%w: what is given as its address is none", ErrUnreachable)
	}
	req.Header.Set("Accept", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, cause(err))
	}
	defer res.Body.Close() //nolint:errcheck // only read
	if res.StatusCode == http.StatusNotFound {
		return nil
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s answered %s", ErrUnreachable, req.URL.Path, res.Status)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, most)).Decode(into); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrUnreachable, req.URL.Path, err)
	}
	return nil
}

// cause is a failure without the address, which may have a login in it.
func cause(err error) error {
	if asked, ok := errors.AsType[*url.Error](err); ok {
		return asked.Err
	}
	return err
}

// text is a JSON value that is a string or a number, as text; otherwise empty.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// mongoVersions reads the versions in every shape that has been published:
// ["5.0","6.0"], ["5","6"], one string, or numbers. A bare major means .0, as
// the tags of the images have it. What is no version is left out.
func mongoVersions(raw json.RawMessage) []string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	var out []string
	for _, item := range list {
		m := mongoForm.FindStringSubmatch(strings.TrimSpace(text(item)))
		if m == nil {
			continue
		}
		minor := m[2]
		if minor == "" {
			minor = "0"
		}
		out = append(out, strconv.Itoa(number(m[1]))+"."+strconv.Itoa(number(minor)))
	}
	slices.SortFunc(out, func(a, b string) int { return majorMinor(a).Compare(majorMinor(b)) })
	return slices.Compact(out)
}

// mongoForm accepts what follows major.minor and leaves it out: 8.0.4, 8.0.x.
var mongoForm = regexp.MustCompile(`^(\d{1,2})(?:\.(\d{1,2}|x)(?:\..*)?)?$`)

// majorMinor makes versions comparable by number: 10.0 is after 8.0.
func majorMinor(version string) Release {
	major, minor, _ := strings.Cut(version, ".")
	return Release{Major: number(major), Minor: number(minor)}
}

// lineForm is X.Y or X.Y.Z, with a range's sign before it.
var lineForm = regexp.MustCompile(`^[~^=v]*(\d{1,4})\.(\d{1,4})`)

// supportedLine reads one element of the list; ok is false if it has no
// version that can be read.
func supportedLine(version, expires string) (line SupportedLine, ok bool) {
	m := lineForm.FindStringSubmatch(version)
	if m == nil {
		return SupportedLine{}, false
	}
	line.Line = Release{Major: number(m[1]), Minor: number(m[2])}.Line()
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, expires); err == nil {
			line.Expires = t
			return line, true
		}
	}
	return line, true
}
