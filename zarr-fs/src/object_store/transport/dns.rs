//! Name lookups: one for all connections that are dialled at once.
//!
//! Each lookup of the operating system is a blocking call in a thread of its own, and often a question to a server. A wave
//! of requests dials hundreds of connections to one host; they share the answer.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// How long an answer is used for new connections: shorter than the time for which names in use are handed out.
const FRESH: Duration = Duration::from_secs(30);

/// Names whose answers are kept; more forget the others. A session has one host, and those that it is redirected to.
const MOST_NAMES: usize = 64;

type Addresses = Arc<[SocketAddr]>;
type Lookup = dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync;
type Answer = Shared<BoxFuture<'static, Result<Addresses, Arc<io::Error>>>>;

/// Looks names up once for all who ask at the same time and shortly after.
pub(super) struct Names {
    lookup: Box<Lookup>,
    fresh: Duration,
    asked: Mutex<HashMap<String, (Instant, Answer)>>,
    turn: AtomicUsize,
}

impl Names {
    /// By the operating system, on the blocking threads of the runtime that polls.
    pub(super) fn of_system() -> Self {
        Self::new(FRESH, |name| {
            async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }.boxed()
        })
    }

    fn new(
        fresh: Duration,
        lookup: impl Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            lookup: Box::new(lookup),
            fresh,
            asked: Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    fn ask(&self, name: &str) -> Answer {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, answer)) = asked.get(name) {
            // Whoever comes while a lookup is under way waits for it; one that failed is not kept.
            let is_good = match answer.peek() {
                None => true,
                Some(Ok(_)) => since.elapsed() < self.fresh,
                Some(Err(_)) => false,
            };
            if is_good {
                return answer.clone();
            }
        }
        if asked.len() >= MOST_NAMES {
            asked.clear();
        }
        let lookup = (self.lookup)(name.to_owned());
        let answer = async move { lookup.await.map(Addresses::from).map_err(Arc::new) };
        let answer = answer.boxed().shared();
        asked.insert(name.to_owned(), (Instant::now(), answer.clone()));
        answer
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let answer = self.ask(name.as_str());
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            let addresses = answer.await?;
            Ok(Box::new(in_turn(&addresses, turn).into_iter()) as Addrs)
        })
    }
}

/// The addresses with the preferred ones in turn, so that connections spread over them. The system says by its order which
/// family of addresses it prefers: that stays.
fn in_turn(addresses: &[SocketAddr], turn: usize) -> Vec<SocketAddr> {
    let mut addresses = addresses.to_vec();
    let is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let preferred = addresses.iter().take_while(|address| address.is_ipv6() == is_v6);
    let count = preferred.count();
    if count > 1 {
        addresses[..count].rotate_left(turn % count);
    }
    addresses
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::future::join_all;

    use super::*;

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, last], 0))
    }

    /// Names that count their lookups; each answers once `gate` is open, and fails while `fails` are left.
    fn names(fresh: Duration, fails: usize) -> (Names, Arc<AtomicUsize>, tokio::sync::watch::Sender<bool>) {
        let (gate, open) = tokio::sync::watch::channel(false);
        let count = Arc::new(AtomicUsize::new(0));
        let lookups = Arc::clone(&count);
        let names = Names::new(fresh, move |_| {
            let (mut open, number) = (open.clone(), lookups.fetch_add(1, Ordering::SeqCst));
            async move {
                let _ = open.wait_for(|open| *open).await;
                if number < fails {
                    return Err(io::Error::other("no such name"));
                }
                Ok(vec![address(1), address(2)])
            }
            .boxed()
        });
        (names, count, gate)
    }

    async fn first(names: &Names) -> Option<SocketAddr> {
        let resolved = names.resolve("host.test".parse().unwrap()).await;
        resolved.ok()?.next()
    }

    #[test]
    fn who_asks_at_once_shares_one_lookup_and_the_addresses_in_turn() {
        let (names, count, gate) = names(FRESH, 0);
        let all = block_on(async {
            let asking = join_all((0..100).map(|_| first(&names)));
            gate.send_replace(true);
            asking.await
        });
        assert_eq!(count.load(Ordering::SeqCst), 1);
        let of_first = all.iter().filter(|found| **found == Some(address(1))).count();
        assert_eq!(of_first, 50);
        block_on(first(&names));
        assert_eq!(count.load(Ordering::SeqCst), 1, "an answer is used for a while");
    }

    #[test]
    fn neither_an_old_answer_nor_a_failure_is_kept() {
        let (old, count, gate) = names(Duration::ZERO, 0);
        gate.send_replace(true);
        block_on(async { (first(&old).await, first(&old).await) });
        assert_eq!(count.load(Ordering::SeqCst), 2);
        let (failing, count, gate) = names(FRESH, 1);
        gate.send_replace(true);
        assert_eq!(block_on(first(&failing)), None);
        assert!(block_on(first(&failing)).is_some());
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn one_who_goes_away_leaves_the_lookup_to_the_others() {
        let (names, count, gate) = names(FRESH, 0);
        let left = names.resolve("host.test".parse().unwrap());
        drop(left);
        gate.send_replace(true);
        assert!(block_on(first(&names)).is_some());
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn the_preferred_family_stays_in_front() {
        let v6 = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 0));
        let addresses = [address(1), address(2), v6];
        assert_eq!(in_turn(&addresses, 1), [address(2), address(1), v6]);
        assert_eq!(in_turn(&[v6, address(1)], 7), [v6, address(1)]);
        assert!(in_turn(&[], 3).is_empty());
    }
}
