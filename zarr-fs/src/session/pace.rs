//! [`Pace`]: how many calls of a session are worth having under way at once, by what their answers say.
//!
//! Many calls in flight hide a long line. Beside a server that answers at once they hide nothing: they fill its few workers,
//! overflow its queue of connections, and push each other's bytes out of the cache. So a session is as wide as it may be until
//! answers are quick; then narrow. Whether that costs anything it finds out by being narrower still for a moment: if half as
//! many calls bring half as many answers, twice, each waits for the line, and more of them are worth having. Never the other
//! way round: a server that is asked too much at once may take seconds to recover.

use std::time::Duration;

/// A server that answers in less than this is near.
const NEAR: Duration = Duration::from_millis(5);

/// So many calls at once are enough for a near server: at 5 ms an answer they bring 3000 in a second.
const NARROW: usize = 16;

/// The fewest calls at once while it is being found out whether fewer do as well.
const TRIAL: usize = 8;

/// So many connections may be dialled at once beside a near server: its queue for new ones may be as short as five (`python
/// -m http.server`), and who does not fit in waits for a second. Each answer lets one more call begin.
const DIALLED: usize = 4;

/// Of a server that closes each connection after one answer, one call more for each millisecond that an answer takes.
const DIALLED_FOR: Duration = Duration::from_millis(1);

/// A server is near if one answer in so many is quick: of a far one a cache may have a few.
const ONE_IN: u32 = 2;

/// So many answers without a refusal let twice as many calls be under way.
const CALM: u32 = 8;

/// The most windows between two trials.
const MOST_REST: u32 = 64;

/// How many calls are worth having under way.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    /// What refusals allow.
    ceiling: usize,
    calm: u32,
    quickest: Duration,
    /// Answers that were quick, and that were not, until the server was found to be near.
    quick: u32,
    waited: u32,
    is_near: bool,
    /// Answers after which the server closed the connection, less those after which it did not.
    closed: i32,
    /// How many calls a near server gets.
    narrow: usize,
    trial: Trial,
    /// Whether the last trial found that fewer calls bring fewer answers.
    suspected: bool,
    window: Window,
}

/// What is being found out about a near server. Rates are answers in a second.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Trial {
    /// Nothing: connections are dialled one by one.
    Start,
    /// Nothing, for so many windows more; after the next trial for twice as many as after the last.
    Rest { windows: u32, of: u32 },
    /// Whether half as many calls bring fewer answers than this.
    Fewer { rate: f64, of: u32 },
    /// Whether more calls bring more answers than this.
    More { rate: f64, before: usize },
}

/// Answers that are counted together.
#[derive(Debug, Default)]
struct Window {
    /// Answers that still belong to the width before.
    skip: usize,
    begun: Option<Duration>,
    seen: usize,
}

/// An answer, and what was known when its call started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    /// When it came, from any beginning.
    pub(super) at: Duration,
    pub(super) took: Duration,
    /// How many other calls were under way.
    pub(super) others: usize,
    /// Whether its connection can be used again.
    pub(super) kept: bool,
}

impl Pace {
    /// At most `most` calls (at least one).
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        Self {
            most,
            ceiling: most,
            calm: 0,
            quickest: Duration::MAX,
            quick: 0,
            waited: 0,
            is_near: false,
            closed: 0,
            narrow: DIALLED.min(most),
            trial: Trial::Start,
            suspected: false,
            window: Window::default(),
        }
    }

    /// How many calls there should be.
    pub(super) fn wanted(&self) -> usize {
        let line = if self.closed > 0 {
            let each = self.quickest.as_nanos() / DIALLED_FOR.as_nanos();
            usize::try_from(each).unwrap_or(usize::MAX).max(DIALLED)
        } else if self.is_near {
            self.narrow
        } else {
            self.most
        };
        line.min(self.ceiling).min(self.most)
    }

    /// The server refused a call because there are too many (429, 503).
    pub(super) fn refused(&mut self) {
        self.ceiling = 1;
        self.calm = 0;
    }

    /// A call was not refused.
    pub(super) fn accepted(&mut self) {
        if self.ceiling == self.most {
            return;
        }
        self.calm += 1;
        if self.calm == CALM {
            self.calm = 0;
            self.ceiling = self.ceiling.saturating_mul(2).min(self.most);
        }
    }

    /// A call was answered.
    pub(super) fn answered(&mut self, answer: Answer) {
        if !self.is_near && self.ceiling == self.most {
            self.locate(answer);
        }
        self.quickest = self.quickest.min(answer.took);
        let sign = if answer.kept { -1 } else { 1 };
        self.closed = self.closed.saturating_add(sign).clamp(-32, 32);
        if self.ceiling < self.most {
            self.accepted();
        } else if self.trial == Trial::Start {
            if self.is_near {
                self.narrow += 1;
            }
            if self.narrow >= NARROW.min(self.most) {
                self.narrow = NARROW.min(self.most);
                self.trial = Trial::resting(1);
            }
        } else if self.wanted() == self.narrow
            && let Some(rate) = self.window.rate(answer, self.narrow)
        {
            self.judge(rate);
        }
    }

    /// Counts what an answer says of where the server is. Of many calls at once the first that are answered are the quick ones,
    /// so there some more of them are wanted.
    fn locate(&mut self, answer: Answer) {
        if answer.took < NEAR {
            self.quick = self.quick.saturating_add(1);
            let is_enough = self.quick as usize > answer.others / NARROW;
            self.is_near = is_enough && self.quick.saturating_mul(ONE_IN) > self.waited;
        } else {
            self.waited = self.waited.saturating_add(1);
        }
    }

    /// A window has ended that brought so many answers in a second.
    fn judge(&mut self, rate: f64) {
        let before = self.narrow;
        self.trial = match self.trial {
            Trial::Start => Trial::Start,
            Trial::Rest { windows, of } if windows > 1 => Trial::Rest {
                windows: windows - 1,
                of,
            },
            Trial::Rest { of, .. } => {
                self.narrow = (before / 2).max(TRIAL).min(before);
                Trial::Fewer { rate, of }
            }
            Trial::Fewer { rate: full, of } if rate < full * 0.65 && !self.suspected => {
                self.suspected = true;
                self.narrow = before.saturating_mul(2).min(self.most);
                Trial::Rest { windows: 1, of }
            }
            Trial::Fewer { rate: full, .. } if rate < full * 0.65 => {
                self.suspected = false;
                self.narrow = before.saturating_mul(8).min(self.most);
                Trial::More {
                    rate: full,
                    before: before * 2,
                }
            }
            Trial::Fewer { of, .. } => {
                self.suspected = false;
                self.narrow = before.saturating_mul(2).min(self.most);
                Trial::resting(of * 2)
            }
            Trial::More { rate: fewer, .. } if rate > fewer * 1.25 && before < self.most => {
                self.narrow = before.saturating_mul(4).min(self.most);
                Trial::More { rate, before }
            }
            Trial::More { rate: fewer, .. } if rate > fewer * 1.25 => Trial::resting(MOST_REST),
            Trial::More { before: enough, .. } => {
                self.narrow = enough.min(self.most);
                Trial::resting(4)
            }
        };
        if self.narrow != before {
            self.window = Window {
                skip: before,
                ..Window::default()
            };
        }
    }
}

impl Trial {
    fn resting(windows: u32) -> Self {
        let of = windows.min(MOST_REST);
        Self::Rest { windows: of, of }
    }
}

impl Window {
    /// Counts an answer; the rate, if it is the window's last.
    fn rate(&mut self, answer: Answer, width: usize) -> Option<f64> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        // Fewer calls than there may be: then the caller sets the rate.
        let Some(begun) = self.begun.filter(|_| answer.others + 1 >= width / 2) else {
            self.begun = Some(answer.at);
            self.seen = 0;
            return None;
        };
        self.seen += 1;
        if self.seen < 4 * width {
            return None;
        }
        let seen = u32::try_from(self.seen).unwrap_or(u32::MAX);
        let rate = f64::from(seen) / answer.at.saturating_sub(begun).as_secs_f64().max(1e-9);
        self.begun = Some(answer.at);
        self.seen = 0;
        Some(rate)
    }
}

#[cfg(test)]
#[path = "pace_tests.rs"]
mod tests;
