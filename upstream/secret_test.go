package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// withLogin is a mirror's address with a login and a token.
func withLogin(t *testing.T, base string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.User, u.RawQuery = url.UserPassword("somebody", "pass-word"), "token=to-ken"
	return u.String()
}

// leaks fails if a text has a part of the login or of the token.
func leaks(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{"somebody", "pass-word", "to-ken", "token"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in: %s", secret, text)
		}
	}
}

// A login and a token reach the mirror, and nobody else, also where it leads on.
func TestLoginReachesTheMirror(t *testing.T) {
	t.Parallel()
	other, _ := github(t, nil)
	var led []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		led = append(led, r.Referer()+r.Header.Get("Authorization")+r.URL.RawQuery)
		http.Redirect(w, r, other+r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(elsewhere.Close)
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "somebody" || password != "pass-word" || r.URL.Query().Get("token") != "to-ken" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)+r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(mirror.Close)
	if _, err := (Source{Base: withLogin(t, mirror.URL)}).Fetch(t.Context(), known(), paths()); err != nil {
		t.Fatal(err)
	}
	if len(led) != 2 || strings.Join(led, "") != "" {
		t.Errorf("the next server is told %q", led)
	}
}

// No text and no address of an error has a login or a token in it.
func TestLoginIsInNoError(t *testing.T) {
	t.Parallel()
	answers := map[string]string{"nobody": "http://127.0.0.1:1", "no name": "http://nowhere.invalid"}
	for name, answer := range map[string]func(w http.ResponseWriter){
		"absent":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"refused": func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) },
		"page":    func(w http.ResponseWriter) { _, _ = w.Write([]byte("<html>")) },
		"changed": func(w http.ResponseWriter) { _, _ = w.Write([]byte("x")) },
		"cut":     func(w http.ResponseWriter) { w.Header().Set("Content-Length", "100") },
	} {
		answers[name], _ = github(t, func(w http.ResponseWriter, _ string) bool { answer(w); return true })
	}
	for name, base := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Source{Base: withLogin(t, base)}.Fetch(t.Context(), known(), paths())
			var told *Error
			if !errors.As(err, &told) {
				t.Fatalf("%v", err)
			}
			if !strings.HasPrefix(told.URL, base+"/"+id) {
				t.Errorf("the address is %s", told.URL)
			}
			for err := error(told); err != nil; err = errors.Unwrap(err) {
				leaks(t, err.Error())
			}
			leaks(t, told.URL)
		})
	}
	_, err := Source{Base: "http://somebody:pass-word:to-ken"}.Fetch(t.Context(), known(), paths())
	if err == nil {
		t.Fatal("it is an address")
	}
	leaks(t, err.Error())
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"https://mirror/a%2Fb":                      "https://mirror/a%2Fb",
		"https://u:p@mirror:8443/a/?token=t#part":   "https://mirror:8443/a/",
		"http://token@mirror":                       "http://mirror",
		"u:p@mirror":                                "",
		"http://u:p:s":                              "",
		"https://raw.githubusercontent.com/a/b.yml": "https://raw.githubusercontent.com/a/b.yml",
	} {
		if got := Printable(given); got != want {
			t.Errorf("%s becomes %q, want %q", given, got, want)
		}
	}
}

// A proxy that does not connect says why, before there is a connection through it.
// What it says is told without what a terminal would act on.
func TestProxyDoesNotConnect(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]struct {
		kind       Kind
		says, next string
	}{
		"407 Proxy Authentication Required":             {Proxied, "the proxy asks for a login", "HTTPS_PROXY with the login"},
		"403 Forbidden":                                 {Barred, "mirror.invalid/" + id + "/compose.yml cannot be reached through the proxy: 127.0.0.1:", "have the proxy let this machine through"},
		"502 Bad Gateway":                               {Barred, " answers 502 Bad Gateway", "name a mirror with --compose-url"},
		"503 No\x1b[2J way " + strings.Repeat("x", 200): {Barred, " answers 503 No[2J way xxx", "name another proxy"},
	} {
		t.Run(answer[:3], func(t *testing.T) {
			t.Parallel()
			client := Source{}.client()
			through, ok := client.Transport.(*http.Transport)
			if !ok {
				t.Fatalf("it is a %T", client.Transport)
			}
			through.Proxy = http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("somebody", "pass-word"), Host: answering(t, answer)})
			_, err := Source{Base: "https://mirror.invalid", Client: client}.Fetch(t.Context(), known(), paths())
			var told *Error
			if !errors.As(err, &told) || told.Kind != want.kind || !strings.Contains(told.Error(), want.says) || !strings.Contains(told.Next(), want.next) {
				t.Fatalf("%v", err)
			}
			leaks(t, told.Error())
			if strings.ContainsRune(told.Error(), '\x1b') || len(told.Error()) > 300 {
				t.Errorf("%q", told)
			}
		})
	}
}

// answering is a proxy that answers every CONNECT with one status.
func answering(t *testing.T, status string) (address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(c)); err != nil || r.Method != http.MethodConnect {
				t.Errorf("the proxy is asked for %v, %v", r, err)
			}
			_, _ = io.WriteString(c, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n")
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// What begins with TLS stays with it.
func TestNoWayFromTLS(t *testing.T) {
	t.Parallel()
	plain, asked := github(t, nil)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain+r.URL.Path+"?token=to-ken", http.StatusFound)
	}))
	t.Cleanup(s.Close)
	_, err := Source{Base: s.URL, Client: s.Client()}.Fetch(t.Context(), known(), paths())
	var told *Error
	if !errors.As(err, &told) || told.Kind != Refused || !strings.Contains(told.Error(), "it leads from https to "+plain) || *asked != 0 {
		t.Fatalf("%v, asked %d times", err, *asked)
	}
	leaks(t, told.Error())
}

// inBody is a mirror that begins with a file and then stays silent; begun is closed
// when the beginning is on its way.
func inBody(t *testing.T) (base string, begun chan struct{}) {
	t.Helper()
	begun = make(chan struct{})
	done := make(chan struct{})
	base, _ = github(t, only(func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("{"))
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		close(begun)
		<-done
	}))
	t.Cleanup(func() { close(done) })
	return base, begun
}

// Who gives up while a file is read has given up, and nothing was cut.
func TestCancelledInBody(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	base, begun := inBody(t)
	go func() {
		<-begun
		// The answer's head has come when its first byte has.
		timer := time.NewTimer(50 * time.Millisecond)
		defer timer.Stop()
		<-timer.C
		cancel()
	}()
	_, err := Source{Base: base}.Fetch(ctx, known(), paths())
	var told *Error
	if !errors.As(err, &told) || told.Kind != Cancelled || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// All files together have a limit, in a file and before one.
func TestLimit(t *testing.T) {
	t.Parallel()
	base, _ := inBody(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for base, want := range map[string]Kind{base: Cut, "http://" + l.Addr().String(): Unreachable} {
		_, err := Source{Base: base, limit: 300 * time.Millisecond}.Fetch(t.Context(), known(), paths())
		var told *Error
		if !errors.As(err, &told) || told.Kind != want || !strings.Contains(told.Error(), "all files together took longer than 300ms") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
