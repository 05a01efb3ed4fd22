-- Entities lead to their datoms by a row for all that a transaction says of one, instead of an entry for each datom: a commit
-- writes less, and the file is smaller. In a transaction the datoms of an entity lie together.

-- Derived: the datoms `id` to `id + n - 1` are about `e`, and those before and after them are not, or belong to another
-- transaction. What every transaction says of itself, its instant, has no row if that is all and stands first:
-- `txs` leads there.
CREATE TABLE entities (
  e  INTEGER NOT NULL,
  id INTEGER NOT NULL,
  n  INTEGER NOT NULL,
  PRIMARY KEY (e, id)
) STRICT, WITHOUT ROWID;

-- Each run of datoms is found by its first one, and its length by the first one after it: the log is read in its order, and
-- nothing is kept in memory.
INSERT INTO entities (e, id, n)
SELECT f.e, f.id, f.after - f.id
FROM (
  SELECT d.e, d.id, d.a, d.t, b.t AS before_t,
    coalesce((SELECT x.id FROM datoms x WHERE x.id > d.id AND (x.e <> d.e OR x.t <> d.t) ORDER BY x.id LIMIT 1),
      (SELECT max(x.id) + 1 FROM datoms x)) AS after
  FROM datoms d LEFT JOIN datoms b ON b.id = d.id - 1
  WHERE b.id IS NULL OR b.e <> d.e OR b.t <> d.t
) f
WHERE NOT (f.e = f.t AND f.a = 4294967313 AND f.after = f.id + 1 AND f.before_t IS NOT f.t);

-- A key of state is found by its text.
CREATE INDEX state_keys ON datoms (v) WHERE a = 4294967448;

DROP VIEW idents;
DROP VIEW attributes;
DROP VIEW facts;
DROP VIEW current_facts;
DROP VIEW runs;
DROP VIEW run_logs;
DROP VIEW state_kv;
DROP INDEX datoms_by_entity;

-- The keyword by which an entity is known now.
CREATE VIEW idents (id, ident) AS
SELECT d.e, x.v
FROM avet x CROSS JOIN datoms d ON d.id = x.id
WHERE x.a = 4294967297 AND d.added = 1
  AND NOT EXISTS (SELECT 1 FROM entities n CROSS JOIN datoms y ON y.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = d.e AND n.id > d.id AND y.a = 4294967297);

-- Attributes as declared now; an attribute used without a declaration has type 'any'.
CREATE VIEW attributes (id, ident, type, cardinality, uniqueness, indexed, is_component, doc) AS
SELECT i.e, x.v,
  coalesce((SELECT CASE WHEN d.added = 1 THEN CASE d.v - 4294967326
      WHEN 1 THEN 'ref' WHEN 2 THEN 'boolean' WHEN 3 THEN 'long' WHEN 4 THEN 'bigint' WHEN 5 THEN 'double' WHEN 6 THEN 'bigdec'
      WHEN 7 THEN 'instant' WHEN 8 THEN 'uuid' WHEN 9 THEN 'keyword' WHEN 10 THEN 'symbol' WHEN 11 THEN 'string'
      WHEN 12 THEN 'uri' WHEN 13 THEN 'bytes' WHEN 14 THEN 'tuple' END END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = i.e AND d.a = 4294967298 ORDER BY n.id DESC, d.id DESC LIMIT 1), 'any'),
  CASE c.v WHEN 4294967317 THEN 'many' ELSE 'one' END,
  (SELECT CASE WHEN d.added = 1 THEN CASE d.v WHEN 4294967318 THEN 'identity' WHEN 4294967319 THEN 'value' END END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = i.e AND d.a = 4294967300 ORDER BY n.id DESC, d.id DESC LIMIT 1),
  coalesce((SELECT CASE WHEN d.added = 1 THEN d.v END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = i.e AND d.a = 4294967301 ORDER BY n.id DESC, d.id DESC LIMIT 1), 0),
  coalesce((SELECT CASE WHEN d.added = 1 THEN d.v END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = i.e AND d.a = 4294967302 ORDER BY n.id DESC, d.id DESC LIMIT 1), 0),
  (SELECT CASE WHEN d.added = 1 THEN d.v END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = i.e AND d.a = 4294967312 ORDER BY n.id DESC, d.id DESC LIMIT 1)
FROM avet x CROSS JOIN datoms i ON i.id = x.id
CROSS JOIN datoms c ON c.id = (SELECT d.id FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = i.e AND d.a = 4294967299 ORDER BY n.id DESC, d.id DESC LIMIT 1)
WHERE x.a = 4294967297 AND i.added = 1 AND c.added = 1
  AND NOT EXISTS (SELECT 1 FROM entities n CROSS JOIN datoms y ON y.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = i.e AND n.id > i.id AND y.a = 4294967297);

-- Every datom with its keyword, the name of its type and the instant of its transaction.
CREATE VIEW facts (e, attribute, v, type, t, instant, m, added) AS
SELECT s.e,
  (SELECT i.v FROM entities n CROSS JOIN datoms i ON i.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = d.a AND i.a = 4294967297 AND i.added = 1 ORDER BY n.id DESC, i.id DESC LIMIT 1),
  d.v,
  CASE d.type
    WHEN 1 THEN 'ref' WHEN 2 THEN 'boolean' WHEN 3 THEN 'long' WHEN 4 THEN 'bigint' WHEN 5 THEN 'double' WHEN 6 THEN 'bigdec'
    WHEN 7 THEN 'instant' WHEN 8 THEN 'uuid' WHEN 9 THEN 'keyword' WHEN 10 THEN 'symbol' WHEN 11 THEN 'string'
    WHEN 12 THEN 'uri' WHEN 13 THEN 'bytes' WHEN 14 THEN 'tuple' END,
  d.t,
  (SELECT coalesce(strftime('%Y-%m-%dT%H:%M:%S.', (x.instant - (x.instant % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || substr((x.instant % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z', CAST(x.instant AS TEXT))
    FROM txs x WHERE x.t = d.t),
  d.m, d.added
FROM entities s CROSS JOIN datoms d ON d.id BETWEEN s.id AND s.id + s.n - 1
UNION ALL
SELECT o.t,
  (SELECT i.v FROM entities n CROSS JOIN datoms i ON i.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = d.a AND i.a = 4294967297 AND i.added = 1 ORDER BY n.id DESC, i.id DESC LIMIT 1),
  d.v,
  CASE d.type
    WHEN 1 THEN 'ref' WHEN 2 THEN 'boolean' WHEN 3 THEN 'long' WHEN 4 THEN 'bigint' WHEN 5 THEN 'double' WHEN 6 THEN 'bigdec'
    WHEN 7 THEN 'instant' WHEN 8 THEN 'uuid' WHEN 9 THEN 'keyword' WHEN 10 THEN 'symbol' WHEN 11 THEN 'string'
    WHEN 12 THEN 'uri' WHEN 13 THEN 'bytes' WHEN 14 THEN 'tuple' END,
  d.t,
  (SELECT coalesce(strftime('%Y-%m-%dT%H:%M:%S.', (x.instant - (x.instant % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || substr((x.instant % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z', CAST(x.instant AS TEXT))
    FROM txs x WHERE x.t = d.t),
  d.m, d.added
FROM txs o CROSS JOIN datoms d ON d.id = o.last - o.datoms + 1 AND d.e = o.t
WHERE NOT EXISTS (SELECT 1 FROM entities s WHERE s.e = d.e AND s.id = d.id);

-- The facts that hold now: added, and not retracted since.
CREATE VIEW current_facts (e, attribute, v, type, t, instant, m) AS
SELECT s.e,
  (SELECT i.v FROM entities n CROSS JOIN datoms i ON i.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = d.a AND i.a = 4294967297 AND i.added = 1 ORDER BY n.id DESC, i.id DESC LIMIT 1),
  d.v,
  CASE d.type
    WHEN 1 THEN 'ref' WHEN 2 THEN 'boolean' WHEN 3 THEN 'long' WHEN 4 THEN 'bigint' WHEN 5 THEN 'double' WHEN 6 THEN 'bigdec'
    WHEN 7 THEN 'instant' WHEN 8 THEN 'uuid' WHEN 9 THEN 'keyword' WHEN 10 THEN 'symbol' WHEN 11 THEN 'string'
    WHEN 12 THEN 'uri' WHEN 13 THEN 'bytes' WHEN 14 THEN 'tuple' END,
  d.t,
  (SELECT coalesce(strftime('%Y-%m-%dT%H:%M:%S.', (x.instant - (x.instant % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || substr((x.instant % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z', CAST(x.instant AS TEXT))
    FROM txs x WHERE x.t = d.t),
  d.m
FROM entities s CROSS JOIN datoms d ON d.id BETWEEN s.id AND s.id + s.n - 1
WHERE d.added = 1
  AND NOT EXISTS (SELECT 1 FROM entities n CROSS JOIN datoms y ON y.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = d.e AND n.id > d.id AND y.a = d.a AND y.added = 0 AND y.type = d.type AND y.v = d.v)
UNION ALL
SELECT o.t,
  (SELECT i.v FROM entities n CROSS JOIN datoms i ON i.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = d.a AND i.a = 4294967297 AND i.added = 1 ORDER BY n.id DESC, i.id DESC LIMIT 1),
  d.v,
  CASE d.type
    WHEN 1 THEN 'ref' WHEN 2 THEN 'boolean' WHEN 3 THEN 'long' WHEN 4 THEN 'bigint' WHEN 5 THEN 'double' WHEN 6 THEN 'bigdec'
    WHEN 7 THEN 'instant' WHEN 8 THEN 'uuid' WHEN 9 THEN 'keyword' WHEN 10 THEN 'symbol' WHEN 11 THEN 'string'
    WHEN 12 THEN 'uri' WHEN 13 THEN 'bytes' WHEN 14 THEN 'tuple' END,
  d.t,
  (SELECT coalesce(strftime('%Y-%m-%dT%H:%M:%S.', (x.instant - (x.instant % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || substr((x.instant % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z', CAST(x.instant AS TEXT))
    FROM txs x WHERE x.t = d.t),
  d.m
FROM txs o CROSS JOIN datoms d ON d.id = o.last - o.datoms + 1 AND d.e = o.t
WHERE NOT EXISTS (SELECT 1 FROM entities s WHERE s.e = d.e AND s.id = d.id)
  AND d.added = 1
  AND NOT EXISTS (SELECT 1 FROM entities n CROSS JOIN datoms y ON y.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = d.e AND n.id > d.id AND y.a = d.a AND y.added = 0 AND y.type = d.type AND y.v = d.v);

-- The contract's three views. An attribute here has one value at a time, and a transaction that replaces it retracts before it
-- adds: so the last datom of an entity's attribute tells whether there is a value now, and which.

-- A run is an entity with :run/id.
CREATE VIEW runs (id, created_at, updated_at, project_path, mode, status) AS
SELECT x.v,
  coalesce(
    (SELECT CASE d.added WHEN 1 THEN strftime('%Y-%m-%dT%H:%M:%S.', (d.v - (d.v % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
      || substr((d.v % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z' END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = r.e AND d.a = 4294967401 ORDER BY n.id DESC, d.id DESC LIMIT 1),
    (SELECT strftime('%Y-%m-%dT%H:%M:%S.', (i.instant - (i.instant % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
      || substr((i.instant % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z'
      FROM txs i WHERE i.t = r.t)),
  (SELECT strftime('%Y-%m-%dT%H:%M:%S.', (i.instant - (i.instant % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
      || substr((i.instant % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z'
    FROM txs i WHERE i.t = (SELECT d.t FROM entities n CROSS JOIN datoms d ON d.id = n.id
      WHERE n.e = r.e ORDER BY n.id DESC LIMIT 1)),
  (SELECT CASE d.added WHEN 1 THEN d.v END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = r.e AND d.a = 4294967400 ORDER BY n.id DESC, d.id DESC LIMIT 1),
  (SELECT CASE d.added WHEN 1 THEN substr(d.v, 2) END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = r.e AND d.a = 4294967398 ORDER BY n.id DESC, d.id DESC LIMIT 1),
  (SELECT CASE d.added WHEN 1 THEN substr(d.v, 2) END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = r.e AND d.a = 4294967399 ORDER BY n.id DESC, d.id DESC LIMIT 1)
FROM avet x CROSS JOIN datoms r ON r.id = x.id
WHERE x.a = 4294967396 AND x.type = 11 AND r.added = 1
  AND NOT EXISTS (SELECT 1 FROM entities n CROSS JOIN datoms y ON y.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = r.e AND n.id > r.id AND y.a = 4294967396);

-- The lines of a run lie in the run's partition, so they are found by their range of entity ids. The range is visited in spans
-- counted from its end, the last 100 entities first: whichever way lines are ordered, the first ones of a LIMIT come early, and
-- of a line that sorts behind them SQLite computes no time, level and message.
CREATE VIEW run_logs (run_id, seq, ts, level, message) AS
SELECT x.v, s.v,
  (SELECT CASE d.added WHEN 1 THEN coalesce(strftime('%Y-%m-%dT%H:%M:%S.', (d.v - (d.v % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
      || substr((d.v % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z', CAST(d.v AS TEXT)) END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = l.e AND d.a = 4294967428 ORDER BY n.id DESC, d.id DESC LIMIT 1),
  (SELECT CASE d.added WHEN 1 THEN substr(d.v, 2) END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = l.e AND d.a = 4294967429 ORDER BY n.id DESC, d.id DESC LIMIT 1),
  (SELECT CASE d.added WHEN 1 THEN d.v END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = l.e AND d.a = 4294967430 ORDER BY n.id DESC, d.id DESC LIMIT 1)
FROM avet x CROSS JOIN datoms r ON r.id = x.id
CROSS JOIN (SELECT 0 AS nearest, 99 AS farthest UNION ALL SELECT 100, 1999 UNION ALL SELECT 2000, 39999
  UNION ALL SELECT 40000, 4294967295) span
CROSS JOIN entities l
  ON l.e >= max(r.e & ~4294967295, (SELECT max(n.e) FROM entities n WHERE n.e <= (r.e | 4294967295)) - span.farthest)
  AND l.e <= (SELECT max(n.e) FROM entities n WHERE n.e <= (r.e | 4294967295)) - span.nearest
CROSS JOIN datoms s ON s.id BETWEEN l.id AND l.id + l.n - 1 AND +s.a = 4294967427
WHERE x.a = 4294967396 AND x.type = 11 AND r.added = 1
  AND NOT EXISTS (SELECT 1 FROM entities n CROSS JOIN datoms y ON y.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = r.e AND n.id > r.id AND y.a = 4294967396)
  AND +s.added = 1
  AND NOT EXISTS (SELECT 1 FROM entities n CROSS JOIN datoms y ON y.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = s.e AND n.id > s.id AND y.a = 4294967427)
  AND r.e = (SELECT CASE d.added WHEN 1 THEN d.v END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = l.e AND d.a = 4294967426 ORDER BY n.id DESC, d.id DESC LIMIT 1);

-- State that has a value now. Text is its UTF-8 bytes, bytes are as they are, everything else is its EDN text; always a blob.
CREATE VIEW state_kv (namespace, key, value_blob, updated_at) AS
SELECT
  (SELECT CASE d.added WHEN 1 THEN d.v END FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = k.e AND d.a = 4294967447 ORDER BY n.id DESC, d.id DESC LIMIT 1),
  k.v,
  CAST(CASE v.type
    WHEN 1 THEN '#db/id ' || v.v
    WHEN 2 THEN CASE v.v WHEN 0 THEN 'false' ELSE 'true' END
    WHEN 4 THEN v.v || 'N'
    WHEN 5 THEN CASE
      WHEN v.v > 1.7976931348623157e308 THEN '##Inf'
      WHEN v.v < -1.7976931348623157e308 THEN '##-Inf'
      WHEN abs(v.v) BETWEEN 1e-5 AND 1e15 AND CAST(printf('%!.15g', v.v) AS REAL) = v.v THEN printf('%!.15g', v.v)
      ELSE printf('%!.17g', v.v) END
    WHEN 6 THEN v.v || 'M'
    WHEN 7 THEN '#inst "' || coalesce(
        strftime('%Y-%m-%dT%H:%M:%S', (v.v - (v.v % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
          || rtrim(rtrim(printf('.%06d', (v.v % 1000000 + 1000000) % 1000000), '0'), '.') || 'Z', v.v) || '"'
    WHEN 8 THEN '#uuid "' || v.v || '"'
    WHEN 12 THEN '#uri "' || replace(replace(v.v, '\', '\\'), '"', '\"') || '"'
    ELSE v.v END AS BLOB),
  (SELECT strftime('%Y-%m-%dT%H:%M:%S.', (i.instant - (i.instant % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
      || substr((i.instant % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z'
    FROM txs i WHERE i.t = (SELECT d.t FROM entities n CROSS JOIN datoms d ON d.id = n.id
      WHERE n.e = k.e ORDER BY n.id DESC LIMIT 1))
FROM datoms k INDEXED BY state_keys
CROSS JOIN datoms v ON v.id = (SELECT d.id FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = k.e AND d.a = 4294967449 ORDER BY n.id DESC, d.id DESC LIMIT 1)
WHERE k.a = 4294967448 AND k.added = 1 AND v.added = 1
  AND NOT EXISTS (SELECT 1 FROM entities n CROSS JOIN datoms y ON y.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = k.e AND n.id > k.id AND y.a = 4294967448)
  AND (SELECT d.added FROM entities n CROSS JOIN datoms d ON d.id BETWEEN n.id AND n.id + n.n - 1
    WHERE n.e = k.e AND d.a = 4294967446 ORDER BY n.id DESC, d.id DESC LIMIT 1);
