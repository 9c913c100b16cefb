package main

import (
	"fmt"
	"math"
	"time"

	"github.com/dop251/goja"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// codec carries values between JavaScript and BSON. Objects keep the order of
// their keys, on which commands depend.
type codec struct{}

// document is a JavaScript object as BSON.
func (c codec) document(vm *goja.Runtime, o *goja.Object) (bson.D, error) {
	d := bson.D{}
	for _, key := range o.Keys() {
		v, err := c.bson(vm, o.Get(key))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		if v == (undefined{}) {
			continue
		}
		d = append(d, bson.E{Key: key, Value: v})
	}
	return d, nil
}

// undefined marks fields that JavaScript leaves out.
type undefined struct{}

func (c codec) bson(vm *goja.Runtime, v goja.Value) (any, error) {
	switch {
	case v == nil || goja.IsUndefined(v):
		return undefined{}, nil
	case goja.IsNull(v):
		return nil, nil //nolint:nilnil // null is a value
	}
	o, ok := v.(*goja.Object)
	if !ok {
		return number(v.Export()), nil
	}
	if t, ok := v.Export().(time.Time); ok {
		return bson.NewDateTimeFromTime(t), nil
	}
	if hex := o.Get("__oid"); hex != nil {
		id, err := bson.ObjectIDFromHex(hex.String())
		if err != nil {
			return nil, fmt.Errorf("ObjectId: %w", err)
		}
		return id, nil
	}
	if long := o.Get("__long"); long != nil {
		return long.ToInteger(), nil
	}
	switch o.ClassName() {
	case "Array":
		a := bson.A{}
		for _, key := range o.Keys() {
			item, err := c.bson(vm, o.Get(key))
			if err != nil {
				return nil, err
			}
			if item == (undefined{}) {
				item = nil
			}
			a = append(a, item)
		}
		return a, nil
	case "RegExp":
		return bson.Regex{Pattern: o.Get("source").String(), Options: o.Get("flags").String()}, nil
	case "Function":
		return undefined{}, nil
	}
	return c.document(vm, o)
}

// number narrows JavaScript's numbers as mongosh does: whole ones to 32 or 64
// bits.
func number(v any) any {
	switch n := v.(type) {
	case int64:
		if n >= math.MinInt32 && n <= math.MaxInt32 {
			return int32(n)
		}
		return n
	case float64:
		if n == math.Trunc(n) && math.Abs(n) <= math.MaxInt32 {
			return int32(n)
		}
	}
	return v
}

// value is BSON as JavaScript.
func (c codec) value(vm *goja.Runtime, v any) (goja.Value, error) {
	switch x := v.(type) {
	case bson.D:
		o := vm.NewObject()
		for _, e := range x {
			item, err := c.value(vm, e.Value)
			if err != nil {
				return nil, err
			}
			if err := o.Set(e.Key, item); err != nil {
				return nil, fmt.Errorf("%s: %w", e.Key, err)
			}
		}
		return o, nil
	case bson.A:
		items := make([]any, len(x))
		for i := range x {
			item, err := c.value(vm, x[i])
			if err != nil {
				return nil, err
			}
			items[i] = item
		}
		return vm.NewArray(items...), nil
	case bson.DateTime:
		return c.construct(vm, "Date", int64(x))
	case bson.ObjectID:
		return c.construct(vm, "ObjectId", x.Hex())
	case bson.Timestamp:
		return c.value(vm, bson.D{{Key: "t", Value: int64(x.T)}, {Key: "i", Value: int64(x.I)}})
	case bson.Binary:
		return vm.ToValue(fmt.Sprintf("Binary(%x)", x.Data)), nil
	case bson.Regex:
		return c.construct(vm, "RegExp", x.Pattern, x.Options)
	case nil:
		return goja.Null(), nil
	default:
		return vm.ToValue(x), nil
	}
}

func (codec) construct(vm *goja.Runtime, class string, args ...any) (goja.Value, error) {
	values := make([]goja.Value, len(args))
	for i, a := range args {
		values[i] = vm.ToValue(a)
	}
	o, err := vm.New(vm.Get(class), values...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", class, err)
	}
	return o, nil
}

// ejson is a value as MongoDB's extended JSON.
func (c codec) ejson(vm *goja.Runtime, v goja.Value, relaxed bool) (string, error) {
	x, err := c.bson(vm, v)
	if err != nil {
		return "", err
	}
	wrapped, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: x}}, !relaxed, false)
	if err != nil {
		return "", fmt.Errorf("EJSON: %w", err)
	}
	return string(wrapped[len(`{"v":`) : len(wrapped)-1]), nil
}
