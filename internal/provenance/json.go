// SPDX-License-Identifier: Apache-2.0

package provenance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxDepth bounds the nesting of objects and lists.
const maxDepth = 32

// decode reads exactly one JSON object into out, where out is given. It refuses
// what decoders disagree on, for whoever signed may have read it otherwise: a key
// that comes twice, also in other case, text that is not UTF-8, and anything
// behind the object.
func decode(text []byte, out any) error {
	if !utf8.Valid(text) {
		return errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return errors.New("it is not a JSON object")
	}
	if err := checkObject(d, 1); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something behind the JSON object")
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return errors.New("a field has another type")
	}
	return nil
}

// checkObject reads the rest of an object whose brace was read.
func checkObject(d *json.Decoder, depth int) error {
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		key, isKey := token.(string)
		if err != nil || !isKey {
			return errors.New("it is not JSON")
		}
		folded := strings.ToLower(strings.ToUpper(key)) // as strings.EqualFold, by which encoding/json finds fields
		if seen[folded] {
			return fmt.Errorf("the key %q comes twice", key)
		}
		seen[folded] = true
		if err := checkValue(d, depth); err != nil {
			return err
		}
	}
	return endOf(d)
}

func checkList(d *json.Decoder, depth int) error {
	for d.More() {
		if err := checkValue(d, depth); err != nil {
			return err
		}
	}
	return endOf(d)
}

func checkValue(d *json.Decoder, depth int) error {
	token, err := d.Token()
	switch {
	case err != nil:
		return errors.New("it is not JSON")
	case depth >= maxDepth && (token == json.Delim('{') || token == json.Delim('[')):
		return fmt.Errorf("it is nested more than %d deep", maxDepth)
	case token == json.Delim('{'):
		return checkObject(d, depth+1)
	case token == json.Delim('['):
		return checkList(d, depth+1)
	default:
		return nil
	}
}

// endOf reads a closing brace or bracket.
func endOf(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return errors.New("it is not JSON")
	}
	return nil
}
