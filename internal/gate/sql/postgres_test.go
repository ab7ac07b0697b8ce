// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

func TestPostgresStatements(t *testing.T) {
	checkReadings(t, report.PostgreSQL, map[string]reading{
		"a constant names no table":            {"SELECT 1", []string{"SQL SELECT"}},
		"a table, folded":                      {"SELECT * FROM Users", []string{"SQL SELECT users"}},
		"a quoted table keeps its case":        {`SELECT * FROM shop."Orders"`, []string{"SQL SELECT shop.Orders"}},
		"U& names are what they spell":         {`SELECT * FROM U&"\0075sers"`, []string{"SQL SELECT users"}},
		"a dot in a name is not a schema":      {`SELECT * FROM "shop.orders"`, []string{"SQL SELECT ?"}},
		"a table of another database":          {"SELECT * FROM db.shop.orders", []string{"SQL SELECT ?"}},
		"a name that servers cut off":          {"SELECT * FROM a234567890123456789012345678901234567890123456789012345678901234567890", []string{"SQL SELECT ?"}},
		"a catalog without schema":             {"SELECT * FROM pg_shadow", []string{"SQL SELECT pg_catalog.pg_shadow"}},
		"a catalog of an extension":            {"SELECT * FROM pg_stat_statements", []string{"SQL SELECT ?"}},
		"a query in WITH is no table":          {"WITH x AS (SELECT * FROM t) SELECT * FROM x", []string{"SQL SELECT", "SQL SELECT t"}},
		"it does not see itself":               {"WITH t AS (SELECT * FROM t) SELECT * FROM t", []string{"SQL SELECT", "SQL SELECT t"}},
		"unless it is recursive":               {"WITH RECURSIVE t AS (SELECT 1 AS a UNION SELECT a FROM t) SELECT * FROM t", []string{"SQL SELECT"}},
		"it is not seen with a schema":         {"WITH t AS (SELECT 1) SELECT * FROM public.t", []string{"SQL SELECT", "SQL SELECT public.t"}},
		"it is not seen behind its statement":  {"SELECT * FROM (WITH t AS (SELECT 1) SELECT * FROM t) x, t", []string{"SQL SELECT", "SQL SELECT t"}},
		"it is not what DELETE deletes from":   {"WITH t AS (SELECT 1) DELETE FROM t", []string{"SQL SELECT", "SQL DELETE t"}},
		"a DELETE in WITH":                     {"WITH x AS (DELETE FROM users RETURNING *) SELECT * FROM x", []string{"SQL SELECT", "SQL DELETE users"}},
		"SELECT INTO makes a table":            {"SELECT * INTO b FROM a", []string{"SQL CREATE TABLE b", "SQL SELECT a"}},
		"FOR UPDATE locks":                     {"SELECT * FROM a FOR UPDATE", []string{"SQL SELECT a", "SQL LOCK a"}},
		"INSERT of values":                     {"INSERT INTO t VALUES (1)", []string{"SQL INSERT t"}},
		"INSERT of a query":                    {"INSERT INTO t SELECT * FROM s", []string{"SQL INSERT t", "SQL SELECT s"}},
		"INSERT of a subquery in values":       {"INSERT INTO t VALUES ((SELECT max(a) FROM s))", []string{"SQL INSERT t", "SQL SELECT s"}},
		"UPDATE from another table":            {"UPDATE t SET a = s.a FROM s", []string{"SQL UPDATE t", "SQL SELECT s"}},
		"MERGE":                                {"MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", []string{"SQL MERGE t", "SQL SELECT s"}},
		"EXPLAIN reports what it explains":     {"EXPLAIN ANALYZE DELETE FROM a", []string{"SQL EXPLAIN", "SQL DELETE a"}},
		"PREPARE reports what it prepares":     {"PREPARE p AS DELETE FROM a", []string{"SQL PREPARE", "SQL DELETE a"}},
		"a cursor":                             {"DECLARE c CURSOR FOR SELECT * FROM a", []string{"SQL DECLARE CURSOR", "SQL SELECT a"}},
		"CREATE TABLE AS":                      {"CREATE TABLE a AS SELECT * FROM b", []string{"SQL CREATE TABLE a", "SQL SELECT b"}},
		"a materialized view":                  {"CREATE MATERIALIZED VIEW a AS SELECT * FROM b", []string{"SQL CREATE MATERIALIZED VIEW a", "SQL SELECT b"}},
		"a view":                               {"CREATE VIEW a AS SELECT * FROM b", []string{"SQL CREATE VIEW a", "SQL SELECT b"}},
		"a table with a reference":             {"CREATE TABLE a (b int REFERENCES c(d))", []string{"SQL CREATE TABLE a", "SQL SELECT c"}},
		"CASCADE hits tables that it hides":    {"DROP TABLE s.a, b CASCADE", []string{"SQL DROP TABLE s.a", "SQL DROP TABLE b", "SQL DROP TABLE ?"}},
		"a schema is all its tables":           {"DROP SCHEMA s CASCADE", []string{"SQL DROP SCHEMA ?"}},
		"TRUNCATE":                             {"TRUNCATE a, b", []string{"SQL TRUNCATE a", "SQL TRUNCATE b"}},
		"VACUUM of everything":                 {"VACUUM", []string{"SQL VACUUM ?"}},
		"a new name":                           {"ALTER TABLE a RENAME TO b", []string{"SQL ALTER TABLE a", "SQL ALTER TABLE ?"}},
		"a new column":                         {"ALTER TABLE a ADD COLUMN b int", []string{"SQL ALTER TABLE a"}},
		"an index":                             {"CREATE INDEX i ON a (lower(b))", []string{"SQL CREATE INDEX a"}},
		"several statements":                   {"BEGIN; DELETE FROM a; COMMIT", []string{"SQL BEGIN", "SQL DELETE a", "SQL COMMIT"}},
		"COPY of a table to the client":        {"COPY t TO STDOUT", []string{"SQL COPY TO t"}},
		"COPY to a file of the server":         {"COPY (SELECT * FROM t) TO '/tmp/x'", []string{"SQL COPY TO", "FileWrite COPY TO /tmp/x", "SQL SELECT t"}},
		"COPY from a file of the server":       {"COPY t FROM '/etc/passwd'", []string{"FileRead COPY FROM /etc/passwd", "SQL COPY FROM t"}},
		"COPY from the server's directory":     {"COPY t FROM 'x'", []string{"FileRead COPY FROM ?", "SQL COPY FROM t"}},
		"COPY to a path that climbs":           {"COPY t TO '/tmp/../etc/x'", []string{"FileWrite COPY TO ?", "SQL COPY TO t"}},
		"COPY to a program":                    {"COPY t TO PROGRAM 'id'", []string{"Process COPY TO PROGRAM sh -c id", "SQL COPY TO t"}},
		"a read of a file":                     {"SELECT pg_read_file('/etc/passwd')", []string{"SQL SELECT", "FileRead pg_read_file /etc/passwd"}},
		"a connection to another server":       {"SELECT * FROM dblink('host=evil', 'SELECT 1') AS x(a int)", []string{"SQL SELECT", "Network dblink ?"}},
		"DO":                                   {"DO $$ BEGIN END $$", []string{"Dynamic DO"}},
		"a function":                           {"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", []string{"Dynamic CREATE FUNCTION"}},
		"a function whose body is in the open": {"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC DELETE FROM t; SELECT 1; END", []string{"Dynamic CREATE FUNCTION", "SQL SELECT", "SQL DELETE t"}},
		"a setting":                            {"SET search_path = evil", []string{"Unknown VARIABLE SET"}},
		"a transaction that may write":         {"BEGIN READ WRITE", []string{"SQL BEGIN", "Unknown BEGIN READ WRITE"}},
	})
}
