//! Random operations and what they must do: a filesystem is a map from paths to bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;
use futures::TryStreamExt;
use proptest::prelude::*;

use crate::call_options::{ByteRange, CatOptions, CatRangesOptions, PipeOptions, WriteMode};
use crate::error::{Error, Result};
use crate::ext::FileSystemExt;
use crate::filesystem::FileSystem;
use crate::path::Path;

/// One operation.
#[derive(Clone, Debug)]
pub enum Operation {
    /// `pipe_file`, `Create` if `true`.
    Pipe(Path, Bytes, bool),
    /// `pipe_stream`, in pieces of so many bytes.
    PipeStream(Path, Bytes, usize),
    /// Reads, and replaces what was read if it is still of that version.
    Replace(Path, Bytes),
    /// `cp_file`, `Create` if `true`.
    Copy(Path, Path, bool),
    /// `rm_file`.
    Remove(Path),
    /// `info` and `cat_file`.
    Read(Path, ByteRange),
    /// `cat_ranges`, with this gap and longest request.
    ReadRanges(Path, Vec<Range<u64>>, u64, u64),
    /// `cat_stream`.
    ReadStream(Path, ByteRange),
    /// `ls`.
    List(Path),
    /// `find`.
    Find(Path),
}

/// Paths of files, few enough that they meet. No file's path is a prefix of another's, so that folders can hold them.
pub fn file_path() -> impl Strategy<Value = Path> {
    let folders = proptest::collection::vec(prop_oneof!["d[ab]", Just("d a-b".to_owned())], 0..3);
    (folders, prop_oneof!["f[a-c]", Just("f ü".to_owned())]).prop_map(|(mut segments, name)| {
        segments.push(name);
        Path::parse(segments.join("/")).expect("a valid path")
    })
}

/// Paths of files and of folders.
pub fn any_path() -> impl Strategy<Value = Path> {
    (file_path(), any::<bool>()).prop_map(|(path, is_folder)| match path.parent() {
        Some(parent) if is_folder => parent,
        _ => path,
    })
}

/// Contents of files: mostly short, some longer than a usual buffer.
pub fn contents() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        8 => proptest::collection::vec(any::<u8>(), 0..64),
        1 => (any::<u8>(), 60_000_usize..140_000).prop_map(|(byte, length)| vec![byte; length]),
    ]
    .prop_map(Bytes::from)
}

/// Ranges of short files, some of which leave them.
pub fn byte_range() -> impl Strategy<Value = ByteRange> {
    prop_oneof![
        Just(ByteRange::Full),
        (0_u64..80).prop_map(ByteRange::From),
        (0_u64..80).prop_map(ByteRange::Suffix),
        (0_u64..70, 0_u64..70).prop_map(|(start, end)| ByteRange::Bounded(start, end)),
    ]
}

/// Lists of ranges of short files, some of which leave them.
pub fn ranges() -> impl Strategy<Value = Vec<Range<u64>>> {
    proptest::collection::vec(
        (0_u64..60, 0_u64..20).prop_map(|(start, length)| start..start + length),
        0..6,
    )
}

/// Operations in a row.
pub fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let one = prop_oneof![
        4 => (file_path(), contents(), any::<bool>()).prop_map(|(path, data, create)| Operation::Pipe(path, data, create)),
        1 => (file_path(), contents(), 1_usize..50_000)
            .prop_map(|(path, data, piece)| Operation::PipeStream(path, data, piece)),
        1 => (file_path(), contents()).prop_map(|(path, data)| Operation::Replace(path, data)),
        1 => (any_path(), file_path(), any::<bool>()).prop_map(|(from, to, create)| Operation::Copy(from, to, create)),
        2 => any_path().prop_map(Operation::Remove),
        3 => (any_path(), byte_range()).prop_map(|(path, range)| Operation::Read(path, range)),
        2 => (any_path(), ranges(), 0_u64..20, 1_u64..60)
            .prop_map(|(path, ranges, gap, most)| Operation::ReadRanges(path, ranges, gap, most)),
        1 => (any_path(), byte_range()).prop_map(|(path, range)| Operation::ReadStream(path, range)),
        2 => any_path().prop_map(Operation::List),
        1 => any_path().prop_map(Operation::Find),
    ];
    proptest::collection::vec(one, 1..40)
}

/// What a filesystem must be.
#[derive(Debug, Default)]
struct ModelFileSystem(BTreeMap<Path, Bytes>);

/// What an operation must answer.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Done,
    Data(Bytes),
    Slices(Vec<Bytes>),
    Listing(Vec<Path>, Vec<Path>),
    NotFound,
    AlreadyExists,
    OutOfBounds,
}

impl ModelFileSystem {
    fn apply(&mut self, operation: &Operation) -> Answer {
        match operation {
            Operation::Pipe(path, _, true) if self.0.contains_key(path) => Answer::AlreadyExists,
            Operation::Pipe(path, data, _) | Operation::PipeStream(path, data, _) => {
                self.0.insert(path.clone(), data.clone());
                Answer::Done
            }
            Operation::Replace(path, data) => match self.0.get_mut(path) {
                None => Answer::NotFound,
                Some(there) => {
                    there.clone_from(data);
                    Answer::Done
                }
            },
            Operation::Copy(from, to, create) => match self.0.get(from).cloned() {
                None => Answer::NotFound,
                Some(_) if *create && self.0.contains_key(to) => Answer::AlreadyExists,
                Some(data) => {
                    self.0.insert(to.clone(), data);
                    Answer::Done
                }
            },
            Operation::Remove(path) => self.0.remove(path).map_or(Answer::NotFound, |_| Answer::Done),
            Operation::Read(path, range) | Operation::ReadStream(path, range) => self.slice(path, *range),
            Operation::ReadRanges(path, ranges, _, _) => self.slices(path, ranges),
            Operation::List(dir) => self.list(dir),
            Operation::Find(prefix) => {
                let below = |path: &&Path| path.strip_prefix(prefix).is_some_and(|rest| !rest.is_root());
                Answer::Listing(self.0.keys().filter(below).cloned().collect(), Vec::new())
            }
        }
    }

    fn slice(&self, path: &Path, range: ByteRange) -> Answer {
        let Some(data) = self.0.get(path) else {
            return Answer::NotFound;
        };
        match range.resolve(data.len() as u64) {
            None => Answer::OutOfBounds,
            Some(range) => {
                let index = |offset| usize::try_from(offset).expect("it lies in memory");
                Answer::Data(data.slice(index(range.start)..index(range.end)))
            }
        }
    }

    fn slices(&self, path: &Path, ranges: &[Range<u64>]) -> Answer {
        let mut slices = Vec::new();
        for range in ranges {
            if range.is_empty() {
                slices.push(Bytes::new());
                continue;
            }
            let answer = self.slice(path, range.clone().into());
            let Answer::Data(data) = answer else {
                return answer;
            };
            slices.push(data);
        }
        Answer::Slices(slices)
    }

    fn list(&self, dir: &Path) -> Answer {
        let (mut files, mut prefixes) = (Vec::new(), BTreeSet::new());
        for path in self.0.keys() {
            let Some(rest) = path.strip_prefix(dir) else {
                continue;
            };
            let mut segments = rest.segments();
            match (segments.next(), segments.next()) {
                (Some(_), None) => files.push(path.clone()),
                (Some(first), Some(_)) => {
                    prefixes.insert(dir.join(first).expect("a valid path"));
                }
                (None, _) => {}
            }
        }
        if files.is_empty() && prefixes.is_empty() {
            return Answer::NotFound;
        }
        Answer::Listing(files, prefixes.into_iter().collect())
    }
}

async fn ask(fs: &dyn FileSystem, operation: &Operation) -> Result<Answer> {
    let mode = |create: bool| {
        if create {
            WriteMode::Create
        } else {
            WriteMode::Overwrite
        }
    };
    Ok(match operation {
        Operation::Pipe(path, data, create) => {
            let options = PipeOptions::default().with_mode(mode(*create));
            let written = fs.pipe_file(path, data.clone(), options).await?;
            assert_eq!(
                (&written.path, written.size_bytes),
                (path, Some(data.len() as u64))
            );
            Answer::Done
        }
        Operation::PipeStream(path, data, piece_bytes) => {
            let pieces: Vec<_> = data
                .chunks(*piece_bytes)
                .map(|piece| Ok(Bytes::copy_from_slice(piece)))
                .collect();
            let stream = Box::pin(futures::stream::iter(pieces));
            fs.pipe_stream(path, stream, PipeOptions::default()).await?;
            Answer::Done
        }
        Operation::Replace(path, data) => {
            let version = fs.info(path).await?.version;
            let options = PipeOptions::default().with_mode(WriteMode::IfMatch(version));
            fs.pipe_file(path, data.clone(), options).await?;
            Answer::Done
        }
        Operation::Copy(from, to, create) => {
            fs.cp_file(from, to, mode(*create)).await?;
            Answer::Done
        }
        Operation::Remove(path) => {
            fs.rm_file(path).await?;
            Answer::Done
        }
        Operation::Read(path, range) => {
            let info = fs.info(path).await?;
            let read = fs
                .cat_file(path, CatOptions::default().with_range(*range))
                .await?;
            assert_eq!(read.info, info);
            Answer::Data(read.bytes)
        }
        Operation::ReadRanges(path, ranges, gap, most) => {
            let options = CatRangesOptions::default()
                .with_gap_bytes(*gap)
                .with_max_merged_bytes(*most);
            Answer::Slices(fs.cat_ranges(path, ranges, options).await?)
        }
        Operation::ReadStream(path, range) => {
            let stream = fs
                .cat_stream(path, CatOptions::default().with_range(*range))
                .await?;
            let pieces: Vec<Bytes> = stream.bytes.try_collect().await?;
            Answer::Data(pieces.concat().into())
        }
        Operation::List(dir) => {
            let listing = fs.ls(dir).await?;
            Answer::Listing(
                listing.files.into_iter().map(|file| file.path).collect(),
                listing.prefixes,
            )
        }
        Operation::Find(prefix) => {
            let found = fs.find_all(prefix).await?;
            Answer::Listing(found.into_iter().map(|file| file.path).collect(), Vec::new())
        }
    })
}

/// Does `operations` one after another, and fails where a filesystem that was empty answers otherwise than a map would. It
/// must list completely, write and have versions.
///
/// # Panics
/// If an answer differs.
pub async fn assert_is_a_map(fs: &dyn FileSystem, operations: &[Operation]) {
    let mut model = ModelFileSystem::default();
    for (index, operation) in operations.iter().enumerate() {
        let wanted = model.apply(operation);
        let answer = match ask(fs, operation).await {
            Ok(answer) => answer,
            Err(Error::NotFound { .. }) => Answer::NotFound,
            Err(Error::AlreadyExists { .. }) => Answer::AlreadyExists,
            Err(Error::RangeOutOfBounds { .. }) => Answer::OutOfBounds,
            Err(error) => panic!("operation {index}, {operation:?}: {error:?}"),
        };
        assert!(
            answer == wanted,
            "operation {index}, {operation:?}: {answer:?} in place of {wanted:?}"
        );
    }
}
