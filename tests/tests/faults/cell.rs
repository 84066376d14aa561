//! One cell: one call under one fault, and what its caller gets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use zarr_core::array::{Array, MissingChunks, ReadOptions, Selection};
use zarr_core::hierarchy::{self, Member, Members, OpenOptions};
use zarr_core::{Error, Group, NodePath, Store, StoreOptions};
use zarr_fs::Path;
use zarr_tests::net::Refusing;
use zarr_tests::{Fault, Request, ServerOptions, TestCa, When};

use crate::peer::{Backend, CUSTOM, Peer};
use crate::trouble::{Kind, Trouble};

/// A call that takes longer hangs: it is ten stalls.
const HANG: Duration = Duration::from_secs(8);
const RIGHT: &str = "right";
const GROUP: &str =
    r#"{"zarr_format": 3, "node_type": "group", "attributes": {"title": "longer than what is sent"}}"#;
const ARRAY: &str = r#"{
  "zarr_format": 3, "node_type": "array", "shape": [1000], "data_type": "uint8", "fill_value": 0,
  "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1000]}},
  "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
  "codecs": [{"name": "bytes"}], "attributes": {}
}"#;

/// The kinds of calls, one column each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Open,
    List,
    Get,
    Range,
    Put,
}

impl Op {
    pub(crate) const ALL: [Self; 5] = [Self::Open, Self::List, Self::Get, Self::Range, Self::Put];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::List => "list",
            Self::Get => "get",
            Self::Range => "get range",
            Self::Put => "put",
        }
    }
}

/// No byte is 0, the fill value.
fn chunk() -> Vec<u8> {
    (0..1000_u32)
        .map(|index| u8::try_from(index % 251 + 1).unwrap())
        .collect()
}

fn seeded(backend: Backend, options: ServerOptions) -> Peer {
    let peer = backend.start(options);
    peer.put("zarr.json", GROUP);
    peer.put("a/zarr.json", ARRAY);
    peer.put("a/c/0", chunk());
    peer
}

/// What is opened before the fault begins.
struct Before {
    store: Arc<Store>,
    group: Option<Group>,
    array: Option<Array>,
}

async fn before(store: Arc<Store>, op: Op) -> Before {
    let root =
        async |store| hierarchy::open(store, &NodePath::parse("/").unwrap(), OpenOptions::default()).await;
    let (mut group, mut array) = (None, None);
    if matches!(op, Op::List | Op::Get) {
        let opened = root(&store).await.unwrap().into_group().unwrap();
        if op == Op::Get {
            array = Some(opened.get_array("a").await.unwrap());
        }
        group = Some(opened);
    }
    Before { store, group, array }
}

/// Runs the call; what it comes to in a word.
async fn call(before: &Before, op: Op, peer: &Peer, other: &Peer, missing: bool) -> String {
    match op {
        Op::Open => {
            let root = NodePath::parse("/").unwrap();
            match hierarchy::open(&before.store, &root, OpenOptions::default()).await {
                Ok(node) if node.attributes().get("title").is_some() => RIGHT.to_owned(),
                Ok(_) => "wrong data".to_owned(),
                Err(error) => name(&error),
            }
        }
        Op::List => list(before).await,
        Op::Get => get(before.array.as_ref().unwrap(), missing).await,
        Op::Range => match before.store.get_range("a/c/0", 10..90).await {
            Ok(Some(bytes)) if bytes == chunk()[10..90] => RIGHT.to_owned(),
            Ok(Some(bytes)) if bytes.is_empty() => "empty".to_owned(),
            Ok(Some(bytes)) => format!("wrong data: {bytes:?}"),
            // What a store's `None` is: the key is missing.
            Ok(None) => "`None`".to_owned(),
            Err(error) => name(&error),
        },
        Op::Put => {
            let data = Bytes::from_static(b"what is written");
            match before.store.set("new", data.clone()).await {
                Ok(_) if peer.get("new").as_ref() == Some(&data) => RIGHT.to_owned(),
                Ok(_) if other.get("new").as_ref() == Some(&data) => RIGHT.to_owned(),
                Ok(_) => "wrong data: said to be written, and is not".to_owned(),
                Err(error) => name(&error),
            }
        }
    }
}

async fn list(before: &Before) -> String {
    let Some(group) = &before.group else {
        return match before.store.list_dir("").await {
            Ok(names) => format!("wrong data: {names:?}"),
            Err(error) => name(&error),
        };
    };
    match group.members(1).await {
        Ok(Members::Known(members)) => match members.as_slice() {
            [] => "empty".to_owned(),
            [Member::Node(node)] if node.path().to_string() == "/a" => RIGHT.to_owned(),
            [Member::Broken(broken)] => format!("child broken: {}", name(&broken.error)),
            [Member::Unlisted(unlisted)] => format!("unlisted: {}", name(&unlisted.error)),
            others => format!("wrong data: {others:?}"),
        },
        Ok(Members::Unknown(unlisted)) => format!("unknown: {}", name(&unlisted.error)),
        Err(error) => name(&error),
    }
}

async fn get(array: &Array, missing: bool) -> String {
    let all = Selection::all(array.shape());
    match array.read_with::<u8>(&all, &ReadOptions::default()).await {
        Ok((data, report)) if report.missing_chunks == 0 => {
            if data == chunk() {
                RIGHT.to_owned()
            } else {
                "wrong data".to_owned()
            }
        }
        // The server says so: the specification's fill value, counted. An array known to be complete is read so:
        Ok(_) if missing => {
            let options = ReadOptions::default().with_missing(MissingChunks::Error);
            name(&array.read_with::<u8>(&all, &options).await.unwrap_err())
        }
        Ok(_) => "fill value".to_owned(),
        Err(error) => name(&error),
    }
}

/// The variant; of a filesystem's error, its own.
fn name(error: &Error) -> String {
    let text = match error {
        Error::Fs(error) => format!("{error:?}"),
        other => format!("{other:?}"),
    };
    let end = text
        .find(|char: char| !char.is_alphanumeric())
        .unwrap_or(text.len());
    format!("`{}`", &text[..end])
}

/// Redirects exactly the requests that `op` makes to the same place of another host.
async fn redirect(backend: Backend, op: Op, peer: &Peer, other: &Peer) {
    let store = Store::new(
        backend.open(&peer.url(), false),
        Path::root(),
        StoreOptions::default().writable(),
    );
    let ready = before(Arc::clone(&store), op).await;
    peer.clear_log();
    assert_eq!(
        call(&ready, op, peer, other, false).await,
        RIGHT,
        "without a fault"
    );
    store.close().await.unwrap();
    let seen: BTreeSet<_> = peer
        .log()
        .into_iter()
        .map(|entry| (entry.path, entry.query))
        .collect();
    for (path, query) in seen {
        let target = match &query {
            Some(query) => format!("{}{path}?{query}", other.url()),
            None => format!("{}{path}", other.url()),
        };
        let when =
            When::always().and(move |request: &Request| request.path == path && request.query == query);
        peer.faults().add(when, Fault::redirect(307, &target));
    }
}

/// Nothing of what the first host was to see has come to the other one.
fn assert_no_secret(other: &Peer) {
    for entry in other.log() {
        for header in [
            "authorization",
            "cookie",
            "proxy-authorization",
            "x-goog-user-project",
            CUSTOM,
        ] {
            let value = entry.header(header);
            assert_eq!(
                value, None,
                "{header} of {} {} came to another host",
                entry.method, entry.path
            );
        }
    }
}

async fn cell(backend: Backend, trouble: Trouble, op: Op) -> String {
    let options = match trouble.kind {
        Kind::BadCertificate => ServerOptions::default().tls(&TestCa::new()),
        _ => ServerOptions::default(),
    };
    let (peer, other) = (
        seeded(backend, options),
        seeded(backend, ServerOptions::default()),
    );
    let refusing = Refusing::new().unwrap();
    let url = match trouble.kind {
        Kind::NoName => "http://no-such-host.invalid".to_owned(),
        Kind::Refused => refusing.url(),
        _ => peer.url(),
    };
    let fs = backend.open(&url, matches!(trouble.kind, Kind::DeniedMeansMissing));
    let store = Store::new(fs, Path::root(), StoreOptions::default().writable());
    let ready = if trouble.prevents_all() {
        Before {
            store: Arc::clone(&store),
            group: None,
            array: None,
        }
    } else {
        before(Arc::clone(&store), op).await
    };
    match trouble.kind {
        Kind::Reply(fault) => drop(peer.faults().add(When::always(), fault())),
        Kind::DeniedMeansMissing => drop(peer.faults().add(When::always(), Fault::status(403))),
        Kind::OtherHost => redirect(backend, op, &peer, &other).await,
        Kind::NoName | Kind::Refused | Kind::BadCertificate => {}
    }
    let call = call(&ready, op, &peer, &other, trouble.means_missing());
    let cell = tokio::time::timeout(HANG, call)
        .await
        .unwrap_or_else(|_| "hang".to_owned());
    store.close().await.expect("nothing is stuck");
    assert_no_secret(&other);
    cell
}

pub(crate) fn run(backend: Backend, trouble: Trouble, op: Op) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(cell(backend, trouble, op))
}
