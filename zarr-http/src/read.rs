//! Reading: one request for a file or a part of it. object_store's `HttpStore` is not used here: it needs a
//! `Content-Length`, takes 200 in answer to a range for an error, gives out compressed bytes as they are, and cannot tell a
//! folder's page from a file.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use zarr_fs::object_store::range::{ContentRange, RangeHeader};
use zarr_fs::object_store::{Fault, Fetched, Request, Response, TransportError};
use zarr_fs::{ByteRange, CatOptions, CatResult, Context, Error, FileInfo, Result, Version};

use crate::client::{Encoding, Remote, encoding, file_info};
use crate::cut::{self, Cut};
use crate::gzip;
use crate::listing::{Folder, is_index_of};
use crate::target::is_folder_of;

/// A reply as the I/O thread hands it on: what costs processor time is left to the caller's side.
#[derive(Debug)]
pub(crate) struct Raw {
    bytes: Bytes,
    info: FileInfo,
    /// What is still to be done to the bytes: decoded, and this part cut out.
    decode: Option<ByteRange>,
    /// The page may be the index of a folder that the server shows without a redirect to its slash.
    page_of: Option<Folder>,
}

impl Raw {
    fn ready(bytes: Bytes, info: FileInfo) -> Self {
        Self {
            bytes,
            info,
            decode: None,
            page_of: None,
        }
    }

    /// The bytes asked for.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the body cannot be decoded; [`Error::NotFound`] if it is a folder's page.
    pub(crate) fn finish(self, options: &CatOptions, at: &Context) -> Result<CatResult> {
        let Self {
            mut bytes,
            mut info,
            decode,
            page_of,
        } = self;
        if let Some(range) = decode {
            // Of a part the whole is needed all the same.
            let most = options.max_bytes.filter(|_| range == ByteRange::Full);
            let whole = gzip::decode(&bytes, most, at)?;
            info.size_bytes = Some(whole.len() as u64);
            bytes = cut::cut(&whole, range, at)?;
        }
        if page_of.is_some_and(|folder| is_index_of(&bytes, &folder)) {
            return Err(at.not_found());
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
    if let Some(range) = range {
        request = request.with_header(header::RANGE, range.value());
    }
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
    )?;
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
            page_of: None,
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
        return Ok(Raw::ready(reply.bytes, info));
    }
    if request.headers.contains_key(header::RANGE) {
        remote
            .shared
            .facts
            .note_ignored_range(&remote.shared.settings.name);
    }
    let is_html = is_html(&reply.headers);
    info.size_bytes = Some(reply.bytes.len() as u64);
    Ok(Raw {
        bytes: cut::cut(&reply.bytes, range, at)?,
        info,
        decode: None,
        page_of: (is_html && range == ByteRange::Full).then(|| folder_of(&reply.url)),
    })
}

/// The folder that a page would be of which answers under a name without a slash.
fn folder_of(url: &url::Url) -> Folder {
    let mut url = url.clone();
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Folder::new(url)
}

pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

/// Looks at the head of a reply: it must be of a file, of the version asked for, in an encoding that is known here.
pub(crate) fn checked(
    remote: &Remote,
    at: &Context,
    if_match: Option<&Version>,
    request: &Request,
    url: &url::Url,
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<FileInfo> {
    if is_folder_of(url, &request.url) {
        return Err(at.not_found());
    }
    if !matches!(status.as_u16(), 200 | 203 | 206) {
        return Err(at.backend(format!("the server answers {status} to GET of a file")));
    }
    if request.headers.contains_key(header::RANGE) && status != StatusCode::PARTIAL_CONTENT {
        refuse_page(at, headers)?;
    }
    if encoding(headers).is_none() {
        return Err(at.unsupported("a body in an encoding other than gzip"));
    }
    let info = file_info(&at.path, headers);
    remote.shared.facts.note_file(&info.version);
    match if_match {
        // Some servers ignore If-Match, and one without a tag cannot be believed.
        Some(version) if !version.matches(&info.version) => Err(at.precondition()),
        _ => Ok(info),
    }
}

/// Nothing is cut out of a page of HTML that came for a part of a file, and no server is taken for one that ignores ranges
/// because of it: a login form is no data, and of a part nobody could tell.
fn refuse_page(at: &Context, headers: &HeaderMap) -> Result<()> {
    let name = at.path.name().unwrap_or_default().to_ascii_lowercase();
    let is_page = [".html", ".htm", ".xhtml"]
        .iter()
        .any(|ending| name.ends_with(ending));
    if is_html(headers) && !is_page {
        return Err(corrupt(at, "a page of HTML for a part of a file"));
    }
    Ok(())
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

/// An empty part of a file: whether the file is there, reaches so far, and is of the version asked for.
async fn nothing(remote: &Remote, at: &Context, range: ByteRange, if_match: Option<&Version>) -> Result<Raw> {
    let info = stat(remote, at).await?;
    match info.size_bytes {
        Some(size) if range.resolve(size).is_none() => return Err(at.out_of_bounds(range, size)),
        Some(size) if range.resolve(size).is_some_and(|part| !part.is_empty()) => {
            return Err(corrupt(at, "a range refused that lies in the file"));
        }
        Some(_) | None => {}
    }
    match if_match {
        Some(version) if !version.matches(&info.version) => Err(at.precondition()),
        _ => Ok(Raw::ready(Bytes::new(), info)),
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
    )?;
    refuse_page(at, &response.headers)?;
    if encoding(&response.headers) == Some(Encoding::Gzip) {
        let bytes = response
            .bytes(u64::MAX)
            .await
            .map_err(|error| remote.read_error(at, range, error))?;
        return Ok(Raw {
            bytes,
            info,
            decode: Some(range),
            page_of: None,
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

fn corrupt(at: &Context, why: &'static str) -> Error {
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
    )?;
    if is_html(&response.headers) && !is_html_name(at) {
        return stat_of_page(remote, at).await;
    }
    match (encoding(&response.headers), response.content_length()) {
        (Some(Encoding::Identity), Some(size)) => Ok(info.with_size_bytes(size)),
        // The length of the compressed bytes says nothing of the file.
        (Some(Encoding::Gzip), _) => Ok(info),
        (Some(Encoding::Identity) | None, _) => stat_by_get(remote, at).await,
    }
}

pub(crate) fn is_html_name(at: &Context) -> bool {
    let name = at.path.name().unwrap_or_default().to_ascii_lowercase();
    name.ends_with(".html") || name.ends_with(".htm")
}

/// A page where no page is expected: a file, or a folder that the server shows without a redirect.
pub(crate) async fn stat_of_page(remote: &Remote, at: &Context) -> Result<FileInfo> {
    /// An index is known by its head and its list; a longer page is taken for a file.
    const LONGEST: u64 = 4 << 20;
    let request = request(remote, at, None, None);
    let fetched = match remote.transport.fetch(request.clone(), LONGEST).await {
        Ok(fetched) => fetched,
        Err(error) if matches!(error.fault(), Fault::TooLarge { .. }) => {
            return stat_by_get(remote, at).await;
        }
        Err(error) => return Err(remote.read_error(at, ByteRange::Full, error)),
    };
    let info = checked(
        remote,
        at,
        None,
        &request,
        &fetched.url,
        fetched.status,
        &fetched.headers,
    )?;
    if encoding(&fetched.headers) == Some(Encoding::Gzip) {
        return Ok(info);
    }
    if is_html(&fetched.headers) && is_index_of(&fetched.bytes, &folder_of(&fetched.url)) {
        return Err(at.not_found());
    }
    Ok(info.with_size_bytes(fetched.bytes.len() as u64))
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
    )?;
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
