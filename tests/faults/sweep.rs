//! Every operation of every workload fails in every way, once and from then on.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::dice::{Dice, number, seed};
use crate::place::Place;
use crate::shim::{Class, Fault};
use crate::workloads::{ALL, Template, Workload};

/// All faults of a template for these classes: every operation that a run without a fault does.
pub(crate) fn faults(template: &Template, classes: &[Class]) -> Vec<Fault> {
    let mut all = Vec::new();
    for class in classes {
        for number in 1..=template.clean.counters.of(*class) {
            for (how, may_stay) in class.failures() {
                all.push(Fault { class: *class, number, how, stays: false });
                if *may_stay {
                    all.push(Fault { class: *class, number, how, stays: true });
                }
            }
        }
    }
    all
}

/// What is wrong with one run.
pub(crate) fn verdict(template: &Template, fault: Fault) -> Result<bool, String> {
    let place = Place::copy(&template.place);
    let ran = place.run(template.command(&place), Some(fault));
    template.verdict(&place, &ran)?;
    let has_failed = ran.error_code().is_some();
    if fault.is_passing() && has_failed {
        return Err(format!("what has only to be tried again was not: {}", ran.err));
    }
    if ran.counters.failed == 0 && has_failed {
        return Err(format!("nothing failed, and it told an error: {}", ran.err));
    }
    Ok(has_failed)
}

/// What a sweep saw.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) runs: usize,
    pub(crate) reported: usize,
    pub(crate) wrong: Vec<String>,
}

/// Tries `runs` of all faults of these workloads, spread evenly over them by chance; all of them if that is more.
pub(crate) fn sweep(name: &str, workloads: &[&'static Workload], classes: &[Class], runs: usize) -> Figures {
    sweep_of(name, workloads, classes, runs, |_| true)
}

/// The same for some of the faults.
pub(crate) fn sweep_of(
    name: &str,
    workloads: &[&'static Workload],
    classes: &[Class],
    runs: usize,
    is_meant: impl Fn(&Fault) -> bool,
) -> Figures {
    let templates: Vec<Template> = workloads.iter().map(|workload| workload.template()).collect();
    let mut all: Vec<(usize, Fault)> = Vec::new();
    for (at, template) in templates.iter().enumerate() {
        all.extend(faults(template, classes).into_iter().filter(&is_meant).map(|fault| (at, fault)));
    }
    let (total, chosen) = (all.len(), spread(all, runs));
    let next = AtomicUsize::new(0);
    let figures = Mutex::new(Figures::default());
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, fault)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let template = &templates[*at];
                    let seen = verdict(template, *fault);
                    let mut figures = figures.lock().expect("no thread panics while it counts");
                    figures.runs += 1;
                    match seen {
                        Ok(has_failed) => figures.reported += usize::from(has_failed),
                        Err(what) => figures.wrong.push(format!("{} with SHIM_FAIL={fault}: {what}", template.workload.name)),
                    }
                }
            });
        }
    });
    let figures = figures.into_inner().expect("all threads have ended");
    println!(
        "{name}: {} runs of {total} that there are, SEED={}: {} reported an error, {} went on as if nothing had been, {} wrong",
        figures.runs,
        seed(),
        figures.reported,
        figures.runs - figures.reported - figures.wrong.len(),
        figures.wrong.len()
    );
    figures
}

fn spread(all: Vec<(usize, Fault)>, runs: usize) -> Vec<(usize, Fault)> {
    if runs >= all.len() {
        return all;
    }
    let mut dice = Dice::new(seed());
    let step = all.len() as f64 / runs as f64;
    let chosen = (0..runs).map(|n| all[((n as f64 + dice.below(1000) as f64 / 1000.0) * step) as usize % all.len()]);
    chosen.collect()
}

/// The workloads of `WORKLOADS=`, divided by commas, or all.
pub(crate) fn chosen_workloads() -> Vec<&'static Workload> {
    let names = std::env::var("WORKLOADS").unwrap_or_default();
    ALL.iter().filter(|workload| names.is_empty() || names.split(',').any(|name| name == workload.name)).collect()
}

/// How many runs: `FAULTS=`, or few.
pub(crate) fn runs(few: u64) -> usize {
    number("FAULTS", few) as usize
}
