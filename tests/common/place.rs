//! A folder in which `annals` is typed, and what each command did.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder in which commands run, one after the other.
pub(crate) struct Place(TempDir);

/// What a command did.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// A place with a store that knows three people.
    pub(crate) fn with_people() -> Self {
        let place = Self::new();
        place.run(&["init"]).succeeds();
        let people =
            r#"[{:db/id "a" :name "Ada" :age 36 :friend {:name "Grace" :age 85}} {:name "Alan" :age 41 :tags #{:logic :chess}}]"#;
        place.run_with(&["transact"], people).succeeds();
        place
    }

    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    #[track_caller]
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Ran {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().expect("the program runs");
        // A command that does not read its input may be gone already.
        let _ = child.stdin.take().expect("its input is a pipe").write_all(input.as_bytes());
        Ran::from(child.wait_with_output().expect("it ends"))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_annals"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("ANNALS_DB")
            .env_remove("ANNALS_RUN")
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, 0, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn prints(self, expected: &str) -> Self {
        let ran = self.succeeds();
        assert_eq!(ran.out, expected);
        ran
    }

    #[track_caller]
    pub(crate) fn fails(self, code: i32, parts: &[&str]) -> Self {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in: {}", self.err);
        }
        self
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn prints_one_line_with(&self, part: &str) {
        assert_eq!(self.out.lines().count(), 1, "{}", self.out);
        assert!(self.out.contains(part), "{}", self.out);
    }
}
