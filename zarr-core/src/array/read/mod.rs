//! Reading: plan → fetch → decode → place.
//!
//! ```text
//! plan      which chunks, which of their elements            plan.rs
//! units     chunks, or groups of neighbours in a shard        shard.rs
//! fetch     remote: many requests in flight (remote.rs)       local: by the thread that decodes (local.rs)
//! decode    on the compute threads                            job.rs
//! place     straight into the result                          place.rs, variable.rs
//! ```

mod job;
mod local;
mod options;
mod remote;
mod shard;
mod shard_cache;
mod target;

pub(crate) use job::{Job, Shards, with_scratch};
pub use options::{MissingChunks, ReadOptions, ReadReport};
pub(crate) use shard::ShardLayout;
pub(crate) use shard_cache::ShardIndexCache;
pub(crate) use target::{Target, VariableTarget};

use std::sync::Arc;

use crate::error::Result;

/// Fills the job's target.
pub(crate) async fn run(job: Arc<Job>) -> Result<()> {
    match job.store().blocking_reader() {
        Some(reader) => local::run(job, reader).await,
        None => remote::run(job).await,
    }
}
