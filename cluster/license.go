package cluster

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
)

// scalability is the licence module that lets instances pass live events to
// each other (Rocket.Chat ee/server/local-services/instance/service.ts).
const scalability = "scalability"

// modulesCall asks for the licence's modules by a method that needs no login.
// The outer object is JSON, its message is JSON in a string: DDP over REST.
const modulesCall = `{"message":"{\"msg\":\"method\",\"id\":\"rcwizard\",\"method\":\"license:getModules\",\"params\":[]}"}`

// askLicense asks one instance for its licence's modules. The method is not
// documented, so anything but a list of modules is "unknown".
func askLicense(ctx context.Context, web *http.Client, base string) License {
	reply, err := fetch(ctx, web, base+"/api/v1/method.callAnon/license:getModules", modulesCall)
	if err != nil {
		return License{Scalability: Unknown, Reason: err.Error()}
	}
	if reply.code != http.StatusOK {
		return License{Scalability: Unknown, Reason: "asked for the licence, the instance answers " + reply.status()}
	}
	modules, ok := decodeModules(reply.body)
	if !ok {
		return License{Scalability: Unknown, Reason: "the instance does not tell its licence without a login"}
	}
	slices.Sort(modules)
	l := License{Scalability: No, Modules: modules}
	if slices.Contains(modules, scalability) {
		l.Scalability = Yes
	}
	return l
}

// decodeModules reads the answer's result: a list of names, or of objects
// with a name or module. ok is false for everything else: an error, null, an
// object, an element of another kind.
func decodeModules(body []byte) (modules []string, ok bool) {
	var outer struct {
		Success *bool           `json:"success"`
		Message json.RawMessage `json:"message"`
		Result  json.RawMessage `json:"result"`
	}
	if json.Unmarshal(body, &outer) != nil || (outer.Success != nil && !*outer.Success) {
		return nil, false
	}
	result := outer.Result
	if len(outer.Message) > 0 {
		message := []byte(outer.Message)
		var quoted string
		if json.Unmarshal(message, &quoted) == nil {
			message = []byte(quoted)
		}
		var inner struct {
			Result json.RawMessage `json:"result"`
			Error  json.RawMessage `json:"error"`
		}
		if json.Unmarshal(message, &inner) != nil || present(inner.Error) {
			return nil, false
		}
		result = inner.Result
	}
	var list []json.RawMessage
	if !present(result) || json.Unmarshal(result, &list) != nil {
		return nil, false
	}
	modules = make([]string, 0, len(list))
	for _, element := range list {
		name := moduleName(element)
		if name == "" {
			return nil, false
		}
		modules = append(modules, name)
	}
	return modules, true
}

func present(raw json.RawMessage) bool {
	return len(raw) > 0 && !bytes.Equal(raw, []byte("null"))
}

func moduleName(raw json.RawMessage) string {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		return name
	}
	var object struct {
		Name   string `json:"name"`
		Module string `json:"module"`
	}
	if json.Unmarshal(raw, &object) != nil {
		return ""
	}
	return cmp.Or(object.Module, object.Name)
}
