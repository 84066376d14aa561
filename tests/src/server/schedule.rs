//! Which requests a fault hits, and how often.

use std::fmt;
use std::sync::{Arc, Mutex};

use super::app::{Request, decode};
use super::fault::Fault;
use crate::random::Random;
use crate::sync::lock;

type Predicate = Arc<dyn Fn(&Request) -> bool + Send + Sync>;

/// Which requests a fault hits. Conditions are joined by *and*.
#[derive(Clone)]
pub struct When {
    predicates: Vec<Predicate>,
    skip: u64,
    times: u64,
    chance: Option<(u64, f64)>,
}

impl fmt::Debug for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            predicates,
            skip,
            times,
            chance,
        } = self;
        let conditions = predicates.len();
        write!(
            f,
            "When {{ conditions: {conditions}, skip: {skip}, times: {times}, chance: {chance:?} }}"
        )
    }
}

impl When {
    /// Every request.
    pub fn always() -> Self {
        Self {
            predicates: Vec::new(),
            skip: 0,
            times: u64::MAX,
            chance: None,
        }
    }

    /// The `n`-th request only, counted from 1 and from the moment the fault is added.
    pub fn nth(n: u64) -> Self {
        Self::always().skip(n.saturating_sub(1)).times(1)
    }

    /// Requests of this method.
    pub fn method(method: &str) -> Self {
        Self::always().and_method(method)
    }

    /// Requests whose decoded path ends so.
    pub fn path_ends(suffix: &str) -> Self {
        Self::always().and_path_ends(suffix)
    }

    /// And the method is this one.
    #[must_use]
    pub fn and_method(self, method: &str) -> Self {
        let method = method.to_owned();
        self.and(move |request| request.method.as_str() == method)
    }

    /// And the decoded path ends so.
    #[must_use]
    pub fn and_path_ends(self, suffix: &str) -> Self {
        let suffix = suffix.to_owned();
        self.and(move |request| decode(&request.path).ends_with(&suffix))
    }

    /// And this holds; the request's body has not been read yet.
    #[must_use]
    pub fn and(mut self, predicate: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Self {
        self.predicates.push(Arc::new(predicate));
        self
    }

    /// But not the first `skip` of them.
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    /// At most so many of them.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Each of them with this probability, by a generator with this seed.
    #[must_use]
    pub fn chance(mut self, seed: u64, probability: f64) -> Self {
        self.chance = Some((seed, probability));
        self
    }
}

/// Names one entry of a schedule; it is in the log of each request that the fault hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaultId(u64);

struct Entry {
    id: FaultId,
    when: When,
    faults: Vec<Fault>,
    random: Random,
    seen: u64,
    hits: u64,
}

impl Entry {
    fn strike(&mut self, request: &Request) -> Option<Fault> {
        if !self.when.predicates.iter().all(|holds| holds(request)) {
            return None;
        }
        self.seen += 1;
        if self.seen <= self.when.skip || self.hits >= self.when.times {
            return None;
        }
        if let Some((_, probability)) = self.when.chance
            && self.random.unit() >= probability
        {
            return None;
        }
        self.hits += 1;
        let chosen = self.random.below(self.faults.len());
        self.faults.get(chosen).cloned()
    }
}

/// The schedule of a server. The first entry that strikes decides; every entry counts every request it matches.
#[derive(Default)]
pub struct Faults(Mutex<(u64, Vec<Entry>)>);

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faults({} entries)", lock(&self.0).1.len())
    }
}

impl Faults {
    /// Adds a fault.
    pub fn add(&self, when: When, fault: Fault) -> FaultId {
        self.add_mix(when, vec![fault])
    }

    /// Adds a mix: each time it strikes, one of `faults` is drawn. An empty mix never strikes.
    pub fn add_mix(&self, when: When, faults: Vec<Fault>) -> FaultId {
        let mut schedule = lock(&self.0);
        schedule.0 += 1;
        let id = FaultId(schedule.0);
        let random = Random::new(when.chance.map_or(schedule.0, |(seed, _)| seed));
        schedule.1.push(Entry {
            id,
            when,
            faults,
            random,
            seen: 0,
            hits: 0,
        });
        id
    }

    /// How often this fault has struck.
    pub fn hits(&self, id: FaultId) -> u64 {
        lock(&self.0)
            .1
            .iter()
            .find(|entry| entry.id == id)
            .map_or(0, |entry| entry.hits)
    }

    /// Removes one fault.
    pub fn remove(&self, id: FaultId) {
        lock(&self.0).1.retain(|entry| entry.id != id);
    }

    /// Removes all faults.
    pub fn clear(&self) {
        lock(&self.0).1.clear();
    }

    pub(crate) fn strike(&self, request: &Request) -> Option<(FaultId, Fault)> {
        let mut struck = None;
        for entry in &mut lock(&self.0).1 {
            if struck.is_none() {
                struck = entry.strike(request).map(|fault| (entry.id, fault));
            } else if entry.when.predicates.iter().all(|holds| holds(request)) {
                entry.seen += 1;
            }
        }
        struck
    }
}
