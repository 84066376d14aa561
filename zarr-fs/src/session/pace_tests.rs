//! The pace beside modelled servers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

/// A server: how long an answer takes on the line, how many it works at once, and how long each takes it.
#[derive(Clone, Copy)]
struct Server {
    line: Duration,
    workers: usize,
    work: Duration,
}

const MS: Duration = Duration::from_millis(1);

/// What each call costs this side, one after the other.
const OWN_WORK: Duration = Duration::from_micros(40);

/// Asks for `calls` answers, always as many at once as the pace wants; how long that takes, and the widths after each answer.
fn ask(pace: &mut Pace, calls: usize, server: impl Fn(usize) -> Server) -> (Duration, Vec<usize>) {
    let (mut now, mut sent, mut widths) = (Duration::ZERO, 0, Vec::new());
    let mut free: Vec<Duration> = Vec::new();
    let mut flying = BinaryHeap::new();
    while widths.len() < calls {
        while sent < calls && flying.len() < pace.wanted() {
            let Server { line, workers, work } = server(sent);
            free.resize(workers, Duration::ZERO);
            let worker = free.iter_mut().min().unwrap();
            *worker = (*worker).max(now) + work;
            flying.push(Reverse((*worker + line, now, flying.len())));
            sent += 1;
        }
        let Reverse((at, begun, others)) = flying.pop().unwrap();
        now = at.max(now + OWN_WORK);
        pace.answered(Answer {
            at: now,
            took: now - begun,
            others,
            kept: true,
        });
        widths.push(pace.wanted());
    }
    (now, widths)
}

#[test]
fn a_far_server_gets_all_calls() {
    let mut pace = Pace::new(192);
    let far = Server {
        line: 20 * MS,
        workers: 1000,
        work: MS / 20,
    };
    let (took, widths) = ask(&mut pace, 1000, |_| far);
    assert_eq!(widths.iter().min(), Some(&192));
    assert!(took < 130 * MS, "{took:?}");
}

#[test]
fn a_near_server_gets_few_calls_and_is_as_quick() {
    for (workers, work) in [(1, MS), (10, 2 * MS), (1000, MS / 20)] {
        let near = Server {
            line: MS / 10,
            workers,
            work,
        };
        let mut pace = Pace::new(192);
        let (took, widths) = ask(&mut pace, 5000, |_| near);
        assert!(widths.iter().all(|width| *width <= NARROW), "{widths:?}");
        let best = 5000 * work / u32::try_from(workers.min(NARROW)).unwrap();
        assert!(
            took < best * 5 / 4 + 300 * MS,
            "{workers} workers: {took:?}, {best:?} at best"
        );
    }
}

#[test]
fn a_server_that_was_quick_once_is_found_to_be_far() {
    for slow in [20, 100] {
        for quick in [4, 100] {
            let server = |call| Server {
                line: if call < quick { MS } else { slow * MS },
                workers: 1000,
                work: Duration::from_micros(40),
            };
            let mut pace = Pace::new(192);
            let (took, widths) = ask(&mut pace, 4000, server);
            assert_eq!(widths.last(), Some(&192));
            // 250 waves of 16 would take 250 answers' time.
            assert!(took < 80 * slow * MS, "{took:?} after {quick} quick ones");
        }
    }
}

#[test]
fn answers_from_a_cache_do_not_hide_the_others() {
    let mixed = |call: usize| Server {
        line: if call.is_multiple_of(2) { MS } else { 100 * MS },
        workers: 1000,
        work: Duration::from_micros(40),
    };
    let mut pace = Pace::new(192);
    let (_, widths) = ask(&mut pace, 4000, mixed);
    assert!(widths[2000..].iter().min() > Some(&64));
}

#[test]
fn connections_to_a_near_server_are_dialled_one_by_one() {
    let mut pace = Pace::new(192);
    let (_, widths) = ask(&mut pace, 20, |_| Server {
        line: MS,
        workers: 1000,
        work: MS / 20,
    });
    assert_eq!(widths[..3], [5, 6, 7]);
    assert_eq!(widths.last(), Some(&NARROW));
}

#[test]
fn a_server_that_closes_connections_gets_few() {
    let answer = |took, kept| Answer {
        at: MS,
        took,
        others: 4,
        kept,
    };
    let mut pace = Pace::new(192);
    pace.answered(answer(2 * MS, false));
    assert_eq!(pace.wanted(), DIALLED);
    let mut pace = Pace::new(192);
    pace.answered(answer(50 * MS, false));
    assert_eq!(pace.wanted(), 50);
    // Every server closes a connection now and then.
    let mut pace = Pace::new(192);
    pace.answered(answer(50 * MS, true));
    pace.answered(answer(50 * MS, false));
    assert_eq!(pace.wanted(), 192);
}

#[test]
fn a_few_quick_answers_make_no_far_server_near() {
    let far = |call: usize| Server {
        line: if call % 64 == 63 { MS } else { 20 * MS },
        workers: 1000,
        work: MS / 20,
    };
    let mut pace = Pace::new(192);
    // What opening has seen.
    for _ in 0..3 {
        pace.answered(Answer {
            at: MS,
            took: 20 * MS,
            others: 2,
            kept: true,
        });
    }
    let (_, widths) = ask(&mut pace, 1000, far);
    assert_eq!(widths.iter().min(), Some(&192));
}

#[test]
fn a_name_that_takes_long_makes_no_server_far() {
    let mut pace = Pace::new(192);
    for took in [60, 60, 60, 60, 60, 2, 2, 2] {
        pace.answered(Answer {
            at: MS,
            took: took * MS,
            others: 4,
            kept: true,
        });
    }
    assert!(pace.wanted() <= NARROW);
}

#[test]
fn refusals_leave_one_call_and_calm_brings_back_all() {
    let mut pace = Pace::new(100);
    pace.refused();
    assert_eq!(pace.wanted(), 1);
    let (_, widths) = ask(&mut pace, 60, |_| Server {
        line: 20 * MS,
        workers: 100,
        work: MS,
    });
    let changes: Vec<usize> = widths.iter().step_by(CALM as usize).copied().collect();
    assert_eq!(changes, [1, 2, 4, 8, 16, 32, 64, 100]);
}

#[test]
fn streams_that_begin_bring_back_all_too() {
    let mut pace = Pace::new(3);
    pace.refused();
    (0..CALM).for_each(|_| pace.accepted());
    assert_eq!(pace.wanted(), 2);
    (0..4 * CALM).for_each(|_| pace.accepted());
    assert_eq!(pace.wanted(), 3);
}

#[test]
fn a_width_of_the_options_is_never_exceeded() {
    for most in [1, 3, 40] {
        let mut pace = Pace::new(most);
        let (_, widths) = ask(&mut pace, 2000, |call| Server {
            line: if call < 8 { MS } else { 20 * MS },
            workers: 1000,
            work: MS / 20,
        });
        assert!(
            widths.iter().all(|width| (1..=most).contains(width)),
            "{widths:?}"
        );
    }
}
