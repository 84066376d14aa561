//! The child: does every kind of write, and says what it does before it does it.

use std::io::Write;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::executor::block_on;
use zarr_core::array::{Array, Selection};
use zarr_core::hierarchy::{self, ConsolidatedMode, CreateMode, OpenOptions};
use zarr_core::metadata::json::Object;
use zarr_core::metadata::{ArrayMetadata, GroupMetadata, Json};
use zarr_core::{Error, Group, Node, NodePath, Result, Store, ZarrFormat};
use zarr_fs::WriteMode;

use crate::pattern::{
    ARRAYS, BLOB, BLOB_BYTES, LOG, LOG_GROWS, LOG_MOST, LOG_STAYS, MADE, MADE_SHAPE, PAGE, REGIONS, STAMPED,
    element, list, page,
};
use crate::place::{Place, Stores};

/// Runs a writer as a child: its generation and its place are in `case`.
pub(crate) fn main(case: &str) -> ExitCode {
    let (generation, place) = case.split_once(' ').expect("a generation and a place");
    let generation = generation.parse().expect("a generation");
    let stores = Place::parse(place).expect("a place").open();
    let mut steps = Steps::new(&|line| {
        let mut stdout = std::io::stdout().lock();
        // Whoever reads this may be gone.
        let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    });
    let done = block_on(async {
        let done = write(&stores, generation, &mut steps).await;
        stores.close().await;
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Announces the steps by number and phase.
pub(crate) struct Steps<'a> {
    number: usize,
    say: &'a dyn Fn(&str),
}

impl<'a> Steps<'a> {
    pub(crate) fn new(say: &'a dyn Fn(&str)) -> Self {
        Self { number: 0, say }
    }

    fn next(&mut self, phase: &str) {
        (self.say)(&format!("{} {phase}", self.number));
        self.number += 1;
    }
}

/// Writes everything that a writer writes, whatever earlier ones left.
pub(crate) async fn write(stores: &Stores, generation: u32, steps: &mut Steps<'_>) -> Result<()> {
    let store = &stores.v3;
    steps.next("create");
    let root = ensure_group(store, ZarrFormat::V3).await?;
    ensure_group(&stores.v2, ZarrFormat::V2).await?;
    let mut arrays = Vec::new();
    for layout in &ARRAYS {
        steps.next("create");
        let array = ensure_array(stores.of(layout.format()), &layout.path(), layout.metadata()).await?;
        arrays.push((layout.name, array));
    }
    for region in &REGIONS {
        steps.next(region.phase);
        let array = arrays.iter().find(|(name, _)| *name == region.array);
        let (_, array) = array.expect("a region of an array");
        let places = region.places(array.shape());
        let elements: Vec<u32> = places.iter().map(|place| element(generation, *place)).collect();
        array.write(&region.selection(array.shape()), &elements).await?;
    }
    grow(store, generation, steps).await?;
    for (format, path) in STAMPED {
        steps.next("attributes");
        stamp(stores.of(format), path, generation).await?;
    }
    steps.next("upload");
    let pages =
        (0..BLOB_BYTES / PAGE).map(move |number| Ok(Bytes::copy_from_slice(&page(generation, number))));
    let pages = futures::stream::iter(pages).boxed();
    store.set_stream(BLOB, pages, WriteMode::Overwrite).await?;
    remake(store, generation, steps).await?;
    steps.next("consolidate");
    root.consolidate().await?;
    Ok(())
}

fn path(text: &str) -> NodePath {
    NodePath::parse(text).expect("a path")
}

/// Opens a node by its own documents.
pub(crate) async fn open(store: &Arc<Store>, at: &str) -> Result<Node> {
    let live = OpenOptions::default().with_consolidated(ConsolidatedMode::Ignore);
    hierarchy::open(store, &path(at), live).await
}

async fn ensure_group(store: &Arc<Store>, format: ZarrFormat) -> Result<Group> {
    match open(store, "/").await {
        Err(Error::NodeNotFound { .. }) => {
            hierarchy::create_group(store, &path("/"), GroupMetadata::new(format), CreateMode::Create).await
        }
        opened => opened?.into_group(),
    }
}

async fn ensure_array(store: &Arc<Store>, at: &str, metadata: ArrayMetadata) -> Result<Array> {
    match open(store, at).await {
        Err(Error::NodeNotFound { .. }) => {
            hierarchy::create_array(store, &path(at), metadata, CreateMode::Create).await
        }
        opened => opened?.into_array(),
    }
}

fn elements(generation: u32, places: Range<u64>) -> Vec<u32> {
    let element = |place| element(generation, usize::try_from(place).expect("small"));
    places.map(element).collect()
}

/// Appends to the list twice; when it is long, cuts it back.
async fn grow(store: &Arc<Store>, generation: u32, steps: &mut Steps<'_>) -> Result<()> {
    steps.next("create");
    let mut log = ensure_array(store, &format!("/{LOG}"), list(LOG_STAYS, 8)).await?;
    for _ in 0..2 {
        let length = log.shape()[0];
        let more = elements(generation, length..length + LOG_GROWS);
        steps.next("append");
        log = log.append(&more, 0).await?.0;
    }
    if log.shape()[0] > LOG_MOST {
        steps.next("shrink");
        log.resize(&[LOG_STAYS]).await?;
    }
    Ok(())
}

/// What attributes say of who wrote them.
pub(crate) fn attributes(generation: u32) -> [(&'static str, Json); 3] {
    let padding = "x".repeat(usize::try_from(generation * 37 % 900).expect("small"));
    [
        ("generation", Json::from(u64::from(generation))),
        ("twice", Json::from(2 * u64::from(generation))),
        ("padding", Json::from(padding.as_str())),
    ]
}

async fn stamp(store: &Arc<Store>, at: &str, generation: u32) -> Result<()> {
    let change = |now: &mut Object| {
        for (key, value) in attributes(generation) {
            now.insert(key, value);
        }
    };
    match open(store, at).await? {
        Node::Group(group) => group.update_attributes(change).await.map(drop),
        Node::Array(array) => array.update_attributes(change).await.map(drop),
    }
}

/// Makes a group and an array in it anew, twice the array, where there may be some.
async fn remake(store: &Arc<Store>, generation: u32, steps: &mut Steps<'_>) -> Result<()> {
    steps.next("overwrite");
    let group = GroupMetadata::new(ZarrFormat::V3);
    hierarchy::create_group(store, &path("/made"), group, CreateMode::Overwrite).await?;
    for _ in 0..2 {
        steps.next("overwrite");
        let mut metadata = list(MADE_SHAPE[0], 4);
        for (key, value) in attributes(generation) {
            metadata.attributes_mut().insert(key, value);
        }
        let array = hierarchy::create_array(store, &path(MADE), metadata, CreateMode::Overwrite).await?;
        steps.next("overwrite");
        let all = Selection::all(&MADE_SHAPE);
        array.write(&all, &elements(generation, 0..MADE_SHAPE[0])).await?;
    }
    Ok(())
}
