//! [`Levels`]: what a walk has found and not yet yielded, in its order.

use std::collections::VecDeque;

use super::member::Member;
use super::walk_options::Order;
use crate::error::{Error, Result};

/// What a walk has found and not yet yielded. Levels count from 1.
#[derive(Debug)]
pub(crate) struct Levels {
    order: Order,
    ready: VecDeque<Result<Member>>,
    /// Index 0 is the level `complete + 1`.
    open: VecDeque<Level>,
    complete: usize,
}

#[derive(Debug, Default)]
struct Level {
    members: Vec<Member>,
    /// What may still find more members of this level. A level that is begun holds up those below it.
    pending: usize,
}

impl Levels {
    pub(crate) fn new(order: Order) -> Self {
        Self {
            order,
            ready: VecDeque::new(),
            open: VecDeque::new(),
            complete: 0,
        }
    }

    fn level(&mut self, level: usize) -> &mut Level {
        let index = level.saturating_sub(self.complete + 1);
        while self.open.len() <= index {
            self.open.push_back(Level::default());
        }
        &mut self.open[index]
    }

    /// Something begins that may find members of `level`.
    pub(crate) fn begin(&mut self, level: usize) {
        self.level(level).pending += 1;
    }

    /// Something has ended that was begun.
    pub(crate) fn end(&mut self, level: usize) {
        let level = self.level(level);
        level.pending = level.pending.saturating_sub(1);
        while self.open.front().is_some_and(|level| level.pending == 0) {
            self.flush();
        }
    }

    /// A member of `level` was found.
    pub(crate) fn put(&mut self, level: usize, member: Member) {
        match self.order {
            Order::AsTheyCome => self.ready.push_back(Ok(member)),
            Order::ByLevel => self.level(level).members.push(member),
        }
    }

    /// Nothing more comes: all that was found is yielded, then the error.
    pub(crate) fn fail(&mut self, error: Error) {
        while !self.open.is_empty() {
            self.flush();
        }
        self.ready.push_back(Err(error));
    }

    fn flush(&mut self) {
        let Some(mut level) = self.open.pop_front() else {
            return;
        };
        self.complete += 1;
        level.members.sort_by_cached_key(Member::sort_key);
        self.ready.extend(level.members.into_iter().map(Ok));
    }

    /// Whether there is something to yield.
    pub(crate) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next to yield, if it is there.
    pub(crate) fn next(&mut self) -> Option<Result<Member>> {
        self.ready.pop_front()
    }
}
