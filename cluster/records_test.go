package cluster

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/rcwizard/rcwizard/workspace"
)

// Every record of one address is forgotten, whatever its state, and nobody
// else's.
func TestForget(t *testing.T) {
	t.Parallel()
	ago := func(d time.Duration) time.Time { return serverNow.Add(-d) }
	m := startMongo(t, &fakeMongo{hello: primaryHello(planned), documents: map[string][]bson.D{"rocketchat.instances": {
		document("runs", "10.0.0.11", "3000", ago(time.Hour), ago(0)),
		document("left", "10.0.0.11", "3001", ago(time.Hour), ago(20*time.Second)),
		document("ghost", "10.0.0.11", int32(3001), ago(time.Hour), ago(-9000*time.Hour)),
		document("other", "10.0.0.12", "3001", ago(time.Hour), ago(0)),
	}}})
	dial, url := fleet{planned: m.address}.dial, MongoURL(plan(2), workspace.Secrets{})
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
	m.mu.Lock()
	m.refuse = "not authorized"
	m.mu.Unlock()
	if _, err := Forget(t.Context(), dial, url, "10.0.0.11:3000"); err == nil {
		t.Error("a database that refuses was taken for one that forgot")
	}
}
