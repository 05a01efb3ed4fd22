//! Promise: `annals watch` prints the answer and then what each transaction changes of it, in every format, for transactions of other
//! processes, until it has told enough or Ctrl-C is pressed; and it refuses what makes no sense. Attacked with the program itself,
//! beside others that write into the same store.

#[path = "common/place.rs"]
mod place;

use std::io::{BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use place::Place;

const AGES: &str = "[:find ?n ?a :where [?e :name ?n] [?e :age ?a]]";

/// Text with the instants left out.
fn without_instants(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("20") {
        let (before, behind) = rest.split_at(at);
        shown.push_str(before);
        let length = behind.find('Z').filter(|length| *length < 32 && behind.as_bytes().get(4) == Some(&b'-'));
        if let Some(length) = length {
            shown.push('@');
            rest = &behind[length + 1..];
        } else {
            shown.push_str("20");
            rest = &behind[2..];
        }
    }
    shown + rest
}

/// A store in which three people are known at t 2, and one is a year older at t 3.
fn birthday() -> Place {
    let place = Place::with_people();
    place.run_with(&["transact"], r"[{:note :of-no-interest}]").prints("{\"t\":3,\"tempids\":{},\"datoms\":4}\n");
    let ada = place.run(&["q", "[:find ?e . :where [?e :name \"Ada\"]]"]).succeeds().out;
    place.run_with(&["transact"], &format!("[[:db/add {} :age 37]]", ada.trim())).succeeds();
    place
}

#[test]
fn changes_are_printed_in_every_format() {
    let place = birthday();
    let check = |format: &str, expected: &str| {
        let ran = place.run(&["watch", AGES, "--from", "2", "--limit", "2", "--format", format]).succeeds();
        assert_eq!(without_instants(&ran.out), expected, "{format}");
    };
    let first = r#"{"t":2,"instant":"@","added":[["Ada",36],["Alan",41],["Grace",85]],"removed":[]}"#;
    let second = r#"{"t":4,"instant":"@","added":[["Ada",37]],"removed":[["Ada",36]]}"#;
    check("jsonl", &format!("{first}\n{second}\n"));
    check("json", &format!("[{first},\n {second}]\n"));
    check("csv", "t,instant,change,?n,?a\n2,@,+,Ada,36\n2,@,+,Alan,41\n2,@,+,Grace,85\n4,@,-,Ada,36\n4,@,+,Ada,37\n");
    check("table", "t 2  @\n+ Ada  36\n+ Alan  41\n+ Grace  85\nt 4  @\n- Ada  36\n+ Ada  37\n");
    let edn = place.run(&["watch", AGES, "--from", "2", "--limit", "2", "--format", "edn"]).succeeds().out;
    assert!(edn.starts_with("[{") && edn.contains(":t 4") && edn.contains(r#":removed [["Ada" 36]]"#), "{edn}");
    assert!(edn.ends_with("}]\n") && edn.contains("#inst"), "{edn}");
    let markdown = place.run(&["watch", AGES, "--from", "2", "--limit", "2", "--format", "markdown"]).succeeds().out;
    assert!(without_instants(&markdown).contains("| 4 | @ | - | Ada | 36 |"), "{markdown}");
}

#[test]
fn rows_have_the_shape_that_the_query_asks_for() {
    let place = birthday();
    let check = |query: &str, expected: &str| {
        let ran = place.run(&["watch", query, "--from", "3", "--limit", "2", "--format", "jsonl"]).succeeds();
        let last = ran.out.lines().last().expect("two changes").to_owned();
        assert!(last.contains(expected), "{query}: {last}");
    };
    check("[:find ?a :keys age :where [_ :age ?a]]", r#""added":[{"age":37}],"removed":[{"age":36}]"#);
    let ages = "[:find ?a :keys age :where [_ :age ?a]]";
    let edn = place.run(&["watch", ages, "--from", "3", "--limit", "2", "--format", "edn"]).succeeds().out;
    assert!(edn.contains(":added [{:age 37}]"), "{edn}");
    check("[:find [?a ...] :where [_ :age ?a]]", r#""added":[37],"removed":[36]"#);
    check("[:find (sum ?a) . :where [_ :age ?a]]", r#""added":[163],"removed":[162]"#);
    check("[:find [?n ?a] :where [?e :name ?n] [?e :age ?a]]", r#""added":[["Ada",37]],"removed":[["Ada",36]]"#);
}

#[test]
fn a_question_may_have_all_that_it_may_have_elsewhere() {
    let place = birthday();
    std::fs::write(place.path().join("old.edn"), "[[(old ?e) [?e :age ?a] [(< 80 ?a)]]]").expect("a file");
    let other = Place::with_people();
    let store = format!("other={}", other.path().join(".annals/annals.db").display());
    let lens = "{:lens/rename {:person/years :age}}";
    std::fs::write(place.path().join("lens.edn"), lens).expect("a file");
    let check = |arguments: &[&str], expected: &str| {
        let ran = place.run(&[&["watch"], arguments, &["--limit", "1", "--format", "jsonl"]].concat()).succeeds();
        ran.prints_one_line_with(&format!("\"added\":{expected},"));
    };
    check(&["[:find [?n ...] :where (old ?e) [?e :name ?n]]", "--rules", "old.edn"], r#"["Grace"]"#);
    check(&["[:find [?n ...] :in $ % :where (old ?e) [?e :name ?n]]", "--rules", "old.edn"], r#"["Grace"]"#);
    check(&["[:find [?n ...] :in $ % :where (old ?e) [?e :name ?n]]", "[[(old ?e) [?e :age 37]]]"], r#"["Ada"]"#);
    check(&["[:find [?n ...] :in $ ?a :where [?e :age ?a] [?e :name ?n]]", "41"], r#"["Alan"]"#);
    check(&["[:find (pull ?e what) :in $ what :where [?e :age 41]]", "[:name]"], r#"[[{":name":"Alan"}]]"#);
    check(&["[:find [?a ...] :in $ $history :where [?e :name \"Ada\"] [$history ?e :age ?a _ _ true]]"], "[36,37]");
    check(
        &[
            "[:find [?a ...] :in $ $other :where [?e :name \"Ada\" ] [?e :name ?n] [$other ?o :name ?n] [$other ?o :age ?a]]",
            "--with",
            &store,
        ],
        "[36]",
    );
    check(&["[:find [?a ...] :where [_ :age ?a _ _ false]]", "--history"], "[36]");
    check(&["[:find [?a ...] :where [_ :age ?a]]", "--since", "3"], "[37]");
    check(&["[:find [?a ...] :where [_ :person/years ?a]]", "--lens", "lens.edn"], "[37,41,85]");
    std::fs::write(place.path().join("ages.edn"), "[:find [?a ...] :where [_ :age ?a]]").expect("a file");
    check(&["@ages.edn"], "[37,41,85]");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = Place::with_people();
    place.run(&["watch", AGES, "--as-of", "1"]).fails(2, &["does not change", "--from T"]);
    place.run(&["watch", "[:find ?x :where [?y :a]]"]).fails(1, &["query/unbound-variable", "here"]);
    place.run(&["watch", "[:find ?x :where [?x :a"]).fails(1, &["edn/syntax"]);
    place.run(&["watch", "[:find ?x :in $ ?y :where [?x :a ?y]]"]).fails(2, &["no input is left"]);
    place.run(&["watch", AGES, "7"]).fails(2, &["no place in :in"]);
    place.run(&["watch", AGES, "--from", "yesterday"]).fails(2, &["is not a time"]);
    place.run(&["watch", AGES, "--timeout", "soon"]).fails(2, &["length of time"]);
    place.run(&["watch", "[:find ?x :where [?x :nmae]]", "--strict"]).fails(1, &["query/unknown-attribute"]);
    let ran = place.run(&["watch", "[:find ?x :where [?x :nmae]]", "--limit", "1"]).succeeds();
    assert!(ran.err.contains("warning[query/unknown-attribute]"), "{}", ran.err);
    let ran = place.run(&["watch", "[:find ?x :where [?y :a]]", "--format", "json"]).fails(1, &[]);
    let error: serde_json::Value = serde_json::from_str(&ran.err).expect("an object");
    assert_eq!((&error["error"]["code"], &error["error"]["column"]), (&"query/unbound-variable".into(), &8.into()));
    Place::new().run(&["watch", AGES]).fails(3, &["annals init"]);
}

fn watching(place: &Place, arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = place.command(arguments).stdin(Stdio::null()).spawn().expect("it runs");
    let out = BufReader::new(child.stdout.take().expect("its output is a pipe"));
    (child, out)
}

fn next_line(out: &mut impl std::io::BufRead) -> String {
    let mut line = String::new();
    out.read_line(&mut line).expect("it prints");
    line
}

fn interrupt(child: &Child) {
    let mut kill = Command::new("kill");
    assert!(kill.args(["-INT", &child.id().to_string()]).status().expect("kill is there").success());
}

#[test]
fn what_other_processes_commit_is_printed_as_it_comes_and_ctrl_c_ends_cleanly() {
    let place = Place::with_people();
    let (mut child, mut out) = watching(&place, &["watch", "[:find [?n ...] :where [_ :name ?n]]", "--format", "jsonl"]);
    assert!(next_line(&mut out).contains(r#""added":["Ada","Alan","Grace"]"#), "the answer comes first");
    for name in ["Edsger", "Barbara"] {
        place.run_with(&["transact"], "[{:note :of-no-interest}]").succeeds();
        place.run_with(&["transact"], &format!("[{{:name {name:?}}}]")).succeeds();
        let line = next_line(&mut out);
        assert!(line.contains(&format!(r#""added":[{name:?}],"removed":[]"#)), "{line}");
    }
    interrupt(&child);
    assert_eq!(next_line(&mut out), "");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn what_was_begun_is_closed_when_ctrl_c_is_pressed() {
    let place = Place::with_people();
    let check = |format: &str, end: &str| {
        let (mut child, mut out) = watching(&place, &["watch", AGES, "--format", format]);
        let mut begun = [0; 2];
        out.read_exact(&mut begun).expect("it prints");
        interrupt(&child);
        let mut rest = String::new();
        out.read_to_string(&mut rest).expect("it prints");
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
        assert!(begun == *b"[{" && rest.ends_with(end), "{rest}");
    };
    check("json", "}]\n");
    check("edn", "}]\n");
}

#[test]
fn a_reader_that_goes_ends_the_watch() {
    let place = Place::with_people();
    let (mut child, mut out) = watching(&place, &["watch", "[:find [?n ...] :where [_ :name ?n]]", "--format", "jsonl"]);
    next_line(&mut out);
    drop(out);
    place.run_with(&["transact"], "[{:name \"Edsger\"}]").succeeds();
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}
