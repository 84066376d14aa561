//! The lifecycle as a pure state machine: no thread, no clock, no tokio in it, so that a model checker can drive it.
//!
//! A session has leases, a lease has calls. The owner of the machine feeds it events and carries out the [`Effect`]s that
//! come back; it decides nothing itself. Clauses (a) to (i) are those of
//! [`FileSystem::close`](crate::FileSystem::close).

use std::collections::BTreeMap;

/// Names a lease within its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseId(pub u64);

/// Names a call within its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// How far a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallPhase {
    /// Begun: it waits for its concurrency permit and has sent nothing.
    Begun,
    /// Started: it waits for the network or the disk.
    Started,
    /// Started, but it waits for something else than the network: retry back-off, a stream's consumer, or an
    /// upload's producer.
    Parked,
    /// Cut by a close: it has been told to end and has not ended yet.
    Cut,
}

/// How far a lease is. There is no way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeasePhase {
    /// Calls are accepted.
    Open,
    /// Its close has begun; the calls that had started may finish.
    Draining,
    /// The drain time is over: what still runs has been cut.
    Cutting,
    /// Its calls have ended.
    Ended,
}

/// How far the session is. There is no way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionPhase {
    /// There is an open lease, or there has been none yet.
    Open,
    /// The last open lease has begun its close: no new lease is given.
    Closing,
    /// All leases have ended; the owner takes the resources down.
    TearingDown,
    /// Nothing is left.
    Gone,
}

/// The lease or the session accepts no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// What the owner of the machine must do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell this call to end now.
    Cut(CallId),
    /// This lease's calls have ended.
    LeaseEnded(LeaseId),
    /// All leases have ended: release everything, then report [`SessionState::torn_down`]. Comes once.
    TearDown,
}

/// Counts of a lease's close.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tally {
    /// Calls that had started when the close began and finished by themselves.
    pub drained: u64,
    /// Calls that the close cut.
    pub cut: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lease {
    phase: LeasePhase,
    calls: BTreeMap<CallId, CallPhase>,
    tally: Tally,
    /// Nobody will ask for its counts: no trace is kept once it has ended.
    forgotten: bool,
}

/// The state of one session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionState {
    phase: SessionPhase,
    leases: BTreeMap<LeaseId, Lease>,
    owner: BTreeMap<CallId, LeaseId>,
    next_id: u64,
}

impl Default for SessionState {
    fn default() -> Self {
        Self {
            phase: SessionPhase::Open,
            leases: BTreeMap::new(),
            owner: BTreeMap::new(),
            next_id: 0,
        }
    }
}

impl SessionState {
    /// How far the session is.
    #[must_use]
    pub fn phase(&self) -> SessionPhase {
        self.phase
    }

    /// How far a lease is; an unknown or forgotten lease has ended.
    #[must_use]
    pub fn lease_phase(&self, lease: LeaseId) -> LeasePhase {
        self.leases
            .get(&lease)
            .map_or(LeasePhase::Ended, |lease| lease.phase)
    }

    /// The counts of a lease's close so far.
    #[must_use]
    pub fn tally(&self, lease: LeaseId) -> Tally {
        self.leases
            .get(&lease)
            .map(|lease| lease.tally)
            .unwrap_or_default()
    }

    /// How far a call is; `None` once it has ended.
    #[must_use]
    pub fn call_phase(&self, call: CallId) -> Option<CallPhase> {
        self.leases.get(self.owner.get(&call)?)?.calls.get(&call).copied()
    }

    /// The calls of a lease that have not ended.
    pub fn calls(&self, lease: LeaseId) -> impl Iterator<Item = (CallId, CallPhase)> + '_ {
        self.leases
            .get(&lease)
            .into_iter()
            .flat_map(|lease| lease.calls.iter().map(|(id, phase)| (*id, *phase)))
    }

    /// The leases that have not ended.
    pub fn live_leases(&self) -> impl Iterator<Item = LeaseId> + '_ {
        self.leases
            .iter()
            .filter(|(_, lease)| lease.phase != LeasePhase::Ended)
            .map(|(id, _)| *id)
    }

    /// Makes a lease.
    ///
    /// # Errors
    /// [`Refused`] once the session closes: it is never resurrected, the caller makes a new one.
    pub fn open_lease(&mut self) -> Result<LeaseId, Refused> {
        if self.phase != SessionPhase::Open {
            return Err(Refused);
        }
        let id = LeaseId(self.fresh_id());
        self.leases.insert(
            id,
            Lease {
                phase: LeasePhase::Open,
                calls: BTreeMap::new(),
                tally: Tally::default(),
                forgotten: false,
            },
        );
        Ok(id)
    }

    /// A call begins (clause a: refused once the lease's close has begun).
    ///
    /// # Errors
    /// [`Refused`] if the lease is not open.
    pub fn begin_call(&mut self, lease: LeaseId) -> Result<CallId, Refused> {
        if self.lease_phase(lease) != LeasePhase::Open {
            return Err(Refused);
        }
        let id = CallId(self.fresh_id());
        if let Some(lease) = self.leases.get_mut(&lease) {
            lease.calls.insert(id, CallPhase::Begun);
        }
        self.owner.insert(id, lease);
        Ok(id)
    }

    /// A call starts: it holds its permit.
    ///
    /// # Errors
    /// [`Refused`] if a close came between; the call must end.
    pub fn start_call(&mut self, call: CallId) -> Result<(), Refused> {
        self.step(call, CallPhase::Begun, CallPhase::Started)
    }

    /// A started call begins to wait for something else than the network.
    ///
    /// # Errors
    /// [`Refused`] if the lease closes: the call is cut instead and must end (clause b).
    pub fn park_call(&mut self, call: CallId) -> Result<(), Refused> {
        let closing = self
            .owner
            .get(&call)
            .is_none_or(|lease| self.lease_phase(*lease) != LeasePhase::Open);
        if closing {
            self.cut(call);
            return Err(Refused);
        }
        self.step(call, CallPhase::Started, CallPhase::Parked)
    }

    /// A parked call goes on with the network.
    ///
    /// # Errors
    /// [`Refused`] if it was cut meanwhile; the call must end.
    pub fn unpark_call(&mut self, call: CallId) -> Result<(), Refused> {
        self.step(call, CallPhase::Parked, CallPhase::Started)
    }

    /// A call has ended, however it ended. Ending one twice is nothing.
    pub fn end_call(&mut self, call: CallId) -> Vec<Effect> {
        let Some(lease_id) = self.owner.remove(&call) else {
            return Vec::new();
        };
        let Some(lease) = self.leases.get_mut(&lease_id) else {
            return Vec::new();
        };
        let phase = lease.calls.remove(&call);
        if lease.phase != LeasePhase::Open && phase == Some(CallPhase::Started) {
            lease.tally.drained += 1;
        }
        self.settle(lease_id)
    }

    /// A lease's close begins (clauses a and b): nothing new begins, what has not started or waits for its own side is
    /// cut. Beginning again is nothing (clause c).
    pub fn begin_close(&mut self, lease_id: LeaseId) -> Vec<Effect> {
        let Some(lease) = self.leases.get_mut(&lease_id) else {
            return Vec::new();
        };
        if lease.phase != LeasePhase::Open {
            return Vec::new();
        }
        lease.phase = LeasePhase::Draining;
        if self.leases.values().all(|lease| lease.phase != LeasePhase::Open) {
            self.phase = SessionPhase::Closing;
        }
        let mut effects = self.cut_begun(lease_id);
        effects.extend(self.cut_where(lease_id, |phase| phase == CallPhase::Parked));
        effects.extend(self.settle(lease_id));
        effects
    }

    /// The drain time of a closing lease is over: the rest is cut.
    pub fn drain_expired(&mut self, lease_id: LeaseId) -> Vec<Effect> {
        let Some(lease) = self.leases.get_mut(&lease_id) else {
            return Vec::new();
        };
        if lease.phase != LeasePhase::Draining {
            return Vec::new();
        }
        lease.phase = LeasePhase::Cutting;
        self.cut_where(lease_id, |phase| phase != CallPhase::Cut)
    }

    /// Calls that were cut do not end: they are given up, so that close stays bounded (clause h).
    pub fn give_up(&mut self, lease_id: LeaseId) -> Vec<Effect> {
        let Some(lease) = self.leases.get_mut(&lease_id) else {
            return Vec::new();
        };
        if lease.phase != LeasePhase::Cutting {
            return Vec::new();
        }
        for call in std::mem::take(&mut lease.calls).into_keys() {
            self.owner.remove(&call);
        }
        self.settle(lease_id)
    }

    /// The leases whose calls were all told to end, and have not.
    #[must_use]
    pub fn cutting_leases(&self) -> Vec<LeaseId> {
        let cutting = self
            .leases
            .iter()
            .filter(|(_, lease)| lease.phase == LeasePhase::Cutting);
        cutting.map(|(id, _)| *id).collect()
    }

    /// A lease was dropped without close: its calls are cut at once, nobody waits.
    pub fn drop_lease(&mut self, lease_id: LeaseId) -> Vec<Effect> {
        let mut effects = self.begin_close(lease_id);
        effects.extend(self.drain_expired(lease_id));
        effects
    }

    /// Everything is released.
    pub fn torn_down(&mut self) {
        debug_assert_eq!(
            self.phase,
            SessionPhase::TearingDown,
            "torn down once, after all leases ended"
        );
        self.phase = SessionPhase::Gone;
    }

    /// Forgets a lease whose counts nobody will ask for any more, as soon as it has ended: a session that lives long keeps
    /// no trace of old leases.
    pub fn forget_lease(&mut self, lease_id: LeaseId) {
        if let Some(lease) = self.leases.get_mut(&lease_id) {
            lease.forgotten = true;
            self.remove_if_forgotten(lease_id);
        }
    }

    fn remove_if_forgotten(&mut self, lease_id: LeaseId) {
        let done = |lease: &Lease| lease.forgotten && lease.phase == LeasePhase::Ended;
        if self.leases.get(&lease_id).is_some_and(done) {
            self.leases.remove(&lease_id);
        }
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn step(&mut self, call: CallId, from: CallPhase, to: CallPhase) -> Result<(), Refused> {
        let lease = self
            .owner
            .get(&call)
            .and_then(|lease| self.leases.get_mut(lease))
            .ok_or(Refused)?;
        match lease.calls.get_mut(&call) {
            Some(phase) if *phase == from => {
                *phase = to;
                Ok(())
            }
            _ => Err(Refused),
        }
    }

    fn cut(&mut self, call: CallId) {
        let Some(lease) = self.owner.get(&call).and_then(|lease| self.leases.get_mut(lease)) else {
            return;
        };
        if let Some(phase) = lease.calls.get_mut(&call)
            && *phase != CallPhase::Cut
        {
            *phase = CallPhase::Cut;
            lease.tally.cut += 1;
        }
    }

    fn cut_where(&mut self, lease: LeaseId, choose: impl Fn(CallPhase) -> bool) -> Vec<Effect> {
        let chosen: Vec<CallId> = self
            .calls(lease)
            .filter(|(_, phase)| choose(*phase))
            .map(|(call, _)| call)
            .collect();
        for call in &chosen {
            self.cut(*call);
        }
        chosen.into_iter().map(Effect::Cut).collect()
    }

    /// Cuts the calls that have not started. They hold nothing, so with that they have ended: their callers, who may not
    /// poll them for long, are not waited for.
    fn cut_begun(&mut self, lease_id: LeaseId) -> Vec<Effect> {
        let Some(lease) = self.leases.get_mut(&lease_id) else {
            return Vec::new();
        };
        let begun: Vec<CallId> = lease
            .calls
            .iter()
            .filter(|(_, phase)| **phase == CallPhase::Begun)
            .map(|(call, _)| *call)
            .collect();
        for call in &begun {
            lease.calls.remove(call);
            lease.tally.cut += 1;
            self.owner.remove(call);
        }
        begun.into_iter().map(Effect::Cut).collect()
    }

    /// Ends the lease if its calls have ended, and with the last lease the session.
    fn settle(&mut self, lease_id: LeaseId) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Some(lease) = self.leases.get_mut(&lease_id) else {
            return effects;
        };
        let closing = matches!(lease.phase, LeasePhase::Draining | LeasePhase::Cutting);
        if !closing || !lease.calls.is_empty() {
            return effects;
        }
        lease.phase = LeasePhase::Ended;
        effects.push(Effect::LeaseEnded(lease_id));
        let all_ended = self.leases.values().all(|lease| lease.phase == LeasePhase::Ended);
        if self.phase == SessionPhase::Closing && all_ended {
            self.phase = SessionPhase::TearingDown;
            effects.push(Effect::TearDown);
        }
        self.remove_if_forgotten(lease_id);
        effects
    }
}
