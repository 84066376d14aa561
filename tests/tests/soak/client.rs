//! The client's side: the cycles on their tasks, and what the process holds before, meanwhile and after.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use zarr_fs::session::UnclosedLog;
use zarr_tests::probe::{self, Holdings};

use crate::Length;
use crate::cycle::{self, TASKS};
use crate::tally::Tally;

/// A cycle that takes longer hangs: its retries alone are bounded by some seconds a call.
const HANG: Duration = Duration::from_secs(90);
/// Resident memory may grow by so much a cycle; measured where the run is long enough to tell.
const MAX_BYTES_A_CYCLE: f64 = 1024.0;
/// Shorter runs are all warm-up: their slope is printed and not judged.
const CYCLES_TO_JUDGE: u64 = 2000;

struct Soak {
    url: String,
    next: AtomicU64,
    tally: Tally,
    unclosed: UnclosedLog,
    /// Cycles done and resident bytes then.
    memory: Mutex<Vec<(u64, u64)>>,
}

/// Runs cycles up to number `until` on all tasks, and returns when the last one has ended.
async fn phase(soak: &Arc<Soak>, until: u64, end: Instant, step: u64) {
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let soak = Arc::clone(soak);
        tasks.spawn(async move {
            while Instant::now() < end {
                let number = soak.next.fetch_add(1, Ordering::Relaxed);
                if number >= until {
                    // It belongs to the next phase.
                    soak.next.fetch_sub(1, Ordering::Relaxed);
                    return;
                }
                let cycle = cycle::run(&soak.url, number, &soak.unclosed, &soak.tally);
                if tokio::time::timeout(HANG, cycle).await.is_err() {
                    soak.tally.wrong("a cycle hangs");
                }
                if number.is_multiple_of(step) {
                    let resident = probe::resident_bytes().unwrap_or_default();
                    soak.memory.lock().unwrap().push((number, resident));
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            soak.tally.wrong(&format!("a task panicked: {error}"));
        }
    }
}

/// Least squares: bytes a cycle.
fn slope(samples: &[(u64, u64)]) -> f64 {
    let count = samples.len().max(1) as f64;
    let mean_x = samples.iter().map(|(x, _)| *x as f64).sum::<f64>() / count;
    let mean_y = samples.iter().map(|(_, y)| *y as f64).sum::<f64>() / count;
    let along: f64 = samples
        .iter()
        .map(|(x, y)| (*x as f64 - mean_x) * (*y as f64 - mean_y))
        .sum();
    let spread: f64 = samples.iter().map(|(x, _)| (*x as f64 - mean_x).powi(2)).sum();
    if spread > 0.0 { along / spread } else { 0.0 }
}

pub(crate) fn run(url: &str, length: Length) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let port: u16 = url
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .expect("a port");
    let soak = Arc::new(Soak {
        url: url.to_owned(),
        next: AtomicU64::new(0),
        tally: Tally::default(),
        unclosed: UnclosedLog::new(),
        memory: Mutex::default(),
    });
    let before = Holdings::now().expect("a Linux /proc");
    let began = Instant::now();
    let end = began + length.time;
    let step = (length.cycles / 100).max(1);
    let warm_up = length.cycles / 5;
    runtime.block_on(phase(&soak, warm_up, end, step));
    soak.memory.lock().unwrap().clear();
    runtime.block_on(phase(&soak, length.cycles, end, step));

    let sockets = probe::sockets_to(&[port]).expect("a Linux /proc").len();
    // Threads that decode end when they have been idle for a while.
    let flat = before.wait(Duration::from_millis(100));
    let after = Holdings::now().expect("a Linux /proc");
    let cycles = soak.next.load(Ordering::Relaxed);
    let memory = soak.memory.lock().unwrap();
    let slope = slope(&memory);
    let unclosed = soak.unclosed.entries();
    let mut mistakes = soak.tally.mistakes();

    println!(
        "soak: {cycles} cycles on {TASKS} tasks in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    println!("soak: sockets {sockets}, unclosed leases {}", unclosed.len());
    println!(
        "soak: descriptors {} then {}",
        before.descriptors, after.descriptors
    );
    println!(
        "soak: threads {} then {}",
        before.threads.len(),
        after.threads.len()
    );
    let resident = |sample: Option<&(u64, u64)>| sample.map_or(0, |(_, bytes)| bytes / 1024);
    println!(
        "soak: resident {} KiB after warm-up, {} KiB at the end, slope {slope:.0} bytes a cycle",
        resident(memory.first()),
        resident(memory.last())
    );
    println!(
        "soak: wrong {}; {}",
        mistakes.len(),
        soak.tally.counts().join(", ")
    );

    if sockets > 0 {
        mistakes.push("sockets are left".to_owned());
    }
    if let Err(held) = flat {
        mistakes.push(format!("held before: {before:?}, after: {held:?}"));
    }
    mistakes.extend(unclosed.iter().map(ToString::to_string));
    if cycles >= CYCLES_TO_JUDGE && slope > MAX_BYTES_A_CYCLE {
        mistakes.push("memory grows".to_owned());
    }
    // A soak in which nothing goes wrong, or nothing right, proves nothing.
    for outcome in ["right", "Unavailable", "Closed"] {
        if soak.tally.total(outcome) == 0 {
            mistakes.push(format!("no call ended as {outcome}"));
        }
    }
    for mistake in mistakes.iter().take(20) {
        println!("soak: MISTAKE {mistake}");
    }
    if mistakes.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
