//! What one way of asking for a listing comes to.

use http::StatusCode;
use zarr_fs::{Context, Error, Result};

use super::{Entries, MAX_ENTRIES, NoListing, Writer};

/// The listing, or why there is none.
#[derive(Debug)]
pub(super) enum Verdict {
    Listed(Entries, Option<Writer>),
    Missing(Error),
    Denied(Error),
    /// Not by this way.
    Cannot(String),
}

impl Verdict {
    /// Of a reply that is no listing.
    ///
    /// # Errors
    /// What is no answer at all: the listing is cut off, too large, or one status in it says who may not ask.
    pub(super) fn of_no_listing(at: Context, reason: NoListing) -> Result<Self> {
        match reason {
            NoListing::Not(why) => Ok(Self::Cannot(why.to_owned())),
            NoListing::NoFolder | NoListing::Refused(404 | 410) => Ok(Self::Missing(Error::NotFound {
                at,
                source: Some(Box::new(reason)),
            })),
            NoListing::Refused(401) => Err(Error::Unauthenticated {
                at,
                source: Some(Box::new(reason)),
            }),
            NoListing::Refused(403) => Ok(Self::Denied(Error::PermissionDenied {
                at,
                source: Some(Box::new(reason)),
            })),
            NoListing::Refused(_) => Err(at.backend(reason)),
            // The network's fault in most cases: the body had no length to be short of.
            NoListing::Cut => Err(Error::Unavailable {
                at,
                source: Box::new(reason),
            }),
            NoListing::TooLarge => Err(Error::LimitReached {
                what: "entries of a listing",
                limit: MAX_ENTRIES as u64,
            }),
        }
    }

    /// Of a status that says no.
    pub(super) fn of_refusal(status: StatusCode, error: Error) -> Self {
        if error.is_not_found() {
            Self::Missing(error)
        } else if status == StatusCode::FORBIDDEN {
            Self::Denied(error)
        } else {
            Self::Cannot(format!("the server answers {status}"))
        }
    }
}
