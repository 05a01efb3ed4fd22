//! How fast EDN is read and written: transaction data of a recorded run, made from a fixed seed.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use annals_query::edn;

const SEED: u64 = 0x5eed_0ed1;
const COUNT_LINES: usize = 100_000;
const COUNT_PASSES: usize = 7;

fn main() {
    let text = transaction_data();
    report("read forms", text.len(), || {
        black_box(edn::read_forms(black_box(&text)).expect("the text is EDN"));
    });
    report("read value", text.len(), || {
        black_box(edn::read(black_box(&text)).expect("the text is EDN"));
    });
    let value = edn::read(&text).expect("the text is EDN");
    report("write value", text.len(), || {
        black_box(black_box(&value).to_string());
    });
}

/// The best of several passes, as other work on the machine only ever adds time.
fn report(what: &str, bytes: usize, pass: impl Fn()) {
    let mut best = Duration::MAX;
    for _ in 0..COUNT_PASSES {
        let start = Instant::now();
        pass();
        best = best.min(start.elapsed());
    }
    println!(
        "edn {what}: {:.0} MB/s ({} bytes in {:.1} ms)",
        bytes as f64 / best.as_secs_f64() / 1e6,
        bytes,
        best.as_secs_f64() * 1e3
    );
}

fn transaction_data() -> String {
    let words = ["compiling", "warning:", "unused", "variable", "finished", "in", "0.42s", "crate", "query", "linking"];
    let levels = ["info", "warn", "error", "debug"];
    let mut state = SEED;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let mut text = String::from("[");
    for line in 0..COUNT_LINES {
        let level = levels[next(levels.len())];
        let _ = write!(text, "{{:log/run [:run/id \"r-{:06}\"] :log/seq {line} :log/level :{level} :log/message \"", next(1_000));
        for _ in 0..next(12) + 3 {
            let _ = write!(text, "{} ", words[next(words.len())]);
        }
        let _ = writeln!(text, "\" :log/at #inst \"2026-11-20T10:{:02}:{:02}.{:06}Z\"}}", next(60), next(60), next(1_000_000));
    }
    text.push(']');
    text
}
