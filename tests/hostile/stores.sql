-- Stores made hostile. Each part begins with `-- name: expectation`, and changes a sound store with the schema writable and triggers off.
-- `refused`: every command refuses it, and verify names it. `named`: it may open, and verify names it. `sound`: nothing is wrong with it.

-- nothing: sound
SELECT 1;

-- statistics of a client: sound
ANALYZE;

-- tables of a program that replicates: sound
CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
CREATE TABLE _litestream_lock (id INTEGER);
INSERT INTO _litestream_seq VALUES (1, 9223372036854775807);

-- statistics that lie: sound
ANALYZE;
UPDATE sqlite_stat1 SET stat = '1 1 1 1';
INSERT INTO sqlite_stat1 VALUES ('datoms', 'datoms_by_entity', '9223372036854775807 1 1 1 unordered noskipscan sz=1'), ('nothing', NULL, 'x'), (NULL, NULL, NULL);

-- a view that never ends: refused
CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT * FROM n;

-- the runs never end: refused
DROP VIEW runs;
CREATE VIEW runs (id, created_at, updated_at, project_path, mode, status) AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, x, x, x, x, x FROM n;

-- a view loads a library: refused
DROP VIEW facts;
CREATE VIEW facts AS SELECT load_extension('./canary.so') AS e;

-- the log is a view: refused
ALTER TABLE datoms RENAME TO log;
CREATE VIEW datoms AS SELECT * FROM log WHERE load_extension('./canary.so') OR 1;

-- the log is a view that never ends: refused
ALTER TABLE txs RENAME TO log;
CREATE VIEW txs (t, instant, datoms, last, hash) AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x, x, x, x, x FROM n;

-- a trigger on what is written: refused
CREATE TRIGGER canary AFTER INSERT ON datoms BEGIN INSERT INTO avet SELECT 1, 2, load_extension('./canary.so'), 4; END;

-- a trigger under a known name: refused
DROP TRIGGER datoms_refuse_replace;
CREATE TRIGGER datoms_refuse_replace BEFORE INSERT ON datoms BEGIN DELETE FROM txs; END;

-- a trigger that is missing: refused
DROP TRIGGER datoms_refuse_delete;

-- a generated column: refused
ALTER TABLE datoms ADD COLUMN canary TEXT AS (hex(zeroblob(10))) VIRTUAL;

-- a generated column in the list of transactions: refused
ALTER TABLE txs ADD COLUMN canary TEXT AS (random()) VIRTUAL;

-- an index on an expression: refused
CREATE INDEX canary ON datoms (abs(e));

-- a partial index whose condition calls a function: refused
CREATE INDEX canary ON datoms (e) WHERE length(hex(v)) > 3;

-- an index with an expression under a known name: refused
DROP INDEX state_keys;
CREATE INDEX state_keys ON datoms (lower(v)) WHERE a = 1;

-- an index hidden behind the name of statistics: refused
CREATE INDEX canary ON datoms (abs(e));
UPDATE sqlite_schema SET tbl_name = 'sqlite_stat1' WHERE name = 'canary';

-- a view hidden behind the name of statistics: refused
CREATE VIEW canary AS SELECT load_extension('./canary.so');
UPDATE sqlite_schema SET tbl_name = 'sqlite_stat4' WHERE name = 'canary';

-- a table that says it is statistics: refused
CREATE TABLE canary (x);
UPDATE sqlite_schema SET name = 'sqlite_stat1', tbl_name = 'sqlite_stat1', sql = 'CREATE TABLE sqlite_stat1(tbl,idx,stat CHECK (load_extension(''./canary.so'')))' WHERE name = 'canary';

-- a table that says it is of the program that replicates: refused
CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER DEFAULT (random()));

-- a trigger on a table of the program that replicates: refused
CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER);
CREATE TRIGGER _litestream_seq AFTER INSERT ON _litestream_seq BEGIN DELETE FROM datoms; END;

-- an object of no table: refused
CREATE VIEW canary AS SELECT 1;
UPDATE sqlite_schema SET tbl_name = NULL WHERE name = 'canary';

-- a name that is no text: refused
CREATE VIEW canary AS SELECT 1;
UPDATE sqlite_schema SET name = x'ff00' WHERE name = 'canary';

-- an object of no kind: refused
CREATE VIEW canary AS SELECT 1;
UPDATE sqlite_schema SET type = 'demon' WHERE name = 'canary';

-- a schema that does not parse: refused
UPDATE sqlite_schema SET sql = 'CREATE TABLE datoms (' WHERE name = 'datoms';

-- a schema that says more than it did: refused
UPDATE sqlite_schema SET sql = sql || ' -- and more' WHERE name = 'txs';

-- a table without its rules: refused
UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name = 'datoms';

-- a table with a check: refused
UPDATE sqlite_schema SET sql = replace(sql, 'added INTEGER NOT NULL', 'added INTEGER NOT NULL CHECK (load_extension(''./canary.so''))') WHERE name = 'datoms';

-- a table with a default: refused
UPDATE sqlite_schema SET sql = replace(sql, 'm     INTEGER NOT NULL', 'm     INTEGER NOT NULL DEFAULT (load_extension(''./canary.so''))') WHERE name = 'datoms';

-- a foreign table: refused
CREATE VIRTUAL TABLE canary USING fts5 (x);
INSERT INTO canary VALUES ('text');

-- a table of a module that is not there: refused
UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE words USING canary(x)' WHERE name = 'words';

-- words of another tokenizer: refused
UPDATE sqlite_schema SET sql = replace(sql, 'ascii', 'unicode61 tokenchars ''x''') WHERE name = 'words';

-- words that are somebody's text: refused
UPDATE sqlite_schema SET sql = replace(sql, 'content = ''''', 'content = ''datoms''') WHERE name = 'words';

-- a sequence: refused
CREATE TABLE canary (x INTEGER PRIMARY KEY AUTOINCREMENT);

-- two of one name: refused
INSERT INTO sqlite_schema SELECT * FROM sqlite_schema WHERE name = 'facts';

-- another's pages: named
UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'txs') WHERE name = 'avet';

-- the log in the place of its index: named
UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'datoms') WHERE name = 'state_keys';

-- pages that are not there: named
UPDATE sqlite_schema SET rootpage = 1000000 WHERE name = 'datoms';

-- a page of the schema: named
UPDATE sqlite_schema SET rootpage = 1 WHERE name = 'entities';

-- a newer format: refused
PRAGMA user_version = 2147483647;

-- an older format than it is: refused
PRAGMA user_version = 2;

-- a format below any: refused
PRAGMA user_version = -1;

-- no format: refused
PRAGMA user_version = 0;

-- another program's: refused
PRAGMA application_id = 1;

-- nothing at all: refused
DELETE FROM sqlite_schema;

-- no transactions: named
DELETE FROM txs;

-- no facts: named
DELETE FROM datoms;

-- neither: named
DELETE FROM datoms;
DELETE FROM txs;
DELETE FROM entities;
DELETE FROM avet;

-- a transaction from the end of time: named
INSERT INTO txs VALUES (9223372036854775807, 9223372036854775807, 9223372036854775807, 9223372036854775807, zeroblob(32));

-- a transaction before all: named
INSERT INTO txs VALUES (-9223372036854775808, -9223372036854775808, -1, -1, zeroblob(32));

-- all in the last transaction: named
UPDATE txs SET t = 9223372036854775807 WHERE t = (SELECT max(t) FROM txs);
UPDATE datoms SET t = 9223372036854775807 WHERE t = (SELECT max(t) FROM datoms);

-- a gap of transactions: named
UPDATE txs SET t = t + 4000000000000 WHERE t = (SELECT max(t) FROM txs);

-- counts that lie: named
UPDATE txs SET datoms = 9223372036854775807, last = 9223372036854775807;

-- counts below nothing: named
UPDATE txs SET datoms = -9223372036854775808, last = -1;

-- instants beyond any calendar: named
UPDATE txs SET instant = 9223372036854775807;
UPDATE datoms SET v = 9223372036854775807 WHERE type = 7;

-- instants before any calendar: named
UPDATE txs SET instant = -9223372036854775808;
UPDATE datoms SET v = -9223372036854775808 WHERE type = 7;

-- a hash that is too short: named
UPDATE txs SET hash = x'00';

-- a hash of a megabyte: named
UPDATE txs SET hash = zeroblob(1000000);

-- entities below nothing: named
UPDATE datoms SET e = -e;
UPDATE entities SET e = -e;

-- entities at the end: named
UPDATE datoms SET e = 9223372036854775807;
UPDATE OR REPLACE entities SET e = 9223372036854775807;

-- attributes that are not there: named
UPDATE datoms SET a = 9223372036854775807 WHERE id > 100;

-- attributes below nothing: named
UPDATE datoms SET a = -1 WHERE id > 100;

-- types that are not there: named
UPDATE datoms SET type = 200;

-- types that are others: named
UPDATE datoms SET type = (type % 14) + 1;

-- texts that are bytes: named
UPDATE datoms SET v = CAST(v AS BLOB) WHERE type = 11;

-- texts that are no text: named
UPDATE datoms SET v = CAST(x'80ff00fe' AS TEXT) WHERE type = 11;

-- keywords without a colon: named
UPDATE datoms SET v = 'x' WHERE type = 9;

-- keywords of nothing: named
UPDATE datoms SET v = ':' WHERE type = 9;

-- a keyword of a megabyte: named
UPDATE datoms SET v = ':' || hex(zeroblob(500000)) WHERE type = 9 AND id > 150;

-- numbers of a megabyte: named
UPDATE datoms SET type = 4, v = '1' || hex(zeroblob(500000)) WHERE type = 3;

-- fractions of a great scale: named
UPDATE datoms SET type = 6, v = '1E-2147483648' WHERE type = 3;

-- tuples that are deep: named
UPDATE datoms SET type = 14, v = replace(hex(zeroblob(100000)), '0', '[') WHERE type = 11;

-- tuples of tuples: named
UPDATE datoms SET type = 14, v = '[' || replace(hex(zeroblob(50000)), '00', '1 ') || ']' WHERE type = 11;

-- references to the end: named
UPDATE datoms SET v = 9223372036854775807 WHERE type = 1;

-- references to themselves: named
UPDATE datoms SET v = e WHERE type = 1;

-- metadata without end: named
UPDATE datoms SET m = e;

-- every name is one name: named
UPDATE datoms SET v = ':x/y' WHERE a = 4294967297;

-- a sequence that ends: named
UPDATE datoms SET v = 9223372036854775807 WHERE a = (SELECT e FROM idents WHERE ident = ':log/seq');

-- neither added nor retracted: named
UPDATE datoms SET added = 7;

-- everything retracted: named
UPDATE datoms SET added = 0;

-- entities lead elsewhere: named
UPDATE OR REPLACE entities SET id = 1, n = 1 WHERE e > 4294967400;

-- entities lead without end: named
UPDATE entities SET n = 9223372036854775807;

-- entities lead nowhere: named
DELETE FROM entities;

-- values lead elsewhere: named
UPDATE OR REPLACE avet SET id = 1;

-- values lead nowhere: named
DELETE FROM avet;

-- words lead elsewhere: named
UPDATE words_data SET block = x'00' WHERE id > 10;

-- words of random bytes: named
UPDATE words_data SET block = randomblob(length(block)) WHERE id > 10;

-- words of nothing: named
UPDATE words_data SET block = x'';

-- words of a great structure: named
UPDATE words_data SET block = x'00000000ffffffffff0fffffffff0fffffffff0f01' WHERE id = 10;

-- words whose settings are absurd: named
UPDATE words_config SET v = 9223372036854775807;

-- words whose settings name a function: named
INSERT OR REPLACE INTO words_config VALUES ('rank', 'load_extension(''./canary.so'')'), ('pgsz', -1), ('automerge', 'x'), ('version', 3);
