//! [`Walk`]: everything below a group, breadth first, with as much in flight as the store's width allows.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{Stream, StreamExt, TryStreamExt};
use zarr_fs::{Listing, Unnameable};

use super::ConsolidatedMode;
use super::consolidated::Consolidated;
use super::context::Context;
use super::levels::Levels;
use super::member::{Broken, Member, Members, Unlisted};
use super::near::Near;
use super::node::Node;
use super::probe::probe_child;
use super::task::{Ask, Done, Reply, Task};
use super::walk_options::WalkOptions;
use crate::error::{Error, Result};
use crate::group::Group;
use crate::node_kind::ZarrFormat;
use crate::node_path::NodePath;
use crate::store::{DirNames, Store};

/// Groups so far below the walk's beginning are not listed: a listing that goes round in circles ends here.
const MAX_DEPTH: usize = 256;

/// So many entries of consolidated metadata are parsed before other tasks of the executor get their turn.
const ENTRIES_AT_ONCE: usize = 256;

/// The stream of [`Group::walk`]. Dropping it cancels what is in flight.
pub struct Walk {
    context: Arc<Context>,
    options: WalkOptions,
    root: NodePath,
    /// Requests that may be in flight, and are.
    width: usize,
    in_flight: usize,
    /// What waits for its turn, first come, first served: so levels are asked for in order.
    queue: VecDeque<Task>,
    running: FuturesUnordered<BoxFuture<'static, Vec<Done>>>,
    /// Where documents are read by threads of this machine.
    near: Option<Arc<Near>>,
    expanding: VecDeque<Expansion>,
    levels: Levels,
    nodes: u64,
    ended: bool,
}

impl std::fmt::Debug for Walk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walk")
            .field("root", &self.root)
            .field("options", &self.options)
            .field("in_flight", &self.in_flight)
            .field("queued", &self.queue.len())
            .finish_non_exhaustive()
    }
}

/// A group whose members are taken from consolidated metadata.
struct Expansion {
    consolidated: Arc<Consolidated>,
    group: NodePath,
    paths: std::vec::IntoIter<NodePath>,
    /// The level of the group's children.
    level: usize,
}

impl Walk {
    pub(crate) fn new(group: &Group, options: WalkOptions) -> Self {
        let context = Arc::clone(&group.core.context);
        let mut walk = Self {
            width: context.store.options().metadata_concurrency.max(1),
            near: Near::of(&context.store, Instant::now).map(Arc::new),
            levels: Levels::new(options.order),
            root: group.path().clone(),
            context,
            options,
            in_flight: 0,
            queue: VecDeque::new(),
            running: FuturesUnordered::new(),
            expanding: VecDeque::new(),
            nodes: 0,
            ended: false,
        };
        walk.descend(group, 1);
        walk
    }

    /// The walk with a listing of its group that was asked for together with the group's documents.
    pub(super) fn listed_by(mut self, listing: BoxFuture<'static, Result<Option<DirNames>>>) -> Self {
        // A group whose members consolidated metadata names waits for no listing.
        if let Some(task) = self.queue.pop_front() {
            self.in_flight += task.width();
            let store = Arc::clone(&self.context.store);
            self.running.push(Box::pin(async move {
                let mut listed = listing.await;
                // It may be older than the group, or from before the server had shown anything, which says what its refusals
                // mean.
                let holds = match &listed {
                    Ok(Some(names)) => shows_itself(&store, task.format, names),
                    Ok(None) => false,
                    Err(error) => !error.is_denied() && !error.is_unsupported_by_store(),
                };
                if !holds {
                    listed = store.list_dir(task.path.as_relative()).await;
                }
                let reply = Reply::Listed(listed);
                vec![Done { task, reply }]
            }));
        }
        self
    }

    /// Walks to the end: see [`Group::members`].
    ///
    /// # Errors
    /// As [`Group::walk`].
    pub async fn members(self) -> Result<Members> {
        let root = self.root.clone();
        let mut members: Vec<Member> = self.try_collect().await?;
        // If the group itself is not listed, then nothing else was found.
        match members.pop() {
            Some(Member::Unlisted(unlisted)) if unlisted.path == root => Ok(Members::Unknown(unlisted)),
            last => {
                members.extend(last);
                Ok(Members::Known(members))
            }
        }
    }

    /// The walk with another clock, which says whether the store is near.
    #[cfg(test)]
    pub(super) fn timed_by(mut self, clock: super::near::Clock) -> Self {
        self.near = Near::of(&self.context.store, clock).map(Arc::new);
        self
    }

    /// Goes on with the children of `group`, which are of `level`.
    fn descend(&mut self, group: &Group, level: usize) {
        if level > self.options.max_depth {
            return;
        }
        let path = group.path().clone();
        if level > MAX_DEPTH {
            let error = Error::LimitReached {
                at: group.url(),
                what: "levels of groups below the one that is walked",
                limit: MAX_DEPTH as u64,
            };
            self.levels.put(level, Member::Unlisted(Unlisted { path, error }));
            return;
        }
        let required = self.context.options.consolidated == ConsolidatedMode::Require;
        self.levels.begin(level);
        match &group.consolidated {
            Some(consolidated) if required || !consolidated.is_empty() => {
                for bad in consolidated.refused(&self.context, &path) {
                    self.levels.put(level, bad);
                }
                let depth = self.options.max_depth - (level - 1);
                self.expanding.push_back(Expansion {
                    paths: consolidated.below(&path, depth).into_iter(),
                    consolidated: Arc::clone(consolidated),
                    group: path,
                    level,
                });
            }
            told => self.queue.push_back(Task {
                path,
                format: group.zarr_format(),
                level,
                ask: Ask::List {
                    told_empty: told.is_some(),
                },
            }),
        }
    }

    /// Parses some entries of consolidated metadata. Returns whether there were any left.
    fn expand(&mut self) -> bool {
        let Some(expansion) = self.expanding.front_mut() else {
            return false;
        };
        let (consolidated, level) = (Arc::clone(&expansion.consolidated), expansion.level);
        let group = expansion.group.depth();
        let paths: Vec<NodePath> = expansion.paths.by_ref().take(ENTRIES_AT_ONCE).collect();
        if paths.is_empty() {
            self.expanding.pop_front();
            self.levels.end(level);
            return true;
        }
        for path in paths {
            let level = level + path.depth().saturating_sub(group + 1);
            if let Some(member) = consolidated.member(&self.context, &path) {
                self.put(level, member);
            }
        }
        true
    }

    fn put(&mut self, level: usize, member: Member) {
        if matches!(member, Member::Node(_)) {
            self.nodes += 1;
            if self.nodes > self.options.max_nodes {
                self.fail(Error::LimitReached {
                    at: self.context.store.key_url(self.root.as_relative()),
                    what: "nodes below the group that is walked",
                    limit: self.options.max_nodes,
                });
                return;
            }
        }
        self.levels.put(level, member);
    }

    /// Ends the walk: what was found is still yielded, then the error.
    fn fail(&mut self, error: Error) {
        self.queue.clear();
        self.running.clear();
        self.expanding.clear();
        self.levels.fail(error);
        self.ended = true;
    }

    fn start(&mut self) {
        while let Some(task) = self.queue.front() {
            let width = task.width();
            if self.in_flight > 0 && self.in_flight + width > self.width {
                break;
            }
            if let Some(near) = self.near.clone().filter(|near| near.is_near()) {
                let most = near.batch(self.queue.len());
                let batch = self.take_probes(most);
                if !batch.is_empty() {
                    self.in_flight += batch.iter().map(Task::width).sum::<usize>();
                    self.running.push(near.probe(&self.context, batch));
                    continue;
                }
            }
            let Some(task) = self.queue.pop_front() else { break };
            self.in_flight += width;
            let context = Arc::clone(&self.context);
            self.running.push(Box::pin(async move {
                let reply = match task.ask {
                    Ask::List { .. } => Reply::Listed(context.store.list_dir(task.path.as_relative()).await),
                    Ask::Probe => {
                        Reply::Probed(Box::new(probe_child(&context, &task.path, task.format).await))
                    }
                };
                vec![Done { task, reply }]
            }));
        }
    }

    /// The probes that wait in front, `most` of them at most.
    fn take_probes(&mut self, most: usize) -> Vec<Task> {
        let probes = self.queue.iter().take(most);
        let count = probes.take_while(|task| task.ask == Ask::Probe).count();
        self.queue.drain(..count).collect()
    }

    fn finish(&mut self, Done { task, reply }: Done) {
        self.in_flight -= task.width();
        match reply {
            Reply::Listed(listed) => self.listed(&task, listed),
            Reply::Probed(probed) => match *probed {
                Ok(None) => {}
                Ok(Some(node)) => {
                    // A prefix with a name that the format does not allow is something else's, unless a node is in it.
                    let name = task.path.name().unwrap_or_default();
                    if let Err(error) = NodePath::check_name(name, task.format) {
                        self.put(task.level, Member::broken(&task.path, error));
                    } else {
                        self.found(task.level, node);
                    }
                }
                Err(error) if error.is_closed() => self.fail(error),
                Err(error) => self.put(task.level, Member::broken(&task.path, error)),
            },
        }
        self.levels.end(task.level);
    }

    fn found(&mut self, level: usize, node: Node) {
        let group = match &node {
            Node::Group(group) => Some(group.clone()),
            Node::Array(_) => None,
        };
        self.put(level, Member::Node(node));
        if let Some(group) = group.filter(|_| !self.ended) {
            self.descend(&group, level + 1);
        }
    }

    fn listed(&mut self, task: &Task, listed: Result<Option<DirNames>>) {
        let told_empty = matches!(task.ask, Ask::List { told_empty: true });
        let names = match listed {
            Ok(names) => match self.believe(task, names) {
                Ok(names) => names,
                Err(error) => return self.unlisted(task, error, told_empty),
            },
            Err(error) if error.is_unsupported_by_store() => return self.unlisted(task, error, told_empty),
            Err(error) if error.is_closed() || task.path == self.root => return self.fail(error),
            Err(error) => return self.unlisted(task, error, false),
        };
        for name in names.prefixes {
            match task.path.join(&name) {
                Ok(path) => {
                    self.levels.begin(task.level);
                    self.queue.push_back(Task {
                        path,
                        format: task.format,
                        level: task.level,
                        ask: Ask::Probe,
                    });
                }
                Err(error) => self.unnameable(task, &name, error),
            }
        }
        for Unnameable { name, reason } in names.unnameable {
            self.unnameable(task, &name, NodePath::refused(&name, reason));
        }
    }

    /// A child that cannot be asked for: no path can name it.
    fn unnameable(&mut self, task: &Task, name: &str, error: Error) {
        let broken = Broken {
            path: task.path.child_text(name),
            node_path: None,
            error,
        };
        self.put(task.level, Member::Broken(broken));
    }

    fn unlisted(&mut self, task: &Task, error: Error, told_empty: bool) {
        if !told_empty {
            let path = task.path.clone();
            self.put(task.level, Member::Unlisted(Unlisted { path, error }));
        }
    }

    /// The children that a listing names, if it can be believed: it must show the group's own document, which was read.
    /// Web servers answer for a folder that they do not list with a 404, or with some page that holds no links; neither
    /// means that the group is empty.
    fn believe(&self, task: &Task, listed: Option<DirNames>) -> Result<DirNames> {
        let store = &self.context.store;
        match listed {
            Some(names) if shows_itself(store, task.format, &names) => Ok(names),
            None if hides_itself(store, task.format) => Ok(DirNames::default()),
            Some(_) | None => Err(Error::Unsupported {
                at: store.key_url(task.path.as_relative()),
                what: format!(
                    "a listing that does not show the group's own {}",
                    group_document(task.format)
                ),
            }),
        }
    }
}

fn group_document(format: ZarrFormat) -> &'static str {
    match format {
        ZarrFormat::V3 => "zarr.json",
        ZarrFormat::V2 => ".zgroup",
    }
}

/// Whether listings of the store show no group's own document: an index hides dotfiles, so what shows nothing may be a v2
/// group without children.
fn hides_itself(store: &Store, format: ZarrFormat) -> bool {
    format == ZarrFormat::V2 && store.capabilities().listing == Listing::VisibleOnly
}

/// Whether a listing shows the group's own document, or could not.
fn shows_itself(store: &Store, format: ZarrFormat, names: &DirNames) -> bool {
    let own = group_document(format);
    hides_itself(store, format) || names.keys.iter().any(|name| name == own)
}

impl Stream for Walk {
    type Item = Result<Member>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let walk = &mut *self;
        loop {
            if let Some(item) = walk.levels.next() {
                return Poll::Ready(Some(item));
            }
            if walk.ended {
                return Poll::Ready(None);
            }
            // The store works while entries are parsed.
            walk.start();
            if walk.expand() {
                if walk.levels.is_ready() {
                    continue;
                }
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match walk.running.poll_next_unpin(cx) {
                Poll::Ready(Some(done)) => done.into_iter().for_each(|done| walk.finish(done)),
                Poll::Ready(None) => walk.ended = true,
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
