package cluster

import (
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Records are the registry's records at an address, host:port, in the database
// of mongoURL: fresh ones, and what was left behind.
func Records(ctx context.Context, dial Dial, mongoURL, at string) ([]Record, error) {
	s, err := connect(ctx, dial, mongoURL)
	if err != nil {
		return nil, err
	}
	defer s.close(ctx)
	return s.recordsAt(ctx, at)
}

func (s *session) recordsAt(ctx context.Context, at string) ([]Record, error) {
	set, err := s.hello(ctx)
	if err != nil {
		return nil, err
	}
	registry := s.registry(ctx, set.Time)
	if registry.Error != nil {
		return nil, fmt.Errorf("read the registry of instances: %s", registry.Error.Text)
	}
	return slices.DeleteFunc(registry.Records, func(r Record) bool { return !sameHostPort(address(r), at) }), nil
}

// Forget deletes the records at an address, host:port, and returns how many
// there were. It is for an instance that was stopped for good: Rocket.Chat
// leaves its record behind when it ends, for one to two minutes, and one that
// is dated in the future for ever. A process that still runs there registers
// again at its next heartbeat.
func Forget(ctx context.Context, dial Dial, mongoURL, at string) (int, error) {
	s, err := connect(ctx, dial, mongoURL)
	if err != nil {
		return 0, err
	}
	defer s.close(ctx)
	records, err := s.recordsAt(ctx, at)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, databaseTimeout)
	defer cancel()
	instances := s.client.Database(s.database).Collection("instances")
	for _, r := range records {
		if _, err := instances.DeleteOne(ctx, bson.D{{Key: "_id", Value: r.ID}}); err != nil {
			return 0, fmt.Errorf("delete the record %s: %w", r.ID, s.err(err))
		}
	}
	return len(records), nil
}
