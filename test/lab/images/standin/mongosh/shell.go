package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"strings"
	"time"

	"github.com/dop251/goja"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"
)

//go:embed prelude.js
var prelude string

// shell is one JavaScript engine with one connection.
type shell struct {
	ctx    context.Context //nolint:containedctx // JavaScript calls back without one
	vm     *goja.Runtime
	client *mongo.Client
	out    io.Writer
	json   bool
	codec  codec
	exit   *int
}

// open connects and asks the server who it is, so that a script does not begin
// where mongosh would not.
func open(ctx context.Context, o options, out io.Writer) (*shell, error) {
	s := &shell{ctx: ctx, vm: goja.New(), out: out, json: o.json}
	db := "test"
	if !o.nodb {
		u, err := url.Parse(o.uri)
		if err != nil {
			return nil, fmt.Errorf("MongoParseError: %w", err)
		}
		if name := strings.Trim(u.Path, "/"); name != "" {
			db = name
		}
		if s.client, err = mongo.Connect(mongooptions.Client().ApplyURI(o.uri).SetAppName("mongosh")); err != nil {
			return nil, fmt.Errorf("MongoParseError: %w", err)
		}
		var build struct {
			Version string `bson:"version"`
		}
		if err := s.client.Database("admin").RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&build); err != nil {
			s.close(ctx)
			return nil, fmt.Errorf("MongoServerSelectionError: %w", err)
		}
		if !o.quiet {
			_, _ = fmt.Fprintf(out, "Connecting to:\t\t%s\nUsing MongoDB:\t\t%s\nUsing Mongosh:\t\t2.5.8-lab\n\n", o.uri, build.Version)
		}
	}
	if err := s.define(db); err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

func (s *shell) close(ctx context.Context) {
	if s.client == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = s.client.Disconnect(ctx) // the process ends anyway
}

// define puts the shell's natives and the prelude built on them in place.
func (s *shell) define(db string) error {
	natives := map[string]any{
		"__run": s.run, "__db": db,
		"__print": func(line string) { _, _ = fmt.Fprintln(s.out, line) },
		"sleep": func(ms int64) {
			select {
			case <-s.ctx.Done():
			case <-time.After(time.Duration(ms) * time.Millisecond):
			}
		},
		"quit": s.quit, "exit": s.quit,
		"__ejson": func(v goja.Value, relaxed bool) (string, error) { return s.codec.ejson(s.vm, v, relaxed) },
		"__oid":   func() string { return bson.NewObjectID().Hex() },
	}
	for name, native := range natives {
		if err := s.vm.Set(name, native); err != nil {
			return fmt.Errorf("define %s: %w", name, err)
		}
	}
	if _, err := s.vm.RunScript("prelude.js", prelude); err != nil {
		return fmt.Errorf("prelude: %w", err)
	}
	return nil
}

// quit ends the script with an exit code, uncatchable by JavaScript.
func (s *shell) quit(code int) {
	s.exit = &code
	s.vm.Interrupt("quit")
}

// run sends a command and gives the reply, or throws MongoServerError.
func (s *shell) run(db string, command *goja.Object) (goja.Value, error) {
	if s.client == nil {
		return nil, errors.New("no connection: --nodb was given")
	}
	doc, err := s.codec.document(s.vm, command)
	if err != nil {
		return nil, err
	}
	var reply bson.D
	err = s.client.Database(db).RunCommand(s.ctx, doc).Decode(&reply)
	var refused mongo.CommandError
	var write mongo.WriteException
	switch {
	case errors.As(err, &refused):
		panic(s.throw("MongoServerError", refused.Message, map[string]any{"code": refused.Code, "codeName": refused.Name, "ok": 0}))
	case errors.As(err, &write) && len(write.WriteErrors) > 0:
		first := write.WriteErrors[0]
		panic(s.throw("MongoServerError", first.Message, map[string]any{"code": first.Code}))
	case err != nil:
		panic(s.throw("MongoNetworkError", err.Error(), nil))
	}
	return s.codec.value(s.vm, reply)
}

// throw makes a JavaScript error of one of the driver's kinds.
func (s *shell) throw(name, message string, fields map[string]any) goja.Value {
	e, err := s.vm.New(s.vm.Get("Error"), s.vm.ToValue(message))
	if err != nil {
		return s.vm.ToValue(message)
	}
	fields = withName(fields, name)
	for k, v := range fields {
		_ = e.Set(k, v) // a fresh object takes any field
	}
	return e
}

func withName(fields map[string]any, name string) map[string]any {
	out := map[string]any{"name": name}
	maps.Copy(out, fields)
	return out
}

// evaluate runs the scripts in order and prints the last one's value.
func (s *shell) evaluate(scripts []string) (code int, err error) {
	var last goja.Value
	for _, script := range scripts {
		last, err = s.vm.RunScript("--eval", script)
		if s.exit != nil {
			return *s.exit, nil
		}
		if err != nil {
			return 1, s.explain(err)
		}
	}
	if last == nil || goja.IsUndefined(last) {
		return 0, nil
	}
	show, ok := goja.AssertFunction(s.vm.Get("__show"))
	if !ok {
		return 1, errors.New("the prelude lost __show")
	}
	if _, err := show(goja.Undefined(), last, s.vm.ToValue(s.json)); err != nil {
		return 1, s.explain(err)
	}
	return 0, nil
}

// explain is an uncaught error as mongosh prints it.
func (s *shell) explain(err error) error {
	var thrown *goja.Exception
	if !errors.As(err, &thrown) {
		return err
	}
	object, ok := thrown.Value().(*goja.Object)
	if !ok {
		return fmt.Errorf("Error: %s", thrown.Value().String()) //nolint:staticcheck // mongosh's own form
	}
	name, message := "Error", object.String()
	if v := object.Get("name"); v != nil {
		name = v.String()
	}
	if v := object.Get("message"); v != nil {
		message = v.String()
	}
	if v := object.Get("codeName"); v != nil && v.String() != "" {
		name += "[" + v.String() + "]"
	}
	return errors.New(name + ": " + message)
}
