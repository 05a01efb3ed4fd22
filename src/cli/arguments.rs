//! The command table: every command, flag and argument, with the words that `--help` and the manual page show.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Keeps the history of what programs did, and answers what was true, when, and who said so.
#[derive(Parser, Debug)]
#[command(name = "annals", version, max_term_width = 100)]
#[command(after_help = "Exit: 0 done; 1 failed; 2 wrong usage; 3 not found; 4 refused by a check; 5 the store is damaged; \
6 over a limit or out of time; `run` exits as the program it ran.")]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags that stand before or after any command.
#[derive(Args, Debug, Clone)]
pub(super) struct Global {
    /// The store; else the one that `ANNALS_DB` names, else the nearest .annals/annals.db upward from here
    #[arg(long, global = true, value_name = "PATH")]
    pub(super) db: Option<PathBuf>,
    /// How to print: a table on a terminal, jsonl otherwise
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(super) format: Option<Format>,
    /// Read the store as it was: a t (42), an instant (2026-11-20T10:00:00Z), an age (10m, 2h, 3d) or RUN@start, RUN@end
    #[arg(long, global = true, value_name = "T", allow_negative_numbers = true)]
    pub(super) as_of: Option<String>,
    /// Read only what was said after T
    #[arg(long, global = true, value_name = "T", allow_negative_numbers = true)]
    pub(super) since: Option<String>,
    /// Read the facts through a lens (q, watch, explain, pull, entity, shell): an EDN file, or :NAME of one that the store keeps
    #[arg(long, global = true, value_name = "FILE|:NAME")]
    pub(super) lens: Option<String>,
}

/// How data is printed.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Table,
    Edn,
    Json,
    Jsonl,
    Csv,
    Markdown,
}

impl Format {
    /// As it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Edn => "edn",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
        }
    }
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Make the store
    #[command(after_help = "Example: annals init")]
    Init {
        /// The folder in which .annals/annals.db is made
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Run a program and record what it says, how it ends and how long it takes
    #[command(after_help = "Example: annals run --name nightly --set branch=main -- cargo build")]
    Run(RunArguments),
    /// Begin a run by hand; prints its id
    #[command(
        after_help = "Example: run=$(annals start --name import); annals log $run begun; annals finish $run --status succeeded"
    )]
    Start(StartArguments),
    /// End a run that was begun by hand
    #[command(after_help = "Example: annals finish last --status failed")]
    Finish {
        /// A run's id, a beginning of it, `last`, or `last~2`
        run: String,
        /// How it ended: succeeded, failed, cancelled, or another word
        #[arg(long, value_name = "S")]
        status: String,
    },
    /// Append a message to a run, or a message for each line of standard input
    #[command(after_help = "Example: annals log last --level warn 'the disk is nearly full'")]
    Log {
        /// A run's id, a beginning of it, `last`, or `last~2`
        run: String,
        /// trace, debug, info, warn, error, or another word
        #[arg(long, value_name = "L")]
        level: Option<String>,
        /// Record keys, tokens and passwords as they are
        #[arg(long)]
        no_redact: bool,
        /// The message, or - for standard input
        message: String,
    },
    /// List runs, the newest first
    #[command(after_help = "Example: annals runs --status failed --limit 5")]
    Runs {
        /// Only runs with this status; `lost` are those whose process is gone
        #[arg(long, value_name = "S")]
        status: Option<String>,
        /// At most this many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Print the lines of a run, in order
    #[command(after_help = "Example: annals logs last --level warn --tail 20")]
    Logs(LogsArguments),
    /// Show one run: its facts, the state it changed, its last lines, its children
    #[command(after_help = "Example: annals show last")]
    Show {
        /// A run's id, a beginning of it, `last`, or `last~2`
        run: String,
    },
    /// Read and write state: values under a namespace and a key
    #[command(subcommand)]
    #[command(after_help = "Example: annals state put agent goal sleep; annals state get agent goal")]
    State(StateCommand),
    /// Add facts: EDN transaction data from a file or standard input
    #[command(after_help = "Example: echo '[{:person/name \"Ada\"}]' | annals transact")]
    Transact {
        /// A file, or - for standard input
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Ask a question in Datalog
    #[command(after_help = "Example: annals q '[:find ?level (count ?l) :where [?l :log/level ?level]]'")]
    Q(QueryArguments),
    /// Ask a question, and print what each transaction changes of its answer, until Ctrl-C
    #[command(after_help = "Example: annals watch '[:find ?name ?status :where [?r :run/name ?name] [?r :run/status ?status]]'")]
    Watch(WatchArguments),
    /// Show how a question is answered: the plan with estimated and real sizes and times
    #[command(after_help = "Example: annals explain '[:find (count ?l) . :where [?r :run/name \"nightly\"] [?l :log/run ?r]]'")]
    Explain(QueryArguments),
    /// Pull a tree of attributes out of entities
    #[command(after_help = "Example: annals pull '[:db/ident :db/doc]' :run/status")]
    Pull {
        /// Such as '[* {:run/parent [:run/name]}]'
        pattern: String,
        /// Ids, idents or lookup references such as '[:run/id "x"]'
        #[arg(required = true)]
        entities: Vec<String>,
    },
    /// What is known about one thing
    #[command(after_help = "Example: annals entity :run/status")]
    Entity {
        /// An id, an ident or a lookup reference such as '[:run/id "x"]'
        #[arg(allow_negative_numbers = true)]
        entity: String,
    },
    /// How what is known about one thing came to be so
    #[command(after_help = "Example: annals history '[:state/id [\"agent\" \"goal\"]]' :state/value")]
    History {
        /// An id, an ident or a lookup reference such as '[:run/id "x"]'
        #[arg(allow_negative_numbers = true)]
        entity: String,
        /// Only this attribute
        attribute: Option<String>,
    },
    /// The attributes in use, declared or not
    #[command(after_help = "Example: annals schema --format markdown")]
    Schema,
    /// Transactions, or one with its datoms
    #[command(after_help = "Example: annals tx --limit 3; annals tx last@end")]
    Tx {
        /// The transaction: a t, an instant, an age, or RUN@start, RUN@end
        #[arg(allow_negative_numbers = true)]
        t: Option<String>,
        /// At most this many, the newest
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Take in what `annals export` wrote, or EDN or JSON Lines of entities
    #[command(after_help = "Example: annals --db copy.db init; annals export | annals --db copy.db import -")]
    Import {
        /// A file, or - for standard input
        file: PathBuf,
    },
    /// Write every transaction as a stream that `annals import` takes in
    #[command(after_help = "Example: annals export --redact > to-show.edn")]
    Export {
        /// datoms (one EDN map a transaction) or jsonl
        #[arg(long, default_value = "datoms")]
        form: ExportForm,
        /// Take secrets out of texts; a new store can take the stream in, the one it came from cannot
        #[arg(long)]
        redact: bool,
    },
    /// Copy the store as it is now to a new file, while others write, and verify the copy
    #[command(after_help = "Example: annals backup /mnt/other-disk/annals-2026-11-21.db")]
    Backup {
        /// The file to make; it is a store, and is restored by being opened
        out: PathBuf,
        /// Replace the file that is there
        #[arg(long)]
        force: bool,
    },
    /// Compute everything again from the log: name the first thing wrong, and what can be relied on
    #[command(after_help = "Example: annals verify --head > elsewhere; later annals verify --expect HEAD")]
    Verify {
        /// Print t and the head of the hash chain, to be kept where whoever changes the store cannot change it too
        #[arg(long, conflicts_with = "expect")]
        head: bool,
        /// Prove that nothing changed up to the transaction at which the chain had this head, and say which that is
        #[arg(long, value_name = "HEAD")]
        expect: Option<String>,
    },
    /// Copy everything that still proves itself out of a damaged store into a new one, and list what is lost
    #[command(after_help = "Example: annals rescue .annals/annals.db rescued.db")]
    Rescue {
        /// The damaged file; it and what lies beside it is only read
        file: PathBuf,
        /// The store to make; nothing may stand there
        out: PathBuf,
    },
    /// Ask and tell at a prompt
    #[command(after_help = "Example: annals shell")]
    Shell,
    /// Record a real build and ask five questions about it
    #[command(after_help = "Example: annals demo")]
    Demo,
    /// Print the completions for a shell
    #[command(after_help = "Example: annals completions bash > annals.bash")]
    Completions {
        /// bash, elvish, fish, powershell or zsh
        shell: Shell,
    },
    /// Print the manual page
    #[command(after_help = "Example: annals man > annals.1")]
    Man,
}

#[derive(Args, Debug)]
pub(super) struct RunArguments {
    /// What people call the run
    #[arg(long, value_name = "N")]
    pub(super) name: Option<String>,
    /// How it is executed; exec when left out
    #[arg(long, value_name = "M")]
    pub(super) mode: Option<String>,
    /// A further fact about the run
    #[arg(long = "set", value_name = "K=V")]
    pub(super) settings: Vec<String>,
    /// Record keys, tokens and passwords as they are: nothing takes them out of a history later
    #[arg(long)]
    pub(super) no_redact: bool,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CMD")]
    pub(super) command: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(super) struct StartArguments {
    /// What people call the run
    #[arg(long, value_name = "N")]
    pub(super) name: Option<String>,
    /// How it is executed; manual when left out
    #[arg(long, value_name = "M")]
    pub(super) mode: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct LogsArguments {
    /// A run's id, a beginning of it, `last`, or `last~2`
    pub(super) run: String,
    /// Only lines of this level
    #[arg(long, value_name = "L")]
    pub(super) level: Option<String>,
    /// Only lines in which this regular expression is found
    #[arg(long, value_name = "RE")]
    pub(super) grep: Option<String>,
    /// Only the last lines
    #[arg(long, value_name = "N")]
    pub(super) tail: Option<usize>,
    /// Go on with lines as they come, until the run ends
    #[arg(long)]
    pub(super) follow: bool,
}

#[derive(Args, Debug)]
pub(super) struct WatchArguments {
    #[command(flatten)]
    pub(super) question: QueryArguments,
    /// Begin with the answer as of T, and go on with what changed since: a t, an instant, an age, or RUN@start, RUN@end
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub(super) from: Option<String>,
    /// End after so many changes, the answer at the beginning included
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
}

#[derive(Args, Debug)]
pub(super) struct QueryArguments {
    /// EDN, or @FILE
    pub(super) query: String,
    /// EDN, in the order of :in, without $ and %
    #[arg(allow_negative_numbers = true)]
    pub(super) inputs: Vec<String>,
    /// The rules for %: an EDN file, or :NAME of rules that the store keeps; :annals/runs are those for run histories
    #[arg(long, value_name = "FILE|:NAME")]
    pub(super) rules: Vec<String>,
    /// Another store, as source $NAME of :in; $NAME-history is its history
    #[arg(long = "with", value_name = "NAME=PATH")]
    pub(super) with_stores: Vec<String>,
    /// Stop after this long, such as 500ms or 5s
    #[arg(long, value_name = "TIME")]
    pub(super) timeout: Option<String>,
    /// Stop when a step needs more rows
    #[arg(long, value_name = "N")]
    pub(super) max_rows: Option<u64>,
    /// Refuse attributes that the store has never seen
    #[arg(long)]
    pub(super) strict: bool,
    /// See additions and retractions as they happened
    #[arg(long)]
    pub(super) history: bool,
}

#[derive(Subcommand, Debug)]
pub(super) enum StateCommand {
    /// Write a value's bytes to standard output, as they are
    #[command(after_help = "Example: annals state get agent goal")]
    Get { namespace: String, key: String },
    /// Set a value; - reads it from standard input
    #[command(after_help = "Example: annals state put agent goal sleep; echo 3 | annals state put --edn agent attempts -")]
    Put {
        namespace: String,
        key: String,
        #[arg(allow_negative_numbers = true)]
        value: String,
        /// Read VALUE as EDN instead of text
        #[arg(long)]
        edn: bool,
    },
    /// List keys and values
    #[command(after_help = "Example: annals state list agent")]
    List { namespace: Option<String> },
    /// Remove a value; its history stays
    #[command(after_help = "Example: annals state rm agent goal")]
    Rm { namespace: String, key: String },
    /// All values a key has had
    #[command(after_help = "Example: annals state history agent goal")]
    History { namespace: String, key: String },
}

#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExportForm {
    Datoms,
    Jsonl,
}
