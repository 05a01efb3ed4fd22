//! Lenses and rules that a store keeps under a name.

use annals_query::lens::Lens;
use annals_query::{Value, check, parse};

use super::Connection;
use crate::db::{LENSES, Named, Report};
use crate::error::{Error, ErrorKind, Result};

impl Connection {
    /// Keeps a lens under the name that its `:lens/name` says; what was kept under that name before gives way. It is a fact like
    /// any other, `{:lens/name :crm/v2 :lens/text "..."}`, which a transaction may say as well.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = annals::Connection::open(folder.path().join("annals.db"))?;
    /// connection.keep_lens("{:lens/name :crm/v2 :lens/rename {:user/email :identity/contact}}")?;
    /// let db = connection.db()?;
    /// let seen = db.through(&db.lens_named("crm/v2")?);
    /// # let _ = seen;
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn keep_lens(&self, text: &str) -> Result<Report> {
        let lens = Lens::read_with(text, self.db()?.functions())?;
        let Some(name) = lens.name() else {
            return Err(Error::new(ErrorKind::Usage, "a lens that is kept has a name")
                .with_value(text)
                .with_help("name it: {:lens/name :my/lens ..}"));
        };
        self.keep(LENSES, &name, text)
    }

    /// Keeps rules under a name (without colon), to be given for `%` by that name. What was kept under it before gives way.
    ///
    /// ```
    /// use annals::Value;
    /// # let folder = tempfile::tempdir().expect("a temporary folder");
    /// # let connection = annals::Connection::open(folder.path().join("annals.db"))?;
    /// connection.keep_rules("my/tree", "[[(above ?a ?b) [?b :tree/parent ?a]] [(above ?a ?b) [?b :tree/parent ?p] (above ?a ?p)]]")?;
    /// connection.transact(r#"[{:tree/name "leaf" :tree/parent {:tree/name "root"}}]"#)?;
    /// let query = "[:find ?n . :in $ % :where (above ?a ?b) [?a :tree/name ?n]]";
    /// let answer = connection.db()?.q(query, &[Value::keyword("my/tree").into()])?;
    /// assert_eq!(answer.to_edn(), "\"root\"");
    /// # Ok::<(), annals::Error>(())
    /// ```
    pub fn keep_rules(&self, name: &str, text: &str) -> Result<Report> {
        let rules = parse::named_rules(&format!(":{name}"), text)?;
        // A query that asks for nothing shows what is wrong with the rules alone.
        let query = parse::query("[:find ?x :in % ?x]")?;
        let texts = rules.clone();
        check::check_with(query, rules, self.db()?.functions()).map_err(|error| texts.locate(error))?;
        self.keep(crate::db::RULES, name, text)
    }

    fn keep(&self, kind: Named, name: &str, text: &str) -> Result<Report> {
        let is_declared =
            self.db()?.schema().declaration_by_ident(kind.name).is_some_and(|known| known.attribute.unique.is_some());
        if !is_declared {
            self.transact(&format!(
                "[{{:db/ident :{} :db/valueType :db.type/keyword :db/cardinality :db.cardinality/one :db/unique :db.unique/identity}}
                  {{:db/ident :{} :db/valueType :db.type/string :db/cardinality :db.cardinality/one}}]",
                kind.name, kind.text
            ))?;
        }
        self.transact(&format!("[{{:{} {} :{} {}}}]", kind.name, Value::keyword(name), kind.text, Value::from(text)))
    }
}
