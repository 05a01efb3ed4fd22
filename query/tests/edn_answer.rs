//! Promise: an answer is written as the command line's page says, in EDN and in JSON, for every shape. Attacked with a table
//! of shapes, rows and both texts, over nothing as well.

use annals_query::ast::{ReturnMap, ReturnMapKind};
use annals_query::{Answer, Shape, Span, Value, edn};

#[track_caller]
fn check(shape: Shape, rows: &str, expected_edn: &str, expected_json: &str) {
    let rows = edn::read(rows).expect("the rows are EDN");
    let rows: Vec<Vec<Value>> =
        rows.as_items().expect("a vector").iter().map(|row| row.as_items().expect("a row").to_vec()).collect();
    let answer = Answer { header: Vec::new(), shape, rows, warnings: Vec::new() };
    assert_eq!(answer.to_edn(), expected_edn);
    assert_eq!(serde_json::to_string(&answer).expect("an answer is JSON"), expected_json);
    assert!(edn::read(&answer.to_edn()).is_ok());
}

fn names(kind: ReturnMapKind) -> ReturnMap {
    ReturnMap { kind, names: vec!["n".into(), "a/level".into()], span: Span::default() }
}

#[test]
fn every_shape_is_written_as_the_command_line_promises() {
    let rows = "[[1 :info] [2 \"x\"]]";
    check(Shape::Relation, rows, "[[1 :info]\n [2 \"x\"]]", r#"[[1,":info"],[2,"x"]]"#);
    check(Shape::Relation, "[]", "[]", "[]");
    check(
        Shape::RelationOfMaps(names(ReturnMapKind::Keys)),
        rows,
        "[{:n 1, :a/level :info}\n {:n 2, :a/level \"x\"}]",
        r#"[{"n":1,"a/level":":info"},{"n":2,"a/level":"x"}]"#,
    );
    check(Shape::RelationOfMaps(names(ReturnMapKind::Strs)), "[[1 2]]", "[{\"n\" 1, \"a/level\" 2}]", r#"[{"n":1,"a/level":2}]"#);
    check(Shape::RelationOfMaps(names(ReturnMapKind::Syms)), "[[1 2]]", "[{n 1, a/level 2}]", r#"[{"n":1,"a/level":2}]"#);
    check(Shape::RelationOfMaps(names(ReturnMapKind::Keys)), "[]", "[]", "[]");
    check(Shape::Collection, "[[1] [2]]", "[1 2]", "[1,2]");
    check(Shape::Collection, "[]", "[]", "[]");
    check(Shape::Tuple, "[[1 nil]]", "[1 nil]", "[1,null]");
    check(Shape::Tuple, "[]", "nil", "null");
    check(Shape::TupleAsMap(names(ReturnMapKind::Keys)), "[[1 2]]", "{:n 1, :a/level 2}", r#"{"n":1,"a/level":2}"#);
    check(Shape::TupleAsMap(names(ReturnMapKind::Keys)), "[]", "nil", "null");
    check(Shape::Scalar, "[[false]]", "false", "false");
    check(Shape::Scalar, "[]", "nil", "null");
}
