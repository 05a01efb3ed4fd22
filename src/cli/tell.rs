//! `init`, `transact`, `import`, `export`: what changes or moves a store.

use std::fs;
use std::io::{self, BufReader, Read as _, Write as _};
use std::path::Path;

use annals::transact::TxData;
use annals::{Connection, Error, ErrorKind, Report, Value, exchange};

use super::arguments::{ExportForm, Format};
use super::failure::{InText as _, Outcome};
use super::output::{RowShape, line, print_rows};
use super::session::Session;
use super::{ask, failure, place};

/// `annals init`: the store that `--db` names, else the one in `dir`.
pub(super) fn init(session: &Session, dir: &Path) -> Outcome {
    let path = session.global.db.clone().unwrap_or_else(|| place::store_in(dir));
    let connection = Connection::open(&path)?;
    let what = if connection.store().is_new() { "made" } else { "is already there" };
    failure::tell(&format!("{what}: {}", connection.path().display()));
    Ok(())
}

/// `annals transact`: each transaction of the text, one after the other, each atomic. Inside a run its facts carry the run.
pub(super) fn transact(session: &Session, file: &Path) -> Outcome {
    let (name, text) = if file == Path::new("-") { standard_input()? } else { ask::read_file(file)? };
    let connection = session.connection()?;
    let run = session.enclosing_run(&connection)?;
    for data in TxData::read_many(&text).in_text(&name, &text)? {
        let data = match &run {
            Some(run) => data.because(run.entity),
            None => data,
        };
        let report = connection.transact_data(&data).in_text(&name, &text)?;
        print_report(session, &report)?;
    }
    Ok(())
}

/// `{:t 7, :tempids {"x" 8589934593}, :datoms 12}`, or the same in the other formats; t is nil if nothing was new.
pub(super) fn print_report(session: &Session, report: &Report) -> Outcome {
    let t = report.t.map_or(Value::Nil, Value::Long);
    let tempids = report.tempids.iter().map(|(name, id)| (Value::from(name.as_str()), Value::Long(*id))).collect();
    let tempids = Value::Map(std::sync::Arc::new(tempids));
    let datoms = Value::Long(report.datoms.len() as i64);
    match session.format() {
        Format::Edn => line(&format!("{{:t {t}, :tempids {tempids}, :datoms {datoms}}}")),
        format => {
            let format = if format == Format::Json { Format::Jsonl } else { format };
            print_rows(
                format,
                RowShape::Objects,
                vec!["t".into(), "tempids".into(), "datoms".into()],
                &[vec![t, tempids, datoms]],
            )
        }
    }
}

fn standard_input() -> Outcome<(String, String)> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Error::new(ErrorKind::Io, "standard input is not UTF-8").with_help("EDN is UTF-8 text").caused_by(error)
    })?;
    Ok(("standard input".to_owned(), text))
}

/// `annals import`.
pub(super) fn import(session: &Session, file: &Path) -> Outcome {
    let connection = session.connection()?;
    let name = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let summary = if file == Path::new("-") {
        exchange::import(&connection, &mut io::stdin().lock())
    } else {
        if file.is_dir() {
            return Err(ask::unreadable(file, io::ErrorKind::IsADirectory.into()).into());
        }
        let opened = fs::File::open(file).map_err(|error| ask::unreadable(file, error))?;
        exchange::import(&connection, &mut BufReader::new(opened))
    };
    let summary = summary.map_err(|error| error.within(&name))?;
    let row = [summary.transactions, summary.datoms, summary.already_there].map(|count| Value::Long(count as i64)).to_vec();
    let columns = ["transactions", "datoms", "already-there"].map(str::to_owned).to_vec();
    print_rows(session.format(), RowShape::Objects, columns, &[row])
}

/// `annals export`.
pub(super) fn export(session: &Session, form: ExportForm, is_redacted: bool) -> Outcome {
    let db = session.db()?;
    let mut out = io::BufWriter::new(io::stdout());
    match (form, is_redacted) {
        (ExportForm::Datoms, false) => exchange::export_datoms(&db, &mut out)?,
        (ExportForm::Jsonl, false) => exchange::export_jsonl(&db, &mut out)?,
        (ExportForm::Datoms, true) => exchange::export_datoms_redacted(&db, &mut out)?,
        (ExportForm::Jsonl, true) => exchange::export_jsonl_redacted(&db, &mut out)?,
    }
    if is_redacted {
        failure::tell("secrets of known shapes are taken out: the hashes of this store's chain do not hold for the stream");
    }
    Ok(out.flush()?)
}
