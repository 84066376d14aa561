//! Reading a file as a stream.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use http::{StatusCode, header};
use zarr_fs::object_store::range::ContentRange;
use zarr_fs::object_store::{Request, Response};
use zarr_fs::session::{HeadSender, Sink};
use zarr_fs::{ByteRange, ByteStream, CatOptions, Context, Error, FileInfo, Result};

use crate::client::{Encoding, Remote, encoding};
use crate::cut::{self, Cut};
use crate::gzip::Decoder;
use crate::page;
use crate::read::{self, checked, is_empty, wire_range};

/// What is known before the first piece.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) info: FileInfo,
    /// The pieces are compressed: the caller's side decodes them, and cuts this part out.
    pub(crate) decode: Option<ByteRange>,
}

/// Sends the pieces of a file, as far as the I/O thread may work on them.
pub(crate) async fn pump(
    remote: &Remote,
    at: &Context,
    options: &CatOptions,
    head: HeadSender<Head>,
    sink: &Sink<Bytes>,
) -> Result<()> {
    let (range, if_match) = (options.range, options.if_match.as_ref());
    let Some((request, response)) = ask(remote, at, options).await? else {
        let read = read::cat(remote, at, options).await?.finish(options, at)?;
        head.send(Head {
            info: read.info,
            decode: None,
        });
        if !read.bytes.is_empty() {
            sink.send(read.bytes).await?;
        }
        return Ok(());
    };
    let mut info = checked(
        remote,
        at,
        if_match,
        &request,
        &response.url,
        response.status,
        &response.headers,
    )
    .await?;
    if page::of(remote, at, &response.headers, &response.url).is_some() {
        return Err(read::stat_of_page(remote, at).await);
    }
    let is_gzip = encoding(&response.headers) == Some(Encoding::Gzip);
    // A whole file that is called a part is none.
    let is_part =
        response.status == StatusCode::PARTIAL_CONTENT && request.headers.contains_key(header::RANGE);
    let mut left = None;
    if is_part {
        let Some(got) = ContentRange::of(&response.headers) else {
            return Err(at.backend("a part without Content-Range"));
        };
        info.size_bytes = got.size;
        left = Some(got.end - got.start);
    } else if !is_gzip {
        info.size_bytes = response.content_length();
    }
    if let Some(size) = info.size_bytes
        && range.resolve(size).is_none()
    {
        return Err(at.out_of_bounds(range, size));
    }
    if !is_part && !is_gzip && request.headers.contains_key(header::RANGE) {
        remote
            .shared
            .facts
            .note_ignored_range(&remote.shared.settings.name);
    }
    head.send(Head {
        info,
        decode: is_gzip.then_some(range),
    });
    // What is left to cut here: of a part nothing, of a compressed body neither.
    let mut cut = Cut::new(if is_part || is_gzip {
        ByteRange::Full
    } else {
        range
    });
    let mut body = response.into_body();
    let failed = |error| remote.read_error(at, range, error);
    while !cut.is_done()
        && let Some(piece) = body.next().await.map_err(failed)?
    {
        if let Some(left) = &mut left {
            *left = left
                .checked_sub(piece.len() as u64)
                .ok_or_else(|| wrong_length(at))?;
        }
        let wanted = cut.push(piece);
        if !wanted.is_empty() {
            sink.send(wanted).await?;
        }
    }
    if left.is_some_and(|left| left > 0) {
        return Err(wrong_length(at));
    }
    for piece in cut.finish(at)? {
        sink.send(piece).await?;
    }
    Ok(())
}

/// Asks for the file. `None` if a read has to find it, in one piece: the end of a file, on a server that does not count from
/// it, and nothing.
async fn ask(remote: &Remote, at: &Context, options: &CatOptions) -> Result<Option<(Request, Response)>> {
    let range = options.range;
    cut::check(range, at)?;
    if at.path.is_root() {
        return Err(at.not_found());
    }
    let is_suffix = matches!(range, ByteRange::Suffix(_));
    if is_empty(range) || (is_suffix && remote.shared.facts.refuses_suffixes()) {
        return Ok(None);
    }
    let mut asked = wire_range(remote, range);
    loop {
        let request = read::request(remote, at, asked, options.if_match.as_ref());
        match remote.transport.send(request.clone()).await {
            Ok(response) => {
                let is_part = response.status == StatusCode::PARTIAL_CONTENT;
                if is_part && asked.is_some() && encoding(&response.headers) == Some(Encoding::Gzip) {
                    // A part of the compressed bytes is of no use: the whole, and only once.
                    asked = None;
                    continue;
                }
                return Ok(Some((request, response)));
            }
            // Out of bounds, nothing from the very end, or the end on a server that knows no suffixes.
            Err(error)
                if error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE)
                    || read::is_of_suffix(range, &error) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(remote.read_error(at, range, error)),
        }
    }
}

fn wrong_length(at: &Context) -> Error {
    Error::Corrupt {
        at: at.clone(),
        source: "a body that is not as long as its Content-Range".into(),
    }
}

/// Decodes pieces on the caller's side, and cuts `range` out of what they decode to.
pub(crate) fn decoded(
    pieces: BoxStream<'static, Result<Bytes>>,
    range: ByteRange,
    at: Context,
) -> ByteStream {
    let state = Decoding {
        pieces,
        piece: Bytes::new(),
        decoder: Some(Decoder::new()),
        cut: Some(Cut::new(range)),
        tail: std::collections::VecDeque::new(),
        at,
    };
    futures::stream::unfold(Some(state), |state| async move {
        let mut state = state?;
        match state.next().await {
            Some(Ok(piece)) => Some((Ok(piece), Some(state))),
            Some(Err(error)) => Some((Err(error), None)),
            None => None,
        }
    })
    .boxed()
}

struct Decoding {
    pieces: BoxStream<'static, Result<Bytes>>,
    piece: Bytes,
    decoder: Option<Decoder>,
    cut: Option<Cut>,
    tail: std::collections::VecDeque<Bytes>,
    at: Context,
}

impl Decoding {
    async fn next(&mut self) -> Option<Result<Bytes>> {
        loop {
            if let Some(piece) = self.tail.pop_front() {
                return Some(Ok(piece));
            }
            let cut = self.cut.as_mut()?;
            let done = cut.is_done();
            let step = match (&mut self.decoder, done) {
                (Some(decoder), false) => {
                    if self.piece.is_empty() {
                        match self.pieces.next().await {
                            Some(Ok(piece)) => self.piece = piece,
                            Some(Err(error)) => return Some(Err(error)),
                            None => {
                                let decoder = self.decoder.take()?;
                                match decoder.finish(&self.at) {
                                    Ok(rest) => self
                                        .tail
                                        .extend(Some(cut.push(rest)).filter(|rest| !rest.is_empty())),
                                    Err(error) => return Some(Err(error)),
                                }
                                continue;
                            }
                        }
                    }
                    decoder.push(&mut self.piece, &self.at)
                }
                _ => {
                    let cut = self.cut.take()?;
                    match cut.finish(&self.at) {
                        Ok(rest) => self.tail.extend(rest),
                        Err(error) => return Some(Err(error)),
                    }
                    continue;
                }
            };
            match step {
                Ok(plain) => {
                    let wanted = cut.push(plain);
                    if !wanted.is_empty() {
                        return Some(Ok(wanted));
                    }
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
