//! Every interleaving of a session's lifecycle, within bounds, against the clauses of `close`.
//!
//! The model is the real state machine (`session::state`) with an environment that may do anything a runtime may do, in any
//! order: calls begin, start, park, go on and end; leases open, close (again and again), or are dropped; the drain time
//! runs out; stuck calls are given up. The checker visits every reachable state.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test"
)]

use std::collections::{BTreeMap, BTreeSet};

use stateright::{Checker, Model, Property};
use zarr_fs::session::state::{
    CallId, CallPhase, Effect, LeaseId, LeasePhase, Refused, SessionPhase, SessionState,
};

/// How much may happen.
struct Lifecycle {
    leases: usize,
    calls: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    machine: SessionState,
    leases: Vec<LeaseId>,
    calls: Vec<(CallId, LeaseId)>,
    live: BTreeSet<CallId>,
    /// Leases whose close has begun, with the calls that had not ended then and what they were doing.
    closing: BTreeMap<LeaseId, BTreeMap<CallId, CallPhase>>,
    tear_downs: u8,
    /// The clause that was broken, if one was.
    broken: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Step {
    Open,
    Begin(LeaseId),
    Start(CallId),
    Park(CallId),
    Unpark(CallId),
    End(CallId),
    Close(LeaseId),
    Drop(LeaseId),
    DrainExpires(LeaseId),
    GiveUp(LeaseId),
    TornDown,
}

impl World {
    fn breaks(&mut self, clause: &'static str) {
        self.broken.get_or_insert(clause);
    }

    fn owner(&self, call: CallId) -> LeaseId {
        self.calls
            .iter()
            .find(|(id, _)| *id == call)
            .map(|(_, lease)| *lease)
            .expect("a call of the model")
    }

    fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Cut(call) => {
                    if !self.closing.contains_key(&self.owner(call)) {
                        self.breaks("i: a call of another lease was cut");
                    }
                }
                Effect::LeaseEnded(lease) => {
                    if self.machine.calls(lease).next().is_some() {
                        self.breaks("c: a lease ended before its calls");
                    }
                }
                Effect::TearDown => {
                    self.tear_downs += 1;
                    let all_ended = self
                        .leases
                        .iter()
                        .all(|lease| self.machine.lease_phase(*lease) == LeasePhase::Ended);
                    if !all_ended {
                        self.breaks("i: torn down under a lease that had not ended");
                    }
                }
            }
        }
    }

    fn begin_close(&mut self, lease: LeaseId, dropped: bool) {
        let first = !self.closing.contains_key(&lease);
        let calls: BTreeMap<_, _> = self.machine.calls(lease).collect();
        if first {
            self.closing.insert(lease, calls.clone());
        }
        let effects = if dropped {
            self.machine.drop_lease(lease)
        } else {
            self.machine.begin_close(lease)
        };
        if !first && !dropped && !effects.is_empty() {
            self.breaks("c: a second close did something");
        }
        self.apply(effects);
        if !first {
            return;
        }
        for (call, before) in calls {
            let after = self.machine.call_phase(call);
            let right = match before {
                // It holds nothing: with the cut it has ended, whenever its caller looks at it again.
                CallPhase::Begun => after.is_none() && self.live.remove(&call),
                CallPhase::Parked => after == Some(CallPhase::Cut),
                CallPhase::Started if dropped => after == Some(CallPhase::Cut),
                CallPhase::Started => after == Some(CallPhase::Started),
                CallPhase::Cut => after == Some(CallPhase::Cut),
            };
            if !right {
                self.breaks("b: close cut what may drain, or let wait what is cut at once");
            }
        }
    }
}

impl Model for Lifecycle {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            machine: SessionState::default(),
            leases: Vec::new(),
            calls: Vec::new(),
            live: BTreeSet::new(),
            closing: BTreeMap::new(),
            tear_downs: 0,
            broken: None,
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        if world.leases.len() < self.leases {
            steps.push(Step::Open);
        }
        for lease in &world.leases {
            if world.calls.len() < self.calls {
                steps.push(Step::Begin(*lease));
            }
            steps.extend([Step::Close(*lease), Step::Drop(*lease)]);
            match world.machine.lease_phase(*lease) {
                LeasePhase::Draining => steps.push(Step::DrainExpires(*lease)),
                LeasePhase::Cutting => steps.push(Step::GiveUp(*lease)),
                LeasePhase::Open | LeasePhase::Ended => {}
            }
        }
        for call in &world.live {
            steps.extend([
                Step::Start(*call),
                Step::Park(*call),
                Step::Unpark(*call),
                Step::End(*call),
            ]);
        }
        if world.machine.phase() == SessionPhase::TearingDown {
            steps.push(Step::TornDown);
        }
    }

    fn next_state(&self, before: &World, step: Step) -> Option<World> {
        let mut world = before.clone();
        match step {
            Step::Open => match world.machine.open_lease() {
                Ok(lease) => {
                    if before.machine.phase() != SessionPhase::Open {
                        world.breaks("a closing session was resurrected");
                    }
                    world.leases.push(lease);
                }
                // The caller makes a new session; this one has seen its last lease.
                Err(Refused) => return None,
            },
            Step::Begin(lease) => match world.machine.begin_call(lease) {
                Ok(call) => {
                    if world.closing.contains_key(&lease) {
                        world.breaks("a: a call began on a closing lease");
                    }
                    world.calls.push((call, lease));
                    world.live.insert(call);
                }
                Err(Refused) => {
                    if !world.closing.contains_key(&lease) {
                        world.breaks("i: an open lease refused a call");
                    }
                    return world.broken.map(|_| world);
                }
            },
            Step::Start(call) => {
                let started = world.machine.start_call(call).is_ok();
                if started && world.closing.contains_key(&world.owner(call)) {
                    world.breaks("a: a call started on a closing lease");
                }
            }
            Step::Park(call) => {
                let parked = world.machine.park_call(call).is_ok();
                if parked && world.closing.contains_key(&world.owner(call)) {
                    world.breaks("b: a call went to wait while its lease closes");
                }
            }
            Step::Unpark(call) => {
                let _ = world.machine.unpark_call(call);
            }
            Step::End(call) => {
                world.live.remove(&call);
                let effects = world.machine.end_call(call);
                world.apply(effects);
            }
            Step::Close(lease) => world.begin_close(lease, false),
            Step::Drop(lease) => world.begin_close(lease, true),
            Step::DrainExpires(lease) => {
                let effects = world.machine.drain_expired(lease);
                world.apply(effects);
                if world
                    .machine
                    .calls(lease)
                    .any(|(_, phase)| phase != CallPhase::Cut)
                {
                    world.breaks("b: a call outlived the drain time uncut");
                }
            }
            Step::GiveUp(lease) => {
                let effects = world.machine.give_up(lease);
                world.apply(effects);
                if world.machine.lease_phase(lease) != LeasePhase::Ended {
                    world.breaks("h: giving up did not end the lease");
                }
                world.live.retain(|call| {
                    world
                        .calls
                        .iter()
                        .any(|(id, owner)| id == call && *owner != lease)
                });
            }
            Step::TornDown => world.machine.torn_down(),
        }
        (world != *before).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no clause is broken", |_, world: &World| world.broken.is_none()),
            Property::always("torn down at most once", |_, world: &World| world.tear_downs <= 1),
            Property::always("nothing is left when the session is gone", |_, world: &World| {
                world.machine.phase() != SessionPhase::Gone
                    || (world.live.is_empty() && world.machine.live_leases().next().is_none())
            }),
            Property::always("an open lease keeps its session", |_, world: &World| {
                let open = |lease: &LeaseId| world.machine.lease_phase(*lease) == LeasePhase::Open;
                !world.leases.iter().any(open) || world.machine.phase() == SessionPhase::Open
            }),
            Property::always(
                "what drained had started, what was cut is counted",
                |_, world: &World| {
                    world.closing.iter().all(|(lease, calls)| {
                        let tally = world.machine.tally(*lease);
                        let (drained, cut) = (tally.drained as usize, tally.cut as usize);
                        drained
                            <= calls
                                .values()
                                .filter(|phase| **phase == CallPhase::Started)
                                .count()
                            && cut + drained <= calls.len()
                    })
                },
            ),
            // Whatever the order, a run in which every lease is closed ends with the session gone: a state in which
            // nothing more can happen and the session is not gone would be a close that hangs.
            Property::always("no close hangs", |model: &Self, world: &World| {
                let mut steps = Vec::new();
                model.actions(world, &mut steps);
                let over = steps
                    .iter()
                    .all(|step| model.next_state(world, step.clone()).is_none());
                !over || world.leases.is_empty() || world.machine.phase() == SessionPhase::Gone
            }),
            Property::sometimes("a call drains", |_, world: &World| {
                world
                    .leases
                    .iter()
                    .any(|lease| world.machine.tally(*lease).drained > 0)
            }),
            Property::sometimes("two leases close at once", |_, world: &World| {
                world
                    .leases
                    .iter()
                    .filter(|lease| world.machine.lease_phase(**lease) == LeasePhase::Draining)
                    .count()
                    == 2
            }),
            Property::sometimes("a session ends", |_, world: &World| {
                world.machine.phase() == SessionPhase::Gone
            }),
        ]
    }
}

fn check(leases: usize, calls: usize) {
    let checker = Lifecycle { leases, calls }
        .checker()
        .threads(2)
        .spawn_bfs()
        .join();
    println!(
        "{leases} leases, {calls} calls: {} states",
        checker.unique_state_count()
    );
    checker.assert_properties();
}

#[test]
fn two_leases_three_calls_hold_every_clause() {
    check(2, 3);
}

#[test]
fn three_leases_two_calls_hold_every_clause() {
    check(3, 2);
}

/// A lease that is dropped while a call runs: a session that lives long must not remember each.
#[test]
fn a_forgotten_lease_leaves_no_trace_when_its_last_call_ends() {
    let mut machine = SessionState::default();
    let kept = machine.open_lease().unwrap();
    let dropped = machine.open_lease().unwrap();
    let call = machine.begin_call(dropped).unwrap();
    machine.start_call(call).unwrap();
    assert_eq!(machine.drop_lease(dropped), [Effect::Cut(call)]);
    machine.forget_lease(dropped);
    assert_eq!(machine.lease_phase(dropped), LeasePhase::Cutting, "its call runs");
    assert_eq!(machine.end_call(call), [Effect::LeaseEnded(dropped)]);
    let trace = format!("{machine:?}");
    assert!(trace.contains(&format!("{kept:?}")), "{trace}");
    assert!(!trace.contains(&format!("{dropped:?}")), "{trace}");
}
