//! Random pull patterns.

use super::Kind;
use super::clause::Maker;

impl Maker<'_> {
    /// A pattern of one to four entries, `depth` levels deep at most.
    pub(super) fn pull_pattern(&mut self, depth: usize) -> String {
        let count = self.random.between(1, 4);
        let entries: Vec<String> = (0..count).map(|at| self.pull_entry(depth, at)).collect();
        format!("[{}]", entries.join(" "))
    }

    /// `at` is its place in the pattern: two entries are never shown under one name by `:as`.
    fn pull_entry(&mut self, depth: usize, at: i64) -> String {
        match self.random.below(12) {
            0 => "*".to_owned(),
            1 => ":db/id".to_owned(),
            2 => self.pull_reverse(),
            3..=5 if depth > 0 => {
                let key = if self.random.percent(30) { self.pull_reverse() } else { self.pull_attribute(Kind::Entity, at) };
                let inner = match self.random.below(6) {
                    0 => "...".to_owned(),
                    1 => self.random.between(1, 3).to_string(),
                    _ => self.pull_pattern(depth - 1),
                };
                format!("{{{key} {inner}}}")
            }
            _ => self.pull_attribute(Kind::Any, at),
        }
    }

    /// An attribute, often with options.
    fn pull_attribute(&mut self, kind: Kind, at: i64) -> String {
        let Some(field) = self.field(kind) else { return ":db/id".to_owned() };
        let mut options: Vec<String> = Vec::new();
        if self.random.percent(12) {
            let names = [format!("\"alias {at}\""), format!(":other/name-{at}"), format!("{at}")];
            options.push(format!(":as {}", self.random.choose(&names)));
        }
        if self.random.percent(15) {
            options.push(format!(":limit {}", self.random.choose(&["1", "2", "3", "nil"])));
        }
        if self.random.percent(15) {
            options.push(format!(":default {}", self.random.choose(&["0", "\"none\"", ":nothing", "false"])));
        }
        if self.random.percent(12) {
            options.push(":ident true".to_owned());
        }
        if self.random.percent(8) {
            options.push(format!(":xform {}", self.random.choose(&["identity", "str"])));
        }
        let name = if self.random.percent(4) { "unheard-of".to_owned() } else { field.ident };
        if options.is_empty() { format!(":{name}") } else { format!("(:{name} {})", options.join(" ")) }
    }

    fn pull_reverse(&mut self) -> String {
        let field = self.field(Kind::Entity).expect("every schema has references");
        match field.ident.rsplit_once('/') {
            Some((namespace, name)) => format!(":{namespace}/_{name}"),
            None => format!(":_{}", field.ident),
        }
    }
}
