//! What a filesystem can do.

/// How far a listing can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// A listing names everything that is there.
    Complete,
    /// A listing may leave files out (web servers hide dotfiles): what it does not name may still be there.
    VisibleOnly,
    /// There is no listing: `ls` and `find` answer `Unsupported`.
    None,
}

/// What a filesystem can do, as facts for its callers and for the conformance suite.
///
/// What a filesystem learns only from its server's replies (whether an HTTP server lists) starts as the best it may be
/// and is lowered once known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// How far `ls` and `find` can be believed.
    pub listing: Listing,
    /// Whether files can be written, copied and removed.
    pub write: bool,
    /// Whether `create` is refused by the store itself when the file is there.
    pub create: bool,
    /// Whether `if_match` of a write is checked by the store itself.
    pub conditional_write: bool,
    /// Whether files have versions (ETag or generation), so that `if_match` of a read can hold.
    pub versions: bool,
    /// Whether calls leave the machine: a caller then prefers few and wide requests.
    pub remote: bool,
}

impl Capabilities {
    /// Reads and nothing else: no listing, no writing, no versions.
    #[must_use]
    pub const fn read_only() -> Self {
        Self {
            listing: Listing::None,
            write: false,
            create: false,
            conditional_write: false,
            versions: false,
            remote: true,
        }
    }

    /// Everything, on a remote store.
    #[must_use]
    pub const fn full() -> Self {
        Self {
            listing: Listing::Complete,
            write: true,
            create: true,
            conditional_write: true,
            versions: true,
            remote: true,
        }
    }
}
