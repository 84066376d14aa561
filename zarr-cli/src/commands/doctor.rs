//! `doctor`: how a URL is reached, what the server can do, what was found.

use std::time::Instant;

use zarr_core::hierarchy::{self, Node};
use zarr_core::metadata::Json;
use zarr_core::metadata::json::{Object, PrintOptions};
use zarr_core::{NodePath, Store};
use zarr_fs::Listing;

use super::open;
use crate::app::App;
use crate::cli::DoctorArgs;
use crate::error::{CliError, chain};
use crate::options;
use crate::output::Output;
use crate::render::doctor as render;
use crate::url;

/// Variables that backends look at; only their names are told.
const VARIABLES: [&str; 13] = [
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "STORAGE_EMULATOR_HOST",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
];

pub(super) async fn run(app: &App, args: &DoctorArgs, out: &mut Output) -> Result<(), CliError> {
    let address = url::parse(&args.target.url)?;
    let store = app.open(&address)?;
    let began = Instant::now();
    let opened = hierarchy::open(&store, &NodePath::root(), open::options(app)).await;
    let elapsed = began.elapsed();

    let mut facts = vec![
        ("backend", address.url.scheme().to_owned()),
        ("place", store.url()),
        ("options", used_options(app, address.url.scheme())?),
        ("environment", variables()),
    ];
    facts.push((
        "node",
        match &opened {
            Ok(node) => found(node),
            Err(error) => format!("none: {}", chain(error)),
        },
    ));
    facts.push((
        "opened in",
        format!(
            "{:.0} ms, {} requests",
            elapsed.as_secs_f64() * 1e3,
            store.io_stats().requests
        ),
    ));
    let is_group = opened.as_ref().is_ok_and(|node| matches!(node, Node::Group(_)));
    facts.push(("listing", listing(&store).await));
    if let Ok(node) = &opened {
        facts.push(("ranges", ranges(&store, node).await));
        if is_group && store.capabilities().listing == Listing::None {
            facts.push((
                "advice",
                "the owner can consolidate the metadata; a reader can give the path of a node inside"
                    .to_owned(),
            ));
        }
    }
    let capabilities = store.capabilities();
    let yes = |can: bool| if can { "yes" } else { "no" };
    facts.push((
        "writing",
        format!("{} (this command only reads)", yes(capabilities.write)),
    ));
    facts.push(("versions", yes(capabilities.versions).to_owned()));
    let moved = store.io_stats();
    facts.push((
        "traffic",
        format!(
            "{} requests, {} connections, {} bytes received",
            moved.requests, moved.connections_opened, moved.bytes_received
        ),
    ));
    if app.global.json {
        let mut document = Object::new();
        for (name, fact) in &facts {
            document.insert(*name, fact.as_str());
        }
        out.json(&Json::Object(document), PrintOptions::compact())?;
    } else {
        out.text(&render::facts(&facts, out.theme))?;
    }
    opened.map(|_| ()).map_err(CliError::from)
}

/// The options by name: a value may be a secret.
fn used_options(app: &App, scheme: &str) -> Result<String, CliError> {
    let options = options::collect(&app.global, scheme)?;
    let names: Vec<&str> = options.keys().collect();
    Ok(if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    })
}

fn variables() -> String {
    let set: Vec<&str> = VARIABLES
        .into_iter()
        .filter(|name| std::env::var_os(name).is_some())
        .collect();
    if set.is_empty() {
        "nothing that matters here".to_owned()
    } else {
        format!("set: {}", set.join(", "))
    }
}

fn found(node: &Node) -> String {
    let consolidated = match node {
        Node::Group(group) if group.is_consolidated() => ", consolidated",
        Node::Group(_) => ", not consolidated",
        Node::Array(_) => "",
    };
    format!("{}, zarr {}{consolidated}", node.kind(), node.zarr_format())
}

/// Asks for a listing: what a server can do is known only then.
async fn listing(store: &Store) -> String {
    let answer = store.list_dir("").await;
    match (answer, store.capabilities().listing) {
        (Ok(_), Listing::Complete) => "yes".to_owned(),
        (Ok(_), Listing::VisibleOnly) => "yes, but it may hide files whose names begin with a dot".to_owned(),
        (Ok(_), Listing::None) => "no".to_owned(),
        (Err(error), _) => format!("no: {}", chain(&error)),
    }
}

/// Asks for one byte of a document that is there.
async fn ranges(store: &Store, node: &Node) -> String {
    let Some(document) = node
        .documents()
        .first()
        .filter(|document| !document.bytes.is_empty())
    else {
        return "not tried".to_owned();
    };
    match store
        .get_range(&document.key, zarr_fs::ByteRange::Bounded(0, 1))
        .await
    {
        Ok(Some(bytes)) if bytes.first() == document.bytes.first() => "yes".to_owned(),
        Ok(_) => "no: another answer than asked for".to_owned(),
        Err(error) => format!("no: {}", chain(&error)),
    }
}
