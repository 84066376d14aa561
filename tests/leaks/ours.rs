//! Our crates, looked at from outside: `leaks-ours close|drop life|many|second URL [OPTIONS]`, where the URL is the root of a
//! server or a bucket with the groups `hundred` and `ten`, and the options are storage options in JSON. With `drop` nothing is
//! closed, as happens in a program that forgets it.
//!
//! It says on stdout where it has come to, and goes on when a line comes in: README.md has the steps.

use std::error::Error;
use std::io::BufRead;
use std::sync::Arc;

use futures::executor::block_on;
use serde_json::json;
use zarr_core::hierarchy::{self, OpenOptions};
use zarr_core::{Group, NodePath, Store, StoreOptions};
use zarr_fs::session::{SessionOptions, UnclosedLog, UnclosedPolicy};
use zarr_fs::{Options, Registry};
use zarr_gcs::GcsFactory;
use zarr_http::HttpFactory;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (closing, scenario, url, options) = match args.as_slice() {
        [closing, scenario, url] => (closing, scenario, url, Options::new()),
        [closing, scenario, url, options] => (closing, scenario, url, Options::from_json(options)?),
        _ => return Err("leaks-ours close|drop life|many|second URL [OPTIONS]".into()),
    };
    let closing = closing == "close";
    let unclosed = UnclosedLog::new();
    let session = SessionOptions::default().with_unclosed(UnclosedPolicy::Strict(unclosed.clone()));
    let registry = Registry::new(session)
        .with("http", HttpFactory)
        .with("gs", GcsFactory);
    // No runtime of the program's own: any executor does.
    block_on(async {
        match scenario.as_str() {
            "life" => life(&registry, url, &options, closing).await,
            "many" => many(&registry, url, options, closing).await,
            _ => second(&registry, url, &options, closing).await,
        }
    })?;
    drop(registry);
    for lease in unclosed.entries() {
        eprintln!("{lease}");
    }
    step("exit")
}

async fn life(registry: &Registry, url: &str, options: &Options, closing: bool) -> Result<()> {
    step("start")?;
    let (store, group) = open(registry, url, "hundred", options).await?;
    assert_eq!(members(&group).await?, 100);
    step("members")?;
    close(&store, closing).await?;
    step("close")?;
    drop((group, store));
    step("drop")
}

/// Opens, lists and closes 50 stores, each with a header of its own.
async fn many(registry: &Registry, url: &str, mut options: Options, closing: bool) -> Result<()> {
    for user in 0..50 {
        // What gcsfs calls this option is the header `x-goog-user-project`.
        let (key, value) = match url.split_once("://") {
            Some(("gs", _)) => ("requester_pays", json!(format!("project-{user}"))),
            _ => ("headers", json!({"x-user": user.to_string()})),
        };
        options.set(key, value)?;
        let (store, group) = open(registry, url, "ten", &options).await?;
        assert_eq!(members(&group).await?, 10);
        close(&store, closing).await?;
    }
    step("many")
}

/// Whether a second store on the same origin works when the first is closed.
async fn second(registry: &Registry, url: &str, options: &Options, closing: bool) -> Result<()> {
    let (first, group) = open(registry, url, "hundred", options).await?;
    let (second, other) = open(registry, url, "hundred", options).await?;
    for group in [&group, &other] {
        assert_eq!(members(group).await?, 100);
    }
    close(&first, closing).await?;
    drop((first, group));
    match members(&other).await {
        Ok(count) => step(&format!("second {count}"))?,
        Err(error) => step(&format!("second {error}"))?,
    }
    close(&second, closing).await
}

async fn close(store: &Store, closing: bool) -> Result<()> {
    if closing {
        store.close().await?;
    }
    Ok(())
}

async fn open(registry: &Registry, url: &str, path: &str, options: &Options) -> Result<(Arc<Store>, Group)> {
    let url = format!("{}/{path}", url.trim_end_matches('/')).parse()?;
    let (fs, base) = registry.open(&url, options)?;
    let store = Store::new(fs, base, StoreOptions::default());
    let node = hierarchy::open(&store, &NodePath::root(), OpenOptions::default()).await?;
    let group = node.into_group().map_err(|_| "not a group")?;
    Ok((store, group))
}

async fn members(group: &Group) -> Result<usize> {
    Ok(group.members(1).await?.nodes().count())
}

/// Says where the program is, and waits until it has been looked at.
fn step(name: &str) -> Result<()> {
    println!("{name}");
    std::io::stdin().lock().lines().next().transpose()?;
    Ok(())
}
