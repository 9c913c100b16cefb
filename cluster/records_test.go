package cluster

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rcwizard/rcwizard/cluster/clustertest"
	"github.com/rcwizard/rcwizard/workspace"
)

// Every record of one address is forgotten, whatever its state, and nobody
// else's.
func TestForget(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) time.Time { return clustertest.ServerNow().Add(-d) }
	m := clustertest.StartMongo(t, &clustertest.Mongo{Hello: clustertest.PrimaryHello(planned), Documents: map[string][]bson.D{"rocketchat.instances": {
		clustertest.Document("runs", "10.0.0.11", "3000", ago(time.Hour), ago(0)),
		clustertest.Document("left", "10.0.0.11", "3001", ago(time.Hour), ago(20*time.Second)),
		clustertest.Document("ghost", "10.0.0.11", int32(3001), ago(time.Hour), ago(-9000*time.Hour)),
		clustertest.Document("other", "10.0.0.12", "3001", ago(time.Hour), ago(0)),
	}}})
	dial, url := fleet{planned: m.Address}.dial, MongoURL(plan(2), workspace.Secrets{})
	records, err := Records(t.Context(), dial, url, "10.0.0.11:3001")
	if err != nil || len(records) != 2 {
		t.Fatalf("records %+v, %v", records, err)
	}
	if n, err := Forget(t.Context(), dial, url, "10.0.0.11:3001"); n != 2 || err != nil {
		t.Errorf("forgot %d, %v", n, err)
	}
	for address, want := range map[string]int{"10.0.0.11:3001": 0, "10.0.0.11:3000": 1, "10.0.0.12:3001": 1} {
		if left, err := Records(t.Context(), dial, url, address); err != nil || len(left) != want {
			t.Errorf("at %s are %+v, %v", address, left, err)
		}
	}
	m.Change(func(map[string][]bson.D) { m.Refuse = "not authorized" })
	if _, err := Forget(t.Context(), dial, url, "10.0.0.11:3000"); err == nil {
		t.Error("a database that refuses was taken for one that forgot")
	}
}
