//! Promise: an answer in columns is the answer in rows. Attacked with results of every kind of column, every shape, and nothing at
//! all, looked at by column, by row, by value, cut off, and through serde both ways.

use annals_query::{Answer, Budget, Column, Given, Table, Value, edn, engine};

/// The table of a query over rows given as EDN.
fn table(query: &str, rows: &str) -> Table {
    let rows = edn::read(rows).expect("a test is valid EDN");
    let rows = rows.as_items().expect("rows").iter().map(|row| row.as_items().expect("a row").to_vec()).collect();
    engine::query_table(query, &[Given::Relation(rows)], &Budget::default()).unwrap_or_else(|error| panic!("{query}: {error}"))
}

fn kind(column: &Column) -> &'static str {
    match column {
        Column::Long(_) => "longs",
        Column::Double(_) => "doubles",
        Column::Boolean(_) => "booleans",
        Column::Instant(_) => "instants",
        Column::Text(..) => "texts",
        Column::Value(_) => "values",
    }
}

#[track_caller]
fn check_kind(rows: &str, expected: &str) {
    let table = table("[:find ?x :where [?x]]", rows);
    assert_eq!(kind(table.column(0)), expected, "{rows}");
    let values: Vec<Value> = table.column(0).values().collect();
    let by_row: Vec<Value> = table.rows().map(|row| row.value(0)).collect();
    let answer = Answer::from(table.clone());
    assert_eq!(values, by_row, "{rows}");
    assert_eq!(values, answer.rows.into_iter().flatten().collect::<Vec<_>>(), "{rows}");
    assert_eq!(format!("[{}]", values.iter().map(|value| format!("[{value}]")).collect::<Vec<_>>().join("\n ")), table.to_edn());
}

#[test]
fn a_column_has_the_kind_of_its_values() {
    check_kind("[[3] [1] [2]]", "longs");
    check_kind("[[1.5] [-0.0] [2.0]]", "doubles");
    check_kind("[[true] [false]]", "booleans");
    check_kind("[[#inst \"2026-01-01\"] [#inst \"1969-01-01\"]]", "instants");
    check_kind("[[\"b\"] [\"a\"]]", "texts");
    check_kind("[[:b/c] [:a]]", "texts");
    check_kind("[[1] [\"a\"] [[1 2]]]", "values");
    check_kind("[[1] [2.5] [3N]]", "values");
    check_kind("[]", "values");
}

#[test]
fn typed_parts_are_there_for_their_kind_alone() {
    let longs = table("[:find ?x :where [?x]]", "[[3] [1] [2]]");
    assert_eq!(longs.column(0).as_longs(), Some(&[1, 2, 3][..]));
    let others = [longs.column(0).as_instants().is_some(), longs.column(0).as_doubles().is_some()];
    assert_eq!((others, longs.column(0).as_booleans(), longs.column(0).as_texts().is_some()), ([false; 2], None, false));
    let texts = table("[:find ?x :where [?x]]", "[[:b] [:a/c]]");
    assert_eq!(texts.column(0).as_texts().expect("texts").collect::<Vec<_>>(), ["a/c", "b"]);
    assert_eq!(table("[:find ?x :where [?x]]", "[[2.5]]").column(0).as_doubles(), Some(&[2.5][..]));
    assert_eq!(table("[:find ?x :where [?x]]", "[[true]]").column(0).as_booleans(), Some(&[true][..]));
}

#[test]
fn columns_are_found_by_name() {
    let table = table("[:find ?x (count ?y) :where [?x ?y]]", "[[1 10] [1 20] [2 30]]");
    assert_eq!(table.header(), ["?x", "(count ?y)"]);
    assert_eq!(table.named("(count ?y)").and_then(Column::as_longs), Some(&[2, 1][..]));
    assert!(table.named("?y").is_none());
}

#[track_caller]
fn check_serde(find: &str, rows: &str, by_row: &str, by_column: &str) {
    let table = table(&format!("[:find {find} :where [?x ?y]]"), rows);
    let text = |value: Result<String, serde_json::Error>| value.expect("every answer has a form in JSON");
    assert_eq!(text(serde_json::to_string(&table)), by_row, "{find} of {rows}");
    assert_eq!(text(serde_json::to_string(&Answer::from(table.clone()))), by_row, "{find} of {rows}");
    assert_eq!(text(serde_json::to_string(&table.by_column())), by_column, "{find} of {rows}");
    assert_eq!(table.to_edn(), Answer::from(table.clone()).to_edn(), "{find} of {rows}");
    assert_eq!(table.clone().into_value(), Answer::from(table).into_value(), "{find} of {rows}");
}

#[test]
fn serde_writes_rows_in_the_shape_asked_for_and_columns_as_they_are() {
    let rows = "[[1 \"a\"] [2 \"b\"]]";
    let columns = r#"{"header":["?x","?y"],"columns":[[1,2],["a","b"]]}"#;
    check_serde("?x ?y", rows, r#"[[1,"a"],[2,"b"]]"#, columns);
    check_serde("?x ?y :keys n text", rows, r#"[{"n":1,"text":"a"},{"n":2,"text":"b"}]"#, columns);
    check_serde("[?x ...]", rows, "[1,2]", r#"{"header":["?x"],"columns":[[1,2]]}"#);
    check_serde("[?x ?y]", rows, r#"[1,"a"]"#, r#"{"header":["?x","?y"],"columns":[[1],["a"]]}"#);
    check_serde("[?x ?y] :strs n text", rows, r#"{"n":1,"text":"a"}"#, r#"{"header":["?x","?y"],"columns":[[1],["a"]]}"#);
    check_serde("?y .", rows, r#""a""#, r#"{"header":["?y"],"columns":[["a"]]}"#);
    check_serde("?x ?y", "[]", "[]", r#"{"header":["?x","?y"],"columns":[[],[]]}"#);
    check_serde("[?x ?y]", "[]", "null", r#"{"header":["?x","?y"],"columns":[[],[]]}"#);
    check_serde("[?x ?y] :keys n text", "[]", "null", r#"{"header":["?x","?y"],"columns":[[],[]]}"#);
    check_serde("?y .", "[]", "null", r#"{"header":["?y"],"columns":[[]]}"#);
    check_serde("?x ?x", rows, "[[1,1],[2,2]]", r#"{"header":["?x","?x"],"columns":[[1,2],[1,2]]}"#);
}

#[track_caller]
fn check_window(window: &str, expected: &str) {
    // In order as given, and in the opposite order: what is shared and what is gathered are cut alike.
    for rows in ["[[1 5] [2 4] [3 3] [4 2]]", "[[4 2] [3 3] [2 4] [1 5]]"] {
        assert_eq!(table(&format!("[:find [?x ...] {window} :where [?x ?y]]"), rows).to_edn(), expected, "{window} of {rows}");
    }
}

#[test]
fn offset_and_limit_cut_columns() {
    check_window("", "[1 2 3 4]");
    check_window(":limit 2", "[1 2]");
    check_window(":offset 3", "[4]");
    check_window(":offset 1 :limit 2", "[2 3]");
    check_window(":offset 9", "[]");
    check_window(":limit 0", "[]");
    check_window(":order-by [?y :asc] :offset 1 :limit 2", "[3 2]");
    check_window(":order-by [?y] :limit 9", "[4 3 2 1]");
}

#[test]
fn a_table_can_be_cut_and_read_row_by_row() {
    let mut table = table("[:find ?x ?y :where [?x ?y]]", "[[1 \"a\"] [2 \"b\"] [3 \"c\"]]");
    table.truncate(9);
    assert_eq!((table.len(), table.is_empty()), (3, false));
    table.truncate(2);
    let rows: Vec<Vec<Value>> = table.rows().map(|row| row.to_vec()).collect();
    assert_eq!(rows, [[Value::from(1), "a".into()], [2.into(), "b".into()]]);
    assert_eq!(serde_json::to_string(&table.row(1)).expect("a row has a form in JSON"), r#"[2,"b"]"#);
    assert_eq!((table.row(1).len(), table.row(1).is_empty(), table.column(1).len()), (2, false, 2));
    table.truncate(0);
    assert!(table.is_empty() && table.to_edn() == "[]");
}
