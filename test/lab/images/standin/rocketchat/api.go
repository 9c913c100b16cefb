package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
)

// object is a JSON object of an answer.
type object map[string]any

// api is everything on the instance's own port. Every answer carries
// X-Instance-ID (§1, check 4).
func (a *app) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.page)
	mux.HandleFunc("GET /api/info", a.info)
	mux.HandleFunc("GET /api/v1/info", a.info)
	mux.HandleFunc("GET /health", a.health)
	mux.HandleFunc("GET /livez", a.alive)
	mux.HandleFunc("GET /readyz", a.alive)
	mux.HandleFunc("POST /api/v1/login", a.postLogin)
	mux.HandleFunc("POST /api/v1/users.register", a.postRegister)
	mux.HandleFunc("GET /api/v1/instances.get", a.getInstances)
	mux.HandleFunc("GET /api/v1/licenses.info", a.getLicence)
	mux.HandleFunc("POST /api/v1/method.callAnon/{method}", a.callAnon)
	mux.HandleFunc("GET /websocket", a.websocket)
	mux.HandleFunc("POST /lab/event", a.postEvent)
	mux.HandleFunc("GET /lab/events", a.getEvents)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Instance-ID", a.id)
		if strings.HasPrefix(r.URL.Path, "/api/") {
			a.calls.rest.Add(1)
		}
		mux.ServeHTTP(w, r)
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client went away
}

// fail answers an error of our own making, which no client caused.
func (a *app) fail(w http.ResponseWriter, r *http.Request, err error) {
	a.log.info("API", r.URL.Path+": "+err.Error())
	reply(w, http.StatusInternalServerError, object{"success": false, "error": "Internal server error"})
}

// page is what a browser gets at the root.
func (a *app) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html>\n<html><head><title>%s</title></head><body><p>Rocket.Chat %s, the lab's stand-in, at <a href=%q>%s</a> on %s.</p></body></html>\n",
		html.EscapeString(a.settings.text("Site_Name")), a.release, html.EscapeString(a.rootURL), html.EscapeString(a.rootURL), html.EscapeString(hostName()))
}

// info tells the full version to those who may see statistics, and major.minor
// to everyone else (§2).
func (a *app) info(w http.ResponseWriter, r *http.Request) {
	answer := object{
		"version":               a.release.minorVersion(),
		"minimumClientVersions": object{"desktop": "3.9.6", "mobile": "4.39.0"},
		"success":               true,
	}
	if u, err := a.authenticated(r.Context(), r.Header.Get("X-User-Id"), r.Header.Get("X-Auth-Token")); err == nil && u.is("admin") {
		answer["version"] = a.release.String()
		answer["info"] = object{
			"version": a.release.String(), "commit": object{"hash": a.commit()},
			"build": object{"date": a.release.built(), "nodeVersion": nodeVersion},
		}
	}
	reply(w, http.StatusOK, answer)
}

// health is always 200 and logs each call, as deprecated (§2).
func (a *app) health(w http.ResponseWriter, _ *http.Request) {
	a.log.info("API", "Using deprecated endpoint /health. It will be removed in a future version.")
	reply(w, http.StatusOK, object{"status": "ok"})
}

// alive answers for livez and readyz, which check the same in 8.x (§2). Memory
// and event loop are never short here; MongoDB may be.
func (a *app) alive(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := a.client.Ping(ctx, readpref.Primary()); err != nil {
		reply(w, http.StatusServiceUnavailable, object{"status": "unavailable", "checks": object{"memory": true, "eventLoop": true, "mongo": false}})
		return
	}
	reply(w, http.StatusOK, object{"status": "ok", "checks": object{"memory": true, "eventLoop": true, "mongo": true}})
}

// decode reads a small JSON body.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(into); err != nil {
		reply(w, http.StatusBadRequest, object{"success": false, "error": "Invalid JSON"})
		return false
	}
	return true
}

func (a *app) postLogin(w http.ResponseWriter, r *http.Request) {
	var in struct{ User, Username, Password string }
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		in.User, in.Password = r.PostFormValue("user"), r.PostFormValue("password")
	} else if !decode(w, r, &in) {
		return
	}
	if in.User == "" {
		in.User = in.Username
	}
	u, token, err := a.login(r.Context(), in.User, in.Password)
	switch {
	case errors.Is(err, errUnauthorized):
		reply(w, http.StatusUnauthorized, object{"status": "error", "error": "Unauthorized", "message": "Unauthorized"})
	case err != nil:
		a.fail(w, r, err)
	default:
		reply(w, http.StatusOK, object{"status": "success", "data": object{
			"userId": u.ID, "authToken": token,
			"me": object{"_id": u.ID, "username": u.Username, "name": u.Name, "roles": u.Roles, "emails": u.Emails, "active": u.Active},
		}})
	}
}

// postRegister is open to everyone, and without an administrator it makes one of
// whoever comes first (§4, §7: the race for the first visitor).
func (a *app) postRegister(w http.ResponseWriter, r *http.Request) {
	var in struct{ Username, Email, Pass, Name string }
	if !decode(w, r, &in) {
		return
	}
	if in.Username == "" || in.Pass == "" || in.Email == "" {
		reply(w, http.StatusBadRequest, object{"success": false, "error": "Match error: Missing key"})
		return
	}
	admin, err := a.hasAdmin(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	u := user{Username: in.Username, Name: in.Name, Emails: []email{{Address: in.Email}}, Roles: []string{"user"}}
	if !admin {
		u.Roles = []string{"admin"}
	}
	err = a.insertUser(r.Context(), &u, in.Pass)
	switch {
	case errors.Is(err, errTaken):
		reply(w, http.StatusBadRequest, object{"success": false, "error": "Username is already in use"})
	case err != nil:
		a.fail(w, r, err)
	default:
		reply(w, http.StatusOK, object{"user": object{"_id": u.ID, "username": u.Username, "roles": u.Roles}, "success": true})
	}
}

// caller is the administrator who asks, or nil after the refusal was answered.
func (a *app) caller(w http.ResponseWriter, r *http.Request) *user {
	u, err := a.authenticated(r.Context(), r.Header.Get("X-User-Id"), r.Header.Get("X-Auth-Token"))
	switch {
	case errors.Is(err, errUnauthorized):
		reply(w, http.StatusUnauthorized, object{"status": "error", "message": "You must be logged in to do this."})
	case err != nil:
		a.fail(w, r, err)
	case !u.is("admin"):
		reply(w, http.StatusForbidden, object{"success": false, "error": "User does not have the permissions required for this action [error-unauthorized]"})
	default:
		return u
	}
	return nil
}

// getInstances is Manage > Workspace > Instances, in the shape of 6.x and later
// (§1).
func (a *app) getInstances(w http.ResponseWriter, r *http.Request) {
	if a.caller(w, r) == nil {
		return
	}
	records, err := a.records(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	list := make([]object, 0, len(records))
	for _, one := range records {
		local := one.ID == a.id
		list = append(list, object{
			"address": one.Extra.Host,
			"currentStatus": object{
				"connected": local || a.broker.connected(one.ID), "lastHeartbeatTime": int64(time.Since(one.UpdatedAt).Seconds()), "local": local,
			},
			"instanceRecord": one, "broadcastAuth": true,
		})
	}
	reply(w, http.StatusOK, object{"instances": list, "success": true})
}

func (a *app) getLicence(w http.ResponseWriter, r *http.Request) {
	if a.caller(w, r) == nil {
		return
	}
	reply(w, http.StatusOK, object{"license": object{"activeModules": a.modules}, "success": true})
}

// callAnon answers Meteor methods without a login, with the method's message as
// a text inside the answer. license:getModules has no login check (§1, Best
// check); others are not found.
func (a *app) callAnon(w http.ResponseWriter, r *http.Request) {
	var in struct{ Message string }
	if !decode(w, r, &in) {
		return
	}
	var call struct {
		ID     any
		Method string
	}
	if err := json.Unmarshal([]byte(in.Message), &call); err != nil {
		reply(w, http.StatusBadRequest, object{"success": false, "error": "Invalid message"})
		return
	}
	a.calls.methods.Add(1)
	message := object{"msg": "result", "id": call.ID}
	if call.Method == "license:getModules" && r.PathValue("method") == call.Method {
		message["result"] = a.modules
	} else {
		message["error"] = object{
			"isClientSafe": true, "error": 404, "errorType": "Meteor.Error",
			"reason": "Method '" + call.Method + "' not found", "message": "Method '" + call.Method + "' not found [404]",
		}
	}
	text, err := json.Marshal(message)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, object{"message": string(text), "success": true})
}

// postEvent is the lab's own: it stands for a message that this instance sends
// to the others, and says whether anything was sent (§3).
func (a *app) postEvent(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<16))
	if err != nil {
		reply(w, http.StatusBadRequest, object{"success": false, "error": "Too long"})
		return
	}
	e := event{From: a.id, Kind: "lab", Payload: string(payload)}
	a.calls.messages.Add(1)
	a.events.add(e)
	if !a.linked() {
		reply(w, http.StatusOK, object{"success": true, "broadcast": false})
		return
	}
	if err := a.broker.publish(r.Context(), e); err != nil {
		a.fail(w, r, err)
		return
	}
	reply(w, http.StatusOK, object{"success": true, "broadcast": true})
}

// getEvents is the lab's own: the events that this instance's users would see.
func (a *app) getEvents(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, object{"events": a.events.all(), "success": true})
}
