//! A table that can be read on the terminal it is printed to.
//!
//! Where it is too wide, it gives up, in this order: fractions of seconds, columns without an entry, the columns that its
//! command can spare, all of a run's id but its beginning. What is left wraps in the columns that hold text; an id or an instant
//! is never broken, as nobody can copy it then.

use std::collections::BTreeSet;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width};

/// Columns of a run's id that are shown where there is no room for all: the millisecond in which it was made.
const SHORT_ID: usize = 13;

/// Narrower than this no text is wrapped.
const TEXT_WIDTH: u16 = 12;

/// Columns that a word may have which is not broken.
const LIMIT_WORD: usize = 40;

/// Rows of cells below a header.
pub(super) struct Cells {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Cells {
    /// The table as text, not wider than `width` if that can be.
    pub(super) fn text(mut self, spare: &[&str], width: Option<u16>) -> String {
        let Some(width) = width.filter(|width| self.width() > usize::from(*width)) else {
            return self.table().trim_fmt();
        };
        self.shrink(spare, usize::from(width));
        let mut table = self.table();
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        for (at, column) in table.column_iter_mut().enumerate() {
            column.set_constraint(if self.is_unbreakable(at) {
                ColumnConstraint::ContentWidth
            } else {
                ColumnConstraint::LowerBoundary(Width::Fixed(TEXT_WIDTH))
            });
        }
        table.trim_fmt()
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled).set_header(&self.columns);
        for row in &self.rows {
            table.add_row(row);
        }
        table
    }

    fn shrink(&mut self, spare: &[&str], width: usize) {
        self.rows.iter_mut().flatten().for_each(cut_fraction);
        for at in (0..self.columns.len()).rev() {
            if !self.rows.is_empty() && self.rows.iter().all(|row| row[at].is_empty()) {
                self.drop_column(at);
            }
        }
        for name in spare {
            if self.least_width() > width
                && let Some(at) = self.columns.iter().position(|column| column == name)
            {
                self.drop_column(at);
            }
        }
        if self.least_width() > width
            && let Some(at) = self.columns.iter().position(|column| column == "id")
        {
            self.shorten_ids(at);
        }
    }

    fn drop_column(&mut self, at: usize) {
        self.columns.remove(at);
        for row in &mut self.rows {
            row.remove(at);
        }
    }

    /// Leaves the beginning of each id, if the beginnings differ: that is as good a name for a run.
    fn shorten_ids(&mut self, at: usize) {
        let short: Vec<String> = self.rows.iter().map(|row| row[at].chars().take(SHORT_ID).collect()).collect();
        if short.iter().collect::<BTreeSet<_>>().len() == short.len() {
            for (row, id) in self.rows.iter_mut().zip(short) {
                row[at] = id;
            }
        }
    }

    /// The width with everything on one line: each column with a border and a blank on each side.
    fn width(&self) -> usize {
        self.table().column_max_content_widths().into_iter().map(|column| usize::from(column) + 3).sum::<usize>() + 1
    }

    /// The width with text wrapped as far as it may be.
    fn least_width(&self) -> usize {
        let columns = self.table().column_max_content_widths();
        let least = |(at, column): (usize, u16)| if self.is_unbreakable(at) { column } else { column.min(2 * TEXT_WIDTH) };
        columns.into_iter().enumerate().map(|column| usize::from(least(column)) + 3).sum::<usize>() + 1
    }

    /// True for a column of words: ids, instants, numbers, names.
    fn is_unbreakable(&self, at: usize) -> bool {
        self.rows.iter().all(|row| row[at].chars().count() <= LIMIT_WORD && !row[at].contains(char::is_whitespace))
    }
}

/// `2026-11-20T10:00:00.123456Z` without its fraction.
fn cut_fraction(cell: &mut String) {
    let is_instant =
        cell.len() > 21 && cell.ends_with('Z') && cell.as_bytes()[10] == b'T' && cell.as_bytes()[19] == b'.' && cell.is_ascii();
    if is_instant && cell[20..cell.len() - 1].bytes().all(|byte| byte.is_ascii_digit()) {
        cell.replace_range(19..cell.len() - 1, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01a1fce2-422d-7010-a3a8-b19929843147";

    fn runs() -> Cells {
        let columns = ["id", "name", "status", "created_at", "updated_at", "command"].map(str::to_owned).to_vec();
        let row = [
            ID,
            "",
            "succeeded",
            "2026-11-21T06:54:08.941842Z",
            "2026-11-21T06:54:09.9Z",
            "sh -c 'echo a 世界; sleep 2; echo b'",
        ];
        Cells { columns, rows: vec![row.map(str::to_owned).to_vec()] }
    }

    #[track_caller]
    fn check(width: Option<u16>, is_there: &[&str], is_not: &[&str]) {
        let text = runs().text(&["updated_at"], width);
        let missing: Vec<_> = is_there.iter().filter(|part| !text.contains(**part)).collect();
        let unwanted: Vec<_> = is_not.iter().filter(|part| text.contains(**part)).collect();
        assert!(missing.is_empty() && unwanted.is_empty(), "missing {missing:?}, unwanted {unwanted:?} in\n{text}");
        if let Some(width) = width {
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{text}");
        }
    }

    #[test]
    fn a_table_gives_up_what_it_can_spare_and_never_breaks_a_word() {
        check(None, &[ID, "name", "08.941842Z", "updated_at"], &[]);
        check(Some(200), &[ID, "name", "08.941842Z", "updated_at"], &[]);
        check(Some(130), &[ID, "2026-11-21T06:54:08Z", "updated_at"], &["name", "941842"]);
        check(Some(104), &[ID, "2026-11-21T06:54:08Z", "succeeded"], &["updated_at"]);
        check(Some(80), &["│ 01a1fce2-422d ┆ succeeded ┆ 2026-11-21T06:54:08Z ┆"], &[ID]);
    }

    #[test]
    fn only_an_instant_loses_its_fraction() {
        for (cell, expected) in [
            ("2026-11-21T06:54:08.941842Z", "2026-11-21T06:54:08Z"),
            ("2026-11-21T06:54:08Z", "2026-11-21T06:54:08Z"),
            ("ABCDEFGHIJT.........Z", "ABCDEFGHIJT.........Z"),
            ("héllo wörld, this isnt oneZ", "héllo wörld, this isnt oneZ"),
        ] {
            let mut cut = cell.to_owned();
            cut_fraction(&mut cut);
            assert_eq!(cut, expected);
        }
    }
}
