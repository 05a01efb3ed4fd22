//! An explanation as a tree of text: a line of figures a step, and below it why the step stands there and how it was run.

use std::fmt::Write as _;

use super::{ExplainedStep, Explanation};

/// What the branches of a tree are drawn with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TreeStyle {
    /// Box characters.
    #[default]
    Boxes,
    /// Plain ASCII, for terminals that show nothing else.
    Ascii,
}

/// The least width of a tree.
const WIDTH_MIN: usize = 80;
/// The columns of a figure, the blanks before it included.
const FIGURE_WIDTH: usize = 10;
/// What stands right of the clauses.
const FIGURES: usize = 3 * FIGURE_WIDTH;

/// The strokes of a style: a step with others after it, the last one, and what goes on below each.
struct Strokes {
    inner: &'static str,
    last: &'static str,
    below_inner: &'static str,
    below_last: &'static str,
}

pub(super) struct Tree {
    strokes: Strokes,
    width: usize,
    text: String,
    /// Why a step did not run.
    idle: &'static str,
}

impl Tree {
    pub(super) fn new(style: TreeStyle, width: usize) -> Self {
        let strokes = match style {
            TreeStyle::Boxes => Strokes { inner: "├─ ", last: "└─ ", below_inner: "│  ", below_last: "   " },
            TreeStyle::Ascii => Strokes { inner: "|- ", last: "`- ", below_inner: "|  ", below_last: "   " },
        };
        Self { strokes, width: width.max(WIDTH_MIN), text: String::new(), idle: "not run, as no row was left" }
    }

    pub(super) fn text(mut self, explanation: &Explanation) -> String {
        if explanation.stopped.is_some() {
            self.idle = "not run to its end, as the question was stopped";
        }
        self.figures("", "", "where", ["expected", "rows", "time"].map(str::to_owned));
        self.steps("", &explanation.steps);
        let times = (duration(explanation.planning_us), duration(explanation.running_us));
        let rows = match (&explanation.stopped, explanation.rows) {
            (Some(_), _) => String::new(),
            (None, 1) => "1 row; ".to_owned(),
            (None, rows) => format!("{rows} rows; "),
        };
        let _ = write!(self.text, "{rows}planned in {}, ran in {}", times.0, times.1);
        if let Some(stopped) = &explanation.stopped {
            self.text.push('\n');
            self.paragraph(0, &format!("stopped: {}", stopped.message));
            if let Some(help) = &stopped.help {
                self.paragraph(2, &format!("help: {help}"));
            }
        }
        for hint in &explanation.hints {
            self.text.push('\n');
            self.paragraph(0, &format!("hint[{}]: {}", hint.code, hint.message));
            self.paragraph(2, &format!("help: {}", hint.help));
        }
        self.text
    }

    fn steps(&mut self, lead: &str, steps: &[ExplainedStep]) {
        for (at, step) in steps.iter().enumerate() {
            let is_last = at + 1 == steps.len();
            let (stroke, below) = self.strokes_of(is_last);
            let below = format!("{lead}{below}");
            let rows = step.rows.map_or_else(|| "-".to_owned(), |rows| rows.to_string());
            let time = if step.rows.is_some() { duration(step.time_us) } else { "-".to_owned() };
            let inner = format!("{below}{}", if step.parts.is_empty() { "  " } else { self.strokes.below_inner });
            self.figures(&format!("{lead}{stroke}"), &inner, &step.clause, [step.expected_rows.to_string(), rows, time]);
            for line in self.broken(&said(step, self.idle), inner.chars().count() + 1) {
                let _ = writeln!(self.text, "{inner} {line}");
            }
            for (at, part) in step.parts.iter().enumerate() {
                let (stroke, deeper) = self.strokes_of(at + 1 == step.parts.len());
                for (at, line) in self.broken(&part.title, below.chars().count() + 3).into_iter().enumerate() {
                    let _ = writeln!(self.text, "{below}{}{line}", if at == 0 { stroke } else { deeper });
                }
                self.steps(&format!("{below}{deeper}"), &part.steps);
            }
        }
    }

    fn strokes_of(&self, is_last: bool) -> (&'static str, &'static str) {
        if is_last { (self.strokes.last, self.strokes.below_last) } else { (self.strokes.inner, self.strokes.below_inner) }
    }

    /// A clause with its figures on its first line; what has no room there goes on below.
    fn figures(&mut self, lead: &str, below: &str, clause: &str, figures: [String; 3]) {
        let room = self.width - FIGURES;
        let mut lines = wrap(clause, room.saturating_sub(lead.chars().count().max(below.chars().count())).max(20)).into_iter();
        let first = format!("{lead}{}", lines.next().unwrap_or_default());
        let _ = write!(self.text, "{first:room$}");
        for figure in figures {
            let _ = write!(self.text, "{figure:>FIGURE_WIDTH$}");
        }
        self.text.push('\n');
        for line in lines {
            let _ = writeln!(self.text, "{below}{line}");
        }
    }

    /// A paragraph whose lines after the first stand further in.
    fn paragraph(&mut self, indent: usize, text: &str) {
        const DEEPER: usize = 6;
        for (at, line) in wrap(text, self.width - DEEPER).into_iter().enumerate() {
            let _ = write!(self.text, "\n{}{line}", " ".repeat(if at == 0 { indent } else { DEEPER }));
        }
    }

    fn broken(&self, text: &str, indent: usize) -> Vec<String> {
        wrap(text, self.width.saturating_sub(indent).max(20))
    }
}

/// Why the step stands there and how it was run.
fn said(step: &ExplainedStep, idle: &str) -> String {
    let rule = step.rule.as_ref().map(|rule| format!("in rule {rule}"));
    let method = match step.rows {
        None if step.method.is_empty() => idle.to_owned(),
        _ => step.method.clone(),
    };
    rule.into_iter().chain([step.reason.clone(), method]).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Lines of at most `width` characters, broken at blanks where that is possible.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word.to_owned();
        loop {
            let line = lines.last_mut().expect("there is always a line");
            let used = line.chars().count();
            let blank = usize::from(used > 0);
            if used + blank + word.chars().count() <= width {
                if blank > 0 {
                    line.push(' ');
                }
                line.push_str(&word);
                break;
            }
            if used == 0 {
                let rest = word.chars().skip(width).collect();
                line.extend(word.chars().take(width));
                word = rest;
            }
            lines.push(String::new());
        }
    }
    lines
}

/// A time as people say it: `12 us`, `3.4 ms`, `1.2 s`.
fn duration(us: u64) -> String {
    match us {
        0..10_000 => format!("{us} us"),
        10_000..10_000_000 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, wrap};

    #[test]
    fn lines_are_broken_at_blanks_and_long_words_where_they_must() {
        assert_eq!(wrap("a bb ccc", 4), ["a bb", "ccc"]);
        assert_eq!(wrap("äöüßäö b", 4), ["äöüß", "äö b"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn a_time_is_said_in_the_unit_that_fits() {
        assert_eq!([7, 12_345, 12_345_678].map(duration), ["7 us", "12.3 ms", "12.3 s"]);
    }
}
