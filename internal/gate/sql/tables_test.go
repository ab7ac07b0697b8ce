// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	pganalyze "github.com/pganalyze/pg_query_go/v6"
	mysql "github.com/pingcap/tidb/pkg/parser/ast"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Every node of PostgreSQL's grammar is in the table, and nothing else is.
func TestEveryNodeOfPostgreSQLHasARule(t *testing.T) {
	rules := knownPostgres().nodes
	grammar := set{"Node": {}, "ParseResult": {}}
	fields := (&pganalyze.Node{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		message := fields.Get(i).Message()
		grammar[string(message.Name())] = struct{}{}
		rule, known := rules[string(message.Name())]
		if !known {
			t.Errorf("no rule for the node %s", message.Name())
		}
		for _, target := range rule.targets {
			if message.Fields().ByName(protoreflect.Name(target)) == nil {
				t.Errorf("%s has no field %q", message.Name(), target)
			}
		}
	}
	checkRules(t, rules, grammar)
}

// Every structure of the MySQL grammar is in the table, and nothing else is.
func TestEveryNodeOfMySQLHasARule(t *testing.T) {
	rules := knownMySQL().nodes
	grammar := set{}
	for _, name := range structures(t, reflect.TypeFor[mysql.TableName]().PkgPath()) {
		grammar[name] = struct{}{}
		if _, known := rules[name]; !known {
			t.Errorf("no rule for the node %s", name)
		}
	}
	checkRules(t, rules, grammar)
}

func checkRules(t *testing.T, rules map[string]nodeRule, grammar set) {
	t.Helper()
	verbs := regexp.MustCompile(`^[A-Z]+( [A-Z]+)*$`) // as the API has them
	for name, rule := range rules {
		if !grammar.has(name) {
			t.Errorf("the rule for %s has no node", name)
		}
		if (rule.kind == refuse || rule.kind == dynamic) && rule.reason == "" {
			t.Errorf("%s is refused without a reason", name)
		}
		if rule.kind == verb && !verbs.MatchString(rule.verb) {
			t.Errorf("%s has the verb %q", name, rule.verb)
		}
	}
}

// structures gives the exported structures that a package declares.
func structures(t *testing.T, pkg string) []string {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
	var names []string
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() {
				if _, ok := spec.Type.(*ast.StructType); ok {
					names = append(names, spec.Name.Name)
				}
			}
			return true
		})
	}
	return names
}

func TestTargetsOfMySQLAreFields(t *testing.T) {
	for _, statement := range []any{mysql.AlterTableStmt{}, mysql.TruncateTableStmt{}, mysql.CreateIndexStmt{}, mysql.DropIndexStmt{}, mysql.AnalyzeTableStmt{}, mysql.OptimizeTableStmt{}, mysql.ShowStmt{}} {
		v := reflect.TypeOf(statement)
		for _, target := range knownMySQL().nodes[v.Name()].targets {
			if _, ok := v.FieldByName(target); !ok {
				t.Errorf("%s has no field %q", v.Name(), target)
			}
		}
	}
}

// A word of a comment must not become a function that is known to be harmless.
func TestNamesOfTheTablesAreNames(t *testing.T) {
	name := regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	for dialect, sections := range map[string]map[string]set{"PostgreSQL": knownPostgres().names, "MySQL": knownMySQL().names} {
		for section, names := range sections {
			if len(names) == 0 {
				t.Errorf("%s: the section %q is empty", dialect, section)
			}
			for n := range names {
				if section != "operators" && !name.MatchString(n) {
					t.Errorf("%s: %q in %q is no name", dialect, n, section)
				}
			}
		}
	}
	for _, word := range []string{"ts_stat", "ts_rewrite", "set_config", "query_to_xml", "nextval", "pg_sleep", "xpath"} {
		if knownPostgres().names["functions"].has(word) {
			t.Errorf("%s counts as harmless", word)
		}
	}
}
