// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

func TestMySQLStatements(t *testing.T) {
	checkReadings(t, report.MySQL, map[string]reading{
		"a constant names no table":              {"SELECT 1", []string{"SQL SELECT"}},
		"a table with its schema":                {"SELECT * FROM shop.orders", []string{"SQL SELECT shop.orders"}},
		"capitals are reported in both readings": {"SELECT * FROM Users", []string{"SQL SELECT Users", "SQL SELECT users"}},
		"a dot in a name is not a schema":        {"SELECT * FROM `shop.orders`", []string{"SQL SELECT ?"}},
		"a query in WITH is no table":            {"WITH x AS (SELECT * FROM t) SELECT * FROM x", []string{"SQL SELECT", "SQL SELECT t"}},
		"its capitals count for some servers":    {"WITH T AS (SELECT 1) SELECT * FROM t", []string{"SQL SELECT", "SQL SELECT t"}},
		"a recursive one sees itself":            {"WITH RECURSIVE t AS (SELECT 1 UNION SELECT * FROM t) SELECT * FROM t", []string{"SQL SELECT"}},
		"and none that comes later":              {"WITH RECURSIVE a AS (SELECT * FROM t), t AS (SELECT 1) SELECT * FROM a", []string{"SQL SELECT", "SQL SELECT t"}},
		"it does not see itself":                 {"WITH t AS (SELECT * FROM t) SELECT * FROM t", []string{"SQL SELECT", "SQL SELECT t"}},
		"it is not what DELETE deletes from":     {"WITH t AS (SELECT 1) DELETE FROM t", []string{"SQL SELECT", "SQL DELETE t"}},
		"a union":                                {"SELECT * FROM a UNION SELECT * FROM b", []string{"SQL SELECT a", "SQL SELECT b"}},
		"FOR UPDATE locks":                       {"SELECT * FROM a FOR UPDATE", []string{"SQL SELECT a", "SQL LOCK a"}},
		"INSERT of a query":                      {"INSERT INTO t SELECT * FROM s", []string{"SQL INSERT t", "SQL SELECT s"}},
		"REPLACE":                                {"REPLACE INTO t VALUES (1)", []string{"SQL REPLACE t"}},
		"UPDATE of joined tables":                {"UPDATE a JOIN b ON a.x = b.x SET a.y = 1", []string{"SQL UPDATE a", "SQL UPDATE b"}},
		"UPDATE joined with a query":             {"UPDATE a JOIN (SELECT * FROM b) q SET a.y = 1", []string{"SQL UPDATE a", "SQL SELECT b"}},
		"DELETE by aliases":                      {"DELETE x FROM a AS x JOIN b", []string{"SQL SELECT a", "SQL DELETE a", "SQL SELECT b"}},
		"DELETE from what is not joined":         {"DELETE c FROM a JOIN b", []string{"SQL DELETE ?", "SQL SELECT a", "SQL SELECT b"}},
		"a subquery in WHERE":                    {"DELETE FROM a WHERE x IN (SELECT y FROM b)", []string{"SQL DELETE a", "SQL SELECT b"}},
		"EXPLAIN reports what it explains":       {"EXPLAIN ANALYZE DELETE FROM a", []string{"SQL EXPLAIN", "SQL DELETE a"}},
		"a table of a query":                     {"CREATE TABLE a AS SELECT * FROM b", []string{"SQL CREATE TABLE a", "SQL SELECT b"}},
		"a table on another server":              {"CREATE TABLE a (b int) ENGINE=FEDERATED CONNECTION='mysql://evil/x'", []string{"Unknown table option", "SQL CREATE TABLE a"}},
		"a table in another directory":           {"CREATE TABLE a (b int) DATA DIRECTORY='/tmp'", []string{"Unknown table option", "SQL CREATE TABLE a"}},
		"a view with the rights of root":         {"CREATE DEFINER=root@localhost VIEW a AS SELECT * FROM b", []string{"Unknown DEFINER", "SQL CREATE VIEW a", "SQL SELECT b"}},
		"a view":                                 {"CREATE VIEW a AS SELECT * FROM b", []string{"SQL CREATE VIEW a", "SQL SELECT b"}},
		"DROP":                                   {"DROP TABLE a, s.b", []string{"SQL DROP TABLE a", "SQL DROP TABLE s.b"}},
		"a database is all its tables":           {"DROP DATABASE a", []string{"SQL DROP DATABASE ?"}},
		"TRUNCATE":                               {"TRUNCATE TABLE a", []string{"SQL TRUNCATE a"}},
		"a new name":                             {"RENAME TABLE a TO b", []string{"SQL ALTER TABLE a", "SQL ALTER TABLE b"}},
		"several statements":                     {"BEGIN; DELETE FROM a; COMMIT", []string{"SQL BEGIN", "SQL DELETE a", "SQL COMMIT"}},
		"a file of the server is written":        {"SELECT * FROM t INTO OUTFILE '/tmp/x'", []string{"FileWrite SELECT INTO OUTFILE /tmp/x", "SQL SELECT t"}},
		"a file of the server is read":           {"LOAD DATA INFILE '/tmp/x' INTO TABLE t", []string{"FileRead LOAD DATA /tmp/x", "SQL LOAD DATA t"}},
		"a file of the client is read":           {"LOAD DATA LOCAL INFILE 'x' INTO TABLE t", []string{"FileRead LOAD DATA LOCAL /workspace/x", "SQL LOAD DATA t"}},
		"a file of the client that climbs":       {"LOAD DATA LOCAL INFILE '../x' INTO TABLE t", []string{"FileRead LOAD DATA LOCAL ?", "SQL LOAD DATA t"}},
		"a read of a file":                       {"SELECT LOAD_FILE('/etc/passwd')", []string{"SQL SELECT", "FileRead load_file ?"}},
		"a statement from text":                  {"PREPARE p FROM 'DROP TABLE t'; EXECUTE p", []string{"Dynamic PREPARE", "Dynamic EXECUTE"}},
		"a transaction that may write":           {"START TRANSACTION READ WRITE", []string{"Unknown BEGIN READ WRITE", "SQL BEGIN"}},
		"a variable":                             {"SELECT @x := 1", []string{"SQL SELECT", "Unknown VARIABLE EXPR"}},
		"a setting":                              {"SET sql_mode = ''", []string{"Unknown SET", "Unknown VARIABLE ASSIGNMENT"}},
	})
}

func TestMySQLTextThatReadersTakeApartInOtherWays(t *testing.T) {
	for name, tc := range map[string]struct{ source, want string }{
		"a versioned comment":                   {"SELECT 1 /*!50000 , sleep(1) */", "the comment is code for some versions"},
		"a comment for MariaDB":                 {"SELECT 1 /*M!100000 , sleep(1) */", "the comment is code for some versions"},
		"a hint that changes a setting":         {"SELECT /*+ SET_VAR(sql_mode='') */ 1", "hints may change settings"},
		"a comment in a comment":                {"SELECT 1 /* /* */", "comments within comments end where some versions do not expect it"},
		"a comment without end":                 {"SELECT 1 /* ", "the comment does not end"},
		"hyphens without a blank":               {"SELECT 5--3", "two hyphens without a blank are a comment for some readers and an expression for others"},
		"a command of the client":               {"SELECT 1; system id", "the mysql client takes system for a command of its own"},
		"a file of commands":                    {"source /tmp/x", "the mysql client takes source for a command of its own"},
		"a command behind a comment":            {"/* x */ -- y\ntee /tmp/x", "the mysql client takes tee for a command of its own"},
		"a short command of the client":         {"SELECT 1 \\! id", "a backslash outside a literal is a command of the mysql client"},
		"another delimiter, in mid-line":        {"SELECT 1 delimiter //", "the mysql client takes delimiter for a command of its own"},
		"dollar quotes":                         {"SELECT $$ x $$", "a dollar sign starts a name for some versions and a literal for others"},
		"a literal without end":                 {"SELECT 'x", "the literal does not end"},
		"a literal that ends behind its escape": {`SELECT 'x\'`, "the literal does not end"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Read(report.MySQL, []byte(tc.source))
			if r.Error == nil || r.Error.Message != tc.want {
				t.Errorf("error %+v, want %q", r.Error, tc.want)
			}
		})
	}
}
