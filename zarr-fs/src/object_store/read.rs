//! Reading: one request for a file or a range of it, and what the file was.

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{GetOptions, GetResult};

use super::client::ObjectStoreClient;
use super::convert::{self, Encoding, conditions, store_path};
use super::error::corrupt;
use super::transport::Hints;
use super::{Fault, Intent, TransportError};
use crate::call_options::{ByteRange, CatOptions};
use crate::error::{BoxError, Context, Error, Result};
use crate::info::{FileInfo, Version};
use crate::ranges;
use crate::session::{HeadSender, Sink};

/// Bytes as they are stored, and the file they belong to.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) bytes: Bytes,
    pub(super) info: FileInfo,
    pub(super) encoding: Encoding,
}

impl ObjectStoreClient {
    /// Facts about a file.
    pub(super) async fn head(&self, at: &Context, version: Option<&Version>) -> Result<(FileInfo, Encoding)> {
        let result = self.get_result(at, ByteRange::Full, version, None, true).await?;
        let encoding = convert::encoding(at, &result.attributes)?;
        Ok((convert::file_info(&at.path, &result.meta, encoding), encoding))
    }

    /// The request of a read. With `read_whole` the reply comes with all of its body.
    pub(super) async fn get_result(
        &self,
        at: &Context,
        range: ByteRange,
        version: Option<&Version>,
        read_whole: Option<u64>,
        head: bool,
    ) -> Result<GetResult> {
        if at.path.is_root() {
            return Err(at.not_found());
        }
        let path = store_path(&at.path)?;
        let hints = Hints {
            headers: conditions(at, &*self.0.backend, version)?,
            read_whole,
            ..Hints::default()
        };
        let options = GetOptions {
            range: convert::get_range(range),
            head,
            ..GetOptions::default()
        };
        hints
            .scope(self.0.store.get_opts(&path, options))
            .await
            .map_err(|error| self.store_error(at, Intent::Read(range), error))
    }

    /// Reads a file or a range of it.
    pub(super) async fn cat(&self, at: &Context, options: &CatOptions) -> Result<Raw> {
        let (range, version) = (options.range, options.if_match.as_ref());
        if convert::is_empty(range) {
            return self.nothing(at, options).await;
        }
        let limit = options.max_bytes.unwrap_or(u64::MAX);
        let result = match self.get_result(at, range, version, Some(limit), false).await {
            Ok(result) => result,
            Err(error) if may_be_empty(range, &error) => return self.nothing(at, options).await,
            Err(error) => return Err(error),
        };
        let (info, encoding) = described(at, range, &result)?;
        let length = result.range.end - result.range.start;
        let bytes = result
            .bytes()
            .await
            .map_err(|error| self.store_error(at, Intent::Read(range), error))?;
        if bytes.len() as u64 != length {
            return Err(corrupt(
                at.clone(),
                format!("{} bytes for a range of {length}", bytes.len()),
            ));
        }
        Ok(Raw {
            bytes,
            info,
            encoding,
        })
    }

    /// No bytes of a file, and what the file is.
    async fn nothing(&self, at: &Context, options: &CatOptions) -> Result<Raw> {
        let (info, encoding) = self.head(at, options.if_match.as_ref()).await?;
        if encoding == Encoding::Gzip {
            return Err(gzip_range(at));
        }
        let resolved = ranges::resolve(options.range, info.size_bytes.unwrap_or_default(), at)?;
        if !resolved.is_empty() {
            return Err(corrupt(at.clone(), "the file changed while it was read"));
        }
        Ok(Raw {
            bytes: Bytes::new(),
            info,
            encoding,
        })
    }

    /// Reads a file piece by piece.
    pub(super) async fn stream(
        &self,
        at: &Context,
        options: &CatOptions,
        head: HeadSender<FileInfo>,
        sink: Sink<Bytes>,
    ) -> Result<()> {
        let (range, version) = (options.range, options.if_match.as_ref());
        if convert::is_empty(range) {
            head.send(self.nothing(at, options).await?.info);
            return Ok(());
        }
        let result = match self.get_result(at, range, version, None, false).await {
            Ok(result) => result,
            Err(error) if may_be_empty(range, &error) => {
                head.send(self.nothing(at, options).await?.info);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let (info, encoding) = described(at, range, &result)?;
        if encoding == Encoding::Gzip {
            return Err(at.unsupported("a stream of a file stored gzip-encoded: read it whole"));
        }
        head.send(info);
        let length = result.range.end - result.range.start;
        let mut left = length;
        let mut pieces = result.into_stream();
        let failed = |error| self.store_error(at, Intent::Read(range), error);
        while let Some(piece) = pieces.try_next().await.map_err(failed)? {
            let Some(rest) = left.checked_sub(piece.len() as u64) else {
                return Err(corrupt(
                    at.clone(),
                    format!("more than the promised {length} bytes"),
                ));
            };
            left = rest;
            if !piece.is_empty() {
                sink.send(piece).await?;
            }
        }
        if left > 0 {
            return Err(Error::Unavailable {
                at: at.clone(),
                source: format!("the body ended {left} bytes short").into(),
            });
        }
        Ok(())
    }
}

/// What a reply to a read is about; refuses one that is not all of the range.
fn described(at: &Context, range: ByteRange, result: &GetResult) -> Result<(FileInfo, Encoding)> {
    let encoding = convert::encoding(at, &result.attributes)?;
    if encoding == Encoding::Gzip && convert::get_range(range).is_some() {
        return Err(gzip_range(at));
    }
    let size = result.meta.size;
    let resolved = ranges::resolve(range, size, at)?;
    if resolved != result.range {
        let got = &result.range;
        return Err(corrupt(
            at.clone(),
            format!("the range {got:?} in place of {resolved:?}"),
        ));
    }
    Ok((convert::file_info(&at.path, &result.meta, encoding), encoding))
}

/// Whether the server's "no such range" may mean that the range is there and empty: the end of the file, the last bytes of
/// an empty one.
fn may_be_empty(range: ByteRange, error: &Error) -> bool {
    let Error::RangeOutOfBounds { size, .. } = error else {
        return false;
    };
    match range {
        ByteRange::From(_) | ByteRange::Suffix(_) => {
            size.is_none_or(|size| range.resolve(size).is_some_and(|range| range.is_empty()))
        }
        ByteRange::Full | ByteRange::Bounded(..) => false,
    }
}

pub(super) fn gzip_range(at: &Context) -> Error {
    at.unsupported("a range of a file stored gzip-encoded: read it whole")
}

/// An error of which nobody knows whether the write was done.
pub(super) fn in_doubt(at: &Context, error: impl Into<BoxError>) -> Error {
    Error::Unavailable {
        at: at.clone(),
        source: error.into(),
    }
}

/// Whether a refusal may be the doing of an earlier attempt whose answer was lost.
pub(super) fn is_in_doubt(error: &object_store::Error) -> bool {
    TransportError::find(error).is_some_and(|error| {
        error.is_in_doubt()
            && matches!(error.fault(), Fault::Status(status) if matches!(status.status.as_u16(), 409 | 412))
    })
}
