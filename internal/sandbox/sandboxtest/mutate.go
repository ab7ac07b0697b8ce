// SPDX-License-Identifier: Apache-2.0

package sandboxtest

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
)

// Mutations returns a copy of an object in JSON for each of its properties, by
// the property's path, in which this one property has another value, and one in
// which it is missing.
func Mutations(object map[string]any) map[string]map[string]any {
	all := map[string]map[string]any{}
	add := func(name string, path []any, value any) {
		mutant := runtime.DeepCopyJSON(object)
		set(mutant, path, value)
		all[name] = mutant
	}
	walk(object, nil, func(path []any, value any) {
		name := fmt.Sprint(path...)
		add(name+" is gone", path, nil)
		switch value := value.(type) {
		case string:
			add(name+" is another text", path, value+"x")
		case bool:
			add(name+" is the opposite", path, !value)
		case int64:
			add(name+" is another number", path, value+1)
		case []any:
			add(name+" has its last item twice", path, append(slices.Clone(value), value[len(value)-1]))
		}
	})
	return all
}

// walk visits every property below a value: fields, items, and what they hold.
func walk(value any, path []any, visit func([]any, any)) {
	if len(path) > 0 {
		visit(path, value)
	}
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			walk(value[key], append(slices.Clone(path), "."+key), visit)
		}
	case []any:
		for i, item := range value {
			walk(item, append(slices.Clone(path), i), visit)
		}
	}
}

// set puts a value at a path; nil removes it.
func set(at any, path []any, value any) {
	parent := at
	for _, step := range path[:len(path)-1] {
		parent = get(parent, step)
	}
	switch last := path[len(path)-1].(type) {
	case string:
		if value == nil {
			delete(parent.(map[string]any), last[1:])
			return
		}
		parent.(map[string]any)[last[1:]] = value
	case int:
		if value != nil {
			parent.([]any)[last] = value
			return
		}
		set(at, path[:len(path)-1], slices.Delete(slices.Clone(parent.([]any)), last, last+1))
	}
}

func get(parent, step any) any {
	if key, ok := step.(string); ok {
		return parent.(map[string]any)[key[1:]]
	}
	return parent.([]any)[step.(int)]
}
