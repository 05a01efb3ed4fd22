//! A fact about a run as a person types it: `--set K=V`.

use std::str::FromStr;
use std::sync::Arc;

use annals_query::{Value, edn};

use crate::error::{Error, ErrorKind};
use crate::schema::GENESIS;

/// One fact about a run: an attribute and its value.
///
/// The key is a keyword, with or without its colon; without a namespace it is an attribute of the run. The value is an EDN scalar if it reads as one
/// (a number, `true`, a keyword, text in quotes, `#inst`, `#uuid`), else a string.
///
/// ```
/// use annals::Value;
/// use annals::contract::Setting;
/// let setting: Setting = "attempt=3".parse()?;
/// assert_eq!((&*setting.attribute, setting.value), ("run/attempt", Value::from(3)));
/// let setting: Setting = ":git/branch=main".parse()?;
/// assert_eq!((&*setting.attribute, setting.value), ("git/branch", Value::from("main")));
/// assert!("status=done".parse::<Setting>().is_err(), "Annals itself says how a run went");
/// # Ok::<(), annals::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The attribute's keyword, without colon.
    pub attribute: Arc<str>,
    /// The value.
    pub value: Value,
}

impl FromStr for Setting {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |message: String, help: &str| Err(Error::new(ErrorKind::Usage, message).with_value(text).with_help(help));
        let Some((key, value)) = text.split_once('=') else {
            return refuse(format!("`{text}` is not of the form KEY=VALUE"), "write for example `--set attempt=3`");
        };
        let name = key.strip_prefix(':').unwrap_or(key);
        let ident = if name.contains('/') { name.to_owned() } else { format!("run/{name}") };
        match edn::read(&format!(":{ident}")) {
            Ok(Value::Keyword(read)) if *read == *ident => {}
            _ => {
                return refuse(
                    format!("`{key}` is not a keyword"),
                    "write letters, digits and `-`, with one `/` at most, as in `git/branch`",
                );
            }
        }
        let namespace = ident.split('/').next().unwrap_or_default();
        let is_builtin = GENESIS.iter().any(|builtin| builtin.ident == ident);
        if is_builtin || namespace == "db" || namespace.starts_with("db.") {
            return refuse(
                format!("`:{ident}` is an attribute that Annals itself writes"),
                "choose a key of your own, such as `my/key`; `--name` and `--mode` have options of their own",
            );
        }
        Ok(Self { attribute: ident.into(), value: scalar(value) })
    }
}

/// What the text says as EDN if it is a scalar with a meaning of its own, else the text.
fn scalar(text: &str) -> Value {
    if text.trim() == text
        && let Ok(value) = edn::read(text)
        && value.value_type().is_some()
        && !matches!(value, Value::Symbol(_) | Value::Vector(_))
    {
        return value;
    }
    text.into()
}
