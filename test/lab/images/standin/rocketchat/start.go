package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/google/uuid"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"golang.org/x/sync/errgroup"
)

// errStopped is the start that Rocket.Chat gives up with its box.
var errStopped = errors.New("server stopped")

// app is one instance.
type app struct {
	*config
	id       string // uuid v4, new at each start (§1)
	log      *logger
	client   *mongo.Client
	db       *mongo.Database
	settings *settings
	broker   broker
	events   events
	sessions sessions
	calls    calls
	begun    time.Time
}

// start runs an instance from its first line to its end. The order is the
// facts' (§1, §2.3): database, migrations, first-time setup, settings,
// administrator, transporter, registry, and only then the HTTP port. ready, if
// not nil, gets the app when it answers.
func start(ctx context.Context, c *config, log *logger, ready chan<- *app) error {
	a := &app{config: c, id: uuid.NewString(), log: log, begun: time.Now()}
	if err := a.connect(ctx); err != nil {
		return err
	}
	defer a.disconnect(ctx)
	fresh, err := a.migrate(ctx)
	if err != nil {
		return err
	}
	if fresh {
		if err := a.firstTimeSetup(ctx); err != nil {
			return err
		}
	}
	if a.settings, err = a.loadSettings(ctx); err != nil {
		return err
	}
	if err := a.initialData(ctx); err != nil {
		return err
	}
	if a.broker, err = a.openBroker(ctx); err != nil {
		return err
	}
	defer a.broker.close()
	if err := a.register(ctx); err != nil {
		return err
	}
	return a.serve(ctx, ready)
}

// connect waits for a primary, as long as MongoDB's driver does, thirty seconds,
// and then gives up, so that Docker starts the container again.
func (a *app) connect(ctx context.Context) error {
	client, err := mongo.Connect(options.Client().ApplyURI(a.mongoURL).SetAppName("rocketchat"))
	if err != nil {
		return fmt.Errorf("MongoParseError: %w", err)
	}
	a.client, a.db = client, client.Database(a.database())
	if err := client.Ping(ctx, readpref.Primary()); err != nil {
		a.disconnect(ctx)
		return fmt.Errorf("MongoServerSelectionError: %w", err)
	}
	return nil
}

func (a *app) disconnect(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = a.client.Disconnect(ctx) // the process ends anyway
}

// serve opens the ports and keeps the instance's record fresh until ctx ends.
// The record is not deleted then: Rocket.Chat hangs its asynchronous delete on
// the process's exit, where it cannot finish (§1, clean stop).
func (a *app) serve(ctx context.Context, ready chan<- *app) error {
	group, ctx := errgroup.WithContext(ctx)
	if a.settings.boolean("Prometheus_Enabled") {
		port := a.env["PROMETHEUS_PORT"]
		if port == "" {
			port = a.settings.text("Prometheus_Port")
		}
		if err := a.listen(ctx, group, port, a.metrics()); err != nil {
			return err
		}
	}
	if err := a.listen(ctx, group, a.port, a.api()); err != nil {
		return err
	}
	group.Go(func() error { return a.heartbeat(ctx) })
	group.Go(func() error { return a.expireRecords(ctx, a.expire) })
	a.log.box("SERVER RUNNING",
		"Rocket.Chat Version: "+a.release.String()+" (the lab's stand-in)",
		"     NodeJS Version: "+nodeVersion+" - x64",
		"           Platform: "+runtime.GOOS,
		"       Process Port: "+a.port,
		"           Site URL: "+a.rootURL)
	if ready != nil {
		ready <- a
	}
	if err := group.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("instance: %w", err)
	}
	return nil
}

// listen opens one port now and serves it until ctx ends.
func (a *app) listen(ctx context.Context, group *errgroup.Group, port string, h http.Handler) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", a.address(port))
	if err != nil {
		return fmt.Errorf("Error: listen %s: %w", a.address(port), err) //nolint:staticcheck // node's own form
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		_ = server.Close() // a stopped instance drops its connections
		return nil
	})
	return nil
}

// serverTime is the database's clock, which the registry is measured with (§1).
func (a *app) serverTime(ctx context.Context) (time.Time, error) {
	var hello struct {
		LocalTime time.Time `bson:"localTime"`
	}
	if err := a.client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
		return time.Time{}, fmt.Errorf("the database's clock: %w", err)
	}
	return hello.LocalTime, nil
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the context's own word
	case <-t.C:
		return nil
	}
}

// nodeVersion is what Rocket.Chat 9.0 needs at least (§5).
const nodeVersion = "v22.22.3"

// pid is the process's id in the registry.
func pid() int { return os.Getpid() }
