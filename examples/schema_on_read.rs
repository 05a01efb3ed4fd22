//! Facts first, schema later: say facts about attributes nobody declared, ask them, and declare what should be checked from
//! then on. A declaration that the facts contradict is refused, and names them.

use annals::{Connection, ErrorKind, Value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let connection = Connection::open(folder.path().join("annals.db"))?;

    connection.transact("[{:user/name \"Ada\" :user/born 1815} {:user/name \"Grace\" :user/born 1906}]")?;
    connection.transact("[{:user/name \"Alan\" :user/born \"1912\"}]")?;

    let born = "[:find ?name ?born :where [?user :user/name ?name] [?user :user/born ?born] :order-by ?name]";
    println!("{}", connection.db()?.q(born, &[])?.to_edn());

    let declaration = "[{:db/ident :user/born :db/valueType :db.type/long :db/cardinality :db.cardinality/one}]";
    let refused = connection.transact(declaration).expect_err("one user was born in a text");
    assert_eq!(refused.kind(), ErrorKind::Declaration);
    println!("{refused}");

    connection.transact("[{:db/ident :user/name :db/unique :db.unique/identity}]")?;
    connection.transact("[{:user/name \"Alan\" :user/born 1912}]")?;
    connection.transact(declaration)?;
    let refused = connection.transact("[{:user/name \"Ada\" :user/born \"1815\"}]").expect_err("born is a long now");
    assert_eq!(refused.kind(), ErrorKind::ValueType);

    let answer = connection.db()?.q("[:find (max ?born) . :where [_ :user/born ?born]]", &[])?;
    assert_eq!(answer.rows, [[Value::from(1912)]]);
    Ok(())
}
