//! What is given bytes: every reader of texts and files. A target returns, whatever it is given; what it returns is either an error, or
//! something that can be written and read again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use annals::query::{Budget, edn, engine, parse};
use annals::redact::{LineRedactor, Redactor, open_secret};
use annals::store::{Access, Store};
use annals::{Connection, Input, Lens, Options, Tuning, exchange, verify_columns};

/// Files and a store that targets work on.
pub(crate) struct Ground {
    folder: tempfile::TempDir,
    connection: Connection,
    /// A store as a file, and the files of its columns.
    store: Vec<u8>,
    segments: Vec<(PathBuf, Vec<u8>)>,
    imports: usize,
    target: Option<Connection>,
}

/// Imports into one store before it is made anew.
const IMPORTS_A_STORE: usize = 200;

/// The budget of one question.
fn budget() -> Budget {
    Budget::default().with_timeout(Duration::from_millis(100)).with_limit_rows(100_000).with_limit_bytes(64 << 20)
}

fn tuning() -> Tuning {
    Tuning {
        eager_datoms: 0,
        point_reads: 0,
        point_share: 1_000_000,
        disk_datoms: 0,
        disk_tail_datoms: 0,
        disk_block_rows: 16,
        ..Tuning::default()
    }
}

/// Processor time of this thread.
pub(crate) fn worked() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(told.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or(0))
}

impl Ground {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("annals.db");
        let connection = Connection::open(&path).expect("a store");
        for text in [
            "[{:db/ident :p/name :db/unique :db.unique/identity} {:db/ident :p/text :db/fulltext true}]",
            "[{:p/name \"Ada\" :p/age 36 :p/text \"analytical engine\" :p/tags #{:a :b}} {:p/name \"Alan\" :p/age 41.5 :p/at #inst \"2026-01-02\"}]",
            "[{:p/name \"Grace\" :p/age 85N :p/friend [:p/name \"Ada\"] :p/raw #bytes \"00ff\" :p/pair [1 \"x\"]}]",
        ] {
            connection.transact(text).expect("it is taken");
        }
        let filled = folder.path().join("filled.db");
        let other = Connection::open_with(&filled, Options { tuning: tuning(), ..Options::default() }).expect("a store");
        for n in 0..40 {
            other
                .transact(&format!("[{{:n/n {n} :n/text \"text {n}\" :n/half {n}.5}} [:db/add \"x\" :n/key :k{}]]", n % 7))
                .expect("it is taken");
        }
        other.db().and_then(|db| db.q("[:find ?e ?n ?t :where [?e :n/n ?n] [?e :n/text ?t]]", &[])).expect("an answer");
        drop(other);
        let store = std::fs::read(&filled).expect("the store's file");
        let segments = std::fs::read_dir(folder.path().join("filled.db-columns")).map_or_else(
            |_| Vec::new(),
            |found| {
                let paths = found.map(|entry| entry.expect("an entry").path());
                paths
                    .filter(|path| path.extension().is_some_and(|end| end == "columns"))
                    .map(|path| (path.clone(), std::fs::read(path).expect("a segment")))
                    .collect()
            },
        );
        Self { folder, connection, store, segments, imports: 0, target: None }
    }

    fn target(&mut self) -> Connection {
        if self.imports.is_multiple_of(IMPORTS_A_STORE) {
            self.target = None;
            let path = self.folder.path().join(format!("target-{}.db", self.imports / IMPORTS_A_STORE));
            self.target = Some(Connection::open(path).expect("a store"));
        }
        self.imports += 1;
        self.target.clone().expect("it was made with the first import")
    }
}

/// A target: its name, and what it does with bytes.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&mut Ground, &[u8]),
    /// Texts that it is made to read, to begin with.
    pub(crate) seeds: &'static [&'static str],
}

pub(crate) const TARGETS: [Target; 9] = [
    Target {
        name: "edn",
        run: edn_text,
        seeds: &[
            "{:a [1 2.5 3N 4.5M #{:x \"y\\n\\u00e4\"} nil true \\a] :b #inst \"2026-01-02T03:04:05Z\"}",
            "#uuid \"00000000-0000-0000-0000-00000000000a\" ; c\n#_(x) ##Inf #bytes \"00ff\" #db/id 5",
        ],
    },
    Target {
        name: "query",
        run: query,
        seeds: &[
            "[:find ?n (count ?e) :in $ ?x :where [?e :p/name ?n] (or [?e :p/age ?a] (not [?e :p/tags :a])) [(< ?a 50)] [(str ?n \"x\") ?s] :order-by [?n :desc] :limit 5]",
            "[:find (pull ?e [* {:p/friend 3}]) . :where [?e :p/name \"Ada\"] [(re-find \"A(d|l)+a?\" \"Ada\") ?m] [(fulltext $ :p/text \"engine\") [[?e ?t]]]]",
            "{:find [?x] :in [$ %] :where [(r ?x)] :timeout 50 :having [(> (count ?x) 1)]}",
        ],
    },
    Target {
        name: "rules",
        run: rules,
        seeds: &[
            "[[(r ?x) [?x :p/friend ?y]] [(r ?x) [?x :p/friend ?z] (r ?z)]]",
            "{:lens/rename {:q/n :p/name} :lens/coerce {:p/age :string} :lens/default {:p/name {:p/x 1}}}",
        ],
    },
    Target {
        name: "transact",
        run: transact,
        seeds: &[
            "[{:db/id \"a\" :p/name \"Eve\" :p/friend {:p/name \"Bob\"} :p/_friend [:p/name \"Ada\"]} [:db/cas [:p/name \"Ada\"] :p/age 36 37] [:db/retract [:p/name \"Alan\"] :p/age]]",
            "[[:db/add \"datomic.tx\" :p/why #{1 2}] [:db/retractEntity [:p/name \"Ada\"]] {:db/ident :p/t :db/tupleAttrs [:p/name :p/age]}]",
        ],
    },
    Target {
        name: "import",
        run: import,
        seeds: &[
            ";; annals datoms 1\n{:t 2, :instant #inst \"2026-11-20T10:00:00Z\", :datoms [[2 4294967313 #inst \"2026-11-20T10:00:00Z\" 0 true] [8589934593 4294967412 \"x\" 0 true]]}\n",
            "{\"t\":2,\"instant\":\"2026-11-20T10:00:00Z\",\"datoms\":[{\"e\":2,\"a\":4294967313,\"type\":\"instant\",\"v\":\"2026-11-20T10:00:00Z\",\"m\":0,\"added\":true}]}\n",
            "{\":p/name\":\"Ada\",\"p/tags\":[1,2.5,{\"p/x\":null}]}\n{\"db/id\":\"a\"}\n",
            "[{:p/name \"Ada\"}]",
        ],
    },
    Target {
        name: "value",
        run: value,
        seeds: &[
            "{\"a\":{\"b\":[1,2,{\"c\":\"\\u0041\"}]}}",
            "P1DT2H",
            "2026-01-02T03:04:05.678Z",
            "(a|b)*c{2,5}[^x]\\d+",
            "%a_b%",
        ],
    },
    Target {
        name: "redact",
        run: redact,
        seeds: &[
            "{\"msg\":\"{\\\"password\\\":\\\"hunter2\\\"}\"} Authorization: Bearer abcdefgh12345678 https://a:b@c",
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEabcdefghijklmnopqrstuvwx\n-----END RSA PRIVATE KEY-----",
            "curl -u a:b --token x ghp_0123456789abcdefghijABCDEFGHIJ012345 \u{1B}[1mkey\u{1B}[0m=AKIAABCDEFGHIJKLMNOP",
        ],
    },
    Target { name: "store", run: store, seeds: &[] },
    Target { name: "columns", run: columns, seeds: &[] },
];

fn edn_text(_: &mut Ground, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(value) = edn::read(&text) {
        let written = value.to_string();
        let again = edn::read(&written).unwrap_or_else(|error| panic!("{written:?} cannot be read again: {error}"));
        assert_eq!(again.to_string(), written, "{text:?}");
    }
    let _ = edn::read_form(&text);
}

fn query(ground: &mut Ground, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let db = ground.connection.db().expect("a view");
    for inputs in [vec![], vec![Input::from(1)]] {
        if let Ok(answer) = db.q_within(&text, &inputs, engine::Options::default(), &budget()) {
            let _ = answer.to_edn();
        }
    }
    let _ = parse::query(&text);
}

fn rules(ground: &mut Ground, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let db = ground.connection.db().expect("a view");
    let given = [Input::Value(text.as_ref().into())];
    let _ = db.q_within("[:find ?x :in $ % :where (r ?x)]", &given, engine::Options::default(), &budget());
    if let Ok(lens) = Lens::read(&text) {
        let seen = db.through(&lens);
        let _ = seen.q_within("[:find ?e ?a ?v :where [?e ?a ?v]]", &[], engine::Options::default(), &budget());
    }
    let _ = db.pull(&text, annals::EntityRef::Id(8_589_934_593));
}

fn transact(ground: &mut Ground, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let _ = ground.connection.db().expect("a view").with(&text);
    let _ = annals::transact::TxData::read_many(&text);
}

fn import(ground: &mut Ground, bytes: &[u8]) {
    let target = ground.target();
    let _ = exchange::import(&target, &mut &*bytes);
    target.db().expect("the store is as good as before");
}

/// A text as the argument of every function that reads one.
fn value(ground: &mut Ground, bytes: &[u8]) {
    let text: annals::Value = String::from_utf8_lossy(bytes).as_ref().into();
    let db = ground.connection.db().expect("a view");
    for call in [
        "(json ?t [:a \"b\" 0])",
        "(edn ?t)",
        "(re-find ?t \"abcaabbccddee\")",
        "(re-seq ?t \"aaaa\")",
        "(like \"abcabc\" ?t)",
        "(parse-inst ?t)",
        "(parse-double ?t)",
        "(parse-long ?t)",
        "(parse-uuid ?t)",
        "(duration ?t)",
        "(split ?t \",\")",
        "(upper-case ?t)",
        "(keyword ?t)",
    ] {
        let question = format!("[:find ?v :in $ ?t :where [{call} ?v]]");
        let _ = db.q_within(&question, &[Input::Value(text.clone())], engine::Options::default(), &budget());
    }
    let search = "[:find ?e :in $ ?t :where [(fulltext $ :p/text ?t) [[?e]]]]";
    let _ = db.q_within(search, &[Input::Value(text)], engine::Options::default(), &budget());
}

fn redact(_: &mut Ground, bytes: &[u8]) {
    let redactor = Redactor::new([7; 32]);
    let mut lines = LineRedactor::new(redactor.clone());
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let is_text = std::str::from_utf8(line).is_ok();
        let redacted = lines.line(line, at % 7 == 6);
        assert!(!is_text || std::str::from_utf8(&redacted).is_ok(), "text stays text: {redacted:?}");
        assert!(open_secret(line) <= line.len());
    }
    let words: Vec<String> = String::from_utf8_lossy(bytes).split(' ').map(str::to_owned).collect();
    let _ = redactor.command(&words);
}

/// The bytes say which places of a store's file change, and to what.
fn changed(whole: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut changed = whole.to_vec();
    for change in bytes.chunks(4).take(16).filter(|_| !whole.is_empty()) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|at| change.get(at).copied().unwrap_or(0));
        let at = (usize::from(a) << 8 | usize::from(b)) * 7 % changed.len();
        match c % 5 {
            0 => changed[at] = d,
            1 => changed[at] ^= 1 << (d % 8),
            2 => changed.truncate(at.max(1)),
            3 => {
                let end = (at + usize::from(d)).min(changed.len());
                changed[at..end].fill(0);
            }
            _ => {
                let from = usize::from(d) * 31 % changed.len();
                let length = 32.min(changed.len() - at.max(from));
                changed.copy_within(from..from + length, at);
            }
        }
    }
    changed
}

fn ask_all(path: &Path) {
    let Ok(connection) = Connection::open_read_only(path) else { return };
    let Ok(db) = connection.db() else { return };
    let _ = db.q_within("[:find ?e ?n ?t :where [?e :n/n ?n] [?e :n/text ?t]]", &[], engine::Options::default(), &budget());
    let _ = db.history().q_within("[:find ?e ?a ?v ?t :where [?e ?a ?v ?t]]", &[], engine::Options::default(), &budget());
    let _ = db.tx_range(..);
    let _ = annals::contract::runs(&db, &annals::contract::RunFilter::default());
}

fn store(ground: &mut Ground, bytes: &[u8]) {
    let path = ground.folder.path().join("changed.db");
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(ground.folder.path().join(format!("changed.db{end}")));
    }
    std::fs::write(&path, changed(&ground.store, bytes)).expect("a file");
    let _ = Store::verify_file(&path);
    if let Ok(store) = Store::open(&path, Access::ReadOnly) {
        let _ = store.verify();
    }
    ask_all(&path);
}

fn columns(ground: &mut Ground, bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let path = ground.folder.path().join("filled.db");
    assert!(!ground.segments.is_empty(), "columns were written");
    let (file, whole) = &ground.segments[usize::from(*first) % ground.segments.len()];
    std::fs::write(file, changed(whole, rest)).expect("a file");
    if let Ok(store) = Store::open(&path, Access::ReadOnly) {
        let _ = verify_columns(&store);
    }
    let expected = 40;
    let connection =
        Connection::open_with(&path, Options { tuning: tuning(), ..Options::default() }).expect("the store itself is whole");
    let answer = connection.db().and_then(|db| db.q("[:find (count ?e) . :where [?e :n/n _]]", &[])).expect("an answer");
    assert_eq!(answer.to_edn(), expected.to_string(), "damaged columns change no answer");
    drop(connection);
    for (file, whole) in &ground.segments {
        std::fs::write(file, whole).expect("a file");
    }
}
