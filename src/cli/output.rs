//! Data to standard output, in the format that was asked for.

mod table;

use std::io::{self, IsTerminal as _, Write};

use annals::Value;
use annals::query::ast::ReturnMap;
use annals::query::{Shape, Table};

use super::arguments::Format;
use super::failure::Outcome;
use table::Cells;

/// The format asked for, else a table on a terminal and jsonl otherwise.
pub(super) fn format_or_default(asked: Option<Format>) -> Format {
    asked.unwrap_or_else(|| if io::stdout().is_terminal() { Format::Table } else { Format::Jsonl })
}

/// What the entries of a row are to a program: fields of an object, or places of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowShape {
    Objects,
    Arrays,
}

/// Writes rows as they come; only a table and Markdown wait for the end, as their columns need their widths.
pub(super) struct RowWriter<W: Write> {
    out: W,
    format: Format,
    shape: RowShape,
    columns: Vec<String>,
    rows_written: usize,
    waiting: Vec<Vec<String>>,
    spare: &'static [&'static str],
}

impl RowWriter<io::BufWriter<io::Stdout>> {
    /// To standard output.
    pub(super) fn stdout(format: Format, shape: RowShape, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        Self::new(io::BufWriter::new(io::stdout()), format, shape, columns)
    }
}

impl<W: Write> RowWriter<W> {
    /// To any writer.
    pub(super) fn new(out: W, format: Format, shape: RowShape, columns: Vec<String>) -> Self {
        Self { out, format, shape, columns, rows_written: 0, waiting: Vec::new(), spare: &[] }
    }

    /// Columns that a table may do without where the terminal is too narrow for all, the first first.
    pub(super) fn sparing(self, spare: &'static [&'static str]) -> Self {
        Self { spare, ..self }
    }

    /// Writes one row, as long as there are columns.
    pub(super) fn row(&mut self, row: &[Value]) -> Outcome {
        assert_eq!(row.len(), self.columns.len(), "a row has a value for each column");
        match self.format {
            Format::Table | Format::Markdown => self.waiting.push(row.iter().map(cell).collect()),
            Format::Csv => {
                if self.rows_written == 0 {
                    csv_line(&mut self.out, &self.columns)?;
                }
                csv_line(&mut self.out, &row.iter().map(plain).collect::<Vec<_>>())?;
            }
            Format::Jsonl => writeln!(self.out, "{}", self.json(row))?,
            Format::Json => {
                let lead = if self.rows_written == 0 { "[" } else { ",\n " };
                write!(self.out, "{lead}{}", self.json(row))?;
            }
            Format::Edn => {
                let lead = if self.rows_written == 0 { "[" } else { "\n " };
                write!(self.out, "{lead}{}", self.edn(row))?;
            }
        }
        self.rows_written += 1;
        Ok(())
    }

    /// Hands on what is buffered, so that a reader sees each row as it comes.
    pub(super) fn flush(&mut self) -> Outcome {
        Ok(self.out.flush()?)
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> Outcome {
        match self.format {
            Format::Table => {
                let cells = Cells { columns: self.columns, rows: self.waiting };
                writeln!(self.out, "{}", cells.text(self.spare, terminal_width()))?;
            }
            Format::Markdown => self.markdown()?,
            Format::Csv if self.rows_written == 0 => csv_line(&mut self.out, &self.columns)?,
            Format::Json | Format::Edn => writeln!(self.out, "{}", if self.rows_written == 0 { "[]" } else { "]" })?,
            Format::Csv | Format::Jsonl => {}
        }
        Ok(self.out.flush()?)
    }

    fn json(&self, row: &[Value]) -> serde_json::Value {
        let to_json = |value: &Value| serde_json::to_value(value).expect("every value has a form in JSON");
        match self.shape {
            RowShape::Arrays => row.iter().map(to_json).collect(),
            RowShape::Objects => serde_json::Value::Object(self.columns.iter().cloned().zip(row.iter().map(to_json)).collect()),
        }
    }

    fn edn(&self, row: &[Value]) -> Value {
        match self.shape {
            RowShape::Arrays => Value::vector(row.iter().cloned()),
            RowShape::Objects => {
                let entries = self.columns.iter().zip(row).map(|(name, value)| (Value::keyword(name), value.clone()));
                Value::Map(std::sync::Arc::new(entries.collect()))
            }
        }
    }

    fn markdown(&mut self) -> Outcome {
        let line = |cells: &[String]| {
            format!(
                "| {} |",
                cells.iter().map(|text| text.replace('|', "\\|").replace('\n', "<br>")).collect::<Vec<_>>().join(" | ")
            )
        };
        writeln!(self.out, "{}", line(&self.columns))?;
        writeln!(self.out, "|{}", " --- |".repeat(self.columns.len()))?;
        for row in &self.waiting {
            writeln!(self.out, "{}", line(row))?;
        }
        Ok(())
    }
}

/// Prints one line of text.
pub(super) fn line(text: &str) -> Outcome {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// Prints the answer of a query as the command line promises for each format and shape.
pub(super) fn print_answer(answer: &Table, format: Format) -> Outcome {
    let titles = |names: &ReturnMap| names.names.iter().map(ToString::to_string).collect();
    match (answer.shape(), format) {
        (Shape::RelationOfMaps(names), format) if format != Format::Edn => {
            print_table(format, RowShape::Objects, titles(names), answer)
        }
        (Shape::TupleAsMap(names), Format::Table | Format::Markdown | Format::Csv) => {
            print_table(format, RowShape::Objects, titles(names), answer)
        }
        (Shape::Relation, _) | (_, Format::Table | Format::Markdown | Format::Csv) => {
            print_table(format, RowShape::Arrays, answer.header().to_vec(), answer)
        }
        (_, Format::Edn) => line(&answer.to_edn()),
        (_, Format::Json | Format::Jsonl) => {
            let text = serde_json::to_string(answer).expect("every answer has a form in JSON");
            line(&text)
        }
    }
}

/// Prints the rows of a table, one after the other.
fn print_table(format: Format, shape: RowShape, columns: Vec<String>, table: &Table) -> Outcome {
    let mut writer = RowWriter::new(io::BufWriter::new(io::stdout()), format, shape, columns);
    let mut values = Vec::new();
    for row in table.rows() {
        values.clear();
        values.extend(row.values());
        writer.row(&values)?;
    }
    writer.finish()
}

/// Prints one value: a map as its entries, anything else as itself.
pub(super) fn print_value(value: &Value, format: Format) -> Outcome {
    match (format, value) {
        (Format::Edn, _) => line(&value.to_string()),
        (Format::Json | Format::Jsonl, _) => {
            let text = serde_json::to_string(value).expect("every value has a form in JSON");
            line(&text)
        }
        (_, Value::Map(entries)) => {
            let rows: Vec<_> = entries.iter().map(|(key, value)| vec![key.clone(), value.clone()]).collect();
            print_rows(format, RowShape::Objects, vec!["attribute".into(), "value".into()], &rows)
        }
        _ => print_rows(format, RowShape::Arrays, vec!["value".into()], &[vec![value.clone()]]),
    }
}

/// Prints rows that are all there.
pub(super) fn print_rows(format: Format, shape: RowShape, columns: Vec<String>, rows: &[Vec<Value>]) -> Outcome {
    let mut writer = RowWriter::new(io::BufWriter::new(io::stdout()), format, shape, columns);
    for row in rows {
        writer.row(row)?;
    }
    writer.finish()
}

/// A table as wide as the terminal allows.
pub(super) fn table_text(columns: &[String], rows: &[Vec<String>]) -> String {
    Cells { columns: columns.to_vec(), rows: rows.to_vec() }.text(&[], terminal_width())
}

/// Columns of the terminal that standard output is; none if it is no terminal.
pub(super) fn terminal_width() -> Option<u16> {
    comfy_table::Table::new().width().filter(|width| *width > 0)
}

/// A value for people: text as itself, everything else as EDN without tags.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Nil => String::new(),
        Value::String(text) | Value::Uri(text) => text.to_string(),
        Value::Ref(id) => id.to_string(),
        Value::Uuid(id) => id.to_string(),
        Value::Instant(_) => match serde_json::to_value(value) {
            Ok(serde_json::Value::String(text)) => text,
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// A value in a table: what would move the cursor is shown, not done; colours are left out.
fn cell(value: &Value) -> String {
    printable(&plain(value))
}

/// A text that is safe on a terminal: without colours, a tab as blanks, other control characters by their names.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.strip_suffix('\r').unwrap_or(text);
    while let Some(c) = rest.chars().next() {
        if let Some(behind) = behind_colour(rest) {
            rest = behind;
            continue;
        }
        match c {
            '\t' => shown.push_str("    "),
            c if c.is_control() && c != '\n' => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    shown
}

/// What follows an escape sequence that sets colours: `ESC [ .. m`.
fn behind_colour(text: &str) -> Option<&str> {
    let behind = text.strip_prefix("\u{1b}[")?.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';' || c == ':');
    behind.strip_prefix('m')
}

/// One line as RFC 4180 has it.
fn csv_line(out: &mut impl Write, cells: &[String]) -> Outcome {
    let quoted = cells.iter().map(|text| {
        if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.clone() }
    });
    Ok(writeln!(out, "{}", quoted.collect::<Vec<_>>().join(","))?)
}
