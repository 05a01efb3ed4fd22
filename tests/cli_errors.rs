//! An error is a sentence, a place, a remedy and an exit code. Attacked with what a newcomer gets wrong: things that are not
//! there, texts of one endless line, files of another kind, streams from elsewhere.

#[path = "common/place.rs"]
mod place;

use place::{Place, Ran};

#[track_caller]
fn error_of(ran: &Ran) -> serde_json::Value {
    let told: serde_json::Value = serde_json::from_str(ran.err.trim()).expect("one JSON object on standard error");
    told["error"].clone()
}

#[test]
fn what_is_not_there_is_not_found() {
    let place = Place::with_people();
    let check = |arguments: &[&str], parts: &[&str]| drop(place.run(arguments).fails(3, parts));
    check(&["tx", "99"], &["there is no transaction 99", "1 to 2", "annals tx"]);
    check(&["tx", "0"], &["there is no transaction 0"]);
    check(&["tx", "-1"], &["there is no transaction -1"]);
    check(&["tx", "2", "--as-of", "1"], &["there is no transaction 2"]);
    check(&["entity", "999999"], &["nothing was said of 999999"]);
    check(&["entity", "-5"], &["nothing was said of -5"]);
    check(&["entity", "8589934593", "--as-of", "1"], &["nothing was said of 8589934593", "--as-of"]);
    check(&["history", "999999"], &["nothing was said of 999999"]);
    place.run_with(&["transact"], "[[:db/retractEntity 8589934593]]").succeeds();
    check(&["entity", "8589934593"], &["nothing holds of 8589934593 any more", "annals history 8589934593"]);
    place.run(&["history", "8589934593"]).succeeds();
    check(&["entity", "8589934593", "--as-of", "1"], &["nothing was said of 8589934593"]);
    check(&["runs", "--as-of", "-1"], &["numbered from 1"]);
    check(&["transact", "nosuch.edn"], &["there is no file nosuch.edn", "standard input"]);
    check(&["transact", "[{:a/b 1}]"], &["there is no file [{:a/b 1}]", "a file is named here"]);
    check(&["import", "nosuch.edn"], &["there is no file nosuch.edn"]);
    check(&["q", "@nosuch.edn"], &["there is no file nosuch.edn"]);
    place.run(&["transact", "."]).fails(2, &["is a folder", "name a file"]);
    place.run(&["import", "."]).fails(2, &["is a folder"]);
}

#[test]
fn a_usage_error_in_json_says_all_of_it() {
    let place = Place::new();
    let check = |arguments: &[&str], parts: &[&str]| {
        let error = error_of(&place.run(arguments).fails(2, &[]));
        assert_eq!(error["code"], "cli/usage");
        let message = error["message"].as_str().expect("a sentence");
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    };
    check(&["--format", "json", "q"], &["<QUERY>"]);
    check(&["--format", "jsonl", "state", "put", "a"], &["<KEY>", "<VALUE>"]);
    check(&["--format=json", "logs", "--nope"], &["--nope"]);
}

#[test]
fn a_place_in_an_endless_line_is_shown_with_its_surroundings_only() {
    let place = Place::with_people();
    let filler = "{:name \"x\"} ".repeat(10_000);
    let ran = place.run_with(&["transact"], &format!("[{filler}{{:née }} {filler}]")).fails(1, &["even number of forms"]);
    assert!(ran.err.len() < 2_000, "{} bytes", ran.err.len());
    assert!(ran.err.contains("standard input:1:120003") && ran.err.contains(":née"), "{}", ran.err);
    let ran = place.run_with(&["transact"], "[{:name \"x\"}\n {:née \"é\" :b }\n {:c 1}]").fails(1, &["standard input:2:12"]);
    assert!(ran.err.contains(" 1 │ [{:name") && ran.err.contains(" 3 │  {:c 1}]"), "{}", ran.err);
    let open = place.run_with(&["transact"], &format!("[{}", "{:name\n\"x\"}\n".repeat(10_000))).fails(1, &["never closed"]);
    assert!(open.err.lines().count() < 60, "{}", open.err);
}

#[test]
fn a_transaction_that_fails_leaves_those_before_it_and_names_its_line() {
    let place = Place::with_people();
    let text = "\u{feff}[{:name \"one\"}] ; first\r\n[[:db/add \"x\" :name \"p\"]\r\n [:db/add \"x\" :name \"q\"]]\r\n[{:name \"three\"}]\r\n";
    std::fs::write(place.path().join("three.edn"), text).expect("a file");
    place.run(&["transact", "three.edn"]).fails(4, &["three.edn:3:2"]).prints_one_line_with("\"t\":3");
    place.run(&["q", "[:find (count ?n) . :where [_ :name ?n]]"]).prints("4\n");
}

#[test]
fn a_place_in_json_says_in_which_text_it_lies() {
    let place = Place::with_people();
    std::fs::write(place.path().join("rules.edn"), "[[(old ?e)\n  [?e :age ?a] [(> ?b 40)]]]").expect("a file");
    std::fs::write(place.path().join("query.edn"), "[:find ?n :where [?e :name ?m]]").expect("a file");
    let check = |arguments: &[&str], text: &str, line: u64| {
        let error = error_of(&place.run(&[&["--format", "json"], arguments].concat()));
        assert_eq!((&error["text"], &error["line"]), (&text.into(), &line.into()), "{error}");
    };
    check(&["q", "[:find ?n :where [?e :name ?m]]"], "query", 1);
    check(&["q", "@query.edn"], "query.edn", 1);
    check(&["q", "[:find ?e :in $ % :where (old ?e)]", "--rules", "rules.edn"], "rules.edn", 2);
    check(&["q", "[:find ?e :in $ ?a ?b :where [?e :age ?a] [?e :age ?b]]", "1", "[2"], "input 2", 1);
    check(&["pull", "[:name", "1"], "pattern", 1);
    let error = error_of(&place.run(&["tx", "99", "--format", "json"]));
    assert!(error["text"].is_null() && error["line"].is_null(), "{error}");
}

#[test]
fn an_unknown_run_in_the_environment_is_told_unless_another_store_is_named() {
    let place = Place::with_people();
    let put = |more: &[&str], run: &str| {
        let mut command = place.command(&[more, &["state", "put", "app", "k", "v"]].concat());
        Ran::from(command.env("ANNALS_RUN", run).output().expect("it runs")).succeeds()
    };
    let told = put(&[], "nosuch");
    assert!(told.err.contains("ANNALS_RUN names the run nosuch") && told.err.contains("help: "), "{}", told.err);
    assert_eq!(put(&["--db", ".annals/annals.db"], "nosuch").err, "");
    assert_eq!(put(&[], "").err, "");
    let id = place.run(&["start"]).succeeds().out.trim().trim_matches('"').to_owned();
    assert_eq!(put(&[], &id).err, "");
}

#[test]
fn of_several_who_make_a_store_at_once_one_made_it() {
    for round in 0..5 {
        let place = Place::new();
        let children = (0..6).map(|_| place.command(&["init"]).spawn().expect("it runs")).collect::<Vec<_>>();
        let told = children.into_iter().map(|child| Ran::from(child.wait_with_output().expect("it ends")).succeeds().err);
        let told = told.collect::<Vec<_>>();
        let count = |what: &str| told.iter().filter(|line| line.starts_with(what)).count();
        assert_eq!((count("made: "), count("is already there: ")), (1, 5), "round {round}: {told:?}");
    }
}

#[test]
fn an_import_an_export_and_a_verification_that_are_interrupted_leave_nothing_half_done() {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    let line = |n: usize| format!("{{\"line/number\":{n},\"line/text\":\"the text of line {n}\"}}");
    let lines = (0..60_000).map(line).collect::<Vec<_>>().join("\n");
    std::fs::write(place.path().join("lines.jsonl"), &lines).expect("a file");
    let mut interrupted = 0;
    for (at, arguments) in
        [&["import", "lines.jsonl"][..], &["import", "lines.jsonl"], &["import", "lines.jsonl"], &["export"], &["verify"]]
            .into_iter()
            .enumerate()
    {
        let mut command = place.command(arguments);
        let mut child = command.stdout(std::process::Stdio::null()).spawn().expect("it runs");
        std::thread::sleep(std::time::Duration::from_millis(100 + 200 * at as u64));
        let pid = rustix::process::Pid::from_child(&child);
        // It may have ended already. What Ctrl-C sends would be ignored by all that a shell had started in the background, these tests too; to a
        // command without a handler this is the same.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let asked = std::time::Instant::now();
        let status = child.wait().expect("it ends");
        interrupted += usize::from(!status.success());
        assert!(asked.elapsed() < std::time::Duration::from_secs(5) || status.success(), "{arguments:?} goes on");
        place.run(&["verify"]).succeeds();
        let whole = "[:find (count ?e) . :where [?e :line/number] (not [?e :line/text])]";
        place.run(&["q", whole]).prints("null\n");
    }
    assert!(interrupted > 0, "none was interrupted while it worked");
    place.run(&["import", "lines.jsonl"]).succeeds();
    place.run(&["verify"]).succeeds();
}

#[test]
fn an_import_names_the_file_the_place_and_what_is_wrong() {
    let place = Place::with_people();
    std::fs::write(place.path().join("in.edn"), "[{:name \"x\"}]\n garbage\n").expect("a file");
    place.run(&["import", "in.edn"]).fails(1, &["in.edn:2:2: ", "garbage"]);
    std::fs::write(place.path().join("in.jsonl"), "{\"a/b\":1}\n[1]\n").expect("a file");
    place.run(&["import", "in.jsonl"]).fails(1, &["in.jsonl: line 2: "]);
    place
        .run_with(&["import", "-"], ";; annals datoms 2\n{}\n")
        .fails(1, &["standard input", "annals datoms 2", "newer version"]);
}

#[test]
fn a_demo_without_cargo_says_so_and_writes_nothing() {
    let place = Place::new();
    let ran = place.command(&["demo"]).env("CARGO", "/nonexistent/cargo").env("TMPDIR", place.path()).output().expect("it runs");
    Ran::from(ran).fails(3, &["/nonexistent/cargo does not run", "rustup.rs", "annals run -- CMD"]);
    assert_eq!(std::fs::read_dir(place.path()).expect("a folder").count(), 0);
}

#[test]
fn what_was_given_is_not_told_by_the_megabyte_nor_does_it_move_the_cursor() {
    let place = Place::with_people();
    place.run_with(&["transact"], "[{:db/ident :size :db/valueType :db.type/long}]").succeeds();
    for format in ["table", "json"] {
        let large = format!("[{{:size \"{}\"}}]", "x".repeat(1 << 20));
        let ran = place.run_with(&["--format", format, "transact"], &large);
        assert!(ran.err.len() < 4_000 && ran.err.contains("holds values of type long"), "{} bytes", ran.err.len());
        assert!(ran.err.replace("\n  │ ", "").contains("characters)"), "{}", ran.err);
    }
    for arguments in [&["state", "get", "\u{1b}]0;x\u{7}", "k"][..], &["q", "[:find ?e :where [?e \u{1b}[31m:a]"]] {
        let ran = place.run(arguments);
        assert!(ran.code != 0 && !ran.err.contains(['\u{1b}', '\u{7}']), "{:?}", ran.err);
    }
}
