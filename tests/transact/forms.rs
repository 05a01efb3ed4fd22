//! The forms of transaction data, and what each adds.

use crate::check::check;

const ADA: &str = r#"[{:db/id "ada" :user/email "ada@x" :user/name "Ada" :user/nick ["a" "b"]}]"#;

#[test]
fn add_says_a_fact() {
    check("", r#"[[:db/add "x" :user/name "Ada"]]"#, r#"+ x :user/name "Ada""#);
    check("", r#"[:db/add "x" :user/name "Ada"]"#, r#"+ x :user/name "Ada""#);
    check(ADA, r#"[[:db/add [:user/email "ada@x"] :user/age 36]]"#, "+ ada :user/age 36");
    check(
        ADA,
        r#"[[:db/add [:user/email "ada@x"] :user/age 36 "why"] [:db/add "why" :note "x"]]"#,
        "+ ada :user/age 36 m why\n+ why :note \"x\"",
    );
}
