//! One store, two programs: an old shop calls people contacts and keeps totals as text, a new one wants users and money. Each reads
//! the same facts in its own way, as of any moment, and nothing is rewritten.

use annals::{Connection, Db, Lens};

/// What the new shop asks.
const SPENT: &str = "[:find ?name (sum ?total) :with ?order
                      :where [?order :order/user ?user] [?order :order/total ?total] [?user :user/name ?name] :order-by ?name]";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let connection = Connection::open(folder.path().join("annals.db"))?;
    connection.transact(
        "[{:db/ident :contact/mail :db/unique :db.unique/identity}
          {:db/ident :sale/contact :db/valueType :db.type/ref}]",
    )?;
    let first = connection.transact(
        r#"[{:db/id "ada" :contact/mail "ada@example.org" :contact/first "Ada" :contact/last "Lovelace"}
            {:sale/contact "ada" :sale/total "12.50"}
            {:sale/contact "ada" :sale/total "0.75"}]"#,
    )?;
    connection.transact(r#"[{:sale/contact [:contact/mail "ada@example.org"] :sale/total "100"}]"#)?;
    let datoms_before = connection.db()?.tx_range(..)?;

    // The old program reads what it wrote.
    let texts = connection.db()?.q("[:find [?total ...] :where [_ :sale/total ?total] :order-by ?total]", &[])?;
    assert_eq!(texts.to_edn(), r#"["0.75" "100" "12.50"]"#);

    // The new one reads users, orders and money.
    let lens = Lens::read(
        r#"{:lens/name    :shop/v2
            :lens/rename  {:user/mail :contact/mail :order/user :sale/contact :order/total :sale/total}
            :lens/coerce  {:order/total :bigdec}
            :lens/compute {:user/name (str ?contact/first " " ?contact/last)}
            :lens/rules   [[(large ?order) [?order :order/total ?n] [(>= ?n 100)]]]}"#,
    )?;
    let spent = |db: &Db| db.through(&lens).q(SPENT, &[]).map(|answer| answer.to_edn());
    assert_eq!(spent(&connection.db()?)?, r#"[["Ada Lovelace" 113.25M]]"#);
    assert_eq!(spent(&connection.db()?.as_of(first.t.expect("it said something new"))?)?, r#"[["Ada Lovelace" 13.25M]]"#);

    let seen = connection.db()?.through(&lens);
    let large = seen.q("[:find ?n . :where (large ?order) [?order :order/total ?n]]", &[])?;
    assert_eq!(large.to_edn(), "100M");
    println!("{}", seen.pull("[:user/name {:order/_user [:order/total]}]", (":user/mail", "ada@example.org"))?);

    // Neither of them changed a fact.
    assert_eq!(connection.db()?.tx_range(..)?, datoms_before);
    Ok(())
}
