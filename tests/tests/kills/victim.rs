//! One writer in a process of its own, watched and killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use zarr_tests::child;

use crate::place::Place;

/// Longer than any writer takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// When a writer is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KillAt {
    /// So long after its first step began.
    Time(Duration),
    /// So long after this step began.
    Step(usize, Duration),
    /// Never.
    Never,
}

/// What became of a writer.
#[derive(Debug)]
pub(crate) enum End {
    /// It was killed in this phase.
    Killed(String),
    /// It had ended before. How long each of its steps took.
    Whole(Vec<Duration>),
}

/// Starts a writer, and kills it.
pub(crate) fn run(place: &Place, generation: u32, at: KillAt) -> End {
    let case = format!("{generation} {}", place.to_text());
    let mut child = child::command(&case)
        .and_then(|mut command| {
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
        })
        .expect("a child starts");
    let lines = lines(&mut child);
    let start = Instant::now();
    let mut steps: Vec<(Instant, String)> = Vec::new();
    let deadline = |steps: &[(Instant, String)]| match at {
        KillAt::Time(after) => steps.first().map(|(first, _)| *first + after),
        KillAt::Step(step, after) => steps.get(step).map(|(begin, _)| *begin + after),
        KillAt::Never => None,
    };
    loop {
        let kill_at = deadline(&steps).unwrap_or(start + LIMIT);
        match lines.recv_timeout(kill_at.saturating_duration_since(Instant::now())) {
            Ok(step) => steps.push(step),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return ended(child, &steps, at),
        }
    }
    child.kill().expect("a signal is sent");
    let status = child.wait().expect("the child ends");
    // What it said before it was killed.
    steps.extend(lines);
    if status.success() {
        return End::Whole(durations(&steps));
    }
    assert_eq!(
        std::os::unix::process::ExitStatusExt::signal(&status),
        Some(9),
        "{}",
        said(child)
    );
    assert!(deadline(&steps).is_some(), "a writer took longer than {LIMIT:?}");
    End::Killed(steps.pop().map_or_else(|| "start".to_owned(), |(_, phase)| phase))
}

fn ended(mut child: Child, steps: &[(Instant, String)], at: KillAt) -> End {
    let status = child.wait().expect("the child ends");
    assert!(
        status.success(),
        "a writer failed, to be killed at {at:?}: {}",
        said(child)
    );
    End::Whole(durations(steps))
}

fn said(child: Child) -> String {
    let mut text = String::new();
    if let Some(mut stderr) = child.stderr {
        // It may be no text.
        let _ = stderr.read_to_string(&mut text);
    }
    text
}

/// The phases that the child announces, as they come.
fn lines(child: &mut Child) -> Receiver<(Instant, String)> {
    let stdout = child.stdout.take().expect("a pipe");
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let phase = line.split_once(' ').map_or("", |(_, phase)| phase).to_owned();
            if sender.send((Instant::now(), phase)).is_err() {
                break;
            }
        }
    });
    receiver
}

fn durations(steps: &[(Instant, String)]) -> Vec<Duration> {
    let ends = steps
        .iter()
        .skip(1)
        .map(|(begin, _)| *begin)
        .chain(std::iter::once(Instant::now()));
    steps
        .iter()
        .zip(ends)
        .map(|((begin, _), end)| end.duration_since(*begin))
        .collect()
}

/// How many kills hit which phase.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) by_phase: BTreeMap<String, usize>,
    /// Writers that were quicker than their kill.
    pub(crate) escaped: usize,
}

impl Tally {
    pub(crate) fn kills(&self) -> usize {
        self.by_phase.values().sum()
    }
}
