package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestDecodeModules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want []string
		ok   bool
	}{
		"as seen":            {`{"message":"{\"msg\":\"result\",\"id\":\"1\",\"result\":[\"scalability\"]}","success":true}`, []string{"scalability"}, true},
		"none":               {`{"message":"{\"msg\":\"result\",\"result\":[]}","success":true}`, []string{}, true},
		"message an object":  {`{"message":{"msg":"result","result":["a"]},"success":true}`, []string{"a"}, true},
		"no message":         {`{"result":["a"]}`, []string{"a"}, true},
		"modules as objects": {`{"message":"{\"result\":[{\"module\":\"scalability\",\"external\":false},{\"name\":\"b\"}]}"}`, []string{"scalability", "b"}, true},
		"result null":        {`{"message":"{\"msg\":\"result\",\"result\":null}","success":true}`, nil, false},
		"no result":          {`{"message":"{\"msg\":\"result\"}","success":true}`, nil, false},
		"method error":       {`{"message":"{\"msg\":\"result\",\"error\":{\"error\":404},\"result\":[]}","success":true}`, nil, false},
		"refused":            {`{"success":false,"error":"Unauthorized"}`, nil, false},
		"refused with list":  {`{"success":false,"result":["scalability"]}`, nil, false},
		"an object":          {`{"message":"{\"result\":{\"scalability\":true}}"}`, nil, false},
		"numbers":            {`{"message":"{\"result\":[1,2]}"}`, nil, false},
		"message not JSON":   {`{"message":"ok"}`, nil, false},
		"a page":             {`<html>`, nil, false},
		"empty":              {``, nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := decodeModules([]byte(test.body))
			if ok != test.ok || !cmp.Equal(got, test.want, cmpopts.EquateEmpty()) {
				t.Errorf("decodeModules = %q, %v; want %q, %v", got, ok, test.want, test.ok)
			}
		})
	}
}
