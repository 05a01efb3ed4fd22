//! What the program of the vectors registers: functions, a predicate, an aggregate and transaction functions, all named `my/..`.

use annals::query::Functions;
use annals::query::function::Arity;
use annals::store::Durability;
use annals::transact::TxData;
use annals::{Db, Options, TransactionFunctions, Value};

/// The options with which every store is opened.
pub(crate) fn options() -> Options {
    Options {
        durability: Durability::Normal,
        functions: functions().expect("the names are free"),
        transaction_functions: transaction_functions().expect("the names are free"),
        ..Options::default()
    }
}

fn functions() -> annals::query::Result<Functions> {
    let double = |args: &[Value]| args[0].as_long().map(|n| Value::from(n * 2)).ok_or("only a long can be doubled");
    let if_even = |args: &[Value]| Ok::<_, String>(args[0].as_long().filter(|n| n % 2 == 0).map_or(Value::Nil, Value::from));
    let is_long_text = |args: &[Value]| args[0].as_text().map(|text| text.len() > 3).ok_or("only a text is long");
    let joined = |values: &[Value]| {
        let texts: Vec<String> = values.iter().map(Value::to_string).collect();
        Ok::<_, String>(Value::from(texts.join("+")))
    };
    Functions::new()
        .with_function("my/double", Arity::exactly(1), double)?
        .with_function("my/if-even", Arity::exactly(1), if_even)?
        .with_predicate("my/long?", Arity::exactly(1), is_long_text)?
        .with_aggregate("my/joined", joined)
}

fn transaction_functions() -> annals::Result<TransactionFunctions> {
    let credit = |db: &Db, args: &[Value], data: &mut TxData| {
        let [account, Value::Long(amount)] = args else { return Err("wants an account and an amount".into()) };
        let answer = db.q("[:find ?b . :in $ ?a :where [?a :my/balance ?b]]", &[account.clone().into()])?;
        let balance = answer.rows.first().and_then(|row| row[0].as_long()).unwrap_or(0);
        if balance + amount < 0 {
            return Err(format!("the balance would be {}", balance + amount).into());
        }
        data.add_text(&format!("[[:db/add {account} :my/balance {}]]", balance + amount))?;
        Ok(())
    };
    let mark = |_: &Db, _: &[Value], data: &mut TxData| {
        data.add_text(r#"[{:db/id "datomic.tx" :my/marked true}]"#)?;
        Ok(())
    };
    TransactionFunctions::new().with("my/credit", credit)?.with("my/mark", mark)
}
