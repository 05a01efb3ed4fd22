//! Processes that are killed: what they do, and what they had said before.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use annals::Connection;
use rustix::process::{Pid, Signal, kill_process_group};

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `annals transact FILE`: a report for each transaction.
    Transact,
    /// `annals state put` again and again, each time opening and closing the store.
    State,
    /// Reads the store again and again.
    Reader,
    /// A control: acknowledges, then commits.
    TooSoon,
    /// A control: commits everything twice.
    Twice,
}

/// Transactions that a writer would make if it were not killed.
const TRANSACTIONS: i64 = 3_000;

/// A process in a group of its own.
pub(crate) struct Process {
    pub(crate) kind: Kind,
    /// What it says carries this name.
    pub(crate) name: String,
    /// Whole lines that it wrote to standard output.
    pub(crate) said: Vec<String>,
    child: Child,
    lines: Receiver<String>,
}

/// `annals`, as the environment names it or as it was built for this test.
pub(crate) fn annals() -> PathBuf {
    std::env::var_os("ANNALS").map_or_else(|| env!("CARGO_BIN_EXE_annals").into(), PathBuf::from)
}

/// The two halves of a transaction.
fn halves(name: &str, n: i64) -> String {
    let half = |half: i64| format!("{{:kill/by \"{name}\" :kill/n {n} :kill/half {half}}}");
    format!("[{} {}]", half(0), half(1))
}

impl Process {
    pub(crate) fn start(kind: Kind, store: &Path, name: &str) -> Self {
        let mut command = match kind {
            Kind::Transact => transact(store, name),
            Kind::State => put_state(store, name),
            Kind::Reader | Kind::TooSoon | Kind::Twice => part(kind, store, name),
        };
        command.env_remove("ANNALS_RUN").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().expect("the process starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut out = out;
            let mut line = String::new();
            // A line without its end was not said.
            while out.read_line(&mut line).is_ok_and(|length| length > 0) && line.ends_with('\n') {
                let _ = sender.send(line.trim_end().to_owned());
                line.clear();
            }
        });
        Self { kind, name: name.to_owned(), said: Vec::new(), child, lines }
    }

    /// Returns when the process has said something, or when it takes too long.
    pub(crate) fn wait_for_a_word(&mut self) {
        self.said.extend(self.lines.recv_timeout(Duration::from_secs(10)));
    }

    /// Kills the process and all that it started, and takes in what it had said.
    pub(crate) fn kill(&mut self) {
        let group = Pid::from_child(&self.child);
        // Its last member may have ended just now.
        let _ = kill_process_group(group, Signal::KILL);
        self.child.wait().expect("it is ours");
        self.said.extend(self.lines.iter());
    }
}

fn transact(store: &Path, name: &str) -> Command {
    let mut text = String::new();
    (1..=TRANSACTIONS).for_each(|n| writeln!(text, "{}", halves(name, n)).expect("a text grows"));
    let file = store.with_file_name(format!("{name}.edn"));
    std::fs::write(&file, text).expect("a file");
    let mut command = Command::new(annals());
    command.args(["--format", "jsonl", "transact"]).arg(file).env("ANNALS_DB", store);
    command
}

fn put_state(store: &Path, name: &str) -> Command {
    let script = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); \"$ANNALS\" state put \"$NAME\" n $i || exit 1; echo $i; done";
    let mut command = Command::new("sh");
    command.args(["-c", script]).env("ANNALS", annals()).env("ANNALS_DB", store).env("NAME", name);
    command
}

/// This test as a process of its own.
fn part(kind: Kind, store: &Path, name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "writer::runs_in_a_process_of_its_own", "--nocapture", "--test-threads", "1"]);
    command.env("KILL_PART", format!("{kind:?}")).env("KILL_STORE", store).env("KILL_NAME", name);
    command
}

#[test]
fn runs_in_a_process_of_its_own() {
    let variable = |name: &str| std::env::var(name).ok();
    let (Some(kind), Some(store), Some(name)) = (variable("KILL_PART"), variable("KILL_STORE"), variable("KILL_NAME")) else {
        return;
    };
    let connection = Connection::open(store).expect("the store");
    let say = |line: String| {
        let mut out = std::io::stdout();
        writeln!(out, "said: {line}").and_then(|()| out.flush()).expect("somebody listens");
    };
    for n in 1..=TRANSACTIONS {
        match kind.as_str() {
            "TooSoon" => {
                say(n.to_string());
                connection.transact(&halves(&name, n)).expect("a commit");
            }
            "Twice" => {
                connection.transact(&halves(&name, n)).expect("a commit");
                connection.transact(&halves(&name, n)).expect("a commit");
                say(n.to_string());
            }
            _ => say(look(&connection)),
        }
    }
}

/// How many entities a reader sees, at which t: each transaction makes two, so there is never an odd number.
fn look(connection: &Connection) -> String {
    let db = connection.db().expect("a view");
    let count = |db: &annals::Db| {
        let answer = db.q("[:find (count ?e) . :where [?e :kill/n]]", &[]).expect("an answer");
        answer.rows.first().and_then(|row| row[0].as_long()).unwrap_or(0)
    };
    let earlier = db.as_of(1 + db.basis_t() / 2).expect("a view of the past");
    format!("{} {} {}", db.basis_t(), count(&db), count(&earlier))
}
