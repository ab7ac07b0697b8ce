// SPDX-License-Identifier: Apache-2.0

package sql

import (
	"testing"

	"github.com/airlock-dev/airlock/internal/gate/report"
)

// What analysts write must be nothing but SELECT and Compute.
func TestOrdinaryAnalysisIsAllowed(t *testing.T) {
	for dialect, sources := range map[report.Dialect]map[string]string{
		report.PostgreSQL: {
			"a join with a window":      "SELECT u.id, sum(o.total) OVER (PARTITION BY u.id ORDER BY o.placed_at ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) FROM users u JOIN shop.orders o ON o.user_id = u.id",
			"grouping by month":         "SELECT date_trunc('month', placed_at)::date AS month, count(*) FILTER (WHERE paid), avg(total)::numeric(10,2) FROM shop.orders WHERE placed_at >= now() - interval '90 days' AND total BETWEEN 1 AND 100 GROUP BY 1 HAVING count(*) > 10 ORDER BY month DESC NULLS LAST LIMIT 10",
			"JSON":                      "SELECT j->>'a', j#>'{b,c}', jsonb_array_elements(j->'d'), jsonb_build_object('x', 1) FROM t WHERE j @> '{\"a\": 1}'::jsonb AND j ? 'k'",
			"recursive queries":         "WITH RECURSIVE tree AS (SELECT id, parent FROM nodes WHERE parent IS NULL UNION ALL SELECT n.id, n.parent FROM nodes n JOIN tree ON n.parent = tree.id) SELECT * FROM tree",
			"case, coalesce, in, like":  "SELECT CASE WHEN a > 1 THEN 'x' ELSE coalesce(b, 'y') END, greatest(a, 2), nullif(a, 0) FROM t WHERE b IN ('a', 'b') AND c ILIKE '%x%' AND d ~ '^\\d+$' AND NOT EXISTS (SELECT 1 FROM s WHERE s.id = t.id)",
			"strings and dates":         "SELECT upper(trim(name)), split_part(mail, '@', 2), to_char(at, 'YYYY-MM'), extract(dow FROM at), age(at), position('x' IN name), substring(name FROM 1 FOR 3), at AT TIME ZONE 'UTC' FROM people",
			"percentiles and sets":      "SELECT region, percentile_cont(0.5) WITHIN GROUP (ORDER BY total) FROM orders GROUP BY GROUPING SETS ((region), ()) ORDER BY region",
			"arrays and series":         "SELECT d::date, array_agg(x ORDER BY x), a[1:2], a[1], x = ANY(ARRAY[1,2]) FROM generate_series('2024-01-01'::timestamp, '2024-02-01', '1 day') d LEFT JOIN LATERAL (SELECT unnest(b) AS x FROM t WHERE t.at = d) q ON true",
			"distinct on, lag, named":   "SELECT DISTINCT ON (id) id, lag(v, 1, 0) OVER w FROM t WINDOW w AS (PARTITION BY id ORDER BY at) ORDER BY id, at DESC",
			"values and set operations": "SELECT a FROM t EXCEPT (SELECT b FROM s INTERSECT VALUES (1), (2)) ORDER BY 1 OFFSET 5 ROWS FETCH NEXT 5 ROWS ONLY",
			"comments":                  "-- sales\nSELECT /* all */ * FROM sales TABLESAMPLE system (10);",
			"columns of functions":      "SELECT kv.key, kv.value, (json_each(x)).value, d.day, g.g, r.a, u.v, u.n, w.* FROM t, jsonb_each(t.j) kv, generate_series(1, 2) AS d (day), generate_series(1, 2) g, jsonb_to_recordset('[]') AS r (a int), unnest(ARRAY[1]) WITH ORDINALITY AS u (v, n), unnest(b) w",
			"the server":                "SELECT version(), current_database(), current_user, pg_size_pretty(1024::bigint)",
			"current date":              "SELECT * FROM t WHERE at > current_date - 7 AND at < CURRENT_TIMESTAMP",
		},
		report.MySQL: {
			"a join with a window":     "SELECT u.id, SUM(o.total) OVER (PARTITION BY u.id ORDER BY o.placed_at) FROM users u JOIN shop.orders o ON o.user_id = u.id",
			"grouping by month":        "SELECT DATE_FORMAT(placed_at, '%Y-%m') AS month, COUNT(*), AVG(total) FROM `shop`.`orders` WHERE placed_at >= NOW() - INTERVAL 90 DAY GROUP BY month WITH ROLLUP HAVING COUNT(*) > 10 ORDER BY month DESC LIMIT 10 OFFSET 2",
			"JSON":                     "SELECT j->>'$.a', JSON_EXTRACT(j, '$.b'), JSON_OBJECT('x', 1) FROM t WHERE JSON_CONTAINS(j, '1', '$.c')",
			"recursive queries":        "WITH RECURSIVE tree AS (SELECT id, parent FROM nodes WHERE parent IS NULL UNION ALL SELECT n.id, n.parent FROM nodes n JOIN tree ON n.parent = tree.id) SELECT * FROM tree",
			"case, coalesce, in, like": "SELECT CASE WHEN a > 1 THEN 'x' ELSE COALESCE(b, 'y') END, IFNULL(a, 2), IF(a, 1, 2) FROM t WHERE b IN ('a', \"b\") AND c LIKE '%x%' AND d REGEXP '^[0-9]+$' AND NOT EXISTS (SELECT 1 FROM s WHERE s.id = t.id)",
			"strings and dates":        "SELECT UPPER(TRIM(name)), SUBSTRING_INDEX(mail, '@', -1), EXTRACT(YEAR FROM at), TIMESTAMPDIFF(DAY, a, b), DATE_ADD(at, INTERVAL 1 MONTH), CURDATE(), DATE '2024-01-01', YEAR(at), GROUP_CONCAT(DISTINCT x ORDER BY x SEPARATOR ', ') FROM people",
			"casts":                    "SELECT CAST(a AS DECIMAL(10,2)), CONVERT(b, CHAR), ROUND(c / NULLIF(d, 0), 2), 7 DIV 2, RAND() FROM t",
			"comments":                 "-- sales\nSELECT /* all */ * FROM sales # end\n;",
			"the server":               "SELECT VERSION(), DATABASE(), SCHEMA()",
			"capitals":                 "SELECT * FROM Orders NATURAL JOIN Customers",
		},
	} {
		for name, source := range sources {
			t.Run(string(dialect)+": "+name, func(t *testing.T) {
				if r := Read(dialect, []byte(source)); !analyst(r) {
					t.Errorf("%s\n%v", source, summary(r))
				}
			})
		}
	}
}
