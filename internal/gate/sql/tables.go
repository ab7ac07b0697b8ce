// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"strings"
	"sync"
)

// The tables: what each node of a syntax tree means, and the functions, types
// and operators without an effect.
var (
	//go:embed nodes-postgresql.txt
	postgresNodesText string
	//go:embed functions-postgresql.txt
	postgresFunctionsText string
	//go:embed nodes-mysql.txt
	mysqlNodesText string
	//go:embed functions-mysql.txt
	mysqlFunctionsText string
)

// tablesVersion names the grammars and the digest of the tables.
var tablesVersion = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(postgresNodesText + postgresFunctionsText + mysqlNodesText + mysqlFunctionsText))
	return "postgresql 17 mysql 8.0 sha256:" + hex.EncodeToString(sum[:8])
})

type set map[string]struct{}

func (s set) has(key string) bool { _, ok := s[key]; return ok }

// nodeKind says what is done with a node of the syntax tree. The zero value refuses it.
type nodeKind int

const (
	refuse  nodeKind = iota // Unknown
	dynamic                 // Dynamic
	walk                    // nothing by itself: its parts are visited
	verb                    // a statement that acts on the tables in its target fields
	special                 // has a rule of its own
)

// nodeRule is one line of a table of nodes.
type nodeRule struct {
	kind nodeKind
	// verb of the statement, in capitals.
	verb string
	// targets are the fields whose tables the verb applies to.
	targets []string
	reason  string
}

var nodeKinds = map[string]nodeKind{"refuse": refuse, "dynamic": dynamic, "walk": walk, "special": special}

// readNodes parses a table of nodes; its head describes the format.
func readNodes(text string) map[string]nodeRule {
	rules := map[string]nodeRule{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		keyword, rest, _ := strings.Cut(line, " ")
		names, tail, _ := strings.Cut(rest, ":")
		rule := nodeRule{kind: nodeKinds[keyword], reason: strings.TrimSpace(tail)}
		if keyword == "verb" {
			words, fields, _ := strings.Cut(tail, "<")
			rule = nodeRule{kind: verb, verb: strings.TrimSpace(words), targets: strings.Fields(fields)}
		}
		for name := range strings.FieldsSeq(names) {
			if _, twice := rules[name]; twice {
				panic("two rules for the node " + name)
			}
			rules[name] = rule
		}
	}
	return rules
}

// readSections parses a table of names: a line "section:" and the names below it.
func readSections(text string) map[string]set {
	sections := map[string]set{}
	var current set
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0][0] == '#':
		case len(words) == 1 && line[0] != ' ':
			current = set{}
			sections[strings.TrimSuffix(words[0], ":")] = current
		default:
			for _, w := range words {
				current[w] = struct{}{}
			}
		}
	}
	return sections
}
