// SPDX-License-Identifier: Apache-2.0

// Package difference compares JSON values.
package difference

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Path returns the path of the first field in which two JSON values differ, as
// path and what follows it, "" where they are equal. Absent and null are one; {} and [] are not
// absent: an empty selector matches everything, an absent one may match nothing.
func Path(want, have any, path string) string {
	switch want := want.(type) {
	case map[string]any:
		have, ok := have.(map[string]any)
		if !ok {
			return path
		}
		return mapDifference(want, have, path)
	case []any:
		have, ok := have.([]any)
		if !ok {
			return path
		}
		return listDifference(want, have, path)
	}
	if number(want) != nil && number(have) != nil {
		want, have = *number(want), *number(have)
	}
	if !reflect.DeepEqual(want, have) {
		return path
	}
	return ""
}

func mapDifference(want, have map[string]any, path string) string {
	keys := maps.Clone(want)
	maps.Copy(keys, have)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if at := Path(want[key], have[key], path+"."+key); at != "" {
			return at
		}
	}
	return ""
}

func listDifference(want, have []any, path string) string {
	for i := range max(len(want), len(have)) {
		at := fmt.Sprintf("%s[%d]", path, i)
		if i >= len(want) || i >= len(have) {
			return at
		}
		if at := Path(want[i], have[i], at); at != "" {
			return at
		}
	}
	return ""
}

// number unifies the two types that decoders give JSON numbers.
func number(value any) *float64 {
	switch value := value.(type) {
	case int64:
		f := float64(value)
		return &f
	case float64:
		return &value
	default:
		return nil
	}
}
