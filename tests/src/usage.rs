//! What a command has used of the machine by its end: processor time and memory. Unlike a time on the clock, neither depends
//! on what else the machine does.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use crate::child::{Outcome, wait_with};

/// What a process used.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Processor time of all its threads, in user and system mode.
    pub cpu: Duration,
    /// The most memory that it had resident. On Linux not less than the most that the process had which started it, so
    /// what starts it should be small.
    pub peak_resident_bytes: u64,
}

/// Runs a command to its end, or kills it at the limit: then there is no usage.
///
/// # Errors
/// If no process can be started.
pub fn run(command: Command, limit: Duration) -> io::Result<(Outcome, Option<Usage>)> {
    wait_with(command, limit, reap)
}

/// Asks whether the child has ended, as `try_wait` does, and what it used.
fn reap(child: &mut Child) -> io::Result<Option<(ExitStatus, Usage)>> {
    let pid = libc::pid_t::try_from(child.id()).map_err(io::Error::other)?;
    let mut status = 0;
    // SAFETY: `rusage` is a struct of numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values that are written to during the call only.
    let reaped = unsafe { libc::wait4(pid, &raw mut status, libc::WNOHANG, &raw mut usage) };
    match reaped {
        0 => Ok(None),
        _ if reaped == pid => Ok(Some((ExitStatus::from_raw(status), Usage::of(&usage)))),
        _ => Err(io::Error::last_os_error()),
    }
}

impl Usage {
    fn of(usage: &libc::rusage) -> Self {
        let time = |time: libc::timeval| {
            let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
            let micros = u64::try_from(time.tv_usec).unwrap_or_default();
            Duration::from_secs(seconds) + Duration::from_micros(micros)
        };
        // Linux counts in kilobytes, Apple in bytes.
        let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
        Self {
            cpu: time(usage.ru_utime) + time(usage.ru_stime),
            peak_resident_bytes: u64::try_from(usage.ru_maxrss).unwrap_or_default() * unit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    fn sh(script: &str) -> (Outcome, Option<Usage>) {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command, LIMIT).unwrap()
    }

    #[test]
    fn time_and_memory_are_counted() {
        let (idle, little) = sh("exit 3");
        assert_eq!(idle.status.and_then(|status| status.code()), Some(3));
        // 64 MiB in a variable of the shell, made by doubling.
        let (busy, much) = sh(
            "x=0123456789abcdef; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do x=$x$x; done; echo ${#x}",
        );
        assert_eq!(busy.check(), Ok(()));
        let (little, much) = (little.unwrap(), much.unwrap());
        assert_eq!(busy.stdout.trim(), "67108864");
        assert!(much.peak_resident_bytes > 64 << 20, "{much:?}");
        assert!(much.cpu > little.cpu, "{little:?} {much:?}");
    }

    #[test]
    fn what_does_not_end_is_killed() {
        let mut command = Command::new("sh");
        command.args(["-c", "exec sleep 600"]);
        let (outcome, usage) = run(command, Duration::from_millis(50)).unwrap();
        assert!(outcome.status.is_none() && usage.is_none());
    }
}
