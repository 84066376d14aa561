//! An async filesystem trait in fsspec's words, with a `close` that leaves nothing behind.

pub mod call_options;
mod capabilities;
mod delegate;
mod error;
mod ext;
mod filesystem;
mod info;
mod local;
mod memory;
#[cfg(feature = "object-store")]
pub mod object_store;
pub mod options;
mod path;
mod prefix;
pub mod ranges;
pub mod registry;
pub mod session;
#[cfg(feature = "testing")]
pub mod testing;

pub use call_options::{ByteRange, CatOptions, CatRangesOptions, PipeOptions, WriteMode};
pub use capabilities::{Capabilities, Listing};
pub use error::{BoxError, Context, Error, Outcome, Result};
pub use ext::FileSystemExt;
pub use filesystem::{BlockingReader, ByteStream, CatStream, FileSystem};
pub use info::{CatResult, DirListing, FileInfo, IoStats, Unnameable, Version};
pub use local::{Fsync, LocalFactory, LocalFileSystem, LocalOptions, Symlinks, file_url};
pub use memory::{MemoryFactory, MemoryFileSystem};
pub use options::Options;
pub use path::{MAX_PATH_BYTES, Path};
pub use prefix::PrefixFileSystem;
pub use registry::{Factory, Registry, Resolved};
pub use session::{CloseError, CloseReport, scoped};
