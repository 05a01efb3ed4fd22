//! What a transaction comes to against the store before it: conflicts, upsert, replacement, redundancy, retraction, instants.

use annals::ErrorKind::{CompareAndSwap, Conflict, Declaration, InstantOrder, Sequence, Uniqueness};
use annals::transact::{Before as _, EntityTerm, Operation, TxData, prepare};
use annals::{ErrorKind, Partition, Value};

use crate::check::{SCHEMA, check, refuse, show};
use crate::store::{GENESIS_INSTANT, NOW, Store};

const ADA: &str = r#"[{:db/id "ada" :user/email "ada@x" :user/name "Ada" :user/nick ["a" "b"] :user/number 1 :user/handle "A"
                       :user/address {:db/id "home" :address/street "S" :user/address {:db/id "door" :address/street "D"}}}
                      {:db/id "bob" :user/email "bob@x" :user/boss "ada" :user/number 2 :user/friend ["ada"]}]"#;

#[test]
fn a_new_entity_with_a_known_identity_is_that_entity() {
    check(ADA, r#"[{:db/id "x" :user/email "ada@x" :user/age 1}]"#, "+ ada :user/age 1");
    check(ADA, r#"[{:user/email "ada@x" :user/number 1 :user/age 1}]"#, "+ ada :user/age 1");
    check(ADA, r#"[{:db/id "x" :user/email "new@x" :user/age 1}]"#, "+ x :user/email \"new@x\"\n+ x :user/age 1");
    check(ADA, r#"[{:db/id "x" :user/email "ada@x"} [:db/add "y" :user/boss "x"]]"#, "+ y :user/boss ada");
    check(
        ADA,
        r#"[{:db/id "x" :user/email "ada@x" :user/age 1} {:db/id "y" :user/number 1 :user/score 2.0}]"#,
        "+ ada :user/age 1\n+ ada :user/score 2.0",
    );
    check(
        "",
        r#"[{:db/id "x" :user/email "n" :user/age 1} {:user/email "n" :user/name "N"}]"#,
        "+ x :user/email \"n\"\n+ x :user/age 1\n+ x :user/name \"N\"",
    );
    check(ADA, r#"[{:user/email "ada@x" :user/number 5}]"#, "- ada :user/number 1\n+ ada :user/number 5");
    check(ADA, r#"[{:db/ident :user/name :db/doc "what people say"}]"#, r#"+ :user/name :db/doc "what people say""#);
}

#[test]
fn identities_are_followed_until_nothing_changes() {
    let schema = "[{:db/ident :room/of :db/valueType :db.type/ref :db/unique :db.unique/identity}]";
    let setup = format!("{schema} {} {}", ADA, r#"[{:db/id "room" :room/of [:user/email "ada@x"]}]"#);
    check(&setup, r#"[{:db/id "r" :room/of "a" :note 1} {:db/id "a" :user/email "ada@x"}]"#, "+ room :note 1");
    check(
        &setup,
        r#"[{:db/id "r" :room/of "a" :note 1} {:db/id "a" :user/number 1} {:db/id "s" :room/of "a" :mark 2}]"#,
        "+ room :note 1\n+ room :mark 2",
    );
}

#[test]
fn two_identities_of_two_entities_are_refused_with_both() {
    refuse(
        ADA,
        r#"[{:user/email "ada@x" :user/number 2}]"#,
        Uniqueness,
        "1:36",
        [r#"[:user/email "ada@x"] leads to entity 8589934593, but [:user/number 2] to entity 8589934596"#, "leave one"],
    );
    refuse(
        ADA,
        r#"[{:db/id "x" :user/email "ada@x"} {:db/id "x" :user/email "bob@x"}]"#,
        Uniqueness,
        "1:59",
        [r#"[:user/email "ada@x"] [:user/email "bob@x"]"#, "leave one"],
    );
    refuse(
        ADA,
        r#"[[:db/add [:user/email "ada@x"] :user/email "bob@x"]]"#,
        Uniqueness,
        "1:2",
        [r#":user/email "bob@x" is unique, but both"#, "retract it"],
    );
    // Beside a new entity too: who is known already is not led anywhere, and may take what another gives up.
    refuse(
        ADA,
        r#"[{:db/id "new" :note 1} [:db/add [:user/email "ada@x"] :user/email "bob@x"]]"#,
        Uniqueness,
        "1:25",
        [r#":user/email "bob@x" is unique, but both"#, "retract it"],
    );
    check(
        ADA,
        r#"[{:db/id "new" :note 1} [:db/add [:user/email "ada@x"] :user/email "bob@x"]
            [:db/retract [:user/email "bob@x"] :user/email "bob@x"]]"#,
        "+ new :note 1\n- ada :user/email \"ada@x\"\n+ ada :user/email \"bob@x\"\n- bob :user/email \"bob@x\"",
    );
}

#[test]
fn a_unique_value_belongs_to_one_entity() {
    refuse(
        ADA,
        r#"[{:db/id "x" :user/handle "A"}]"#,
        Uniqueness,
        "1:27",
        [r#":user/handle "A" is unique, but both "x" and 8589934593"#, "retract it"],
    );
    refuse(
        "",
        r#"[{:db/id "x" :user/handle "N"} {:db/id "y" :user/handle "N"}]"#,
        Uniqueness,
        "1:57",
        [r#"both "x" and "y""#, "another value"],
    );
    refuse(
        ADA,
        r#"[[:db/add [:user/email "ada@x"] :user/number 9] [:db/add [:user/email "bob@x"] :user/number 9]]"#,
        Uniqueness,
        "1:49",
        [":user/number 9 is unique", "retract"],
    );
    check(
        ADA,
        r#"[[:db/retract [:user/email "ada@x"] :user/handle "A"] [:db/add [:user/email "bob@x"] :user/handle "A"]]"#,
        "- ada :user/handle \"A\"\n+ bob :user/handle \"A\"",
    );
    check(
        ADA,
        r#"[[:db/add [:user/email "ada@x"] :user/handle "A2"] [:db/add "x" :user/handle "A"]]"#,
        "- ada :user/handle \"A\"\n+ ada :user/handle \"A2\"\n+ x :user/handle \"A\"",
    );
    check(ADA, r#"[[:db/add [:user/email "ada@x"] :user/handle "A"]]"#, "");
}

#[test]
fn a_unique_value_is_free_when_its_holder_gives_up_that_one() {
    let setup = r#"[{:db/ident :tag/id :db/valueType :db.type/string :db/unique :db.unique/value :db/cardinality :db.cardinality/many}]
                   [{:db/id "x" :user/email "x" :tag/id ["A" "B"]}]"#;
    refuse(
        setup,
        r#"[[:db/retract [:user/email "x"] :tag/id "B"] [:db/add "y" :tag/id "A"]]"#,
        Uniqueness,
        "1:46",
        [":tag/id \"A\" is unique", "retract it"],
    );
    check(
        setup,
        r#"[[:db/retract [:user/email "x"] :tag/id "B"] [:db/add "y" :tag/id "B"]]"#,
        "- x :tag/id \"B\"\n+ y :tag/id \"B\"",
    );
}

#[test]
fn a_retraction_that_is_said_and_implied_has_the_reason_that_was_said() {
    check(
        ADA,
        r#"[[:db/retract [:user/email "bob@x"] :user/number 2 "why"] [:db/add "why" :note 1] [:db/retractEntity [:user/email "bob@x"]]]"#,
        "- bob :user/boss ada
         - bob :user/email \"bob@x\"
         - bob :user/friend ada
         - bob :user/number 2 m why
         + why :note 1",
    );
}

#[test]
fn statements_that_contradict_each_other_are_refused() {
    refuse(
        "",
        r#"[[:db/add "x" :user/age 1] [:db/add "x" :user/age 2]]"#,
        Conflict,
        "1:28",
        [r#"["x" :user/age 1] ["x" :user/age 2]"#, ":db.cardinality/many"],
    );
    refuse(
        "",
        r#"[{:db/id "x" :any/thing 1} [:db/add "x" :any/thing 2]]"#,
        Conflict,
        "1:28",
        [":any/thing holds one value", ":db.cardinality/many"],
    );
    // Two that an identity makes one are called by the name that one of them has.
    refuse(
        "",
        r#"[{:user/email "n" :user/age 1} {:db/id "x" :user/email "n" :user/age 2}]"#,
        Conflict,
        "1:70",
        [r#"["x" :user/age 1] ["x" :user/age 2]"#, ":db.cardinality/many"],
    );
    refuse(
        "",
        r#"[[:db/add "x" :user/age 1] [:db/retract "x" :user/age 1]]"#,
        Conflict,
        "1:28",
        [r#"["x" :user/age 1] is both added and retracted"#, "set"],
    );
    refuse(
        ADA,
        r#"[[:db/add [:user/email "ada@x"] :user/name "Ada"] [:db/retract [:user/email "ada@x"] :user/name]]"#,
        Conflict,
        "1:51",
        ["both added and retracted", "two transactions"],
    );
    refuse(
        ADA,
        r#"[[:db/retractEntity [:user/email "ada@x"]] [:db/add [:user/email "ada@x"] :user/nick "a"]]"#,
        Conflict,
        "1:44",
        ["both added", "set"],
    );
    refuse(
        ADA,
        r#"[{:db/id "x" :user/email "ada@x" :user/nick "zz"} [:db/add [:user/email "ada@x"] :user/nick "zz" "x"]]"#,
        Conflict,
        "1:51",
        ["two metadata entities", "say it once"],
    );
    refuse(
        "",
        r#"[[:db/add "x" :user/nick "a" 1] [:db/add "x" :user/nick "a" 2]]"#,
        Conflict,
        "1:33",
        ["1 and 2", "say it once"],
    );
    check("", r#"[[:db/add "x" :user/age 1] [:db/add "x" :user/age 1]]"#, "+ x :user/age 1");
    check("", r#"[[:db/add "x" :user/nick "a"] [:db/add "x" :user/nick "b"]]"#, "+ x :user/nick \"a\"\n+ x :user/nick \"b\"");
}

#[test]
fn a_replaced_value_is_retracted_in_the_same_transaction() {
    check(ADA, r#"[{:user/email "ada@x" :user/name "Ada L"}]"#, "- ada :user/name \"Ada\"\n+ ada :user/name \"Ada L\"");
    check(ADA, r#"[{:user/email "ada@x" :user/nick "c"}]"#, r#"+ ada :user/nick "c""#);
    check(
        ADA,
        r#"[[:db/add [:user/email "ada@x"] :user/name "Ada L" [:user/email "bob@x"]]]"#,
        "- ada :user/name \"Ada\" m bob\n+ ada :user/name \"Ada L\" m bob",
    );
    check(
        ADA,
        r#"[[:db/add [:user/email "ada@x"] :user/name "Ada L"] [:db/retract [:user/email "ada@x"] :user/name "Ada" 1]]"#,
        "- ada :user/name \"Ada\" m _\n+ ada :user/name \"Ada L\"",
    );
    check(
        ADA,
        r#"[[:db/add [:user/email "ada@x"] :user/name "Ada L"] [:db/retract [:user/email "ada@x"] :user/name]]"#,
        "- ada :user/name \"Ada\"\n+ ada :user/name \"Ada L\"",
    );
    check(
        r#"[{:db/id "x" :user/email "e" :any/thing 1}]"#,
        r#"[{:user/email "e" :any/thing 1.0}]"#,
        "- x :any/thing 1\n+ x :any/thing 1.0",
    );
}

#[test]
fn what_changes_nothing_takes_no_t() {
    for text in [
        "[]",
        r#"[{:user/email "ada@x" :user/name "Ada"}]"#,
        r#"[[:db/add [:user/email "ada@x"] :user/nick "a"]]"#,
        r#"[[:db/add [:user/email "ada@x"] :user/nick "a" [:user/email "bob@x"]]]"#,
        r#"[[:db/retract [:user/email "ada@x"] :user/name "Bob"]]"#,
        r#"[[:db/retractEntity [:user/email "nobody"]]]"#,
        "[[:db/retractEntity 8589999999]]",
        r#"[[:db/cas [:user/email "ada@x"] :user/name "Ada" "Ada"]]"#,
        "[{:db/ident :user/name :db/valueType :db.type/string}]",
        "[{:db/ident :run/id :db/valueType :db.type/string}]",
    ] {
        let store = Store::after(&[SCHEMA, ADA]);
        let prepared = prepare(&store, &TxData::read(text).expect(text), NOW).expect(text);
        assert!(prepared.is_empty() && prepared.datoms.is_empty() && !prepared.changes_schema, "{text}");
    }
}

#[test]
fn a_retracted_entity_takes_components_and_references_along() {
    let gone = "- ada :user/address home\n- ada :user/email \"ada@x\"\n- ada :user/handle \"A\"\n- ada :user/name \"Ada\"
        - ada :user/nick \"a\"\n- ada :user/nick \"b\"\n- ada :user/number 1\n- bob :user/boss ada\n- bob :user/friend ada
        - home :address/street \"S\"\n- home :user/address door\n- door :address/street \"D\"";
    check(ADA, r#"[[:db/retractEntity [:user/email "ada@x"]]]"#, gone);
    check(ADA, "[[:db.fn/retractEntity [:user/number 1]]]", gone);
    check(ADA, r#"[[:db/retractEntity [:user/email "ada@x"]] [:db/retractEntity [:user/number 1]]]"#, gone);
    refuse(
        ADA,
        r#"[[:db/retractEntity "x"] {:db/id "x" :user/email "bob@x"}]"#,
        Conflict,
        "1:50",
        ["both added and retracted", "set"],
    );
    check(
        ADA,
        r#"[[:db/retractEntity [:user/email "bob@x"]]]"#,
        "- bob :user/boss ada\n- bob :user/email \"bob@x\"\n- bob :user/friend ada\n- bob :user/number 2",
    );
    // A transaction that somebody calls a part stays as it is.
    check(
        r#"[{:db/id "x" :user/email "x@x" :user/address 1}]"#,
        r#"[[:db/retractEntity [:user/email "x@x"]]]"#,
        "- x :user/address _\n- x :user/email \"x@x\"",
    );
    // A program may say why it goes.
    let store = Store::after(&[SCHEMA, ADA]);
    let who = |email: &str| EntityTerm::lookup("user/email", email);
    let mut data = TxData::new();
    data.push(Operation::RetractEntity { entity: who("bob@x"), m: Some(who("ada@x")) });
    let lines = show(&store, &prepare(&store, &data, NOW).expect("both are known"));
    assert!(lines.len() == 4 && lines.iter().all(|line| line.starts_with("- bob") && line.ends_with(" m ada")), "{lines:?}");
    refuse("", "[[:db/retractEntity 1]]", InstantOrder, "1:2", ["a transaction cannot be retracted", "one by one"]);
    refuse("", "[[:db/retractEntity :user/name]]", Declaration, "1:2", [":user/name is an attribute", "history"]);
    refuse("", "[[:db/retractEntity :run/id]]", Declaration, "1:2", [":run/id is built in", "of your own"]);
}

#[test]
fn compare_and_swap_wants_what_it_expects() {
    check(
        ADA,
        r#"[[:db/cas [:user/email "ada@x"] :user/name "Ada" "Eve"]]"#,
        "- ada :user/name \"Ada\"\n+ ada :user/name \"Eve\"",
    );
    check(ADA, r#"[[:db/cas [:user/email "ada@x"] :user/age nil 1]]"#, "+ ada :user/age 1");
    check(ADA, r#"[[:db.fn/cas [:user/email "ada@x"] :user/name "Ada" nil]]"#, r#"- ada :user/name "Ada""#);
    check(
        ADA,
        r#"[[:db/cas [:user/email "bob@x"] :user/boss [:user/email "ada@x"] [:user/email "bob@x"]]]"#,
        "- bob :user/boss ada\n+ bob :user/boss bob",
    );
    check("", r#"[[:db/cas "x" :any/thing nil 1]]"#, "+ x :any/thing 1");
    check(ADA, r#"[[:db/cas "x" :user/name nil nil] [:db/cas "y" :user/name nil nil] {:db/id "y" :note 1}]"#, "+ y :note 1");
    refuse(
        "",
        r#"[[:db/cas "x" :any/thing 1 2]]"#,
        CompareAndSwap,
        "1:2",
        [":any/thing of \"x\" is nil, not 1", "read the value again"],
    );
    refuse(
        ADA,
        r#"[[:db/cas [:user/email "ada@x"] :user/name "Eve" "Bob"]]"#,
        CompareAndSwap,
        "1:2",
        [r#":user/name of 8589934593 is "Ada", not "Eve" | "Ada""#, "read the value again"],
    );
    refuse(
        ADA,
        r#"[[:db/cas [:user/email "ada@x"] :user/name nil "Bob"]]"#,
        CompareAndSwap,
        "1:2",
        [r#"is "Ada", not nil"#, "again"],
    );
    refuse(ADA, r#"[[:db/cas [:user/email "ada@x"] :user/age 1 2]]"#, CompareAndSwap, "1:2", ["is nil, not 1", "nil stands for"]);
    refuse(
        ADA,
        r#"[[:db/cas [:user/email "ada@x"] :user/nick "a" "z"]]"#,
        CompareAndSwap,
        "1:2",
        [":user/nick has many", ":db/retract"],
    );
    refuse(
        ADA,
        r#"[[:db/cas [:user/email "ada@x"] :user/age nil 1] [:db/cas [:user/email "ada@x"] :user/age nil 2]]"#,
        Conflict,
        "1:50",
        [":user/age", "say one"],
    );
}

#[test]
fn composed_values_follow_their_parts() {
    let seat = r#"[{:db/id "s" :seat/row 1 :seat/column "A"}]"#;
    check("", seat, "+ s :seat/row 1\n+ s :seat/column \"A\"\n+ s :seat/place [1 \"A\"]");
    check("", r#"[{:db/id "s" :seat/row 1}]"#, "+ s :seat/row 1\n+ s :seat/place [1 nil]");
    check(seat, r#"[{:seat/row 1 :seat/column "A" :user/age 1}]"#, "+ s :user/age 1");
    check(
        seat,
        r#"[{:db/id [:seat/place [1 "A"]] :seat/column "B"}]"#,
        "- s :seat/column \"A\"\n+ s :seat/column \"B\"\n- s :seat/place [1 \"A\"]\n+ s :seat/place [1 \"B\"]",
    );
    check(
        seat,
        r#"[[:db/retract [:seat/place [1 "A"]] :seat/row 1 1]]"#,
        "- s :seat/row 1 m _\n- s :seat/place [1 \"A\"] m _\n+ s :seat/place [nil \"A\"] m _",
    );
    check(
        seat,
        r#"[[:db/retractEntity [:seat/place [1 "A"]]]]"#,
        "- s :seat/row 1\n- s :seat/column \"A\"\n- s :seat/place [1 \"A\"]",
    );
    check(
        r#"[{:db/id "s" :seat/row 1} {:db/id "u" :seat/row 2}]"#,
        r#"[{:db/id "v" :seat/row 1}]"#,
        "+ v :seat/row 1\n+ v :seat/place [1 nil]",
    );
    check(
        "",
        r#"[{:db/id "s" :seat/row 1} {:db/id "u" :seat/row 1}]"#,
        "+ s :seat/row 1\n+ s :seat/place [1 nil]\n+ u :seat/row 1\n+ u :seat/place [1 nil]",
    );
    refuse(
        seat,
        r#"[[:db/add "x" :seat/place [1 "A"]]]"#,
        Declaration,
        "1:2",
        [":seat/place is composed", ":seat/row, :seat/column"],
    );
    refuse(
        seat,
        r#"[{:db/id "x" :seat/row 1} [:db/add "x" :seat/column "B"] [:db/add [:seat/place [1 "A"]] :seat/column "B"]]"#,
        Uniqueness,
        "1:58",
        [r#":seat/place [1 "B"] is unique"#, "another"],
    );
    check(
        r#"[{:db/id "x" :pair/a 1 :pair/b 2} {:db/id "y" :pair/a 1}]"#,
        "[{:db/ident :pair/both :db/tupleAttrs [:pair/a :pair/b]} {:db/id \"z\" :pair/b 5}]",
        "+ :pair/both :db/tupleAttrs [:pair/a :pair/b]\n+ x :pair/both [1 2]\n+ y :pair/both [1 nil]\n+ z :pair/b 5\n+ z :pair/both [nil 5]",
    );
}

#[test]
fn entities_lie_where_their_attributes_place_them() {
    let mut store = Store::new();
    let text = r#"[{:db/id "r1" :run/id "1"} {:db/id "r2" :run/id "2"} {:db/id "l" :log/run "r2" :log/message "m"}
                   {:db/id "s" :state/namespace "n" :state/key "k"} {:db/id "d" :note 1} {:db/id "i" :db/ident :an/enum}]"#;
    let prepared = store.transact(&TxData::read(text).expect("right")).expect("right");
    let id = |name: &str| prepared.tempids[name];
    assert_eq!((id("r1"), id("r2")), (Partition(16).entity(1), Partition(17).entity(1)));
    assert_eq!(id("l"), Partition(17).entity(2));
    assert_eq!(
        (Partition::of(id("s")), Partition::of(id("d")), Partition::of(id("i"))),
        (Partition::STATE, Partition::DEFAULT, Partition::SCHEMA)
    );
    let more = store
        .transact(&TxData::read(r#"[{:db/id "r3" :run/id "3"} {:db/id "l2" :log/run [:run/id "2"]}]"#).expect("right"))
        .expect("right");
    assert_eq!((more.tempids["r3"], more.tempids["l2"]), (Partition(18).entity(1), Partition(17).entity(3)));
    let runs = r#"[{:db/id "r" :run/id "1"} {:db/id "d" :note 1 :user/email "d"}]"#;
    let beside_a_name = TxData::read(r#"[{:db/id "l" :log/run :db/ident}]"#).expect("right");
    let placed = prepare(&Store::new(), &beside_a_name, NOW).expect("right");
    assert_eq!(Partition::of(placed.tempids["l"]), Partition::DEFAULT, "nobody lies among the attributes unasked");
    refuse(
        runs,
        r#"[{:db/id [:user/email "d"] :log/run [:run/id "1"]}]"#,
        ErrorKind::Entity,
        "1:37",
        ["does not lie where :log/run", "temporary id"],
    );
    refuse(
        runs,
        r#"[[:db/add [:user/email "d"] :run/id "9"]]"#,
        ErrorKind::Entity,
        "1:2",
        ["where :run/id places", "temporary id"],
    );
    refuse(
        runs,
        r#"[[:db/add [:user/email "d"] :state/namespace "9"]]"#,
        ErrorKind::Entity,
        "1:2",
        ["where :state/namespace", "temporary id"],
    );
    // Whoever lies there already may say so of itself: the first of an own partition, not another.
    let second = r#"[{:db/id "r" :run/id "1"} {:db/id "l" :log/run "r" :log/message "m"}]"#;
    check(
        runs,
        r#"[[:db/retract 68719476737 :run/id "1"] [:db/add 68719476737 :run/id "9"]]"#,
        "- r :run/id \"1\"\n+ r :run/id \"9\"",
    );
    refuse(second, r#"[[:db/add 68719476738 :run/id "9"]]"#, ErrorKind::Entity, "1:2", ["where :run/id places", "temporary id"]);
    check(
        runs,
        r#"[{:db/id 68719476746 :log/run [:run/id "1"]} {:db/id "l" :log/run [:run/id "1"]}]"#,
        "+ _ :log/run r\n+ _ :log/seq 1\n+ l :log/run r\n+ l :log/seq 2",
    );
}

#[test]
fn lines_are_numbered_in_their_run() {
    let runs = r#"[{:db/id "r" :run/id "1"} {:db/id "q" :run/id "2"}] [{:db/id "l1" :log/run [:run/id "1"]}]"#;
    check(
        runs,
        r#"[{:db/id "a" :log/run [:run/id "1"]} {:db/id "b" :log/run [:run/id "1"]} {:db/id "c" :log/run [:run/id "2"]}]"#,
        "+ a :log/run r\n+ a :log/seq 2\n+ b :log/run r\n+ b :log/seq 3\n+ c :log/run q\n+ c :log/seq 1",
    );
    check(
        runs,
        r#"[{:db/id "b" :log/run [:run/id "1"]} {:db/id "a" :log/run [:run/id "1"]}]"#,
        "+ b :log/run r\n+ b :log/seq 2\n+ a :log/run r\n+ a :log/seq 3",
    );
    check(runs, r#"[{:db/id 68719476738 :log/run [:run/id "1"] :log/message "m"}]"#, r#"+ l1 :log/message "m""#);
    check(runs, r#"[{:db/id "a" :log/run [:run/id "1"] :log/seq 2}]"#, "+ a :log/run r\n+ a :log/seq 2");
    check(
        runs,
        r#"[{:db/id "a" :log/run [:run/id "1"] :log/seq 3} {:db/id "b" :log/run [:run/id "1"]}]"#,
        "+ a :log/run r\n+ a :log/seq 3\n+ b :log/run r\n+ b :log/seq 2",
    );
    check(
        "",
        r#"[{:db/id "n" :run/id "9" :log/_run [{:db/id "a" :log/message "x"}]}]"#,
        "+ n :run/id \"9\"\n+ a :log/run n\n+ a :log/seq 1\n+ a :log/message \"x\"",
    );
    check(
        runs,
        r#"[{:db/id "a" :log/run [:run/id "1"] :db/m "n"} {:db/id "n" :note 1}]"#,
        "+ a :log/run r m n\n+ a :log/seq 2 m n\n+ n :note 1",
    );
    refuse(
        runs,
        r#"[{:db/id "a" :log/run [:run/id "1"] :log/seq 7}]"#,
        Sequence,
        "1:46",
        [":log/seq 7 is not the next in turn, which is 2", "leave :log/seq out"],
    );
    refuse(runs, r#"[{:db/id "a" :log/run [:run/id "1"] :log/seq 1}]"#, Sequence, "1:46", ["which is 2", "leave"]);
    refuse(
        runs,
        r#"[{:db/id "a" :log/seq 1}]"#,
        Sequence,
        "1:23",
        [":log/seq counts within :log/run, which is not said", "say :log/run"],
    );
    refuse(
        runs,
        r#"[{:db/id "a" :log/run [:run/id "1"] :log/seq 2} {:db/id "b" :log/run [:run/id "1"] :log/seq 2}]"#,
        Sequence,
        "1:93",
        ["2 is not the next", "leave"],
    );
    let last = Store::after(&[SCHEMA, runs]).log().last().expect("the line is there").e;
    refuse(runs, &format!("[[:db/add {last} :log/seq 5]]"), Sequence, "1:2", [":log/seq is 1 already", "leave it out"]);
    check(runs, &format!("[{{:db/id {last} :log/seq 1 :note 1}}]"), "+ l1 :note 1");
}

#[test]
fn attributes_of_users_count_too() {
    let pages = "[{:db/ident :page/book :db/valueType :db.type/ref}]
                 [{:db/ident :page/number :db/valueType :db.type/long :db/sequenceWithin :page/book}]
                 [{:db/ident :page/place :db/tupleAttrs [:page/book :page/number] :db/unique :db.unique/identity}
                  {:db/ident :page/alone :db/tupleAttrs [:page/number]}]";
    check(
        pages,
        r#"[{:db/id "a" :page/book :color/red} {:db/id "b" :page/book :color/red} {:db/id "c" :page/book :color/blue}]"#,
        "+ a :page/book :color/red
         + a :page/number 1
         + a :page/place [:color/red 1]
         + a :page/alone [1]
         + b :page/book :color/red
         + b :page/number 2
         + b :page/place [:color/red 2]
         + b :page/alone [2]
         + c :page/book :color/blue
         + c :page/number 1
         + c :page/place [:color/blue 1]
         + c :page/alone [1]",
    );
    refuse(
        "",
        "[{:db/ident :page/number :db/valueType :db.type/long :db/sequenceWithin :user/name}]",
        ErrorKind::Declaration,
        "1:40",
        ["cannot count within :user/name", ":db.type/ref"],
    );
}

#[test]
fn instants_of_transactions_never_go_back() {
    let store = Store::new();
    let instant = |text: &str, now: i64| {
        let prepared = prepare(&store, &TxData::read(text).expect(text), now).expect(text);
        assert!(
            prepared.is_empty()
                || prepared.datoms.iter().any(|datom| datom.e == 2 && datom.v == Value::Instant(prepared.instant))
        );
        (prepared.instant, prepared.is_empty())
    };
    assert_eq!(instant("[{:note 1}]", NOW), (NOW, false));
    assert_eq!(instant("[{:note 1}]", 5), (GENESIS_INSTANT, false));
    assert_eq!(
        instant(r#"[{:note 1} [:db/add "datomic.tx" :db/txInstant #inst "1970-01-01T00:00:01.5Z"]]"#, NOW),
        (1_500_000, false)
    );
    assert_eq!(instant(r#"[{:db/id :db/current-tx :db/txInstant #inst "1970-01-01T00:00:01Z"}]"#, NOW), (GENESIS_INSTANT, false));
    assert_eq!(instant(r#"[{:db/id "datomic.tx" :db/txInstant #inst "1970-01-01T00:00:02Z"}]"#, NOW), (NOW, false));
    let said = |at: &str| format!(r#"[{{:note 1}} {{:db/id "datomic.tx" :db/txInstant #inst "1970-01-01T00:00:{at}Z"}}]"#);
    refuse("", &said("02.000001"), InstantOrder, "1:47", ["is after now", "never go back"]);
    refuse("", &said("01.998"), InstantOrder, "1:47", ["is before the previous", "between these"]);
    refuse(
        "",
        r#"[[:db/add 1 :db/txInstant #inst "1970-01-01T00:00:02Z"]]"#,
        InstantOrder,
        "1:2",
        ["of the transaction itself", "datomic.tx"],
    );
    refuse(
        "",
        r#"[[:db/retract 1 :db/txInstant #inst "1970-01-01T00:00:01Z"]]"#,
        InstantOrder,
        "1:2",
        ["of the transaction itself", "datomic.tx"],
    );
    refuse(
        "",
        r#"[[:db/retract "datomic.tx" :db/txInstant #inst "1970-01-01T00:00:01Z"]]"#,
        InstantOrder,
        "1:2",
        ["never retracted", "leave"],
    );
    refuse(
        "",
        &format!(r#"[[:db/add "datomic.tx" :db/txInstant #inst "1970-01-01T00:00:02Z"] {}"#, &said("01")[1..]),
        Conflict,
        "1:113",
        ["two instants", "say one"],
    );
}

#[test]
fn every_statement_sees_the_store_before() {
    check(
        ADA,
        r#"[[:db/add [:user/email "ada@x"] :user/email "new@x"] {:user/email "new@x" :user/age 1}]"#,
        "- ada :user/email \"ada@x\"\n+ ada :user/email \"new@x\"\n+ ada :user/age 1",
    );
    check(
        ADA,
        r#"[[:db/cas [:user/email "ada@x"] :user/name "Ada" "Eve"] [:db/retract [:user/email "ada@x"] :user/nick "a"] [:db/add [:user/email "ada@x"] :user/nick "c"]]"#,
        "- ada :user/name \"Ada\"\n+ ada :user/name \"Eve\"\n- ada :user/nick \"a\"\n+ ada :user/nick \"c\"",
    );
    check(
        ADA,
        r#"[[:db/retractEntity [:user/email "bob@x"]] {:user/email "ada@x" :user/age 5}]"#,
        "- bob :user/boss ada\n- bob :user/email \"bob@x\"\n- bob :user/friend ada\n- bob :user/number 2\n+ ada :user/age 5",
    );
    let store = Store::after(&[SCHEMA, ADA]);
    let before: Vec<_> = store.held().cloned().collect();
    let wrong = TxData::read(r#"[{:db/id "x" :user/age 1} {:db/id "x" :user/age 2}]"#).expect("the text is right");
    prepare(&store, &wrong, NOW).expect_err("a conflict");
    assert_eq!(store.held().cloned().collect::<Vec<_>>(), before, "nothing of a refused transaction remains");
    assert_eq!(store.basis(), 3);
}
