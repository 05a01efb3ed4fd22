-- The log of datoms, what is derived from it, and the views that let any SQLite client read it.
-- Ids of built-in entities are fixed: 4294967296 + n for the n of src/schema/builtin.rs.

-- The truth, in log order: ids count 1, 2, 3 without a gap.
-- type: 1 ref, 2 boolean, 3 long, 4 bigint, 5 double, 6 bigdec, 7 instant, 8 uuid, 9 keyword, 10 symbol, 11 string, 12 uri,
-- 13 bytes, 14 tuple.
CREATE TABLE datoms (
  id    INTEGER PRIMARY KEY,
  e     INTEGER NOT NULL,
  a     INTEGER NOT NULL,
  v     ANY     NOT NULL,
  type  INTEGER NOT NULL,
  t     INTEGER NOT NULL,
  m     INTEGER NOT NULL,
  added INTEGER NOT NULL
) STRICT;

CREATE INDEX datoms_by_entity ON datoms (e, a, t);

-- Derived: values of unique and indexed attributes lead to their datoms.
CREATE TABLE avet (
  a    INTEGER NOT NULL,
  type INTEGER NOT NULL,
  v    ANY     NOT NULL,
  id   INTEGER NOT NULL,
  PRIMARY KEY (a, type, v, id)
) STRICT, WITHOUT ROWID;

-- A row a transaction: how many datoms it has, the id of its last one, and the hash chained over the records.
CREATE TABLE txs (
  t       INTEGER PRIMARY KEY,
  instant INTEGER NOT NULL,
  datoms  INTEGER NOT NULL,
  last    INTEGER NOT NULL,
  hash    BLOB    NOT NULL
) STRICT;

CREATE TRIGGER datoms_refuse_update BEFORE UPDATE ON datoms
BEGIN SELECT RAISE(ABORT, 'history is immutable: a datom is never changed; retract it and add another with annals transact'); END;

CREATE TRIGGER datoms_refuse_delete BEFORE DELETE ON datoms
BEGIN SELECT RAISE(ABORT, 'history is immutable: a datom is never deleted; retract it with annals transact'); END;

-- INSERT OR REPLACE deletes without asking the trigger above, so an id that is taken is refused before that.
CREATE TRIGGER datoms_refuse_replace BEFORE INSERT ON datoms
WHEN NEW.id <> coalesce((SELECT max(id) FROM datoms), 0) + 1
BEGIN SELECT RAISE(ABORT, 'history is immutable: a datom can only be appended after the last one'); END;

CREATE TRIGGER txs_refuse_update BEFORE UPDATE ON txs
BEGIN SELECT RAISE(ABORT, 'history is immutable: a transaction is never changed'); END;

CREATE TRIGGER txs_refuse_delete BEFORE DELETE ON txs
BEGIN SELECT RAISE(ABORT, 'history is immutable: a transaction is never deleted'); END;

CREATE TRIGGER txs_refuse_replace BEFORE INSERT ON txs
WHEN NEW.t <> coalesce((SELECT max(t) FROM txs), 0) + 1
BEGIN SELECT RAISE(ABORT, 'history is immutable: a transaction can only be appended after the last one'); END;

-- The keyword by which an entity is known now.
CREATE VIEW idents (id, ident) AS
SELECT d.e, x.v
FROM avet x CROSS JOIN datoms d ON d.id = x.id
WHERE x.a = 4294967297 AND d.added = 1
  AND NOT EXISTS (SELECT 1 FROM datoms r WHERE r.e = d.e AND r.a = d.a AND r.t > d.t);

-- Attributes as declared now; an attribute used without a declaration has type 'any'.
CREATE VIEW attributes (id, ident, type, cardinality, uniqueness, indexed, is_component, doc) AS
SELECT d.e, x.v,
  coalesce((SELECT CASE p.v - 4294967326
      WHEN 1 THEN 'ref' WHEN 2 THEN 'boolean' WHEN 3 THEN 'long' WHEN 4 THEN 'bigint' WHEN 5 THEN 'double' WHEN 6 THEN 'bigdec'
      WHEN 7 THEN 'instant' WHEN 8 THEN 'uuid' WHEN 9 THEN 'keyword' WHEN 10 THEN 'symbol' WHEN 11 THEN 'string'
      WHEN 12 THEN 'uri' WHEN 13 THEN 'bytes' WHEN 14 THEN 'tuple' END
    FROM datoms p WHERE p.e = d.e AND p.a = 4294967298 AND p.added = 1
      AND NOT EXISTS (SELECT 1 FROM datoms r WHERE r.e = p.e AND r.a = p.a AND r.t > p.t)), 'any'),
  CASE c.v WHEN 4294967317 THEN 'many' ELSE 'one' END,
  (SELECT CASE p.v WHEN 4294967318 THEN 'identity' WHEN 4294967319 THEN 'value' END
    FROM datoms p WHERE p.e = d.e AND p.a = 4294967300 AND p.added = 1
      AND NOT EXISTS (SELECT 1 FROM datoms r WHERE r.e = p.e AND r.a = p.a AND r.t > p.t)),
  coalesce((SELECT p.v FROM datoms p WHERE p.e = d.e AND p.a = 4294967301 AND p.added = 1
      AND NOT EXISTS (SELECT 1 FROM datoms r WHERE r.e = p.e AND r.a = p.a AND r.t > p.t)), 0),
  coalesce((SELECT p.v FROM datoms p WHERE p.e = d.e AND p.a = 4294967302 AND p.added = 1
      AND NOT EXISTS (SELECT 1 FROM datoms r WHERE r.e = p.e AND r.a = p.a AND r.t > p.t)), 0),
  (SELECT p.v FROM datoms p WHERE p.e = d.e AND p.a = 4294967312 AND p.added = 1
      AND NOT EXISTS (SELECT 1 FROM datoms r WHERE r.e = p.e AND r.a = p.a AND r.t > p.t))
FROM avet x CROSS JOIN datoms d ON d.id = x.id
CROSS JOIN datoms c ON c.e = d.e AND c.a = 4294967299
WHERE x.a = 4294967297 AND d.added = 1
  AND NOT EXISTS (SELECT 1 FROM datoms r WHERE r.e = d.e AND r.a = d.a AND r.t > d.t)
  AND c.added = 1
  AND NOT EXISTS (SELECT 1 FROM datoms r WHERE r.e = c.e AND r.a = c.a AND r.t > c.t);

-- Every datom with its keyword, the name of its type and the instant of its transaction.
CREATE VIEW facts (e, attribute, v, type, t, instant, m, added) AS
SELECT d.e,
  (SELECT i.v FROM datoms i WHERE i.e = d.a AND i.a = 4294967297 AND i.added = 1 ORDER BY i.t DESC LIMIT 1),
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
FROM datoms d;

-- The facts that hold now: added, and not retracted since.
CREATE VIEW current_facts (e, attribute, v, type, t, instant, m) AS
SELECT d.e,
  (SELECT i.v FROM datoms i WHERE i.e = d.a AND i.a = 4294967297 AND i.added = 1 ORDER BY i.t DESC LIMIT 1),
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
FROM datoms d
WHERE d.added = 1
  AND NOT EXISTS (SELECT 1 FROM datoms r
    WHERE r.e = d.e AND r.a = d.a AND r.t > d.t AND r.added = 0 AND r.type = d.type AND r.v = d.v);
