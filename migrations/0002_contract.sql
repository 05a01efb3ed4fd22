-- The contract's three views: runs, their lines and state, as they hold now, for anything that speaks SQL.
-- An attribute here has one value at a time, and a transaction that replaces it retracts before it adds: so the last datom of
-- an entity's attribute tells whether there is a value now, and which.

-- A run is an entity with :run/id.
CREATE VIEW runs (id, created_at, updated_at, project_path, mode, status) AS
SELECT x.v,
  coalesce(
    (SELECT CASE d.added WHEN 1 THEN strftime('%Y-%m-%dT%H:%M:%S.', (d.v - (d.v % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || substr((d.v % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z' END
      FROM datoms d WHERE d.e = r.e AND d.a = 4294967401 ORDER BY d.t DESC, d.id DESC LIMIT 1),
    (SELECT strftime('%Y-%m-%dT%H:%M:%S.', (i.instant - (i.instant % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || substr((i.instant % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z'
      FROM txs i WHERE i.t = r.t)),
  (SELECT strftime('%Y-%m-%dT%H:%M:%S.', (i.instant - (i.instant % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || substr((i.instant % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z'
      FROM txs i WHERE i.t = (SELECT max(d.t) FROM datoms d WHERE d.e = r.e)),
  (SELECT CASE d.added WHEN 1 THEN d.v END
    FROM datoms d WHERE d.e = r.e AND d.a = 4294967400 ORDER BY d.t DESC, d.id DESC LIMIT 1),
  (SELECT CASE d.added WHEN 1 THEN substr(d.v, 2) END
    FROM datoms d WHERE d.e = r.e AND d.a = 4294967398 ORDER BY d.t DESC, d.id DESC LIMIT 1),
  (SELECT CASE d.added WHEN 1 THEN substr(d.v, 2) END
    FROM datoms d WHERE d.e = r.e AND d.a = 4294967399 ORDER BY d.t DESC, d.id DESC LIMIT 1)
FROM avet x CROSS JOIN datoms r ON r.id = x.id
WHERE x.a = 4294967396 AND x.type = 11 AND r.added = 1
  AND NOT EXISTS (SELECT 1 FROM datoms n WHERE n.e = r.e AND n.a = r.a AND n.t > r.t);

-- The lines of a run lie in the run's partition, so they are found by their range of entity ids. The range is visited in spans
-- counted from its end, the last 100 entities first: whichever way lines are ordered, the first ones of a LIMIT come early, and
-- of a line that sorts behind them SQLite computes no time, level and message. Ids of datoms rise with t, so the last datom of
-- an entity's attribute is the one with the greatest id.
CREATE VIEW run_logs (run_id, seq, ts, level, message) AS
SELECT x.v, s.v,
  (SELECT CASE d.added WHEN 1 THEN coalesce(strftime('%Y-%m-%dT%H:%M:%S.', (d.v - (d.v % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || substr((d.v % 1000000 + 1000000) % 1000000 + 1000000, 2) || 'Z', CAST(d.v AS TEXT)) END
    FROM datoms d WHERE d.e = s.e AND d.a = 4294967428 ORDER BY d.t DESC, d.id DESC LIMIT 1),
  (SELECT CASE d.added WHEN 1 THEN substr(d.v, 2) END
    FROM datoms d WHERE d.e = s.e AND d.a = 4294967429 ORDER BY d.t DESC, d.id DESC LIMIT 1),
  (SELECT CASE d.added WHEN 1 THEN d.v END
    FROM datoms d WHERE d.e = s.e AND d.a = 4294967430 ORDER BY d.t DESC, d.id DESC LIMIT 1)
FROM avet x CROSS JOIN datoms r ON r.id = x.id
CROSS JOIN (SELECT 0 AS nearest, 99 AS farthest UNION ALL SELECT 100, 1999 UNION ALL SELECT 2000, 39999
  UNION ALL SELECT 40000, 4294967295) span
CROSS JOIN datoms s ON s.a = 4294967427
  AND s.e >= max(r.e & ~4294967295, (SELECT max(d.e) FROM datoms d WHERE d.e <= (r.e | 4294967295)) - span.farthest)
  AND s.e <= (SELECT max(d.e) FROM datoms d WHERE d.e <= (r.e | 4294967295)) - span.nearest
CROSS JOIN datoms l ON l.e = s.e AND l.a = 4294967426
WHERE x.a = 4294967396 AND x.type = 11 AND r.added = 1
  AND NOT EXISTS (SELECT 1 FROM datoms n WHERE n.e = r.e AND n.a = r.a AND n.t > r.t)
  AND s.added = 1 AND l.added = 1 AND l.v = r.e
  AND NOT EXISTS (SELECT 1 FROM datoms n WHERE n.e = s.e AND n.a BETWEEN 4294967426 AND 4294967427
    AND n.id > CASE n.a WHEN 4294967426 THEN l.id ELSE s.id END);

-- State that has a value now. Text is its UTF-8 bytes, bytes are as they are, everything else is its EDN text; always a blob.
CREATE VIEW state_kv (namespace, key, value_blob, updated_at) AS
SELECT
  (SELECT CASE d.added WHEN 1 THEN d.v END
    FROM datoms d WHERE d.e = k.e AND d.a = 4294967447 ORDER BY d.t DESC, d.id DESC LIMIT 1),
  (SELECT CASE d.added WHEN 1 THEN d.v END
    FROM datoms d WHERE d.e = k.e AND d.a = 4294967448 ORDER BY d.t DESC, d.id DESC LIMIT 1),
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
    FROM txs i WHERE i.t = (SELECT max(d.t) FROM datoms d WHERE d.e = k.e))
FROM avet x CROSS JOIN datoms k ON k.id = x.id
CROSS JOIN datoms v ON v.e = k.e AND v.a = 4294967449
WHERE x.a = 4294967446 AND k.added = 1
  AND NOT EXISTS (SELECT 1 FROM datoms n WHERE n.e = k.e AND n.a = k.a AND n.t > k.t)
  AND v.added = 1
  AND NOT EXISTS (SELECT 1 FROM datoms n WHERE n.e = v.e AND n.a = v.a AND n.t > v.t);
