//! The shell is a promise to people and to scripts: each command does what `:help` says of it, what `:help` shows can be typed and
//! gives what stands there, and a wrong entry is told with its place. It is driven through a pipe, as a script drives it.

#[path = "common/place.rs"]
mod place;

use place::{Place, Ran};

const PEOPLE: &str = r#"[{:person/name "Ada" :person/age 36 :person/friend {:person/name "Grace" :person/age 85}} {:person/name "Alan" :person/age 41}]"#;
const NAMES: &str = "[:find [?n ...] :where [_ :person/name ?n] :order-by ?n]";

/// A store that knows the people of the help's examples, and that has recorded two runs.
fn place() -> Place {
    let place = Place::new();
    place.run(&["init"]).succeeds();
    place.run_with(&["transact"], PEOPLE).succeeds();
    place
}

fn with_runs() -> Place {
    let place = place();
    place.run(&["run", "--name", "first", "--", "sh", "-c", "echo one"]).succeeds();
    place.run(&["run", "--name", "second", "--", "sh", "-c", "echo two"]).succeeds();
    place
}

#[track_caller]
fn typed(place: &Place, entries: &str) -> Ran {
    place.run_with(&["shell", "--format", "edn"], entries)
}

/// What the entries print.
#[track_caller]
fn check(place: &Place, entries: &str, expected: &str) {
    typed(place, entries).prints(expected);
}

/// The entries fail with this code and say all of these parts.
#[track_caller]
fn refuse(place: &Place, entries: &str, code: i32, parts: &[&str]) {
    typed(place, entries).fails(code, parts);
}

#[test]
fn without_a_terminal_answers_are_lines_of_json() {
    let place = Place::with_people();
    place.run_with(&["shell"], "[:find ?n :where [?e :name ?n] [?e :age 41]]\n").prints_one_line_with("[\"Alan\"]");
    place.run_with(&["shell"], "").prints("");
    place.run_with(&["shell"], ":quit").prints("");
    place.run_with(&["shell"], "; nothing\n\n#_ ignored\n").prints("");
    Place::new().run_with(&["shell"], "").fails(3, &["annals init"]);
}

#[test]
fn inputs_stand_behind_their_query() {
    let place = place();
    let by_name = "[:find ?age . :in $ ?name :where [?p :person/name ?name] [?p :person/age ?age]]";
    check(&place, &format!("{by_name} \"Ada\"\n"), "36\n");
    check(&place, &format!("{by_name} \"Ada\" {by_name} \"Alan\"\n"), "36\n41\n");
    check(&place, "[:find [?n ...]\n :in [?n ...]\n :order-by ?n] [3 1\n 2]\n", "[1 2 3]\n");
    check(&place, "{:find [?x .] :in [?x]} -5\n", "-5\n");
    check(
        &place,
        "[:find (pull ?p pattern) . :in $ ?n pattern :where [?p :person/name ?n]] \"Ada\" [:person/age]\n",
        "{:person/age 36}\n",
    );
    let old = "[:find (count ?p) . :in $ % ?least :where (old ?p ?least)]";
    let rule = "[[(old ?p ?least) [?p :person/age ?age] [(< ?least ?age)]]]";
    check(&place, &format!("{old} {rule} 40\n"), "2\n");
    refuse(&place, &format!("{by_name}\n"), 2, &["no input is left", "behind the query"]);
    refuse(&place, &format!("{by_name} 1 2\n"), 2, &["input 2 (2) has no place in :in"]);
    refuse(&place, &format!("{old} [[(old ?p ?least) [?p :person/age ?age] [(< ?low ?age)]]] 40\n"), 1, &["?low", "input 1"]);
}

#[test]
fn an_entry_that_is_wrong_is_told_with_its_place_and_ends_the_script() {
    let place = place();
    let check = |entries: &str, code: i32, parts: &[&str]| {
        let ran = typed(&place, &format!("{NAMES}\n{entries}\n{NAMES}\n")).fails(code, parts);
        assert_eq!(ran.out, "[\"Ada\" \"Alan\" \"Grace\"]\n", "what stands before is answered, what stands behind is not");
    };
    check("[:find ?x :where [?x]]]", 1, &["`]` closes nothing", "standard input, from line 2:1:23", "remove it"]);
    check("[:find ?x\n :where [?x)\n ]", 1, &["does not close", "from line 2:2:12"]);
    check("[:find ?x\n :where [?y]]", 1, &["query/unbound-variable", "from line 2:1:8"]);
    check("[{:person/age", 1, &["never closed"]);
    check(":rnus", 2, &["there is no command :rnus", "did you mean :runs?", ":help"]);
    check(":nonsense", 2, &[":help shows the commands"]);
    check(":logs", 2, &[":logs wants RUN", "for example :logs last~1"]);
    check(":runs all", 2, &[":runs stands alone"]);
    check(":timer maybe", 2, &[":timer is on or off, not maybe", "say :timer on"]);
    check(":format xml", 2, &["there is no format xml", "markdown"]);
    check(":limit none", 2, &["none is no number of rows", ":limit 100"]);
    check(":as-of yesterday", 2, &["yesterday", "10m"]);
    check(":help cuont", 3, &["there is no help on cuont", "did you mean count?"]);
    check(":schema person/nmae", 3, &["person/nmae", "did you mean :person/name?"]);
    check(":read nowhere.edn", 3, &["there is no file nowhere.edn"]);
    check(":rules :annals/ruins", 3, &[":annals/runs"]);
    check(":lens :nowhere", 3, &[":nowhere"]);
    check(":pull [*]", 2, &[":pull wants a pattern and an entity"]);
    let json = place.run_with(&["shell", "--format", "json"], ":rnus\n").fails(2, &[]);
    let error: serde_json::Value = serde_json::from_str(json.err.trim()).expect("one JSON object");
    assert_eq!(error["error"]["code"], "cli/usage");
}

#[test]
fn what_is_looked_at_holds_for_every_entry_that_follows() {
    let place = with_runs();
    place.run_with(&["transact"], r#"[[:db/retract 8589934593 :person/name "Ada"]]"#).succeeds();
    check(
        &place,
        &format!("{NAMES}\n:as-of 2\n{NAMES}\n:as-of\n:as-of now\n{NAMES}\n"),
        "[\"Alan\" \"Grace\"]\n[\"Ada\" \"Alan\" \"Grace\"]\n:as-of 2\n[\"Alan\" \"Grace\"]\n",
    );
    check(&place, &format!(":since 2\n{NAMES}\n:since off\n:since\n"), "[]\n:since off\n");
    check(&place, &format!(":history on\n{NAMES}\n:history off\n:history\n"), "[\"Ada\" \"Alan\" \"Grace\"]\n:history off\n");
    let count = "[:find (count ?l) . :where [?l :log/message]]";
    check(&place, &format!(":as-of last@end\n{count}\n:as-of last~1@end\n{count}\n"), "2\n1\n");
    check(&place, &format!(":as-of 1d\n{NAMES}\n:as-of\n"), "[]\n:as-of 1\n");
    refuse(&place, ":since 2\n[{:person/name \"x\"}]\n", 2, &["looks back", ":since off"]);
}

#[test]
fn how_answers_are_given_is_set_and_told() {
    let place = place();
    check(&place, &format!(":format json\n{NAMES}\n:format\n"), "[\"Ada\",\"Alan\",\"Grace\"]\n:format json\n");
    let limited = typed(&place, &format!(":limit 2\n{NAMES}\n:limit off\n{NAMES}\n:limit\n")).succeeds();
    assert_eq!(limited.out, "[\"Ada\" \"Alan\"]\n[\"Ada\" \"Alan\" \"Grace\"]\n:limit off\n");
    assert_eq!(limited.err, "2 of 3 rows; :limit off shows all\n");
    let timed = typed(&place, &format!(":timer on\n{NAMES}\n[{{:person/name \"x\"}}]\n:timer\n")).succeeds();
    assert!(timed.err.starts_with("3 rows in ") && timed.err.contains(" ms\n2 datoms in "), "{}", timed.err);
    assert!(timed.out.ends_with(":timer on\n"), "{}", timed.out);
    let explained =
        typed(&place, ":format table\n:explain [:find ?p\n :in $ ?n :where [?p :person/name ?n]] \"Ada\"\n").succeeds();
    assert!(explained.out.contains(":person/name"), "{}", explained.out);
    let both = typed(&place, &format!(":explain on\n:format table\n{NAMES}\n")).succeeds();
    assert!(both.out.contains(":person/name") && both.out.contains("│ Grace │"), "{}", both.out);
}

#[test]
fn rules_and_lenses_are_in_reach_until_they_are_put_away() {
    let place = with_runs();
    let rules =
        "[[(old ?p) [?p :person/age ?age] [(> ?age 40)]] [(older ?a ?b) [?a :person/age ?x] [?b :person/age ?y] [(> ?x ?y)]]]";
    std::fs::write(place.path().join("old.edn"), rules).expect("a file");
    std::fs::write(place.path().join("lens.edn"), "{:lens/rename {:someone/called :person/name}}").expect("a file");
    let old = "[:find [?n ...] :where (old ?p) [?p :person/name ?n] :order-by ?n]";
    check(
        &place,
        &format!(":rules old.edn\n{old}\n:rules\n"),
        "[\"Alan\" \"Grace\"]\n(old ?p)  old.edn\n(older ?a ?b)  old.edn\n",
    );
    refuse(&place, &format!(":rules old.edn\n:rules off\n:rules\n{old}\n"), 1, &["old"]);
    let runs = "[:find (count ?run) . :where (root ?run ?run)]";
    check(&place, &format!(":rules old.edn\n:rules :annals/runs\n{runs}\n"), "2\n");
    let called = "[:find [?n ...] :where [_ :someone/called ?n] :order-by ?n]";
    check(
        &place,
        &format!(":lens lens.edn\n{called}\n:lens\n:lens off\n:lens\n"),
        "[\"Ada\" \"Alan\" \"Grace\"]\n:lens lens.edn\n:lens off\n",
    );
}

#[test]
fn the_facts_are_shown() {
    let place = with_runs();
    let check = |entry: &str, parts: &[&str]| {
        let out = typed(&place, &format!(":format csv\n{entry}\n")).succeeds().out;
        for part in parts {
            assert!(out.contains(part), "{entry}: {part:?} is not in {out}");
        }
        out
    };
    check(":entity 8589934593", &[":person/name,Ada,2,"]);
    check(":history 8589934593", &["2,", ",true,:person/age,36,"]);
    let one = check(":history 8589934593 :person/age", &[",true,:person/age,36,"]);
    assert_eq!(one.lines().count(), 2, "{one}");
    check(":pull [:person/name] 8589934593", &[":person/name,Ada"]);
    check(":tx", &["t,instant,datoms"]);
    check(":tx 2", &["8589934593,:person/name,Ada,2,,true"]);
    assert_eq!(check(":schema person", &[":person/name", ":person/age"]).lines().count(), 4);
    assert_eq!(check(":schema :person/age", &[":person/age"]).lines().count(), 2);
    assert_eq!(check(":schema :db/doc", &[":db/doc"]).lines().count(), 2);
    check(":runs", &["first", "second"]);
    check(":show last", &["second"]);
    check(":logs last~1", &["one"]);
}

#[test]
fn a_file_is_read_as_if_it_were_typed() {
    let place = place();
    let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).expect("a file");
    write(
        "people.edn",
        ";; more people\n[{:person/name \"Kurt\"}]\n\n:format json\n[:find ?n .\n :where [?p :person/name ?n]\n (not [?p :person/age])]\n",
    );
    check(&place, ":read people.edn\n:format\n", "{:t 3, :tempids {}, :datoms 2}\n\"Kurt\"\n:format json\n");
    write("wrong.edn", "[{:person/name \"Emmy\"}]\n\n[:find ?x :where\n  [?y]]\n[{:person/name \"never\"}]\n");
    refuse(&place, ":read wrong.edn\n", 1, &["query/unbound-variable", "wrong.edn, from line 3:1:8"]);
    check(&place, &format!("{NAMES}\n"), "[\"Ada\" \"Alan\" \"Emmy\" \"Grace\" \"Kurt\"]\n");
    write("itself.edn", ":read itself.edn\n");
    refuse(&place, ":read itself.edn\n", 2, &["itself.edn is read by a file that it reads itself"]);
    write("leave.edn", ":quit\n");
    check(&place, &format!(":read leave.edn\n{NAMES}\n"), "");
}

/// The commands and words that the overview lists.
fn listed(overview: &str) -> (Vec<String>, Vec<String>) {
    let commands = overview.lines().filter_map(|line| line.strip_prefix("  :")?.split_whitespace().next());
    let commands = commands.filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let words = overview.split("these words:\n").nth(1).expect("the words end the overview");
    (commands, words.split_whitespace().map(str::to_owned).collect())
}

#[test]
fn every_command_and_word_of_the_help_has_an_example_that_can_be_typed() {
    let place = with_runs();
    std::fs::write(place.path().join("people.edn"), PEOPLE).expect("a file");
    let overview = typed(&place, ":help\n").succeeds().out;
    let (commands, words) = listed(&overview);
    assert!(commands.len() >= 19 && words.len() >= 25, "{commands:?} {words:?}");
    for name in commands {
        let help = typed(&place, &format!(":help :{name}\n")).succeeds().out;
        let example = help.lines().nth(1).expect("an example stands in the second line").trim();
        assert!(example.starts_with(&format!(":{name}")), "{help}");
        typed(&place, &format!("{example}\n")).succeeds();
    }
    let place = self::place();
    for word in words {
        let help = typed(&place, &format!(":help {word}\n")).succeeds().out;
        let example = help.split("\n\n").find(|part| part.contains("\n  gives ")).expect("a word has an example");
        let (entry, gives) = example.split_once("\n  gives ").expect("what it gives");
        let entry = entry.lines().nth(1).expect("the entry stands in the second line");
        let gives: Vec<&str> = gives.lines().map(str::trim).collect();
        let seen = typed(&place, &format!("{entry}\n")).succeeds().out;
        assert_eq!(seen.lines().map(str::trim).collect::<Vec<_>>(), gives, "{help}");
    }
}

#[test]
fn help_knows_functions_aggregates_rules_and_all_that_a_name_means() {
    let place = place();
    let check = |entries: &str, parts: &[&str]| {
        let out = typed(&place, entries).succeeds().out;
        for part in parts {
            assert!(out.contains(part), "{entries}: {part:?} is not in {out}");
        }
    };
    check(":help starts-with?\n", &["starts-with?: ", " gives true"]);
    check(":help count\n", &["count: ", " over [1 2 2] gives 3"]);
    check(":help limit\n", &[":limit N|off: ", ":limit 10: "]);
    check(":help ...\n", &[":find [?a ...]"]);
    check(":help :where\n", &[":where clause"]);
    check(":help q\n", &["(q ["]);
    check(":help\n", &[PEOPLE, ":as-of T|now", "What is there:"]);
    check(":rules :annals/runs\n:help ancestor\n", &["the rule (ancestor ?above ?run)  :annals/runs"]);
}

/// True if this process, and so those that it starts, ignores the signal.
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (number - 1) & 1 == 1)
}

#[test]
fn a_signal_that_ends_programs_ends_the_shell_whatever_it_waits_for() {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Stdio};
    // Under nohup a hang-up ends nobody, and the programs that are started here inherit that.
    for (name, number) in [("HUP", 1), ("TERM", 15)].into_iter().filter(|(_, number)| !is_ignored(*number)) {
        let place = Place::with_people();
        let mut child = place.command(&["shell"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the shell starts");
        let mut input = child.stdin.take().expect("it is piped");
        std::io::Write::write_all(&mut input, b"[:find ?n . :where [_ :name ?n]]\n").expect("it reads");
        // The answer shows that it waits for the next entry.
        let mut answer = String::new();
        let output = child.stdout.take().expect("it is piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut answer).expect("it answers");
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill is there").success());
        let ended = child.wait().expect("it ends");
        assert_eq!(ended.signal(), Some(number), "{name}: {ended}");
        drop(input);
    }
}
