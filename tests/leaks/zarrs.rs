//! zarrs over object_store, looked at from outside: `zarrs-leaks multi|current life|many|second URL`, where the URL is the root of a
//! WebDAV server with the groups `hundred` and `ten`. `multi` and `current` are tokio's two runtimes, and the program's own.
//!
//! It says on stdout where it has come to, and goes on when a line comes in: README.md has the steps. zarrs and object_store have
//! no close; to drop is all that one can do.

use std::error::Error;
use std::io::BufRead;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use object_store::ClientOptions;
use object_store::http::{HttpBuilder, HttpStore};
use tokio::runtime::Builder;
use zarrs::group::Group;
use zarrs_object_store::AsyncObjectStore;

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Store = AsyncObjectStore<HttpStore>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [runtime, scenario, url] = args.as_slice() else {
        return Err("multi|current life|many|second URL".into());
    };
    let mut builder = match runtime.as_str() {
        "multi" => Builder::new_multi_thread(),
        _ => Builder::new_current_thread(),
    };
    let runtime = builder.enable_all().build()?;
    match scenario.as_str() {
        "life" => {
            // So that the threads of the runtime, which is not zarrs', are there already.
            runtime.block_on(async {});
            step("start")?;
            let group = runtime.block_on(open(url, "hundred", None))?;
            let children = runtime.block_on(group.async_children(false))?;
            assert_eq!(children.len(), 100);
            step("members")?;
            step("close")?;
            drop((children, group));
            step("drop")?;
        }
        "many" => {
            for user in 0..50 {
                let group = runtime.block_on(open(url, "ten", Some(user)))?;
                assert_eq!(runtime.block_on(group.async_children(false))?.len(), 10);
            }
            step("many")?;
        }
        _ => {
            let first = runtime.block_on(open(url, "hundred", None))?;
            let second = runtime.block_on(open(url, "hundred", None))?;
            for group in [&first, &second] {
                assert_eq!(runtime.block_on(group.async_children(false))?.len(), 100);
            }
            drop(first);
            match runtime.block_on(second.async_children(false)) {
                Ok(children) => step(&format!("second {}", children.len()))?,
                Err(error) => step(&format!("second {error}"))?,
            }
        }
    }
    drop(runtime);
    step("exit")
}

async fn open(url: &str, path: &str, user: Option<usize>) -> Result<Group<Store>> {
    let mut options = ClientOptions::new().with_allow_http(true);
    if let Some(user) = user {
        let headers = HeaderMap::from_iter([(HeaderName::from_static("x-user"), HeaderValue::from(user))]);
        options = options.with_default_headers(headers);
    }
    let store = HttpBuilder::new()
        .with_url(url)
        .with_client_options(options)
        .build()?;
    Ok(Group::async_open(Arc::new(AsyncObjectStore::new(store)), &format!("/{path}")).await?)
}

/// Says where the program is, and waits until it has been looked at.
fn step(name: &str) -> Result<()> {
    println!("{name}");
    std::io::stdin().lock().lines().next().transpose()?;
    Ok(())
}
