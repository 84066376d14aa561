//! Reading: one request for a file or a part of it. object_store's `HttpStore` is not used here: it needs a
//! `Content-Length`, takes 200 in answer to a range for an error, gives out compressed bytes as they are, and cannot tell a
//! folder's page from a file.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use zarr_fs::object_store::range::{ContentRange, RangeHeader};
use zarr_fs::object_store::{Fault, Fetched, Request, Response, TransportError};
use zarr_fs::{BoxError, ByteRange, CatOptions, CatResult, Context, Error, FileInfo, Result, Version};

use crate::client::{Encoding, Remote, encoding, file_info};
use crate::cut::{self, Cut};
use crate::gzip;
use crate::page::{self, Page, Pages};
use crate::redirect::settle;

/// A reply as the I/O thread hands it on: what costs processor time is left to the caller's side.
#[derive(Debug)]
pub(crate) struct Raw {
    bytes: Bytes,
    info: FileInfo,
    /// What is still to be done to the bytes: decoded, and this part cut out.
    decode: Option<ByteRange>,
    /// It is a page of HTML.
    page: Option<Page>,
}

impl Raw {
    fn ready(bytes: Bytes, info: FileInfo) -> Self {
        Self {
            bytes,
            info,
            decode: None,
            page: None,
        }
    }

    /// The bytes asked for.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the body cannot be decoded or is a page; [`Error::NotFound`] if it is a folder's page.
    pub(crate) fn finish(self, options: &CatOptions, at: &Context) -> Result<CatResult> {
        let Self {
            mut bytes,
            mut info,
            decode,
            page,
        } = self;
        if let Some(range) = decode {
            // Of a part the whole is needed all the same.
            let most = options.max_bytes.filter(|_| range == ByteRange::Full);
            let whole = gzip::decode(&bytes, most, at)?;
            info.size_bytes = Some(whole.len() as u64);
            bytes = cut::cut(&whole, range, at)?;
        }
        if let Some(page) = page {
            return Err(page.error(&bytes, at));
        }
        Ok(CatResult { bytes, info })
    }
}

/// The request for `range`, under a condition.
pub(crate) fn request(
    remote: &Remote,
    at: &Context,
    range: Option<RangeHeader>,
    if_match: Option<&Version>,
) -> Request {
    let mut request = remote.request(Method::GET, &at.path);
    request = match range {
        Some(range) => request.with_header(header::RANGE, range.value()),
        // Some call a whole file a part: whether it is the whole is looked at in the reply.
        None => request.with_accepted(&[StatusCode::PARTIAL_CONTENT]),
    };
    // Servers compare strongly, so a weak tag would never match; ours is looked at in the reply in any case.
    let etag = if_match.and_then(|version| version.etag.as_deref());
    let strong = etag.filter(|etag| etag.starts_with('"'));
    if let Some(value) = strong.and_then(|etag| HeaderValue::try_from(etag).ok()) {
        request = request.with_header(header::IF_MATCH, value);
    }
    request
}

/// The range to ask the server for: none once it is known to ignore them.
pub(crate) fn wire_range(remote: &Remote, range: ByteRange) -> Option<RangeHeader> {
    if remote.shared.facts.ignores_ranges() {
        return None;
    }
    RangeHeader::of(range)
}

/// Whether `range` holds no bytes wherever it lies, so that HTTP cannot ask for it.
pub(crate) fn is_empty(range: ByteRange) -> bool {
    match range {
        ByteRange::Bounded(start, end) => start == end,
        ByteRange::Suffix(length) => length == 0,
        ByteRange::Full | ByteRange::From(_) => false,
    }
}

/// Reads a file or a part of it.
pub(crate) async fn cat(remote: &Remote, at: &Context, options: &CatOptions) -> Result<Raw> {
    let range = options.range;
    cut::check(range, at)?;
    if at.path.is_root() {
        return Err(at.not_found());
    }
    let if_match = options.if_match.as_ref();
    if is_empty(range) {
        return nothing(remote, at, range, if_match).await;
    }
    let asked = wire_range(remote, range);
    if let Some(RangeHeader::Suffix(length)) = asked
        && remote.shared.facts.refuses_suffixes()
    {
        let size = stat(remote, at).await?.size_bytes;
        return end_of(remote, at, length, size, if_match).await;
    }
    if asked.is_none() && range != ByteRange::Full && range != ByteRange::From(0) {
        return whole_and_cut(remote, at, range, if_match).await;
    }
    // Most that a right answer is long. A longer one comes from a server that ignores ranges; it is not read for nothing.
    let limit = match asked {
        Some(RangeHeader::Bounded(start, end)) => end - start,
        Some(RangeHeader::Suffix(length)) => length,
        Some(RangeHeader::From(_)) | None => options.max_bytes.unwrap_or(u64::MAX),
    };
    let request = request(remote, at, asked, if_match);
    match remote.transport.fetch(request.clone(), limit).await {
        Ok(fetched) => whole_reply(remote, at, range, if_match, &request, fetched).await,
        Err(error)
            if matches!(asked, Some(RangeHeader::Bounded(..) | RangeHeader::Suffix(_)))
                && matches!(error.fault(), Fault::TooLarge { .. }) =>
        {
            whole_and_cut(remote, at, range, if_match).await
        }
        Err(error) => refused(remote, at, range, if_match, error).await,
    }
}

/// A reply that was read to its end.
async fn whole_reply(
    remote: &Remote,
    at: &Context,
    range: ByteRange,
    if_match: Option<&Version>,
    request: &Request,
    reply: Fetched,
) -> Result<Raw> {
    let mut info = checked(
        remote,
        at,
        if_match,
        request,
        &reply.url,
        reply.status,
        &reply.headers,
    )
    .await?;
    let is_part = reply.status == StatusCode::PARTIAL_CONTENT;
    if encoding(&reply.headers) == Some(Encoding::Gzip) {
        if is_part {
            // A part of the compressed bytes is of no use.
            return whole_and_cut(remote, at, range, if_match).await;
        }
        return Ok(Raw {
            bytes: reply.bytes,
            info,
            decode: Some(range),
            page: page::of(remote, at, &reply.headers, &reply.url),
        });
    }
    if is_part {
        let Some(got) = ContentRange::of(&reply.headers) else {
            return Err(corrupt(at, "a part without Content-Range"));
        };
        if got.end - got.start != reply.bytes.len() as u64 {
            return Err(corrupt(at, "a body that is not as long as its Content-Range"));
        }
        info.size_bytes = got.size;
        check_bounds(at, range, got)?;
        return Ok(Raw {
            page: page::of(remote, at, &reply.headers, &reply.url),
            ..Raw::ready(reply.bytes, info)
        });
    }
    if request.headers.contains_key(header::RANGE) {
        remote
            .shared
            .facts
            .note_ignored_range(&remote.shared.settings.name);
    }
    page::refuse_json(remote, at, &reply.headers).await?;
    info.size_bytes = Some(reply.bytes.len() as u64);
    Ok(Raw {
        bytes: cut::cut(&reply.bytes, range, at)?,
        info,
        decode: None,
        page: page::of(remote, at, &reply.headers, &reply.url),
    })
}

/// Looks at the head of a reply: it must be of a file, of the version asked for, in an encoding that is known here.
pub(crate) async fn checked(
    remote: &Remote,
    at: &Context,
    if_match: Option<&Version>,
    request: &Request,
    url: &url::Url,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<FileInfo> {
    settle(remote, at, &request.url, url).await?;
    if !matches!(status.as_u16(), 200 | 203 | 206) {
        return Err(corrupt(
            at,
            format!("the server answers {status}: neither the file, nor that it is missing"),
        ));
    }
    let page = page::of(remote, at, headers, url);
    if let Some(page) = &page
        && request.headers.contains_key(header::RANGE)
    {
        // Nothing is cut out of a page, nor is a server taken for one that ignores ranges because of it.
        return Err(page.error(&[], at));
    }
    let is_part_unasked =
        status == StatusCode::PARTIAL_CONTENT && !request.headers.contains_key(header::RANGE);
    if is_part_unasked
        && !ContentRange::of(headers).is_some_and(|got| got.start == 0 && got.size == Some(got.end))
    {
        return Err(corrupt(at, "a part in answer to a request for the whole"));
    }
    if encoding(headers).is_none() {
        return Err(at.unsupported("a body in an encoding other than gzip"));
    }
    let info = file_info(&at.path, headers);
    if page.is_none() {
        remote.shared.facts.note_file(&info.version);
    }
    match if_match {
        // Some servers ignore If-Match, and one without a tag cannot be believed.
        Some(version) if !version.matches(&info.version) => Err(at.precondition()),
        _ => Ok(info),
    }
}

/// A partial reply starts where it was asked to; here, whether the file reaches far enough.
fn check_bounds(at: &Context, range: ByteRange, got: ContentRange) -> Result<()> {
    match (range, got.size) {
        (ByteRange::Bounded(_, end), Some(size)) if end > size => Err(at.out_of_bounds(range, size)),
        _ => Ok(()),
    }
}

/// The error for a request that failed; a range that begins at the end of the file is none.
async fn refused(
    remote: &Remote,
    at: &Context,
    range: ByteRange,
    if_match: Option<&Version>,
    error: TransportError,
) -> Result<Raw> {
    if let ByteRange::Suffix(length) = range
        && is_of_suffix(range, &error)
    {
        let size = stat(remote, at).await?.size_bytes;
        let end = end_of(remote, at, length, size, if_match).await?;
        remote.shared.facts.note_refused_suffix();
        return Ok(end);
    }
    let is_unsatisfiable = error.status() == Some(StatusCode::RANGE_NOT_SATISFIABLE);
    if !is_unsatisfiable {
        return Err(remote.read_error(at, range, error));
    }
    // `start` at the end, or a suffix of an empty file: no bytes, which a server can only refuse.
    let size = if let Fault::Status(status) = error.fault() {
        status.size
    } else {
        None
    };
    match size {
        Some(size) if range.resolve(size).is_none_or(|part| !part.is_empty()) => {
            Err(at.out_of_bounds(range, size))
        }
        // The refusal says nothing of the version, and perhaps nothing of the size.
        _ => nothing(remote, at, range, if_match).await,
    }
}

/// Whether a request may have failed because its range counts from the end: some call that a bad request (Python's
/// RangeHTTPServer), and some take `-20` for the first bytes up to the 20th (sirv).
pub(crate) fn is_of_suffix(range: ByteRange, error: &TransportError) -> bool {
    matches!(range, ByteRange::Suffix(_))
        && (error.status() == Some(StatusCode::BAD_REQUEST) || *error.fault() == Fault::WrongRange)
}

/// An empty part of a file: whether the file is there, reaches so far, and is of the version asked for.
async fn nothing(remote: &Remote, at: &Context, range: ByteRange, if_match: Option<&Version>) -> Result<Raw> {
    let info = stat(remote, at).await?;
    match info.size_bytes {
        Some(size) if range.resolve(size).is_none() => return Err(at.out_of_bounds(range, size)),
        Some(size) if range.resolve(size).is_some_and(|part| !part.is_empty()) => {
            let ByteRange::Suffix(length) = range else {
                return Err(corrupt(at, "a range refused that lies in the file"));
            };
            // Node's http-server and its like know ranges from a byte on, and none from the end.
            remote.shared.facts.note_refused_suffix();
            return end_of(remote, at, length, Some(size), if_match).await;
        }
        Some(_) | None => {}
    }
    match if_match {
        Some(version) if !version.matches(&info.version) => Err(at.precondition()),
        _ => Ok(Raw::ready(Bytes::new(), info)),
    }
}

/// The last `length` bytes of a file of this size, asked for by their place: for servers that know no other ranges.
async fn end_of(
    remote: &Remote,
    at: &Context,
    length: u64,
    size: Option<u64>,
    if_match: Option<&Version>,
) -> Result<Raw> {
    let range = match size {
        Some(0) | None => return whole_and_cut(remote, at, ByteRange::Suffix(length), if_match).await,
        Some(size) => ByteRange::Bounded(size.saturating_sub(length), size),
    };
    let request = request(remote, at, RangeHeader::of(range), if_match);
    let raw = match remote.transport.fetch(request.clone(), length).await {
        Ok(fetched) => whole_reply(remote, at, range, if_match, &request, fetched).await?,
        Err(error) if matches!(error.fault(), Fault::TooLarge { .. }) => {
            return whole_and_cut(remote, at, ByteRange::Suffix(length), if_match).await;
        }
        Err(error) => return Err(remote.read_error(at, range, error)),
    };
    // Its end may have moved since its size was asked for.
    match raw.info.size_bytes {
        Some(now) if Some(now) != size && raw.decode.is_none() => {
            Err(corrupt(at, "the file changed while its end was read"))
        }
        Some(_) | None => Ok(raw),
    }
}

/// Reads the file from its beginning and keeps the part asked for.
async fn whole_and_cut(
    remote: &Remote,
    at: &Context,
    range: ByteRange,
    if_match: Option<&Version>,
) -> Result<Raw> {
    let request = request(remote, at, None, if_match);
    let response = match remote.transport.send(request.clone()).await {
        Ok(response) => response,
        Err(error) => return Err(remote.read_error(at, range, error)),
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
    if let Some(page) = page::of(remote, at, &response.headers, &response.url) {
        return Err(page.error(&[], at));
    }
    if encoding(&response.headers) == Some(Encoding::Gzip) {
        let bytes = response
            .bytes(u64::MAX)
            .await
            .map_err(|error| remote.read_error(at, range, error))?;
        return Ok(Raw {
            bytes,
            info,
            decode: Some(range),
            page: None,
        });
    }
    remote
        .shared
        .facts
        .note_ignored_range(&remote.shared.settings.name);
    info.size_bytes = response.content_length();
    if let Some(size) = info.size_bytes
        && range.resolve(size).is_none()
    {
        return Err(at.out_of_bounds(range, size));
    }
    let mut body = response.into_body();
    let mut cut = Cut::new(range);
    let mut kept = std::collections::VecDeque::new();
    let mut seen = 0_u64;
    while !cut.is_done() {
        let piece = body
            .next()
            .await
            .map_err(|error| remote.read_error(at, range, error))?;
        let Some(piece) = piece else {
            info.size_bytes = Some(seen);
            break;
        };
        seen += piece.len() as u64;
        let wanted = cut.push(piece);
        if !wanted.is_empty() {
            kept.push_back(wanted);
        }
    }
    kept.extend(cut.finish(at)?);
    Ok(Raw::ready(cut::join(kept), info))
}

fn corrupt(at: &Context, why: impl Into<BoxError>) -> Error {
    Error::Corrupt {
        at: at.clone(),
        source: why.into(),
    }
}

/// Facts about a file.
pub(crate) async fn stat(remote: &Remote, at: &Context) -> Result<FileInfo> {
    if at.path.is_root() {
        return Err(at.not_found());
    }
    // A signed URL is signed for GET.
    if remote.shared.settings.target.has_query() || remote.shared.facts.refuses_head() {
        return stat_by_get(remote, at).await;
    }
    let request = remote.request(Method::HEAD, &at.path);
    let response = match remote.transport.send(request.clone()).await {
        Ok(response) => response,
        Err(error) => {
            return match error.status().map(|status| status.as_u16()) {
                Some(405 | 501) => {
                    remote.shared.facts.note_refused_head();
                    stat_by_get(remote, at).await
                }
                // Some allow reading and not asking.
                Some(400 | 403) => stat_by_get(remote, at).await,
                _ => Err(remote.read_error(at, ByteRange::Full, error)),
            };
        }
    };
    let info = checked(
        remote,
        at,
        None,
        &request,
        &response.url,
        response.status,
        &response.headers,
    )
    .await?;
    if page::of(remote, at, &response.headers, &response.url).is_some() {
        return Err(stat_of_page(remote, at).await);
    }
    match (encoding(&response.headers), response.content_length()) {
        (Some(Encoding::Identity), Some(size)) => Ok(info.with_size_bytes(size)),
        // The length of the compressed bytes says nothing of the file.
        (Some(Encoding::Gzip), _) => Ok(info),
        (Some(Encoding::Identity) | None, _) => stat_by_get(remote, at).await,
    }
}

/// The error for a page where no page is expected: of a folder that the server shows without a redirect, or of anything else.
pub(crate) async fn stat_of_page(remote: &Remote, at: &Context) -> Error {
    /// An index is known by its head and its list; a longer page is taken for none.
    const LONGEST: u64 = 4 << 20;
    if remote.shared.settings.pages == Pages::Missing {
        return at.not_found();
    }
    let request = request(remote, at, None, None);
    let (bytes, headers, url) = match remote.transport.fetch(request, LONGEST).await {
        Ok(fetched) => (fetched.bytes, fetched.headers, fetched.url),
        Err(error) if matches!(error.fault(), Fault::TooLarge { .. }) => return Page::odd(at),
        Err(error) => return remote.read_error(at, ByteRange::Full, error),
    };
    match page::of(remote, at, &headers, &url) {
        Some(page) if encoding(&headers) == Some(Encoding::Identity) => page.error(&bytes, at),
        // Compressed, or another answer than the one before.
        Some(_) | None => Page::odd(at),
    }
}

/// Facts about a file from the head of a reply to `GET` of its first byte.
async fn stat_by_get(remote: &Remote, at: &Context) -> Result<FileInfo> {
    let range = ByteRange::Bounded(0, 1);
    let request =
        request(remote, at, RangeHeader::of(range), None).with_accepted(&[StatusCode::RANGE_NOT_SATISFIABLE]);
    let response: Response = match remote.transport.send(request.clone()).await {
        Ok(response) => response,
        Err(error) => return Err(remote.read_error(at, ByteRange::Full, error)),
    };
    if response.status == StatusCode::RANGE_NOT_SATISFIABLE {
        // An empty file has no first byte.
        let info = file_info(&at.path, &response.headers);
        return match ContentRange::size_of_refused(&response.headers) {
            Some(0) | None => Ok(info.with_size_bytes(0)),
            Some(_) => Err(corrupt(at, "the first byte refused of a file that has one")),
        };
    }
    let info = checked(
        remote,
        at,
        None,
        &request,
        &response.url,
        response.status,
        &response.headers,
    )
    .await?;
    if encoding(&response.headers) == Some(Encoding::Gzip) {
        return Ok(info);
    }
    let size = match response.status {
        StatusCode::PARTIAL_CONTENT => response.content_range().and_then(|range| range.size),
        _ => response.content_length(),
    };
    Ok(match size {
        Some(size) => info.with_size_bytes(size),
        None => info,
    })
}
