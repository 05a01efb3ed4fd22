//! A table of figures beside their targets.

use std::fmt::Write as _;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// Ours, at most so many times the best of the columns at these places.
    Times(f64, &'static [usize]),
    /// Ours, at most this.
    AtMost(f64),
    /// Ours, at least this.
    AtLeast(f64),
}

/// A line: what was done, the rows that came out, and what each column took.
#[derive(Clone, Debug)]
pub struct Line {
    /// What was done.
    pub name: String,
    /// Rows that came out, where that says something.
    pub rows: Option<usize>,
    /// A figure for each column of the sheet; `None` where there is none.
    pub figures: Vec<Option<f64>>,
    /// What should be.
    pub target: Option<Target>,
}

/// A table with its heading.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The heading.
    pub title: String,
    /// What was done, and how, in sentences.
    pub about: String,
    /// What a line is, above the names.
    pub of: &'static str,
    /// The unit of the figures.
    pub unit: &'static str,
    /// How many of the columns are ours: the slowest of them counts.
    pub ours: usize,
    /// The names of the columns, ours first.
    pub columns: Vec<String>,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Line {
    /// The slowest of ours; none if one has no figure.
    fn ours(&self, count: usize) -> Option<f64> {
        self.figures[..count].iter().try_fold(f64::NEG_INFINITY, |slowest, figure| figure.map(|figure| slowest.max(figure)))
    }

    /// The ratio or figure that the target speaks of.
    fn measured(&self, count: usize) -> Option<f64> {
        let ours = self.ours(count)?;
        match self.target? {
            Target::Times(_, columns) => {
                let best = columns.iter().filter_map(|&column| self.figures[column]).min_by(f64::total_cmp)?;
                Some(ours / best)
            }
            Target::AtMost(_) | Target::AtLeast(_) => Some(ours),
        }
    }

    /// Whether the target is met; `None` if there is no target.
    pub fn is_met(&self, count: usize) -> Option<bool> {
        let target = self.target?;
        let Some(measured) = self.measured(count) else { return Some(false) };
        Some(match target {
            Target::Times(limit, _) | Target::AtMost(limit) => measured <= limit,
            Target::AtLeast(limit) => measured >= limit,
        })
    }
}

impl Sheet {
    /// The lines that have a target, and of these the ones that meet it.
    pub fn counts(&self) -> (usize, usize) {
        let met: Vec<bool> = self.lines.iter().filter_map(|line| line.is_met(self.ours)).collect();
        (met.len(), met.iter().filter(|met| **met).count())
    }

    /// The table as markdown, with its heading.
    pub fn markdown(&self) -> String {
        let mut out = format!("### {}\n\n{}\n\n", self.title, self.about);
        let has_rows = self.lines.iter().any(|line| line.rows.is_some());
        let mut head = vec![self.of.to_owned()];
        head.extend(has_rows.then(|| "rows".to_owned()));
        head.extend(self.columns.iter().map(|column| format!("{column} {}", self.unit).trim_end().to_owned()));
        head.extend(["measured", "target", ""].map(str::to_owned));
        let _ = writeln!(out, "| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
        for line in &self.lines {
            let _ = writeln!(out, "| {} |", self.cells(line, has_rows).join(" | "));
        }
        out
    }

    fn cells(&self, line: &Line, has_rows: bool) -> Vec<String> {
        let mut cells = vec![line.name.clone()];
        if has_rows {
            cells.push(line.rows.map(|rows| rows.to_string()).unwrap_or_default());
        }
        cells.extend(line.figures.iter().map(|figure| figure.map(figure_text).unwrap_or_default()));
        let measured = line.measured(self.ours);
        cells.push(match line.target {
            Some(Target::Times(..)) => measured.map(|ratio| format!("{ratio:.2} x")).unwrap_or_default(),
            _ => measured.map(figure_text).unwrap_or_default(),
        });
        cells.push(line.target.map(|target| self.target_text(target)).unwrap_or_default());
        cells.push(match line.is_met(self.ours) {
            Some(true) => "met".to_owned(),
            Some(false) => "**missed**".to_owned(),
            None => String::new(),
        });
        cells
    }

    fn target_text(&self, target: Target) -> String {
        match target {
            Target::Times(limit, columns) => {
                let names: Vec<&str> = columns.iter().map(|&column| self.columns[column].as_str()).collect();
                format!("at most {limit} x {}", names.join(" or "))
            }
            Target::AtMost(limit) => format!("at most {limit}"),
            Target::AtLeast(limit) => format!("at least {limit}"),
        }
    }
}

/// Three figures that count.
pub fn figure_text(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        size if size >= 1.0 => format!("{figure:.2}"),
        size if size >= 0.1 => format!("{figure:.3}"),
        _ => format!("{figure:.4}"),
    }
}
