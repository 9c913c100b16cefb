package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// control is the document that says which migrations a database has seen (§2.4).
type control struct {
	Version  int32     `bson:"version"`
	Locked   bool      `bson:"locked"`
	LockedAt time.Time `bson:"lockedAt"`
	BuildAt  time.Time `bson:"buildAt"`
}

// lockLease is after how long a lock counts as left behind.
const lockLease = 5 * time.Minute

func (a *app) migrations() *mongo.Collection { return a.db.Collection("migrations") }

// migrate brings the database to this release, following migrations.ts (§2.4):
// a fresh database is never locked; a lock of another build does not hold; a
// loser tries thirty times and stops; a database newer than this release is
// refused, and so is one older than 7.
func (a *app) migrate(ctx context.Context) (fresh bool, err error) {
	latest := a.release.migration()
	var c control
	err = a.migrations().FindOne(ctx, bson.D{{Key: "_id", Value: "control"}}).Decode(&c)
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return false, fmt.Errorf("migrations: %w", err)
	}
	if c.Version == 0 {
		// Decided when the program is loaded, long before it is written down: all
		// that start meanwhile run the first-time setup.
		a.log.info("Migrations", "fresh install: first-time setup")
		if err := pause(ctx, a.startup); err != nil {
			return false, err
		}
		return true, a.setControl(ctx, control{Version: latest, BuildAt: a.release.built()})
	}
	if err := a.lock(ctx); err != nil {
		return false, err
	}
	switch {
	case c.Version > latest:
		return false, fmt.Errorf("Error: Can't find migration version %d", c.Version) //nolint:staticcheck // Rocket.Chat's own words
	case c.Version < 700:
		return false, fmt.Errorf("%w: UPGRADE NOT SUPPORTED\nthe database is of a release before 7", errStopped)
	case c.Version < latest:
		a.log.info("Migrations", fmt.Sprintf("Migrating from version %d -> %d", c.Version, latest))
		if err := pause(ctx, a.startup); err != nil {
			return false, err
		}
		a.log.info("Migrations", "Finished migrating.")
	default:
		a.log.info("Migrations", fmt.Sprintf("Not migrating, already at version %d", latest))
	}
	return false, a.setControl(ctx, control{Version: latest, BuildAt: a.release.built()})
}

func (a *app) setControl(ctx context.Context, c control) error {
	if err := upsert(ctx, a.migrations(), "control", bson.D{{Key: "$set", Value: c}}); err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}

// lock takes the database for migrating, in one atomic update.
func (a *app) lock(ctx context.Context) error {
	const tries = 30
	for try := 1; ; try++ {
		now := time.Now()
		result, err := a.migrations().UpdateOne(ctx, bson.D{
			{Key: "_id", Value: "control"},
			{Key: "$or", Value: bson.A{
				bson.D{{Key: "locked", Value: false}},
				bson.D{{Key: "lockedAt", Value: bson.D{{Key: "$lt", Value: now.Add(-lockLease)}}}},
				bson.D{{Key: "buildAt", Value: bson.D{{Key: "$ne", Value: a.release.built()}}}},
			}},
		}, bson.D{{Key: "$set", Value: bson.D{
			{Key: "locked", Value: true}, {Key: "lockedAt", Value: now}, {Key: "buildAt", Value: a.release.built()},
		}}})
		if err != nil {
			return fmt.Errorf("migrations: %w", err)
		}
		if result.MatchedCount == 1 {
			return nil
		}
		if try == tries {
			return fmt.Errorf("%w: Migration cannot start\nThe database is locked by another instance", errStopped)
		}
		a.log.info("Migrations", fmt.Sprintf("Not migrating, control is locked. Attempt %d/%d.", try, tries))
		if err := pause(ctx, a.retry); err != nil {
			return err
		}
	}
}

// firstTimeSetup makes what a fresh database has not. Before 8.9.1 two instances
// that do this at once hang on a duplicate key and never open their port, though
// the process lives (§2.3, §2.4, #43469).
func (a *app) firstTimeSetup(ctx context.Context) error {
	now := time.Now()
	first := map[string]bson.D{
		"rocketchat_room": {{Key: "_id", Value: "GENERAL"}, {Key: "name", Value: "general"}, {Key: "t", Value: "c"}, {Key: "default", Value: true}, {Key: "ts", Value: now}},
		"users": {
			{Key: "_id", Value: "rocket.cat"},
			{Key: "username", Value: "rocket.cat"},
			{Key: "name", Value: "Rocket.Cat"},
			{Key: "type", Value: "bot"},
			{Key: "active", Value: true},
			{Key: "roles", Value: bson.A{"bot"}},
			{Key: "createdAt", Value: now},
		},
	}
	for _, collection := range []string{"rocketchat_room", "users"} {
		_, err := a.db.Collection(collection).InsertOne(ctx, first[collection])
		switch {
		case err == nil, mongo.IsDuplicateKeyError(err) && a.release.startsInParallel():
		case mongo.IsDuplicateKeyError(err):
			a.log.printf("MongoServerError: %v", err)
			<-ctx.Done()
			return ctx.Err() //nolint:wrapcheck // the context's own word
		default:
			return fmt.Errorf("first-time setup: %w", err)
		}
	}
	return nil
}

// upsert updates one document, or inserts it. Two instances that insert at once
// collide, and MongoDB then tries again by itself, which FerretDB does not.
func upsert(ctx context.Context, c *mongo.Collection, id string, update bson.D) error {
	for try := 0; ; try++ {
		_, err := c.UpdateOne(ctx, bson.D{{Key: "_id", Value: id}}, update, options.UpdateOne().SetUpsert(true))
		if err == nil || try == 3 || !mongo.IsDuplicateKeyError(err) {
			return err //nolint:wrapcheck // the caller names the document
		}
	}
}
