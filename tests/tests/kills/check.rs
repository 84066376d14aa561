//! What is there after a writer was killed: everything as it was before or as it was to become, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use zarr_core::array::{Array, Selection};
use zarr_core::codec::{Chunk, CodecChain, Scratch};
use zarr_core::hierarchy::{self, Member, OpenOptions, WalkOptions};
use zarr_core::{Error, Group, NodePath, Store, ZarrFormat};

use crate::pattern::{
    ARRAYS, BLOB, BLOB_BYTES, LOG, LOG_STAYS, Layout, MADE, PAGE, REGIONS, STAMPED, generation_of, page,
};
use crate::place::Stores;
use crate::writer::{attributes, open};

/// What is looked at behind the library's back.
pub(crate) trait Raw {
    /// The bytes of a key of the hierarchy of this format.
    fn get(&self, format: ZarrFormat, key: &str) -> Option<Bytes>;
    /// Every key, those that no listing may show left out.
    fn keys(&self, format: ZarrFormat) -> BTreeSet<String>;
}

/// Which writer each thing was last seen to be of; what is not there is of none.
#[derive(Debug, Default)]
pub(crate) struct Seen(BTreeMap<String, Option<u32>>);

impl Seen {
    fn was(&self, thing: &str) -> Option<u32> {
        self.0.get(thing).copied().flatten()
    }

    /// Notes that `thing` is now of `found`, if it may be: as it was, or of the writer that ran since.
    fn note(&mut self, thing: String, found: Option<u32>, writer: u32) {
        let before = self.was(&thing);
        assert!(
            found == before || found == Some(writer),
            "{thing} is of {found:?}, was of {before:?}, and the writer was {writer}"
        );
        self.0.insert(thing, found);
    }

    /// Notes what may also be gone, because the writer deletes it.
    fn note_deletable(&mut self, thing: String, found: Option<u32>, writer: u32) {
        if found.is_none() {
            self.0.insert(thing, None);
        } else {
            self.note(thing, found, writer);
        }
    }

    /// That all there is is of one writer, which ran to its end.
    pub(crate) fn all_of(&self, writer: u32) {
        let others: Vec<_> = self
            .0
            .iter()
            .filter(|(_, found)| **found != Some(writer))
            .collect();
        assert!(others.is_empty(), "not all of {writer}: {others:?}");
    }
}

/// Looks at everything after `writer` ended, one way or another.
pub(crate) async fn check(stores: &Stores, raw: &dyn Raw, writer: u32, seen: &mut Seen) {
    for layout in &ARRAYS {
        fixed(stores, raw, layout, writer, seen).await;
    }
    log(&stores.v3, raw, writer).await;
    made(&stores.v3, raw, writer, seen).await;
    for (format, path) in STAMPED {
        let stamp = match open(stores.of(format), path).await {
            Ok(node) => stamp(node.attributes(), &format!("{format:?} {path}")),
            Err(Error::NodeNotFound { .. }) => None,
            Err(error) => panic!("{path}: {error}"),
        };
        seen.note(format!("attributes of {format:?} {path}"), stamp, writer);
    }
    let blob = stores.v3.get(BLOB).await.expect("no fault");
    assert_eq!(blob, raw.get(ZarrFormat::V3, BLOB));
    seen.note(BLOB.to_owned(), blob.map(|bytes| blob_generation(&bytes)), writer);
    for format in [ZarrFormat::V3, ZarrFormat::V2] {
        listings(stores.of(format), &raw.keys(format)).await;
        walk(stores.of(format)).await;
    }
}

/// The writer that attributes say, in all of them alike; `None` before any has written them.
fn stamp(found: &zarr_core::metadata::json::Object, at: &str) -> Option<u32> {
    let generation = found.get("generation")?.as_u64().expect("a number");
    let generation = u32::try_from(generation).expect("a small number");
    for (key, value) in attributes(generation) {
        assert_eq!(found.get(key), Some(&value), "{at}: {key} is not of {generation}");
    }
    Some(generation)
}

fn blob_generation(bytes: &[u8]) -> u32 {
    assert_eq!(bytes.len(), BLOB_BYTES, "the upload is whole");
    let is_of = |generation: &u32| {
        bytes
            .chunks(PAGE)
            .enumerate()
            .all(|(number, found)| found == &page(*generation, number)[..found.len()])
    };
    (1..=MOST_WRITERS)
        .find(is_of)
        .expect("the upload is of one writer")
}

/// More than run in one hierarchy; fewer than a byte of the upload can tell apart.
const MOST_WRITERS: u32 = 200;

async fn array(store: &Arc<Store>, at: &str) -> Option<Array> {
    match open(store, at).await {
        Ok(node) => Some(node.into_array().expect("an array")),
        Err(Error::NodeNotFound { .. }) => None,
        Err(error) => panic!("{at}: {error}"),
    }
}

async fn elements(array: &Array) -> Vec<u32> {
    let read = array.read::<u32>(&Selection::all(array.shape())).await;
    read.unwrap_or_else(|error| panic!("{}: {error}", array.url()))
}

/// The writer of some elements: one for all of them, or none.
fn writer_of(elements: &[u32], places: &[usize], what: &str) -> Option<u32> {
    let mut writers = places.iter().map(|place| match elements[*place] {
        0 => None,
        element => {
            let writer = generation_of(element, *place);
            Some(writer.unwrap_or_else(|| panic!("{what}: {element:#x} does not belong at {place}")))
        }
    });
    let first = writers.next().expect("no region is empty");
    assert!(
        writers.all(|writer| writer == first),
        "{what} is torn: {elements:?}"
    );
    first
}

/// An array whose shape stays: each region is of one writer in each chunk.
async fn fixed(stores: &Stores, raw: &dyn Raw, layout: &Layout, writer: u32, seen: &mut Seen) {
    let store = stores.of(layout.format());
    let found = match array(store, &layout.path()).await {
        Some(array) => {
            assert_eq!(array.shape(), layout.shape);
            let elements = elements(&array).await;
            decoded_alike(raw, &array, layout.chunk, &elements);
            elements
        }
        None => vec![0; usize::try_from(layout.shape.iter().product::<u64>()).expect("small")],
    };
    for (number, region) in REGIONS
        .iter()
        .enumerate()
        .filter(|(_, region)| region.array == layout.name)
    {
        let mut by_chunk: BTreeMap<(u64, u64), Vec<usize>> = BTreeMap::new();
        for place in region.places(layout.shape) {
            let at = place as u64;
            let chunk = (
                at / layout.shape[1] / layout.chunk[0],
                at % layout.shape[1] / layout.chunk[1],
            );
            by_chunk.entry(chunk).or_default().push(place);
        }
        for (chunk, places) in by_chunk {
            let what = format!("{} region {number} chunk {chunk:?}", layout.name);
            let found = writer_of(&found, &places, &what);
            seen.note(what, found, writer);
        }
    }
}

/// Decodes every chunk by itself from the stored bytes: the same elements as those that were read.
fn decoded_alike(raw: &dyn Raw, array: &Array, chunk: &[u64], elements: &[u32]) {
    let metadata = array.metadata();
    let chain = CodecChain::for_array(metadata, chunk).expect("a chain");
    let grid = metadata.chunk_grid().expect("a grid");
    let keys = metadata.chunk_key_encoding().expect("keys");
    let counts = grid.grid_shape(array.shape()).expect("the grid covers the array");
    let rows = array.shape().get(1).map_or(1, |_| counts[0]);
    let columns = *counts.last().expect("no scalar");
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        let indices = if counts.len() == 2 {
            vec![row, column]
        } else {
            vec![column]
        };
        let key = array.path().key(&keys.key(&indices));
        let decoded = match raw.get(array.zarr_format(), &key) {
            Some(bytes) => chain.decode(&bytes, &mut Scratch::new()),
            None => Ok(Chunk::Fixed(vec![
                0;
                4 * usize::try_from(
                    chunk.iter().product::<u64>()
                )
                .expect("small")
            ])),
        };
        let Ok(Chunk::Fixed(bytes)) = decoded else {
            panic!("{key}: {decoded:?}")
        };
        let place = |number: u64| usize::try_from(number).expect("small");
        for (at, element) in bytes.as_chunks::<4>().0.iter().enumerate() {
            let width = chunk.last().expect("no scalar");
            let (inner_row, inner_column) = (at as u64 / width, at as u64 % width);
            let at = match *array.shape() {
                [length] => (column * width + inner_column < length).then_some(column * width + inner_column),
                [height, length] => {
                    let (row, column) = (row * chunk[0] + inner_row, column * width + inner_column);
                    (row < height && column < length).then_some(row * length + column)
                }
                ref shape => panic!("{shape:?}"),
            };
            if let Some(at) = at {
                assert_eq!(u32::from_le_bytes(*element), elements[place(at)], "{key} at {at}");
            }
        }
    }
}

/// The list: as long as some writer made it; each element is missing, or belongs where it is. What an append had not reached
/// is fill value, never what lay there before a cut, finished or not.
async fn log(store: &Arc<Store>, raw: &dyn Raw, writer: u32) {
    let Some(array) = array(store, &format!("/{LOG}")).await else {
        return;
    };
    let length = array.shape()[0];
    assert!(
        length >= LOG_STAYS && (length - LOG_STAYS).is_multiple_of(crate::pattern::LOG_GROWS),
        "{length}"
    );
    let elements = elements(&array).await;
    decoded_alike(raw, &array, &[8], &elements);
    for (place, element) in elements.iter().enumerate().filter(|(_, element)| **element != 0) {
        let of =
            generation_of(*element, place).unwrap_or_else(|| panic!("{element:#x} at {place} of the list"));
        assert!(of <= writer, "{place} of the list is of {of}, who is yet to come");
    }
    // What was appended by one call is of one writer, and of no earlier one than what lies before it.
    let mut before = 0;
    let stays = usize::try_from(LOG_STAYS).expect("small");
    let grows = usize::try_from(crate::pattern::LOG_GROWS).expect("small");
    for (number, appended) in elements[stays..].chunks(grows).enumerate() {
        let first = stays + number * grows;
        let mut of = (first..).zip(appended).filter(|(_, element)| **element != 0);
        if let Some((place, element)) = of.next() {
            let by = generation_of(*element, place).expect("looked at above");
            assert!(by >= before, "{place} of the list is of {by}, behind {before}");
            for (place, element) in of {
                assert_eq!(generation_of(*element, place), Some(by), "{place} of the list");
            }
            before = by;
        }
    }
}

/// The array that is made anew: gone, or with chunks of the writer that its attributes name.
async fn made(store: &Arc<Store>, raw: &dyn Raw, writer: u32, seen: &mut Seen) {
    let Some(array) = array(store, MADE).await else {
        for thing in ["array", "chunk 0", "chunk 1", "chunk 2"] {
            seen.note_deletable(format!("made {thing}"), None, writer);
        }
        return;
    };
    let made_by = stamp(array.attributes(), MADE);
    let elements = elements(&array).await;
    decoded_alike(raw, &array, &[4], &elements);
    seen.note_deletable("made array".to_owned(), made_by, writer);
    for chunk in 0..3 {
        let places: Vec<usize> = (4 * chunk..4 * chunk + 4).collect();
        let what = format!("made chunk {chunk}");
        let found = writer_of(&elements, &places, &what);
        let may_be_missing = made_by == Some(writer) || seen.was(&what).is_none();
        assert!(
            found == made_by || found.is_none() && may_be_missing,
            "{what} is of {found:?} in an array of {made_by:?}"
        );
        seen.note_deletable(what, found, writer);
    }
}

/// Both ways of listing show the keys that are there, and nothing else: no leftover.
async fn listings(store: &Arc<Store>, keys: &BTreeSet<String>) {
    let listed: BTreeSet<String> = store
        .list_prefix("")
        .map_ok(|found| found.key)
        .try_collect()
        .await
        .unwrap_or_else(|error| {
            // Nothing at all is no listing.
            assert!(keys.is_empty(), "{error}");
            BTreeSet::new()
        });
    assert_eq!(&listed, keys);
    let mut folders = vec![String::new()];
    let mut found = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        let names = store.list_dir(&folder).await.expect("no fault");
        // A writer that was killed before it moved a file to its place may have left the folder, with nothing in it.
        let Some(names) = names else { continue };
        let below = |name: String| {
            if folder.is_empty() {
                name
            } else {
                format!("{folder}/{name}")
            }
        };
        found.extend(names.keys.into_iter().map(below));
        folders.extend(names.prefixes.into_iter().map(below));
    }
    assert_eq!(&found, keys);
    for key in keys {
        assert!(is_ours(key), "{key} is no key of the hierarchy");
    }
}

fn is_ours(key: &str) -> bool {
    let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
    let is_document = ["zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata"].contains(&name);
    let is_chunk = folder.split('/').any(|part| part == "c") || folder == "v2";
    key == BLOB || is_document || is_chunk && name.split('.').all(|part| part.parse::<u64>().is_ok())
}

/// Opens the hierarchy with and without what is consolidated: no member is broken.
async fn walk(store: &Arc<Store>) {
    for options in [
        OpenOptions::default(),
        OpenOptions::default().with_consolidated(hierarchy::ConsolidatedMode::Ignore),
    ] {
        let group: Group = match hierarchy::open(store, &NodePath::root(), options).await {
            Ok(node) => node.into_group().expect("a group"),
            Err(Error::NodeNotFound { .. }) => return,
            Err(error) => panic!("{error}"),
        };
        let mut walk = group.walk(WalkOptions::default());
        while let Some(member) = walk.next().await {
            healthy(&member);
        }
    }
}

fn healthy<E: Debug>(member: &Result<Member, E>) {
    assert!(matches!(member, Ok(Member::Node(_))), "{member:?}");
}
