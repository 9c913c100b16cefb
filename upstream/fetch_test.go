package upstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const id = "0123456789012345678901234567890123456789"

// tree are the files that the tests' server has.
func tree() map[string][]byte {
	return map[string][]byte{"compose.yml": []byte("services: {}\n"), "files/a/b.json": []byte("{}\n")}
}

func paths() []string { return []string{"compose.yml", "files/a/b.json"} }

// known is the tree's commit, with its sums.
func known() Commit {
	c := Commit{ID: id, Sums: map[string]string{}}
	for path, content := range tree() {
		c.Sums[path] = Sum(content)
	}
	return c
}

// github serves the tree as raw.githubusercontent.com does; answer may give
// another answer for a path and then says so.
func github(t *testing.T, answer func(w http.ResponseWriter, path string) bool) (base string, asked *int) {
	t.Helper()
	asked = new(int)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked++
		path := strings.TrimPrefix(r.URL.Path, "/"+id+"/")
		if answer != nil && answer(w, path) {
			return
		}
		content, there := tree()[path]
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if !there {
			http.Error(w, "404: Not Found", http.StatusNotFound)
			return
		}
		_, _ = w.Write(content)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

// only gives another answer for the last path, behind one that is right.
func only(answer func(w http.ResponseWriter)) func(http.ResponseWriter, string) bool {
	return func(w http.ResponseWriter, path string) bool {
		if path != "files/a/b.json" {
			return false
		}
		answer(w)
		return true
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	base, asked := github(t, nil)
	for _, c := range []Commit{known(), {ID: id}} {
		got, err := Source{Base: base + "/"}.Fetch(t.Context(), c, paths())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tree(), got); diff != "" {
			t.Error(diff)
		}
	}
	if *asked != 4 {
		t.Errorf("asked %d times for two files, twice", *asked)
	}
}

// Every way in which files cannot be had: what is said of it, and that nothing is
// kept.
func TestFailures(t *testing.T) {
	t.Parallel()
	serve := func(answer func(http.ResponseWriter, string) bool) func(*testing.T) string {
		return func(t *testing.T) string {
			t.Helper()
			base, _ := github(t, answer)
			return base
		}
	}
	whole := func(status int, kind, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for _, c := range []struct {
		name string
		base func(t *testing.T) string
		kind Kind
		says []string
		next string
	}{
		{"nobody listens", func(t *testing.T) string {
			t.Helper()
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close() //nolint:errcheck // nobody is to listen there
			return "http://" + l.Addr().String()
		}, Unreachable, []string{"/compose.yml cannot be fetched: dial tcp 127.0.0.1:", "connection refused"}, "HTTPS_PROXY"},
		{"no such name", func(*testing.T) string { return "http://nowhere.invalid" }, Unreachable, []string{"http://nowhere.invalid/" + id + "/compose.yml cannot be fetched: dial tcp: lookup nowhere.invalid"}, "--compose-url"},
		{"another authority", func(t *testing.T) string {
			t.Helper()
			s := httptest.NewTLSServer(http.NotFoundHandler())
			t.Cleanup(s.Close)
			return s.URL
		}, Untrusted, []string{"certificate signed by unknown authority"}, "a proxy looks into TLS"},
		{"no such commit", serve(func(w http.ResponseWriter, _ string) bool {
			http.Error(w, "404: Not Found", http.StatusNotFound)
			return true
		}), Absent, []string{"no commit " + id + " is known at that address"}, "look at the commit"},
		{"no such file", serve(only(whole(http.StatusNotFound, "text/plain", "404: Not Found"))), Absent, []string{"the commit " + id + " has no file files/a/b.json"}, "compose: official"},
		{"a page", serve(only(whole(http.StatusOK, "text/html", "<p>Welcome to the hotel</p>"))), Proxied, []string{"was not answered by the server itself: it is a web page"}, "log in where the network asks for it"},
		{"a page as text", serve(only(whole(http.StatusOK, "text/plain", " <!DOCTYPE html><p>Welcome</p>"))), Proxied, []string{"it is a web page"}, "log in"},
		{"led to a page", serve(only(func(w http.ResponseWriter) {
			w.Header().Set("Location", "/login")
			w.WriteHeader(http.StatusFound)
		})), Absent, nil, ""},
		{"a proxy's login", serve(only(whole(http.StatusProxyAuthRequired, "text/html", "no"))), Proxied, []string{"the proxy asks for a login"}, "HTTPS_PROXY"},
		{"out of order", serve(only(whole(http.StatusServiceUnavailable, "text/html", "no"))), Refused, []string{"503 Service Unavailable"}, "try again later"},
		{"too large", serve(only(func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, largest+1)) })), Refused, []string{"larger than"}, "try again later"},
		{"cut off", serve(only(func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("{"))
		})), Cut, []string{"was cut off after 1 of 100 bytes: unexpected EOF"}, "run again"},
		{"another file", serve(only(func(w http.ResponseWriter) { _, _ = w.Write([]byte("{ }\n")) })), Changed, []string{"its SHA-256 is " + Sum([]byte("{ }\n")), "must be " + Sum([]byte("{}\n"))}, "do not use it"},
		{"a shorter file", serve(only(func(w http.ResponseWriter) { _, _ = w.Write([]byte("{")) })), Changed, []string{"its SHA-256 is " + Sum([]byte("{"))}, "fetch it from another place"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cache := Cache{Dir: filepath.Join(t.TempDir(), "upstream")}
			files, err := cache.Get(t.Context(), Source{Base: c.base(t)}, known(), paths(), nil)
			var told *Error
			if !errors.As(err, &told) || files != nil {
				t.Fatalf("%v, with %d files", err, len(files))
			}
			t.Log(told, "->", told.Next())
			if told.Kind != c.kind || told.Next() == "" || !strings.Contains(told.Next(), c.next) {
				t.Errorf("the kind is %s, want %s; next: %s", told.Kind, c.kind, told.Next())
			}
			for _, text := range c.says {
				if !strings.Contains(told.Error(), text) {
					t.Errorf("it does not say %q", text)
				}
			}
			if _, err := os.Stat(cache.Dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something was kept: %v", err)
			}
		})
	}
}

// A server that is silent is not waited for once the caller gives up.
func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	base, _ := github(t, func(http.ResponseWriter, string) bool { cancel(); <-done; return true })
	t.Cleanup(func() { close(done) }) // before the server is closed, which waits
	_, err := Source{Base: base}.Fetch(ctx, known(), paths())
	var told *Error
	if !errors.As(err, &told) || told.Kind != Cancelled || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// What was fetched is there without anybody being asked, whole and readable by its
// owner alone.
func TestCache(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]Commit{"known": known(), "named": {ID: id}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, asked := github(t, nil)
			cache := Cache{Dir: filepath.Join(t.TempDir(), "upstream")}
			told := 0
			get := func(s Source) (map[string][]byte, error) {
				return cache.Get(t.Context(), s, c, paths(), func() { told++ })
			}
			for range 2 {
				if got, err := get(Source{Base: base}); err != nil || !cmp.Equal(got, tree()) {
					t.Fatalf("%v, %v", got, err)
				}
			}
			if *asked != 2 || told != 1 {
				t.Errorf("asked %d times, told %d times", *asked, told)
			}
			if _, err := get(Source{Base: "http://nowhere.invalid"}); err != nil {
				t.Errorf("without the internet: %v", err)
			}
			want := map[string]string{
				".": "drwx------", id: "drwx------", id + "/files": "drwx------", id + "/files/a": "drwx------",
				id + "/compose.yml": "-rw-------", id + "/files/a/b.json": "-rw-------", id + "/SHA256SUMS": "-rw-------",
			}
			if diff := cmp.Diff(want, modes(t, cache.Dir)); diff != "" {
				t.Error(diff)
			}
			sums, err := os.ReadFile(filepath.Join(cache.Dir, id, "SHA256SUMS"))
			if want := fmt.Sprintf("%s  compose.yml\n%s  files/a/b.json\n", Sum(tree()["compose.yml"]), Sum(tree()["files/a/b.json"])); err != nil || string(sums) != want {
				t.Errorf("%v:\n%s", err, sums)
			}
			// A file that is not as it was, or is gone, is fetched again.
			for _, spoil := range []func(string) error{
				func(name string) error { return os.WriteFile(name, []byte("{"), 0o600) },
				os.Remove,
			} {
				if err := spoil(filepath.Join(cache.Dir, id, "files", "a", "b.json")); err != nil {
					t.Fatal(err)
				}
				if got, err := get(Source{Base: base}); err != nil || !cmp.Equal(got, tree()) {
					t.Fatalf("%v, %v", got, err)
				}
			}
			if *asked != 6 || told != 3 {
				t.Errorf("asked %d times, told %d times", *asked, told)
			}
		})
	}
}

// Of a commit that nobody vouches for, what was fetched first counts.
func TestFirstCounts(t *testing.T) {
	t.Parallel()
	base, _ := github(t, nil)
	other, _ := github(t, only(func(w http.ResponseWriter) { _, _ = w.Write([]byte("changed\n")) }))
	cache := Cache{Dir: t.TempDir()}
	if _, err := cache.Get(t.Context(), Source{Base: base}, Commit{ID: id}, paths(), nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(cache.Dir, id, "compose.yml")); err != nil {
		t.Fatal(err)
	}
	_, err := cache.Get(t.Context(), Source{Base: other}, Commit{ID: id}, paths(), nil)
	var told *Error
	if !errors.As(err, &told) || told.Kind != Changed || told.Want != Sum(tree()["files/a/b.json"]) {
		t.Errorf("%v", err)
	}
	if _, err := cache.Get(t.Context(), Source{Base: base}, Commit{ID: id}, paths(), nil); err != nil {
		t.Errorf("from where it came first: %v", err)
	}
}

// Of a commit that nobody vouches for, a file that another version of rcwizard did
// not fetch is taken as it comes; of the known one, it must have its sum.
func TestAnotherFile(t *testing.T) {
	t.Parallel()
	base, _ := github(t, nil)
	for _, c := range []Commit{known(), {ID: id}} {
		cache := Cache{Dir: t.TempDir()}
		delete(c.Sums, "files/a/b.json")
		if _, err := cache.Get(t.Context(), Source{Base: base}, c, paths()[:1], nil); err != nil {
			t.Fatal(err)
		}
		got, err := cache.Get(t.Context(), Source{Base: base}, c, paths(), nil)
		var told *Error
		switch {
		case c.Sums == nil && (err != nil || !cmp.Equal(got, tree())):
			t.Errorf("%v, %v", err, got)
		case c.Sums != nil && (!errors.As(err, &told) || told.Kind != Changed || told.Path != "files/a/b.json"):
			t.Errorf("a file without a sum: %v", err)
		}
	}
}

// A run that was killed while it wrote has kept nothing, and is cleared away.
func TestKilledInBetween(t *testing.T) {
	t.Parallel()
	base, _ := github(t, nil)
	cache := Cache{Dir: t.TempDir()}
	killed, at := filepath.Join(cache.Dir, unfinished+"1"), filepath.Join(cache.Dir, unfinished+"2")
	for _, dir := range []string{killed, at} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "compose.yml"), tree()["compose.yml"], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(killed, old, old); err != nil {
		t.Fatal(err)
	}
	if _, _, err := cache.load(known(), paths()); err == nil {
		t.Error("what was half written counts")
	}
	if _, err := cache.Get(t.Context(), Source{Base: base}, known(), paths(), nil); err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Keys(modes(t, cache.Dir)))
	if slices.Contains(got, filepath.Base(killed)) || !slices.Contains(got, filepath.Base(at)) || !slices.Contains(got, id) {
		t.Errorf("there is %v", got)
	}
}

func modes(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		out[rel] = info.Mode().String()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAt(t *testing.T) {
	t.Parallel()
	pinned := Pinned()
	for given, want := range map[string]Commit{"": pinned, pinned.ID: pinned, id: {ID: id}} {
		if got := pinned.At(given); !cmp.Equal(got, want) {
			t.Errorf("At(%q) is %v", given, got)
		}
	}
	if len(pinned.ID) != 40 || pinned.Short() != "f693f76" {
		t.Errorf("the commit is %s, in short %s", pinned.ID, pinned.Short())
	}
}
