//! Two stores on one bucket: they share a session and its connections, each closes for itself, and the last one takes all with
//! it. One that is dropped without close says so, once, with the place that opened it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::executor::block_on;
use futures::future::join_all;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};
use url::Url;
use zarr_core::hierarchy::{self, OpenOptions};
use zarr_core::{NodePath, Store, StoreOptions};
use zarr_fs::session::SessionOptions;
use zarr_fs::{Options, Registry};
use zarr_gcs::GcsFactory;
use zarr_tests::gcs::GcsServer;

const BUCKET: &str = "shared";
const GROUP: &str = r#"{"zarr_format": 3, "node_type": "group"}"#;
/// How long the server may take to notice that connections are gone.
const LIMIT: Duration = Duration::from_secs(10);

fn bucket() -> GcsServer {
    let server = GcsServer::start(BUCKET);
    for store in ["a.zarr", "b.zarr"] {
        server.put(BUCKET, &format!("{store}/zarr.json"), GROUP);
    }
    server
}

fn registry() -> Registry {
    Registry::new(SessionOptions::default()).with("gs", GcsFactory)
}

#[track_caller]
fn open(registry: &Registry, server: &GcsServer, store: &str) -> Arc<Store> {
    let mut options = Options::new();
    options.set("endpoint_url", server.url().into()).unwrap();
    options.set("token", "anon".into()).unwrap();
    let url = Url::parse(&format!("gs://{BUCKET}/{store}")).unwrap();
    let (lease, base) = registry.open(&url, &options).unwrap();
    Store::new(lease, base, StoreOptions::default())
}

async fn read(store: &Arc<Store>) {
    let node = hierarchy::open(store, &NodePath::root(), OpenOptions::default()).await;
    assert!(node.unwrap().into_group().is_ok());
}

#[test]
fn two_stores_share_connections_and_the_last_close_ends_them() {
    let server = bucket();
    let registry = registry();
    let (first, second) = (
        open(&registry, &server, "a.zarr"),
        open(&registry, &server, "b.zarr"),
    );
    assert_eq!(registry.live_leases().len(), 2);
    block_on(async {
        // A wave of five requests opens as many connections; the other store's wave finds them waiting.
        read(&first).await;
        let dialled = server.accepted_connections();
        read(&second).await;
        read(&first).await;
        assert_eq!(
            server.accepted_connections(),
            dialled,
            "the second store dialled for itself"
        );
        assert_eq!(registry.io_stats().connections_opened, dialled);

        let report = first.close().await.unwrap();
        assert_eq!(report.calls_cut, 0);
        assert!(read_fails_as_closed(&first).await);
        assert!(server.open_connections() > 0, "the session goes on");
        // Several at once, over what is open.
        join_all((0..8).map(|_| read(&second))).await;

        second.close().await.unwrap();
        assert_eq!(server.wait_for_connections(0, LIMIT), Ok(()));
        assert!(read_fails_as_closed(&second).await);
        assert!(registry.live_leases().is_empty());

        // A store that is opened then has a session of its own.
        let third = open(&registry, &server, "a.zarr");
        read(&third).await;
        third.close().await.unwrap();
        assert_eq!(server.wait_for_connections(0, LIMIT), Ok(()));
    });
    assert_eq!(server.unknown_requests(), [""; 0]);
}

async fn read_fails_as_closed(store: &Arc<Store>) -> bool {
    match store.get("zarr.json").await {
        Err(error) => error.is_closed(),
        Ok(_) => false,
    }
}

/// Keeps the warnings of this thread as text.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!("{field}: {value:?} ");
            }
        }
        let mut text = Text(format!("{} ", event.metadata().target()));
        event.record(&mut text);
        self.0.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn a_store_dropped_without_close_warns_once_and_names_its_place() {
    let server = bucket();
    let warnings = Warnings::default();
    tracing::subscriber::with_default(warnings.clone(), || {
        let registry = registry();
        let place = line!() + 1;
        let dropped = open(&registry, &server, "a.zarr");
        let closed = open(&registry, &server, "b.zarr");
        block_on(async {
            read(&dropped).await;
            closed.close().await.unwrap();
        });
        drop(closed);
        assert_eq!(warnings.0.lock().unwrap().len(), 0);
        drop(dropped);
        let raised = warnings.0.lock().unwrap().clone();
        assert_eq!(raised.len(), 1, "{raised:?}");
        assert!(raised[0].contains(&format!("gs://{BUCKET}")), "{raised:?}");
        // The line that opened the lease: where the helper was called from.
        let named = format!("{}:{place}:", file!());
        assert!(raised[0].contains(&named), "{raised:?} does not name {named}");
        // It lets go all the same.
        assert_eq!(server.wait_for_connections(0, LIMIT), Ok(()));
    });
    assert_eq!(warnings.0.lock().unwrap().len(), 1);
}
