//! Ordinary lines: what compilers, package managers, test runners and tools write, real ones from a file and more drawn by pattern, with
//! sums, ids, versions and words such as `token` and `key` in them.

use annals::redact::{LineRedactor, Redactor};

use crate::corpus::{Chance, seed};

const REAL: &str = include_str!("ordinary.txt");

/// Lines looked at in all.
const LINES: usize = 10_000;

/// Of so many lines one may change.
const ONE_IN: usize = 200;

/// Lines drawn: `<h40>` hexadecimal, `<d4>` digits, `<b64>` base64, `<l8>` small letters.
const DRAWN: [&str; 44] = [
    "   Compiling <l8> v0.<d2>.<d1>",
    "commit <h40>",
    "<h7> Merge branch '<l6>' into main",
    "index <h7>..<h7> 100644",
    "<h64>  <l8>-<d1>.<d1>.tar.gz",
    "sha256:<h64>: Pulling fs layer",
    "Digest: sha256:<h64>",
    "      \"integrity\": \"sha512-<b86>==\",",
    "resolved \"https://registry.yarnpkg.com/<l6>/-/<l6>-<d1>.0.<d1>.tgz#<h40>\"",
    "github.com/<l6>/<l8> v1.<d1>.<d1> h1:<b43>=",
    "checksum = \"<h64>\"",
    "    --hash=sha256:<h64> \\",
    "Successfully built <h12>",
    "request_id=<h8>-<h4>-4<h3>-a<h3>-<h12> status=200 duration=<d2>ms",
    "{\"level\":\"info\",\"ts\":17<d8>,\"trace_id\":\"<h32>\",\"span_id\":\"<h16>\",\"msg\":\"done\"}",
    "test tests::<l8>_<l6> ... ok",
    "PASS src/<l8>.test.ts (<d1>.<d2> s)",
    "ok      example.com/<l6>/<l6>   0.<d3>s",
    "Passed: <d2>, Failed: 0, Skipped: <d1>",
    "bypass=true pass=<d2> fail=0 keys=<d3>",
    "max_tokens=<d4> prompt_tokens: <d3> completion_tokens: <d3>",
    "error: unexpected token `<l4>` at line <d2>",
    "SyntaxError: Unexpected token '<l2>', \"<l8>\" is not valid JSON",
    "Using cache key: linux-cargo-<h64>",
    "Cache restored from key: node-modules-<h40>",
    "KeyError: '<l8>'",
    "primary key: id, foreign key: <l6>_id",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI<b43> <l4>",
    "SHA256:<b43> <l4> (ED25519)",
    "public key fingerprint: SHA256:<b43>",
    "the password must be at least <d1> characters long",
    "Password: ",
    "password reset mail sent to user <d4>",
    "FATAL: password authentication failed for user \"<l6>\"",
    "auth: login failed for <l6>, invalid credentials",
    "token expired, refreshing",
    "GET /api/v1/keys/<d3> HTTP/1.1 200",
    "clone https://github.com/<l6>/<l8>.git",
    "Listening on http://localhost:<d4>/",
    "    password: String,",
    "    pub token: Option<String>,",
    "token_type=bearer expires_in=3600",
    "ENV PATH=/usr/local/bin:/usr/bin HOME=/home/<l4> PWD=/home/<l4>/<l6>",
    "secret/<l8> created",
];

/// Real lines and drawn ones.
pub(crate) fn lines() -> Vec<String> {
    let mut chance = Chance::new(seed());
    let real = REAL.lines().map(str::to_owned);
    let drawn = std::iter::from_fn(|| {
        let pattern = DRAWN[chance.below(DRAWN.len())];
        Some(crate::corpus::drawn(pattern, &mut chance))
    });
    real.chain(drawn).take(LINES).collect()
}

#[test]
fn of_ten_thousand_ordinary_lines_almost_none_changes() {
    let mut redactor = LineRedactor::new(Redactor::new([3; 32]));
    let lines = lines();
    assert_eq!(lines.len(), LINES);
    let changed = lines.iter().filter_map(|line| {
        let redacted = redactor.text(line).into_owned();
        (redacted != *line).then_some(redacted)
    });
    let changed: Vec<String> = changed.collect();
    println!("{} of {LINES} ordinary lines changed, SEED={}", changed.len(), seed());
    assert!(changed.len() * ONE_IN < LINES, "{} lines changed, SEED={}:\n{}", changed.len(), seed(), changed.join("\n"));
}
