package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestInstance(t *testing.T) {
	w := newWorld(t)
	i := w.start(t, map[string]string{
		"ADMIN_USERNAME": "ops", "ADMIN_PASS": "canary-9f", "ADMIN_EMAIL": "ops@example.com", "ADMIN_EMAIL_VERIFIED": "true",
		"OVERWRITE_SETTING_FileUpload_Storage_Type": "AmazonS3", "OVERWRITE_SETTING_FileUpload_S3_ForcePathStyle": "true",
	})

	var info map[string]any
	status, header := call(t, "GET", i.url+"/api/info", "", nil, &info)
	if status != 200 || info["version"] != "8.9" || info["success"] != true || header.Get("X-Instance-ID") != i.app.id {
		t.Errorf("/api/info: %d, %v, %v", status, info, header)
	}
	for _, path := range []string{"/health", "/livez", "/readyz"} {
		var body map[string]any
		status, header := call(t, "GET", i.url+path, "", nil, &body)
		if status != 200 || body["status"] != "ok" || header.Get("X-Instance-ID") == "" {
			t.Errorf("%s: %d, %v", path, status, body)
		}
	}

	// The record has exactly these fields.
	raw, err := w.db.Collection("instances").FindOne(t.Context(), bson.D{{Key: "_id", Value: i.app.id}}).Raw()
	if err != nil {
		t.Fatal(err)
	}
	keys := func(doc bson.Raw) []string {
		elements, err := doc.Elements()
		if err != nil {
			t.Fatal(err)
		}
		out := make([]string, 0, len(elements))
		for _, e := range elements {
			out = append(out, e.Key())
		}
		slices.Sort(out)
		return out
	}
	if d := cmp.Diff([]string{"_createdAt", "_id", "_updatedAt", "extraInformation", "name", "pid"}, keys(raw)); d != "" {
		t.Error(d)
	}
	extraInformation := raw.Lookup("extraInformation").Document()
	if d := cmp.Diff([]string{"conns", "host", "nodeVersion", "os", "port"}, keys(extraInformation)); d != "" {
		t.Error(d)
	}
	if port, ok := extraInformation.Lookup("port").StringValueOK(); !ok || port != i.env["PORT"] {
		t.Errorf("port %v, want the text %s", extraInformation.Lookup("port"), i.env["PORT"])
	}
	if updated, ok := raw.Lookup("_updatedAt").TimeOK(); !ok || time.Since(updated) > 5*time.Second {
		t.Errorf("_updatedAt %v", raw.Lookup("_updatedAt"))
	}

	var metrics string
	call(t, "GET", "http://127.0.0.1:"+i.env["PROMETHEUS_PORT"]+"/metrics", "", nil, &metrics)
	want := fmt.Sprintf(`rocketchat_info{version="8.9.1",unique_id="%s",site_url="https://chat.example.com"} 1`, i.app.settings.text("uniqueID"))
	if !strings.Contains(metrics, want+"\n") || len(i.app.settings.text("uniqueID")) != 17 {
		t.Errorf("metrics have no %s:\n%s", want, metrics)
	}

	var login struct {
		Data struct{ UserID, AuthToken string }
	}
	if status, _ := call(t, "POST", i.url+"/api/v1/login", `{"user":"ops","password":"wrong"}`, nil, nil); status != 401 {
		t.Errorf("a wrong password: %d", status)
	}
	if status, _ := call(t, "POST", i.url+"/api/v1/login", `{"user":"ops","password":"canary-9f"}`, nil, &login); status != 200 {
		t.Fatalf("login: %d", status)
	}
	auth := map[string]string{"X-User-Id": login.Data.UserID, "X-Auth-Token": login.Data.AuthToken}
	var list struct {
		Success   bool
		Instances []struct {
			CurrentStatus  struct{ Connected, Local bool }
			InstanceRecord struct {
				ID    string                      `json:"_id"`
				Extra struct{ Host, Port string } `json:"extraInformation"`
			}
		}
	}
	if status, _ := call(t, "GET", i.url+"/api/v1/instances.get", "", nil, nil); status != 401 {
		t.Errorf("instances without a login: %d", status)
	}
	call(t, "GET", i.url+"/api/v1/instances.get", "", auth, &list)
	if !list.Success || len(list.Instances) != 1 || list.Instances[0].InstanceRecord.ID != i.app.id || !list.Instances[0].CurrentStatus.Connected {
		t.Errorf("instances: %+v", list)
	}
	call(t, "GET", i.url+"/api/info", "", auth, &info)
	if info["version"] != "8.9.1" {
		t.Errorf("an administrator is told version %v", info["version"])
	}
	if strings.Contains(i.log.String(), "canary-9f") {
		t.Error("the password is in the log")
	}
	if i.app.settings.text("FileUpload_Storage_Type") != "AmazonS3" || !i.app.settings.boolean("FileUpload_S3_ForcePathStyle") {
		t.Errorf("settings: %v", i.app.settings.values)
	}
	if got := i.app.settings.text("Show_Setup_Wizard"); got != "in_progress" {
		t.Errorf("wizard %s, want in_progress: there is an administrator", got)
	}

	// A passer-by is no administrator, and a clean stop leaves the record.
	var registered struct{ User struct{ Roles []string } }
	call(t, "POST", i.url+"/api/v1/users.register", `{"username":"eve","email":"eve@example.com","pass":"x","name":"Eve"}`, nil, &registered)
	if d := cmp.Diff([]string{"user"}, registered.User.Roles); d != "" {
		t.Error(d)
	}
	if err := i.stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if n, err := w.db.Collection("instances").CountDocuments(t.Context(), bson.D{}); err != nil || n != 1 {
		t.Errorf("after a stop %d records, %v; want 1", n, err)
	}

	again := w.start(t, map[string]string{"ADMIN_USERNAME": "second", "ADMIN_PASS": "x"})
	if again.app.id == i.app.id || again.app.settings.text("uniqueID") != i.app.settings.text("uniqueID") {
		t.Errorf("id %s and unique id %s after a restart", again.app.id, again.app.settings.text("uniqueID"))
	}
	if n, err := w.db.Collection("users").CountDocuments(t.Context(), bson.D{{Key: "roles", Value: "admin"}}); err != nil || n != 1 {
		t.Errorf("%d administrators, %v; ADMIN_PASS acts only when there is none", n, err)
	}
}

func TestFirstVisitor(t *testing.T) {
	i := newWorld(t).start(t, nil)
	var registered struct{ User struct{ Roles []string } }
	call(t, "POST", i.url+"/api/v1/users.register", `{"username":"eve","email":"eve@example.com","pass":"x","name":"Eve"}`, nil, &registered)
	if d := cmp.Diff([]string{"admin"}, registered.User.Roles); d != "" {
		t.Errorf("without an administrator the first visitor becomes one: %s", d)
	}
}

// TestLicence holds that instances without scalability register, see each other,
// and pass nothing on (§0.1, §3), with both transporters.
func TestLicence(t *testing.T) {
	for _, c := range []struct {
		licence string
		tcp     bool
		modules string
		linked  bool
	}{
		{"", false, "[]", false},
		{"lab:auditing", false, `["auditing"]`, false},
		{"nonsense", false, "[]", false},
		{"lab:scalability,auditing", false, `["scalability","auditing"]`, true},
		{"lab:scalability", true, `["scalability"]`, true},
		{"", true, "[]", false},
	} {
		t.Run(fmt.Sprintf("%q tcp=%t", c.licence, c.tcp), func(t *testing.T) {
			w := newWorld(t)
			env := map[string]string{"ROCKETCHAT_LICENSE": c.licence}
			if c.tcp {
				env["TRANSPORTER"] = ""
			}
			one, two := w.start(t, env), w.start(t, env)

			var answer struct{ Message string }
			call(t, "POST", one.url+"/api/v1/method.callAnon/license:getModules", `{"message":"{\"msg\":\"method\",\"id\":\"7\",\"method\":\"license:getModules\",\"params\":[]}"}`, nil, &answer)
			if want := `{"id":"7","msg":"result","result":` + c.modules + `}`; answer.Message != want {
				t.Errorf("modules %s, want %s", answer.Message, want)
			}
			ws, _, err := websocket.Dial(t.Context(), two.url+"/websocket", nil) //nolint:bodyclose // the library closes it
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = ws.CloseNow() }()
			for send, want := range map[string]string{`{"msg":"connect","version":"1"}`: "connected", `{"msg":"sub","id":"1","name":"lab-events"}`: "ready"} {
				var in struct{ Msg string }
				if err := ws.Write(t.Context(), websocket.MessageText, []byte(send)); err != nil {
					t.Fatal(err)
				}
				if err := wsjson.Read(t.Context(), ws, &in); err != nil || in.Msg != want {
					t.Errorf("%s: %q, %v", send, in.Msg, err)
				}
			}

			var sent struct{ Broadcast bool }
			call(t, "POST", one.url+"/lab/event", "hello", nil, &sent)
			if sent.Broadcast != c.linked {
				t.Errorf("broadcast %t, want %t", sent.Broadcast, c.linked)
			}
			received := func() bool {
				var out struct{ Events []event }
				call(t, "GET", two.url+"/lab/events", "", nil, &out)
				return len(out.Events) == 1 && out.Events[0].Payload == "hello" && out.Events[0].From == one.app.id
			}
			if !c.linked {
				time.Sleep(300 * time.Millisecond)
				if received() {
					t.Error("an event arrived without a licence")
				}
				return
			}
			eventually(t, "the event arrives", received)
			var in struct {
				Msg    string
				Fields event
			}
			if err := wsjson.Read(t.Context(), ws, &in); err != nil || in.Msg != "changed" || in.Fields.Payload != "hello" {
				t.Errorf("over the websocket: %+v, %v", in, err)
			}
			if c.tcp {
				records, err := one.app.records(t.Context())
				if err != nil || len(records) != 2 || records[0].Extra.TCPPort == 0 {
					t.Errorf("records %+v, %v: want tcpPort with the TCP transporter", records, err)
				}
			}
		})
	}
}

// TestWithoutNATS holds that a record proves that NATS was reached (§1).
func TestWithoutNATS(t *testing.T) {
	w := newWorld(t)
	i, ready := w.launch(t, map[string]string{"TRANSPORTER": "monolith+nats://127.0.0.1:1"})
	eventually(t, "the log says so", func() bool { return strings.Contains(i.log.String(), "Connection is failed") })
	if n, err := w.db.Collection("instances").CountDocuments(t.Context(), bson.D{}); err != nil || n != 0 {
		t.Errorf("%d records, %v", n, err)
	}
	select {
	case <-ready:
		t.Error("it answers without NATS")
	default:
	}
}

// TestParallelFreshStart holds #43469: before 8.9.1 one of two that start on a
// new database hangs for ever, from then on both come up.
func TestParallelFreshStart(t *testing.T) {
	for release, want := range map[string]int{"8.9.0": 1, "8.9.1": 2} {
		w := newWorld(t)
		env := map[string]string{"LAB_RELEASE": release, "LAB_STARTUP": "700ms"}
		one, first := w.launch(t, env)
		two, second := w.launch(t, env)
		ready := 0
		for timeout := time.After(6 * time.Second); ready < want; {
			select {
			case <-first:
				ready++
			case <-second:
				ready++
			case <-timeout:
				t.Fatalf("%s: %d answer, want %d\n%s\n%s\n%v %v", release, ready, want, one.log, two.log, one.stop(), two.stop())
			}
		}
		if want == 1 {
			select {
			case <-first:
				t.Error("both answer")
			case <-second:
				t.Error("both answer")
			case <-time.After(time.Second):
			}
			if both := one.log.String() + two.log.String(); !strings.Contains(both, "E11000 duplicate key error collection: rocketchat.rocketchat_room") {
				t.Errorf("the one that hangs does not say why:\n%s", both)
			}
		}
	}
}

func TestMigrations(t *testing.T) {
	w := newWorld(t)
	if err := w.start(t, map[string]string{"LAB_RELEASE": "8.8.0"}).stop(); err != nil {
		t.Fatal(err)
	}
	if err := w.start(t, map[string]string{"LAB_RELEASE": "9.0.0"}).stop(); err != nil {
		t.Fatal(err)
	}
	env := w.start(t, map[string]string{"LAB_RELEASE": "9.0.0"}).env
	old := maps.Clone(env)
	old["LAB_RELEASE"], old["PORT"] = "8.9.1", freePort(t)
	var log buffer
	if code := run(t.Context(), old, &log); code != 1 || !strings.Contains(log.String(), "Can't find migration version 900") {
		t.Errorf("an older release: exit code %d\n%s", code, log.String())
	}

	// A lock of the same build holds, of another it does not.
	set := func(d bson.D) {
		if _, err := w.db.Collection("migrations").UpdateOne(t.Context(), bson.D{{Key: "_id", Value: "control"}}, bson.D{{Key: "$set", Value: d}}); err != nil {
			t.Fatal(err)
		}
	}
	same := release{9, 0, 0}
	locked := bson.D{{Key: "version", Value: int32(900)}, {Key: "locked", Value: true}, {Key: "lockedAt", Value: time.Now()}}
	set(append(locked, bson.E{Key: "buildAt", Value: same.built()}))
	blocked := maps.Clone(env)
	blocked["PORT"], blocked["LAB_MIGRATION_RETRY"] = freePort(t), "1ms"
	log = buffer{}
	if code := run(t.Context(), blocked, &log); code != 1 || !strings.Contains(log.String(), "ERROR! SERVER STOPPED") {
		t.Errorf("locked: exit code %d\n%s", code, log.String())
	}
	set(append(locked, bson.E{Key: "buildAt", Value: same.built().Add(time.Hour)}))
	if err := w.start(t, map[string]string{"LAB_RELEASE": "9.0.0"}).stop(); err != nil {
		t.Error(err)
	}
}

func TestGhosts(t *testing.T) {
	w := newWorld(t)
	_, err := w.db.Collection("instances").InsertMany(t.Context(), []any{
		bson.D{{Key: "_id", Value: "dead"}, {Key: "_updatedAt", Value: time.Now().Add(-time.Hour)}},
		bson.D{{Key: "_id", Value: "future"}, {Key: "_updatedAt", Value: time.Now().AddDate(200, 0, 0)}}, // #31016
	})
	if err != nil {
		t.Fatal(err)
	}
	i := w.start(t, map[string]string{"MULTIPLE_INSTANCES_PING_INTERVAL": "1"})
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	if err := i.app.expireRecords(ctx, 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if n, err := w.db.Collection("instances").CountDocuments(t.Context(), bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: bson.A{"dead", "future"}}}}}); err != nil || n != 1 {
		t.Errorf("%d of two ghosts stay, %v; want the one from the future", n, err)
	}
	// The record vanished, or expired: the next beat registers again.
	if _, err := w.db.Collection("instances").DeleteMany(t.Context(), bson.D{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it registers again", func() bool {
		n, err := w.db.Collection("instances").CountDocuments(t.Context(), bson.D{{Key: "_id", Value: i.app.id}})
		return err == nil && n == 1
	})
}

func TestConfig(t *testing.T) {
	valid := map[string]string{"ROOT_URL": "http://h", "PORT": "3000", "MONGO_URL": "mongodb://h/rc?replicaSet=rs0", "LAB_RELEASE": "8.9.1"}
	for _, c := range []struct {
		name, value, want string
	}{
		{"ROOT_URL", "", "ROOT_URL must be set"},
		{"MONGO_URL", "", "MONGO_URL must be set"},
		{"TRANSPORTER", "nats://h:4222", "invalid transporter"},
		{"TRANSPORTER", "monolith+nats://u:a+b@h:4222", ""},
		{"TCP_PORT", "x", "TCP_PORT"},
		{"MULTIPLE_INSTANCES_PING_INTERVAL", "0", "no positive number"},
		{"INSTANCE_IP", " 10.0.0.1 ", ""},
	} {
		env := maps.Clone(valid)
		env[c.name] = c.value
		_, err := parseConfig(env)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s=%q: %v, want %q", c.name, c.value, err, c.want)
		}
	}
	c, err := parseConfig(valid)
	if err != nil {
		t.Fatal(err)
	}
	if c.instanceIP != "localhost" || c.ping != 10*time.Second || c.expire != time.Minute || c.database() != "rc" {
		t.Errorf("defaults: %+v", c)
	}
	if tr, _ := parseTransporter("monolith+nats://u:a+b@h:4222", ""); tr.natsURL != "nats://u:ab@h:4222" {
		t.Errorf("a plus in the URL is lost: %s", tr.natsURL)
	}
}
