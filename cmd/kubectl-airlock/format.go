// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"
)

// formats are the values of --output.
var formats = []string{"text", "json", "yaml"}

func checkFormat(output string) error {
	if !slices.Contains(formats, output) {
		return fmt.Errorf("--output %q: use one of %s", output, strings.Join(formats, ", "))
	}
	return nil
}

// writeObject prints a value for programs, as JSON or YAML.
func writeObject(w io.Writer, output string, value any) error {
	if output == "yaml" {
		return writeYAML(w, value)
	}
	return writeJSON(w, value)
}

// writeJSON prints a value with characters that do not show, such as the
// bidirectional ones, as JSON escapes: what the reader sees is what is there.
func writeJSON(w io.Writer, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, escapeJSON(string(text))+"\n")
	return err
}

// writeYAML does the same as YAML. Texts are put in double quotes, in which
// such characters can be escaped, and those of several lines in blocks.
func writeYAML(w io.Writer, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	var tree yaml.Node
	// Some control characters are not allowed in YAML, and are in JSON.
	if err := yaml.Unmarshal([]byte(escape(string(text), unicode.IsControl, `\U%08x`)), &tree); err != nil {
		return err
	}
	blockStyle(&tree)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&tree); err != nil {
		return err
	}
	_, err = io.WriteString(w, escape(out.String(), hiddenRune, `\U%08x`))
	return err
}

// blockStyle gives a tree that was read from JSON the looks of YAML.
func blockStyle(n *yaml.Node) {
	switch {
	case n.Kind != yaml.ScalarNode:
		n.Style = 0
	case n.Tag == "!!str" && strings.Contains(n.Value, "\n") && !strings.ContainsFunc(n.Value, hiddenRune):
		n.Style = yaml.LiteralStyle
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			child.Style = 0 // the names of fields
			continue
		}
		blockStyle(child)
	}
}

func hiddenRune(r rune) bool {
	return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// escape writes the characters that are chosen as their numbers.
func escape(text string, chosen func(rune) bool, format string) string {
	var b strings.Builder
	for _, r := range text {
		if chosen(r) {
			fmt.Fprintf(&b, format, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// escapeJSON writes characters that do not show as JSON does, in units of UTF-16.
func escapeJSON(text string) string {
	var b strings.Builder
	for _, r := range text {
		if !hiddenRune(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}
