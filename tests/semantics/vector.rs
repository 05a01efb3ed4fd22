//! A vector: a map of a file, with each field as it was written.

use annals::query::edn::{self, Form};

/// One case, or one store that cases share.
pub(crate) struct Vector<'t> {
    /// Where it stands.
    pub(crate) line: usize,
    text: &'t str,
    fields: Vec<(String, Form)>,
}

impl<'t> Vector<'t> {
    /// All of a file, in order.
    pub(crate) fn read_all(text: &'t str) -> Vec<Self> {
        let forms = edn::read_forms(text).unwrap_or_else(|error| panic!("{error} at {:?}", error.position()));
        forms.iter().map(|form| Self::new(text, form)).collect()
    }

    fn new(text: &'t str, form: &Form) -> Self {
        let line = form.span.position_in(text).line as usize;
        let entries = form.map().unwrap_or_else(|| panic!("line {line}: a vector is a map"));
        let name = |key: &Form| key.keyword().expect("a field is a keyword").to_owned();
        Self { line, text, fields: entries.iter().map(|(key, value)| (name(key), value.clone())).collect() }
    }

    /// A field.
    pub(crate) fn form(&self, name: &str) -> Option<&Form> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, form)| form)
    }

    /// A field as it stands in the file.
    pub(crate) fn raw(&self, name: &str) -> Option<&'t str> {
        self.form(name).map(|form| self.slice(form))
    }

    /// A field as text to be read: what it says if it is in quotes, or else as it stands in the file.
    pub(crate) fn source(&self, name: &str) -> Option<&str> {
        self.form(name).map(|form| self.source_of(form))
    }

    /// A form as text to be read.
    pub(crate) fn source_of<'s>(&'s self, form: &'s Form) -> &'s str {
        form.string().unwrap_or_else(|| self.slice(form))
    }

    /// A form as it stands in the file.
    pub(crate) fn slice(&self, form: &Form) -> &'t str {
        &self.text[form.span.start as usize..form.span.end as usize]
    }

    /// The items of a field that is a vector.
    pub(crate) fn items(&self, name: &str) -> &[Form] {
        self.form(name).map_or(&[], |form| form.vector().unwrap_or_else(|| panic!("line {}: :{name} is a vector", self.line)))
    }

    /// The texts of a field that is one text or a vector of them.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        match self.form(name) {
            None => Vec::new(),
            Some(form) => match form.vector() {
                Some(items) => items.iter().map(|item| item.string().expect("a text")).collect(),
                None => vec![form.string().expect("a text")],
            },
        }
    }
}
