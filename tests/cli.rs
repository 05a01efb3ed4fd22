//! The command line is a promise to scripts: names, exit codes and output stay. Every command is run as a program in a folder
//! of its own, and its standard output, its errors and its exit code are compared.

#[path = "common/place.rs"]
mod place;

use std::process::Stdio;

use place::{Place, Ran};

const NAMES_AND_AGES: &str = "[:find ?n ?a :where [?e :name ?n] [?e :age ?a] :order-by ?n]";

#[test]
fn a_relation_is_printed_in_every_format() {
    let place = Place::with_people();
    let check = |format: &str, expected: &str| {
        place.run(&["q", NAMES_AND_AGES, "--format", format]).prints(expected);
        place.run(&["--format", format, "q", NAMES_AND_AGES]).prints(expected);
    };
    check("edn", "[[\"Ada\" 36]\n [\"Alan\" 41]\n [\"Grace\" 85]]\n");
    check("json", "[[\"Ada\",36],\n [\"Alan\",41],\n [\"Grace\",85]]\n");
    check("jsonl", "[\"Ada\",36]\n[\"Alan\",41]\n[\"Grace\",85]\n");
    check("csv", "?n,?a\nAda,36\nAlan,41\nGrace,85\n");
    check("markdown", "| ?n | ?a |\n| --- | --- |\n| Ada | 36 |\n| Alan | 41 |\n| Grace | 85 |\n");
    place.run(&["q", NAMES_AND_AGES]).prints("[\"Ada\",36]\n[\"Alan\",41]\n[\"Grace\",85]\n");
    let table = place.run(&["q", NAMES_AND_AGES, "--format", "table"]).succeeds().out;
    assert!(table.contains("│ ?n") && table.contains("│ Grace ┆ 85 │"), "{table}");
}

#[test]
fn a_cell_is_one_place_of_its_row_whatever_it_holds() {
    let place = Place::with_people();
    place.run_with(&["transact"], r#"[{:text "a|b\nc,\"d\" \u001b[31mred\u001b[0m\tend\u0007"}]"#).succeeds();
    let text = "[:find ?text :where [_ :text ?text]]";
    place.run(&["q", text, "--format", "markdown"]).prints("| ?text |\n| --- |\n| a\\|b<br>c,\"d\" red    end\\u{7} |\n");
    place.run(&["q", text, "--format", "csv"]).prints("?text\n\"a|b\nc,\"\"d\"\" \u{1b}[31mred\u{1b}[0m\tend\u{7}\"\n");
    let table = place.run(&["q", text, "--format", "table"]).succeeds().out;
    assert!(table.contains("│ a|b ") && table.contains("│ c,\"d\" red    end\\u{7} │"), "{table}");
}

#[test]
fn the_other_shapes_are_printed_as_promised() {
    let place = Place::with_people();
    let check = |query: &str, format: &str, expected: &str| {
        place.run(&["q", query, "--format", format]).prints(expected);
    };
    let keys = "[:find ?n ?a :keys name age :where [?e :name ?n] [?e :age ?a] :order-by ?n :limit 1]";
    check(keys, "edn", "[{:name \"Ada\", :age 36}]\n");
    check(keys, "json", "[{\"name\":\"Ada\",\"age\":36}]\n");
    check(keys, "jsonl", "{\"name\":\"Ada\",\"age\":36}\n");
    check(keys, "csv", "name,age\nAda,36\n");
    let scalar = "[:find (max ?a) . :where [_ :age ?a]]";
    check(scalar, "edn", "85\n");
    check(scalar, "json", "85\n");
    check(scalar, "jsonl", "85\n");
    check(scalar, "csv", "(max ?a)\n85\n");
    let nothing = "[:find ?a . :where [_ :age ?a] [(> ?a 100)]]";
    check(nothing, "edn", "nil\n");
    check(nothing, "json", "null\n");
    let collection = "[:find [?n ...] :where [_ :name ?n] :order-by ?n]";
    check(collection, "edn", "[\"Ada\" \"Alan\" \"Grace\"]\n");
    check(collection, "json", "[\"Ada\",\"Alan\",\"Grace\"]\n");
    check(collection, "csv", "?n\nAda\nAlan\nGrace\n");
    let tuple = "[:find [?n ?a] :where [?e :name ?n] [?e :age ?a] [?e :tags :chess]]";
    check(tuple, "edn", "[\"Alan\" 41]\n");
    check(tuple, "jsonl", "[\"Alan\",41]\n");
    check("[:find ?n :where [_ :name ?n] [_ :age 1000]]", "json", "[]\n");
    check("[:find ?n :where [_ :name ?n] [_ :age 1000]]", "edn", "[]\n");
    check("[:find ?n :where [_ :name ?n] [_ :age 1000]]", "jsonl", "");
}

#[test]
fn inputs_rules_and_files_reach_the_query() {
    let place = Place::with_people();
    place.run(&["q", "[:find ?n . :in $ ?a :where [?e :age ?a] [?e :name ?n]]", "41", "--format", "edn"]).prints("\"Alan\"\n");
    place
        .run(&[
            "q",
            "[:find [?n ...] :in $ [?a ...] :where [?e :age ?a] [?e :name ?n] :order-by ?n]",
            "[36 85]",
            "--format",
            "edn",
        ])
        .prints("[\"Ada\" \"Grace\"]\n");
    std::fs::write(place.path().join("rules.edn"), "[[(old ?e) [?e :age ?a] [(> ?a 40)]]]").expect("a file");
    std::fs::write(place.path().join("query.edn"), "[:find (count ?e) . :in $ % :where (old ?e)]").expect("a file");
    place.run(&["q", "@query.edn", "--rules", "rules.edn"]).prints("2\n");
    place.run(&["q", "[:find ?n :in $ ?a :where [?e :age ?a] [?e :name ?n]]"]).fails(2, &["no input is left"]);
    place.run(&["q", "[:find ?n :where [_ :name ?n]]", "41"]).fails(2, &["input 1 (41) has no place in :in"]);
}

#[test]
fn errors_have_a_place_a_remedy_and_a_code() {
    let place = Place::with_people();
    let wrong = "[:find ?n\n :where [?e :name ?m]]";
    place.run(&["q", wrong]).fails(1, &["query/unbound-variable", "?n", "help"]);
    let json = place.run(&["q", wrong, "--format", "json"]);
    let error: serde_json::Value = serde_json::from_str(json.err.trim()).expect("one JSON object");
    assert_eq!(error["error"]["code"], "query/unbound-variable");
    assert_eq!((&error["error"]["line"], &error["error"]["column"]), (&1.into(), &8.into()));
    assert!(error["error"]["help"].is_string());
    let syntax = place.run(&["q", "[:find ?n :where [", "--format=jsonl"]);
    let error: serde_json::Value = serde_json::from_str(syntax.err.trim()).expect("one JSON object");
    assert_eq!(error["error"]["code"], "edn/syntax");
    place.run(&["q", "[:find ?n :where [_ :nmae ?n]]"]).succeeds().fails(0, &["warning", ":nmae", ":name"]);
    place.run(&["q", "[:find ?n :where [_ :nmae ?n]]", "--strict"]).fails(1, &["query/unknown-attribute", ":name"]);
}

#[test]
fn exit_codes_tell_what_happened() {
    let empty = Place::new();
    empty.run(&["runs"]).fails(3, &["annals init", "annals run"]);
    empty.run(&["nonsense"]).fails(2, &["nonsense"]);
    empty.run(&["--format", "json", "nonsense"]).fails(2, &["\"cli/usage\""]);
    empty.run(&["q"]).fails(2, &[]);
    let place = Place::with_people();
    place.run(&["logs", "last"]).fails(3, &[]);
    place.run(&["show", "0199"]).fails(3, &[]);
    place.run(&["entity", "[:run/id \"x\"]"]).fails(3, &["[:run/id \"x\"]"]);
    place.run_with(&["transact"], "[[:db/add \"x\" :age 1] [:db/add \"x\" :age 2]]").fails(4, &["transaction/conflict"]);
    place.run_with(&["transact"], "[{:db/ident :age :db/valueType :db.type/string}]").fails(4, &["transaction/declaration"]);
    place.run_with(&["transact"], "[{:name ").fails(1, &["edn/syntax"]);
    place.run(&["q", "[:find ?a ?b ?c ?d :where [?a _] [?b _] [?c _] [?d _]]", "--max-rows", "1000"]).fails(6, &["1000"]);
    place
        .run(&["q", "[:find (count ?a) . :with ?b ?c ?d :where [?a _] [?b _] [?c _] [?d _]]", "--timeout", "50ms"])
        .fails(6, &[]);
    place.run_with(&["transact", "--as-of", "2"], "[{:name \"x\"}]").fails(2, &["--as-of"]);
    std::fs::write(place.path().join("text.db"), "this is no store, but it is long enough to be read").expect("a file");
    place.run(&["--db", "text.db", "runs"]).fails(5, &[]);
}

#[test]
fn a_transaction_prints_a_report_for_each() {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    let report = place.run_with(&["transact", "--format", "edn"], "[{:db/id \"x\" :name \"Ada\"}]").succeeds().out;
    assert_eq!(
        report, "{:t 2, :tempids {\"x\" 8589934593}, :datoms 4}\n",
        "an attribute's ident and cardinality, the name, the instant"
    );
    let two = place.run_with(&["transact", "--format", "jsonl"], "[{:name \"Alan\"}] [{:name \"Grace\"}]").succeeds().out;
    assert_eq!(two, "{\"t\":3,\"tempids\":{},\"datoms\":2}\n{\"t\":4,\"tempids\":{},\"datoms\":2}\n");
    let nothing = place.run_with(&["transact", "--format", "edn"], "[[:db/add 8589934593 :name \"Ada\"]]").succeeds().out;
    assert_eq!(nothing, "{:t nil, :tempids {}, :datoms 0}\n");
}

#[test]
fn every_reading_command_looks_back() {
    let place = Place::with_people();
    place.run_with(&["transact"], "[[:db/add [:db/ident :x] :db/doc \"y\"]]").fails(1, &[]);
    place.run_with(&["transact"], "[{:db/id 8589934593 :age 37}]").succeeds();
    let ages = "[:find [?a ...] :where [_ :age ?a] :order-by ?a]";
    place.run(&["q", ages]).prints("[37,41,85]\n");
    place.run(&["q", ages, "--as-of", "2"]).prints("[36,41,85]\n");
    place.run(&["--since", "2", "q", ages]).prints("[37]\n");
    place
        .run(&["q", "[:find ?a ?t ?added :where [8589934593 :age ?a ?t _ ?added] :order-by [?t ?added]]", "--history"])
        .prints("[36,2,true]\n[36,3,false]\n[37,3,true]\n");
    let then = place.run(&["entity", "8589934593", "--as-of", "2", "--format", "csv"]).succeeds().out;
    assert!(then.contains(":age,36,2,"), "{then}");
    let past = place.run(&["history", "8589934593", ":age", "--format", "csv"]).succeeds().out;
    assert_eq!(past.lines().count(), 4, "{past}");
    place.run(&["q", ages, "--as-of", "1h"]).prints("[]\n");
    place.run(&["q", ages, "--as-of", "2200-01-01T00:00:00Z"]).prints("[37,41,85]\n");
    for end in [
        "9999-12-31T23:59:59.999999Z",
        "+294247-01-10T04:00:54.775807Z",
        "2200-01-01T00:00:00",
        "2200-01",
        "2200-01-01 00:00:00Z",
    ] {
        place.run(&["q", ages, "--as-of", end]).prints("[37,41,85]\n");
        place.run(&["q", ages, "--since", end]).prints("[]\n");
    }
    place.run(&["q", ages, "--as-of=-290308-12-21T19:59:05.224192Z"]).prints("[]\n");
    place.run(&["q", ages, "--as-of", "yesterday"]).fails(2, &["yesterday", "10m"]);
}

#[test]
fn pull_schema_and_tx_show_what_is_there() {
    let place = Place::with_people();
    place
        .run(&["pull", "[:name {:friend [:name]}]", "8589934593", "--format", "json"])
        .prints("{\":friend\":{\":name\":\"Grace\"},\":name\":\"Ada\"}\n");
    let schema = place.run(&["schema", "--format", "jsonl"]).succeeds().out;
    let friend = schema.lines().find(|line| line.contains("\":friend\"")).expect("friend is in use");
    assert!(friend.contains("\"types\":\"ref\"") && friend.contains("\"facts\":1"), "{friend}");
    let transactions = place.run(&["tx", "--format", "csv"]).succeeds().out;
    assert_eq!(transactions.lines().count(), 3, "{transactions}");
    let one = place.run(&["tx", "2", "--format", "csv"]).succeeds().out;
    assert!(one.contains("8589934593,:name,Ada,2,,true"), "{one}");
    let plan = place.run(&["explain", NAMES_AND_AGES]).succeeds().out;
    assert!(plan.contains(":name") && plan.contains(":age"), "{plan}");
}

#[test]
fn runs_by_hand_are_recorded_and_shown() {
    let place = Place::new();
    let id = place.run(&["start", "--name", "by hand"]).succeeds().out.trim().to_owned();
    place.run(&["log", &id, "hello"]).prints("");
    place.run(&["log", "last", "--level", "error", "no more paper"]).prints("");
    place.run_with(&["log", &id[..13], "-"], "WARN one\ntwo\n").prints("");
    let lines = place.run(&["logs", "last", "--format", "csv"]).succeeds().out;
    let shown: Vec<String> = lines
        .lines()
        .skip(1)
        .map(|line| line.split(',').enumerate().filter(|(at, _)| *at != 1).map(|(_, cell)| cell).collect::<Vec<_>>().join(","))
        .collect();
    assert_eq!(shown, ["1,info,,hello", "2,error,,no more paper", "3,warn,,WARN one", "4,info,,two"]);
    place.run(&["logs", "last", "--level", "error"]).succeeds().prints_one_line_with("no more paper");
    place.run(&["logs", "last", "--grep", "^t.o$"]).succeeds().prints_one_line_with("two");
    place.run(&["logs", "last", "--tail", "1"]).succeeds().prints_one_line_with("two");
    place.run(&["logs", "last", "--grep", "("]).fails(2, &["regular expression"]);
    place.run(&["finish", "last", "--status", "succeeded"]).prints("");
    place.run(&["logs", "last", "--follow", "--tail", "1"]).succeeds().prints_one_line_with("two");
    place.run(&["logs", "last", "--follow", "--tail", "0"]).prints("");
    place.run(&["logs", "last", "--follow", "--since", "last@end"]).prints("");
    place.run(&["logs", "last", "--follow", "--since", "last@start", "--grep", "two"]).succeeds().prints_one_line_with("two");
    place.run(&["logs", "last", "--follow", "--as-of", "last@start"]).fails(2, &["no lines to come", "--as-of"]);
    place.run(&["runs", "--status", "succeeded"]).succeeds().prints_one_line_with(&id);
    place.run(&["runs", "--status", "failed"]).prints("");
    place.run(&["q", "[:find (count ?l) . :where [?l :log/message]]", "--as-of", "last@start"]).prints("null\n");
    place.run(&["q", "[:find (count ?l) . :where [?l :log/message]]", "--as-of", "last@end"]).prints("4\n");
    let shown = place.run(&["show", "last", "--format", "json"]).succeeds().out;
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("one JSON object");
    assert_eq!(shown["run"][":run/name"], "by hand");
    assert_eq!(shown["lines"].as_array().map(Vec::len), Some(4));
}

#[test]
fn edn_is_read_from_standard_input_as_from_a_word() {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    place.run_with(&["state", "put", "--edn", "agent", "attempts", "-"], "42\n").prints("");
    place.run_with(&["state", "put", "agent", "notes", "-"], "42").prints("");
    let values =
        place.run(&["q", "[:find ?k ?v :where [?e :state/key ?k] [?e :state/value ?v]]", "--format", "edn"]).succeeds().out;
    assert!(values.contains("[\"attempts\" 42]") && values.contains("[\"notes\" \"42\"]"), "{values}");
    place.run_with(&["state", "put", "--edn", "agent", "attempts", "-"], "[1").fails(1, &["edn/syntax"]);
    place.run(&["state", "get", "agent", "attempts"]).prints("42");
}

#[test]
fn facts_that_are_transacted_inside_a_run_carry_it_unless_they_say_why() {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    place.run_with(&["transact"], "[{:db/id 9000000000 :in/reason 1}]").succeeds();
    let program = env!("CARGO_BIN_EXE_annals");
    let script = format!(
        "echo '[{{:in/side 1 :in/part {{:in/inner 2}}}} [:db/add 9000000000 :in/said 3 9000000000]]' | {program} transact"
    );
    place.run(&["run", "--name", "writer", "--", "sh", "-c", &script]).succeeds();
    let by = |attribute: &str| {
        let query = format!("[:find ?n . :where [_ :in/{attribute} _ _ ?m] [?m :run/name ?n]]");
        place.run(&["q", &query, "--format", "edn"]).succeeds().out.trim().to_owned()
    };
    assert_eq!([by("side"), by("inner"), by("said")], ["\"writer\"", "\"writer\"", "nil"]);
    let said = place.run(&["q", "[:find ?m . :where [_ :in/said _ _ ?m]]", "--format", "edn"]).succeeds().out;
    assert_eq!(said.trim(), "9000000000");
}

/// Was seen: the values were spread evenly, and it was the executor that left the range to the predicate.
#[test]
fn a_range_that_is_left_to_the_predicate_is_no_wrong_estimate() {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    place.run(&["run", "--", "seq", "1", "3000"]).succeeds();
    let query = "[:find ?m :where [?l :log/message ?m] [?l :log/seq ?s] [(> ?s 2750)]]";
    let explained = place.run(&["--format", "table", "explain", query]).succeeds().out;
    assert!(explained.contains("all facts of the attribute read (3000)") && explained.contains("250 rows"), "{explained}");
    assert!(!explained.contains("hint"), "{explained}");
}

#[test]
fn a_new_run_is_never_a_part_of_what_is_there() {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    place.run_with(&["transact"], "[{:db/ident :ci/job :db/unique :db.unique/identity}]").succeeds();
    place.run(&["run", "--set", "ci/job=17", "--", "echo", "first"]).succeeds();
    let again = place.run(&["run", "--set", "ci/job=17", "--", "echo", "second"]);
    assert_eq!(again.out, "", "it is not started");
    again.fails(4, &["transaction/uniqueness", ":ci/job", "another value"]);
    place.run(&["logs", "last"]).succeeds();
    assert_eq!(place.run(&["--format", "json", "runs"]).succeeds().out.lines().count(), 1);
    place.run(&["run", "--set", "ci/job=18", "--", "echo", "third"]).succeeds();
    assert_eq!(place.run(&["--format", "json", "runs"]).succeeds().out.lines().count(), 2);
}

#[test]
fn state_is_put_got_listed_removed_and_remembered() {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    place.run(&["state", "put", "agent", "goal", "sleep"]).prints("");
    place.run_with(&["state", "put", "agent", "notes", "-"], "a\nb\n").prints("");
    place.run(&["state", "put", "agent", "attempts", "--edn", "3"]).prints("");
    place.run(&["state", "get", "agent", "goal"]).prints("sleep");
    place.run(&["state", "get", "agent", "notes"]).prints("a\nb\n");
    place.run(&["state", "get", "agent", "attempts"]).prints("3");
    place.run(&["state", "put", "agent", "goal", "wake"]).prints("");
    place.run(&["state", "get", "agent", "goal", "--as-of", "2"]).prints("sleep");
    assert_eq!(place.run(&["state", "list", "agent"]).succeeds().out.lines().count(), 3);
    // The key is older than what was said of it since.
    place.run(&["state", "get", "agent", "goal", "--since", "4"]).prints("wake");
    place.run(&["state", "get", "agent", "goal", "--since", "5"]).fails(3, &["goal"]);
    place.run(&["state", "get", "agent", "goal", "--since", "1", "--as-of", "2"]).prints("sleep");
    place.run(&["state", "list", "agent", "--since", "4"]).succeeds().prints_one_line_with("wake");
    place.run(&["state", "rm", "agent", "goal"]).prints("");
    place.run(&["state", "get", "agent", "goal"]).fails(3, &["goal", "annals state list"]);
    place.run(&["state", "rm", "agent", "goal"]).fails(3, &[]);
    let past = place.run(&["state", "history", "agent", "goal", "--format", "csv"]).succeeds().out;
    assert_eq!(past.lines().count(), 4, "{past}");
    let later = place.run(&["state", "history", "agent", "goal", "--since", "2", "--format", "csv"]).succeeds().out;
    assert_eq!(later.lines().skip(1).map(|line| line.split(',').next().unwrap_or("")).collect::<Vec<_>>(), ["5", "6"], "{later}");
    place.run(&["state", "history", "agent", "goal", "--since", "6"]).fails(3, &["goal"]);
}

#[test]
fn an_export_is_imported_to_the_letter_and_importing_twice_is_importing_once() {
    let source = Place::with_people();
    source.run(&["run", "--", "sh", "-c", "echo one; echo 'error: two' >&2"]);
    for form in ["datoms", "jsonl"] {
        let stream = source.run(&["export", "--form", form]).succeeds().out;
        let target = Place::new();
        target.run(&["init"]).succeeds();
        target.run_with(&["import", "-"], &stream).succeeds();
        assert_eq!(target.run(&["export", "--form", form]).succeeds().out, stream, "{form}");
        let again = target.run_with(&["import", "-", "--format", "csv"], &stream).succeeds().out;
        assert!(again.contains("\n0,0,"), "{again}");
        assert_eq!(source.run(&["verify"]).succeeds().out, target.run(&["verify"]).succeeds().out, "the same chain");
    }
    let other = Place::new();
    other.run(&["init"]).succeeds();
    other.run_with(&["transact"], "[{:name \"somebody else\"}]").succeeds();
    let stream = source.run(&["export"]).succeeds().out;
    other.run_with(&["import", "-"], &stream).fails(4, &["t 2"]);
    let cut = &stream[..stream.len() - 20];
    let target = Place::new();
    target.run(&["init"]).succeeds();
    target.run_with(&["import", "-"], cut).fails(1, &["line"]);
    target.run(&["verify"]).succeeds();
}

#[test]
fn entities_come_in_from_json_lines_and_edn() {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    place
        .run_with(
            &["import", "-"],
            "{\"user/name\":\"Ada\",\"user/tags\":[\"a\",\"b\"]}\n{\":user/name\":\"Alan\",\"user/born\":1912}\n",
        )
        .succeeds();
    place.run_with(&["import", "-"], "[{:user/name \"Grace\"}]").succeeds();
    place.run(&["q", "[:find [?n ...] :where [_ :user/name ?n] :order-by ?n]"]).prints("[\"Ada\",\"Alan\",\"Grace\"]\n");
    place.run(&["q", "[:find (count ?t) . :where [_ :user/tags ?t]]"]).prints("2\n");
    place.run_with(&["import", "-"], "{\"user/name\":\"x\"}\n[1]\n").fails(1, &["line 2"]);
}

#[test]
fn the_shell_reads_entries_over_several_lines_from_a_pipe() {
    let place = Place::with_people();
    let session =
        "[:find ?n\n :where [?e :name ?n]\n        [?e :age 41]]\n:format edn\n[{:name \"Edsger\"}]\n:help count\n:quit\n";
    let ran = place.run_with(&["shell"], session).succeeds();
    assert!(ran.out.starts_with("[\"Alan\"]\n{:t 3, :tempids {}, :datoms 2}\n"), "{}", ran.out);
    assert!(ran.out.contains("count: "), "{}", ran.out);
    place.run_with(&["shell"], ":nonsense\n").fails(2, &[":help"]);
    assert!(place.run_with(&["shell"], "help\nquit\n:nonsense\n").succeeds().out.contains(":schema"));
    place.run_with(&["shell"], "runs\n").fails(2, &["begin with a colon: :runs"]);
    place.run_with(&["shell"], ":as-of 2\n[{:name \"x\"}]\n").fails(2, &["looks back", ":as-of now"]);
    place.run_with(&["shell"], ":as-of 2\n:as-of now\n[{:name \"x\"}]\n").succeeds();
}

#[test]
fn completions_and_the_manual_name_every_command() {
    let place = Place::new();
    let manual = place.run(&["man"]).succeeds().out;
    for command in [
        "init", "run", "start", "finish", "log", "runs", "logs", "show", "state", "transact", "q", "explain", "pull", "entity",
        "history", "schema", "tx", "import", "export", "verify", "rescue", "shell",
    ] {
        assert!(
            manual.contains(&format!("annals {command}"))
                || manual.contains(&format!("annals\\ {command}"))
                || manual.contains(&format!("annals\\-{command}")),
            "{command} is missing"
        );
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(place.run(&["completions", shell]).succeeds().out.contains("transact"));
    }
    place.run(&["--help"]).succeeds();
    place.run(&["--version"]).succeeds();
}

#[test]
fn every_command_has_an_example_that_works() {
    let place = Place::new();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_annals"));
    let paths = format!("{}:{}", program.parent().expect("a folder").display(), std::env::var("PATH").unwrap_or_default());
    let commands = [
        "init",
        "start",
        "finish",
        "log",
        "runs",
        "logs",
        "show",
        "state",
        "state put",
        "state get",
        "state list",
        "state history",
        "history",
        "state rm",
        "transact",
        "q",
        "watch",
        "explain",
        "pull",
        "entity",
        "schema",
        "tx",
        "import",
        "export",
        "backup",
        "verify",
        "rescue",
        "shell",
        "demo",
        "completions",
        "man",
        "run",
    ];
    for command in commands {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = place.run(&words).succeeds().out;
        let example = help.split_once("\nExample: ").map(|(_, example)| example.replace('\n', " "));
        let example = example.unwrap_or_else(|| panic!("annals {command} --help has no example:\n{help}"));
        assert!(example.contains("annals"), "{example}");
        // One goes on for ever, two build something, two name places that are not here.
        if ["watch", "run", "demo", "backup", "verify"].contains(&command) {
            continue;
        }
        let mut shell = std::process::Command::new("sh");
        shell.args(["-ec", &example]).current_dir(place.path()).env("PATH", &paths).stdin(Stdio::null());
        let output = shell.env_remove("ANNALS_DB").env_remove("ANNALS_RUN").output().expect("a shell");
        assert!(output.status.success(), "{example}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let place = Place::with_people();
    let mut child =
        place.command(&["q", "[:find ?a ?b ?c :where [?a _] [?b _] [?c :name]]"]).stdin(Stdio::null()).spawn().expect("it runs");
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "nobody is told of a reader that has gone");
}

#[test]
fn a_reader_that_leaves_an_export_is_no_error() {
    let place = Place::with_people();
    let mut child = place.command(&["export"]).stdin(Stdio::null()).spawn().expect("it runs");
    drop(child.stdout.take());
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn a_run_is_found_and_running_in_every_view_of_its_time() {
    let place = Place::new();
    place.run(&["run", "--", "sh", "-c", "echo one; sleep 0.2; echo two"]).succeeds();
    place.run(&["runs", "--as-of", "last@start"]).succeeds().prints_one_line_with("\"status\":\"running\"");
    place.run(&["runs"]).succeeds().prints_one_line_with("\"status\":\"succeeded\"");
    place.run(&["logs", "last", "--since", "last@start"]).succeeds();
    place.run(&["logs", "last", "--since", "3"]).succeeds().prints_one_line_with("two");
    place.run(&["logs", "last", "--as-of", "3"]).succeeds().prints_one_line_with("one");
    place.run(&["show", "last", "--since", "last@start"]).succeeds().prints_one_line_with("succeeded");
}

#[test]
fn the_store_is_named_by_the_flag_else_by_the_variable_else_found_upward() {
    let place = Place::with_people();
    let count = ["q", "[:find (count ?n) . :where [_ :name ?n]]"];
    let other = place.path().join("other.db");
    place.run(&["--db", "other.db", "init"]).succeeds();
    let inner = place.path().join("a/b");
    std::fs::create_dir_all(&inner).expect("a folder");
    let check = |arguments: &[&str], variable: Option<&std::path::Path>, expected: &str| {
        let mut command = place.command(arguments);
        command.current_dir(&inner).envs(variable.map(|path| ("ANNALS_DB", path)));
        Ran::from(command.output().expect("it runs")).prints(expected);
    };
    check(&count, None, "3\n");
    check(&count, Some(std::path::Path::new("")), "3\n");
    check(&count, Some(&other), "null\n");
    check(&["q", count[1], "--db", "../../.annals/annals.db"], Some(&other), "3\n");
}
