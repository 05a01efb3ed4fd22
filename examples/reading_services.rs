//! Two services log in their own manner: one writes numbers as text and levels in capitals, the other nests JSON. Two lenses, kept in the
//! store, show both in one vocabulary, so that one query answers for both; what cannot be read is named, or left out on request.

use annals::query::Code;
use annals::{Connection, ErrorKind, Input, Lens};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let connection = Connection::open(folder.path().join("annals.db"))?;
    connection.transact(
        r#"[{:mill/what "grind" :mill/ms "120" :mill/level "WARN"}
            {:mill/what "sieve" :mill/ms "about 3" :mill/level "INFO"}
            {:bakery/body "{\"step\": \"bake\", \"ms\": 900}"}]"#,
    )?;
    connection.keep_lens(
        "{:lens/name :services/mill
          :lens/rename {:step/name :mill/what :step/ms :mill/ms :step/level :mill/level}
          :lens/coerce {:step/ms :long :step/level (keyword (lower-case ?value))}}",
    )?;
    connection.keep_lens(
        r#"{:lens/name :services/bakery
            :lens/coerce {:bakery/body :json}
            :lens/default {:bakery/body {:step/level :info}}
            :lens/compute {:step/name (get ?bakery/body "step") :step/ms (get ?bakery/body "ms")}}"#,
    )?;

    let db = connection.db()?;
    let bakery = db.through(&db.lens_named("services/bakery")?);
    let steps = "[:find ?name ?ms ?level :where [?s :step/name ?name] [?s :step/ms ?ms] [?s :step/level ?level] :order-by ?name]";
    assert_eq!(bakery.q(steps, &[])?.to_edn(), r#"[["bake" 900 :info]]"#);

    // The mill's own words cannot all be read: the error names the fact.
    let mill = db.lens_named("services/mill")?;
    let refused = db.through(&mill).q(steps, &[]).expect_err("about 3 is no number");
    assert_eq!(refused.kind(), ErrorKind::Query(Code::LensCoercion));
    println!("{refused}");

    // A lens on top of nothing but the wish to go on.
    let text = db.lens_text("services/mill")?.replace(":lens/coerce", ":lens/on-failure :skip :lens/coerce");
    let mill = db.through(&Lens::read(&text)?);
    assert_eq!(mill.q(steps, &[])?.to_edn(), r#"[["grind" 120 :warn]]"#);

    // Both readings in one query.
    let both = "[:find [?name ...] :in $ $bakery
                 :where (or-join [?name ?ms] (and [?s :step/name ?name] [?s :step/ms ?ms])
                                             ($bakery step ?name ?ms))
                        [(> ?ms 100)] :order-by ?name]";
    let both = both.replace(":in $ $bakery", ":in $ $bakery %");
    let rules = "[[(step ?name ?ms) [?s :step/name ?name] [?s :step/ms ?ms]]]";
    let answer = mill.q(&both, &[Input::Db(bakery), rules.into()])?;
    assert_eq!(answer.to_edn(), r#"["bake" "grind"]"#);
    Ok(())
}
