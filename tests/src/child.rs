//! Cases in a process of their own, for what is process-wide: descriptors, threads, signals, the environment.
//!
//! A test binary re-executes itself. With a harness of its own (`harness = false`), its `main` is [`main`], and each case is a
//! trial of the parent and runs in a child. Within a stock `#[test]`, [`run_test`] re-executes that one test, and [`case`] tells
//! it which side it is and what to do there.

use std::io::{self, Read};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};

/// Names the case that a child is to run.
const CASE: &str = "ZARR_TESTS_CHILD";

/// A case that runs in a child process.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its name, as a trial of the parent.
    pub name: &'static str,
    /// How long it may take; then it is killed and has failed.
    pub limit: Duration,
    /// The case; it fails by a panic.
    pub run: fn(),
}

/// What became of a child.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// How it ended; `None` if it was killed at its limit.
    pub status: Option<ExitStatus>,
    /// What it printed.
    pub stdout: String,
    /// What it printed to stderr.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// Whether it ended well, and if not, all that is known about it.
    ///
    /// # Errors
    /// A text with status and output.
    pub fn check(&self) -> Result<(), String> {
        let Self {
            status,
            stdout,
            stderr,
            took,
        } = self;
        match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("{status} after {took:?}\n{stdout}{stderr}")),
            None => Err(format!("killed at its limit, after {took:?}\n{stdout}{stderr}")),
        }
    }
}

/// The `main` of a test binary that counts by `/proc`: that of a module, and elsewhere than on Linux nothing to try.
///
/// ```no_run
/// # mod linux { pub(super) fn main() -> std::process::ExitCode { std::process::ExitCode::SUCCESS } }
/// zarr_tests::linux_main!(linux);
/// ```
#[macro_export]
macro_rules! linux_main {
    ($module:ident) => {
        #[cfg(target_os = "linux")]
        fn main() -> ::std::process::ExitCode {
            $module::main()
        }

        #[cfg(not(target_os = "linux"))]
        fn main() -> ::std::process::ExitCode {
            ::std::process::ExitCode::SUCCESS
        }
    };
}

/// The case that this process is to run, if it is a child.
pub fn case() -> Option<String> {
    std::env::var(CASE).ok()
}

/// The `main` of a test binary whose cases run in children, several at a time (`--test-threads`).
pub fn main(cases: Vec<Case>) -> ExitCode {
    main_with(cases, Vec::new())
}

/// [`main`] with further trials that run in the parent.
pub fn main_with(cases: Vec<Case>, mut trials: Vec<Trial>) -> ExitCode {
    if let Some(name) = case() {
        return match cases.iter().find(|case| case.name == name) {
            Some(case) => {
                (case.run)();
                ExitCode::SUCCESS
            }
            None => {
                eprintln!("no case {name}");
                ExitCode::FAILURE
            }
        };
    }
    trials.extend(cases.into_iter().map(|case| {
        Trial::test(case.name, move || {
            let outcome = run(case.name, case.limit)?;
            outcome.check().map_err(Failed::from)
        })
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs a case of this binary in a child.
///
/// # Errors
/// If no process can be started.
pub fn run(case: &str, limit: Duration) -> io::Result<Outcome> {
    wait(command(case)?, limit)
}

/// The command that runs a case of this binary in a child, for a parent that talks with it, or kills it.
///
/// # Errors
/// If this binary cannot be found.
pub fn command(case: &str) -> io::Result<Command> {
    let mut command = this_binary()?;
    command.env(CASE, case);
    Ok(command)
}

/// Runs the `#[test]` of this binary with this full name in a child, where [`case`] is `case`.
///
/// # Errors
/// If no process can be started, or if there is no such test.
pub fn run_test(test: &str, case: &str, limit: Duration) -> io::Result<Outcome> {
    let mut command = this_binary()?;
    command.env(CASE, case).args([
        test,
        "--exact",
        "--include-ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    let outcome = wait(command, limit)?;
    if outcome.stdout.contains("running 0 tests") {
        return Err(io::Error::new(io::ErrorKind::NotFound, format!("no test {test}")));
    }
    Ok(outcome)
}

/// Runs a command to its end, or kills it at the limit.
///
/// # Errors
/// If no process can be started.
pub fn wait(command: Command, limit: Duration) -> io::Result<Outcome> {
    let reap = |child: &mut Child| Ok(child.try_wait()?.map(|status| (status, ())));
    Ok(wait_with(command, limit, reap)?.0)
}

/// As [`wait`], with another way to ask whether the child has ended; it may give more than the status.
pub(crate) fn wait_with<T>(
    mut command: Command,
    limit: Duration,
    mut reap: impl FnMut(&mut Child) -> io::Result<Option<(ExitStatus, T)>>,
) -> io::Result<(Outcome, Option<T>)> {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    // Both pipes are read all the time, or a child that prints much would hang.
    let (stdout, stderr) = (child.stdout.take().map(reader), child.stderr.take().map(reader));
    let mut ended = None;
    while ended.is_none() && start.elapsed() < limit {
        ended = reap(&mut child)?;
        if ended.is_none() {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    let took = start.elapsed();
    if ended.is_none() {
        child.kill()?;
        child.wait()?;
    }
    let text = |reader: Option<std::thread::JoinHandle<Vec<u8>>>| {
        let bytes = reader.and_then(|reader| reader.join().ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let (status, more) = ended.unzip();
    let outcome = Outcome {
        status,
        stdout: text(stdout),
        stderr: text(stderr),
        took,
    };
    Ok((outcome, more))
}

fn this_binary() -> io::Result<Command> {
    Ok(Command::new(std::env::current_exe()?))
}

fn reader(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is kept.
        drop(pipe.read_to_end(&mut bytes));
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[test]
    fn a_child_passes_fails_or_is_killed() {
        match case().as_deref() {
            Some("passes") => return println!("in the child {}", "x".repeat(1 << 20)),
            Some("fails") => panic!("on purpose"),
            Some("hangs") => loop {
                std::thread::park();
            },
            Some(other) => panic!("unknown case {other}"),
            None => {}
        }
        let run = |case: &str, limit| {
            run_test("child::tests::a_child_passes_fails_or_is_killed", case, limit).unwrap()
        };
        let passed = run("passes", LIMIT);
        assert_eq!(passed.check(), Ok(()));
        assert!(passed.stdout.contains("in the child"), "{passed:?}");

        let report = run("fails", LIMIT).check().unwrap_err();
        assert!(report.contains("on purpose"), "{report}");

        let killed = run("hangs", Duration::from_secs(1));
        assert!(killed.status.is_none() && killed.took < LIMIT);
        assert!(killed.check().unwrap_err().contains("killed at its limit"));

        assert_eq!(
            run_test("no::such::test", "passes", LIMIT).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
