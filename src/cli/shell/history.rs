//! The file in which the shell keeps what was typed, beside the store: readable by its owner alone, from its first byte on.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use annals::{Error, ErrorKind};
use reedline::FileBackedHistory;
use rustix::fs::{Mode, OFlags};

use crate::cli::failure::{Failure, Outcome};

/// Entries that are kept; the oldest go first.
const LIMIT_ENTRIES: usize = 10_000;

/// Readable and writable by the owner.
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Where the history of a store lies.
pub(super) fn path_for(store: &Path) -> PathBuf {
    store.with_extension("shell-history")
}

/// The history in a file, which is made when there is none.
pub(super) fn open(path: &Path) -> Outcome<FileBackedHistory> {
    make_private(path).map_err(|error| cannot_be_kept(path, &error.to_string()))?;
    FileBackedHistory::with_file(LIMIT_ENTRIES, path.to_owned()).map_err(|error| cannot_be_kept(path, &error.to_string()))
}

/// Makes the file, or takes from others the right to read it. A link to another file is refused: what was typed would be written
/// where somebody else put it.
fn make_private(path: &Path) -> io::Result<()> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = match rustix::fs::open(path, flags, PRIVATE) {
        Err(rustix::io::Errno::LOOP) => return Err(io::Error::other("it is a symbolic link")),
        opened => File::from(opened?),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    Ok(rustix::fs::fchmod(&file, PRIVATE)?)
}

fn cannot_be_kept(path: &Path, why: &str) -> Failure {
    Error::new(ErrorKind::Io, format!("what is typed cannot be kept in {}: {why}", path.display()))
        .with_help("move it away, and the shell makes a new one")
        .into()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use reedline::{History as _, HistoryItem, SearchDirection, SearchQuery};

    use super::*;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }

    fn kept(history: &FileBackedHistory) -> Vec<String> {
        let items = history.search(SearchQuery::everything(SearchDirection::Forward, None)).expect("it can be searched");
        items.into_iter().map(|item| item.command_line).collect()
    }

    #[test]
    fn the_history_is_private_survives_and_keeps_neighbours_once() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = path_for(&folder.path().join("annals.db"));
        assert!(path.ends_with("annals.shell-history"));
        let mut history = open(&path).expect("it is made");
        assert_eq!(mode_of(&path), 0o600);
        for entry in ["[:find ?x\n :where [?x]]", ":runs", ":runs", ":quit"] {
            history.save(HistoryItem::from_command_line(entry)).expect("it is kept");
        }
        drop(history);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("its mode can be set");
        let history = open(&path).expect("it is there");
        assert_eq!(mode_of(&path), 0o600, "it is made private again");
        assert_eq!(kept(&history), ["[:find ?x\n :where [?x]]", ":runs", ":quit"]);
    }

    #[test]
    fn what_is_no_file_of_ours_is_not_written_to() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let check = |name: &str, why: &str| {
            let failure = open(&folder.path().join(name)).map(|_| ()).expect_err("it is refused");
            let Failure::Told { error, .. } = failure else { panic!("{name}: nothing is told") };
            assert!(error.message().contains(why) && error.help().is_some(), "{error}");
        };
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "mine").expect("a file");
        symlink(&elsewhere, folder.path().join("link")).expect("a link");
        check("link", "symbolic link");
        assert_eq!(fs::read_to_string(&elsewhere).expect("it is there"), "mine");
        symlink(folder.path().join("nowhere"), folder.path().join("dangling")).expect("a link");
        check("dangling", "symbolic link");
        assert!(!folder.path().join("nowhere").exists());
        fs::create_dir(folder.path().join("folder")).expect("a folder");
        check("folder", "cannot be kept");
        fs::write(folder.path().join("bytes"), [0xff, 0xfe, b'\n']).expect("a file");
        check("bytes", "UTF-8");
    }
}
