//! Writing, where an option allows it: uploads and copies through object_store's `HttpStore` (which makes the folders above
//! a new file by WebDAV), and by our own requests what it does not have.
//!
//! `create` is an upload under another name and a WebDAV `MOVE` with `Overwrite: F`: which servers honour. Of the two ways
//! HTTP has, this is the one that can be believed: nginx and rclone take `If-None-Match: *` on a `PUT` and overwrite.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::http::{HttpBuilder, HttpStore};
use object_store::{ClientOptions, CopyMode, CopyOptions, ObjectStore, ObjectStoreExt, RetryConfig};
use zarr_fs::object_store::{Connector, Fault, Intent, Request, Retry, Traits, Transport, TransportError};
use zarr_fs::session::CallContext;
use zarr_fs::{Context, Error, FileInfo, Path, PipeOptions, Result, Version, WriteMode};

use crate::client::Remote;
use crate::config::Settings;
use crate::listing::LEFTOVER_PREFIX;
use crate::page::is_html;
use crate::read::stat;

/// object_store's store for the same root, over our transport and without its own retry.
pub(crate) fn store(settings: &Settings, transport: &Transport) -> Result<HttpStore> {
    let at = Context::new(&settings.name, "connect", &Path::root());
    let mut root = settings.target.root().clone();
    // With a slash at the end object_store writes two.
    let path = root.path().trim_end_matches('/').to_owned();
    root.set_path(&path);
    let retry = RetryConfig {
        max_retries: 0,
        ..RetryConfig::default()
    };
    HttpBuilder::new()
        .with_url(root)
        .with_retry(retry)
        .with_client_options(ClientOptions::new().with_allow_http(true))
        .with_http_connector(Folders(transport.connector(Arc::new(Uploads))))
        .build()
        .map_err(|error| at.backend(error))
}

/// What our transport is told of object_store's requests.
#[derive(Debug)]
struct Uploads;

impl Traits for Uploads {
    fn retry(&self, _: &Method, _: &Uri, _: &HeaderMap) -> Retry {
        Retry::IfNotDone
    }

    /// Without the folders above, a server answers 409 (WebDAV) or 404 (others); then object_store makes them.
    fn accepted(&self, _: &Method) -> &'static [StatusCode] {
        &[StatusCode::CONFLICT, StatusCode::NOT_FOUND]
    }

    fn headers(&self, _: &Method, _: &Uri, _: &mut HeaderMap) {}
}

/// The connector for uploads. A folder that is there already (405) was made by another upload at the same time: object_store
/// takes that for a failure. A page of HTML with status 200 says nothing of an upload: a server that has made a file says 201,
/// one that has replaced it 204 or 200 without a page.
#[derive(Clone, Debug)]
struct Folders(Connector);

impl HttpConnector for Folders {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Folders {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_folder = request.method().as_str() == "MKCOL";
        let upload = (request.method() == Method::PUT).then(|| request.uri().to_string());
        match self.0.call(request).await {
            Ok(reply) if reply.status() == StatusCode::OK && is_html(reply.headers()) => match upload {
                Some(url) => Err(page(&url)),
                None => Ok(reply),
            },
            Err(error) if is_folder && is_there(&error) => {
                let mut reply = HttpResponse::new(Bytes::new().into());
                *reply.status_mut() = StatusCode::CREATED;
                Ok(reply)
            }
            reply => reply,
        }
    }
}

/// The error of an upload that was answered by a page.
fn page(url: &str) -> HttpError {
    match url.parse() {
        Ok(url) => HttpError::new(
            HttpErrorKind::Unknown,
            TransportError::new(Fault::Page, &Method::PUT, &url),
        ),
        Err(error) => HttpError::new(HttpErrorKind::Unknown, error),
    }
}

fn is_there(error: &HttpError) -> bool {
    TransportError::find(error).and_then(TransportError::status) == Some(StatusCode::METHOD_NOT_ALLOWED)
}

/// A path as object_store has it: as it stands, not encoded once more.
fn key(at: &Context, path: &Path) -> Result<object_store::path::Path> {
    object_store::path::Path::parse(path.as_str()).map_err(|error| at.backend(error))
}

/// Why a write in `mode` is not possible, if it is not.
pub(crate) fn refusal(settings: &Settings, mode: Option<&WriteMode>) -> Option<&'static str> {
    match mode {
        _ if !settings.write => Some("writing (the option `write` allows it)"),
        Some(WriteMode::IfMatch(_)) => {
            Some("a write under the condition of a version: too many servers ignore it without a word")
        }
        Some(WriteMode::Overwrite | WriteMode::Create) | None => None,
    }
}

/// Writes a whole file.
pub(crate) async fn pipe(
    remote: &Remote,
    at: &Context,
    bytes: Bytes,
    options: &PipeOptions,
) -> Result<FileInfo> {
    check(at)?;
    let size = bytes.len() as u64;
    let etag = if options.mode == WriteMode::Create {
        create(remote, at, bytes).await?;
        None
    } else {
        put(remote, at, &at.path, bytes).await?
    };
    let written = FileInfo::new(at.path.clone()).with_size_bytes(size);
    if etag.is_some() {
        return Ok(written.with_version(Version {
            etag,
            generation: None,
        }));
    }
    // Apache and nginx do not tell the version they have made. It can be asked for; another writer may come in between, so
    // a file of another size is not taken for ours. That the file is written is sure by now: an error here is none of it.
    match stat(remote, at).await {
        Ok(found) if found.size_bytes == Some(size) => Ok(found),
        Ok(_) | Err(_) => Ok(written),
    }
}

/// The root is no file.
pub(crate) fn check(at: &Context) -> Result<()> {
    if at.path.is_root() {
        return Err(at.root_is_no_file());
    }
    Ok(())
}

/// Uploads under `path`, with the folders above it.
async fn put(remote: &Remote, at: &Context, path: &Path, bytes: Bytes) -> Result<Option<String>> {
    let done = remote.store.put(&key(at, path)?, bytes.into()).await;
    done.map(|result| result.e_tag)
        .map_err(|error| refused(remote, at, Intent::Write, error))
}

/// The error for a failure of object_store. What it calls missing or there is about the folders above.
fn refused(remote: &Remote, at: &Context, intent: Intent, error: object_store::Error) -> Error {
    if TransportError::find(&error).is_some() {
        return remote.shared.settings.errors.store(at.clone(), intent, error);
    }
    at.backend(BadFolder(error))
}

/// A folder above a new file can neither be found nor made.
#[derive(Debug, thiserror::Error)]
#[error("the folder above cannot be made, or a file is in its place")]
struct BadFolder(#[source] object_store::Error);

/// Writes a file that must not be there.
async fn create(remote: &Remote, at: &Context, bytes: Bytes) -> Result<()> {
    let name = format!("{LEFTOVER_PREFIX}{:016x}", random());
    let upload = at.path.parent().unwrap_or_default().join(name)?;
    if let Some(call) = CallContext::current() {
        let (remote, upload) = (remote.clone(), upload.clone());
        call.on_cut(move || {
            Box::pin(async move {
                let removal = remote.request(Method::DELETE, &upload);
                match remote.transport.send(removal).await {
                    Ok(_) => Ok(()),
                    Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            })
        });
    }
    let outcome = match put(remote, at, &upload, bytes).await {
        Ok(_) => claim(remote, at, &upload).await,
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        // The error that is told is the first one; what cannot be removed is named so that no listing shows it.
        let _ = remote
            .transport
            .send(remote.request(Method::DELETE, &upload))
            .await;
    }
    if let Some(call) = CallContext::current() {
        call.disarm();
    }
    outcome
}

/// Gives an uploaded file its name, if nothing has it.
async fn claim(remote: &Remote, at: &Context, upload: &Path) -> Result<()> {
    let request = relocation(remote, at, b"MOVE", upload, &at.path)?;
    match remote.transport.send(request).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let status = error.status().map(|status| status.as_u16());
            if matches!(status, Some(405 | 501)) {
                remote.shared.facts.note_no_create();
            }
            // 409 is about the folder above, which is there.
            Err(if status == Some(409) {
                at.backend(error)
            } else {
                remote.error(at, Intent::Create, error)
            })
        }
    }
}

/// `COPY` or `MOVE` to a name that nothing has.
fn relocation(remote: &Remote, at: &Context, method: &[u8], from: &Path, to: &Path) -> Result<Request> {
    let method = Method::from_bytes(method).map_err(|error| at.backend(error))?;
    let to = remote.shared.settings.target.file(to);
    let mut destination = HeaderValue::try_from(to.as_str()).map_err(|error| at.backend(error))?;
    destination.set_sensitive(true);
    Ok(remote
        .request(method, from)
        .with_header(HeaderName::from_static("destination"), destination)
        .with_header(
            HeaderName::from_static("overwrite"),
            HeaderValue::from_static("F"),
        ))
}

/// A number that no other upload has: the standard library's hash keys are random.
fn random() -> u64 {
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    hasher.finish()
}

/// Copies a file, and only a file: WebDAV copies and replaces whole folders too.
pub(crate) async fn copy(remote: &Remote, at: &Context, to: &Path, mode: &WriteMode) -> Result<FileInfo> {
    let to_at = Context {
        path: to.clone(),
        ..at.clone()
    };
    if to.is_root() {
        return Err(to_at.root_is_no_file());
    }
    // The third mode was refused before.
    let mode = if *mode == WriteMode::Overwrite {
        CopyMode::Overwrite
    } else {
        CopyMode::Create
    };
    stat(remote, at).await?;
    if mode == CopyMode::Overwrite && at.path == *to {
        return stat(remote, &to_at).await;
    }
    if mode == CopyMode::Overwrite && is_folder(remote, &to_at).await? {
        return Err(to_at.backend("a folder is in its place"));
    }
    let options = CopyOptions::new().with_mode(mode);
    let (from, key_to) = (key(at, &at.path)?, key(&to_at, to)?);
    let mut copied = remote.store.copy_opts(&from, &key_to, options.clone()).await;
    if copied.as_ref().is_err_and(|error| has_status(error, 500)) {
        // nginx answers so if the folder above is missing; others answer 409, and object_store makes the folder.
        make_folders(remote, &to_at).await?;
        copied = remote.store.copy_opts(&from, &key_to, options).await;
    }
    match copied {
        Ok(()) => stat(remote, &to_at).await,
        Err(error) => {
            let intent = if mode == CopyMode::Create {
                Intent::Create
            } else {
                Intent::Write
            };
            Err(refused(remote, &to_at, intent, error))
        }
    }
}

fn has_status(error: &object_store::Error, status: u16) -> bool {
    let found = TransportError::find(error).and_then(TransportError::status);
    found.is_some_and(|found| found.as_u16() == status)
}

/// Makes the folders above a file, as far as they are missing.
async fn make_folders(remote: &Remote, at: &Context) -> Result<()> {
    let method = Method::from_bytes(b"MKCOL").map_err(|error| at.backend(error))?;
    let mut missing = Vec::new();
    let mut next = at.path.parent();
    while let Some(folder) = next.filter(|folder| !folder.is_root()) {
        next = folder.parent();
        missing.push(folder);
    }
    // From the top down: most are there, and say so by 405.
    for folder in missing.into_iter().rev() {
        let url = remote.shared.settings.target.folder(&folder);
        match remote.transport.send(Request::new(method.clone(), url)).await {
            Ok(_) => {}
            Err(error) if error.status() == Some(StatusCode::METHOD_NOT_ALLOWED) => {}
            Err(error) => return Err(remote.error(at, Intent::Write, error)),
        }
    }
    Ok(())
}

/// Whether a folder is at a path.
async fn is_folder(remote: &Remote, at: &Context) -> Result<bool> {
    let url = remote.shared.settings.target.folder(&at.path);
    match remote.transport.send(Request::new(Method::HEAD, url)).await {
        Ok(_) => Ok(true),
        Err(error) => {
            let error = remote.error(at, Intent::List, error);
            if error.is_not_found() {
                Ok(false)
            } else if matches!(error, Error::PermissionDenied { .. } | Error::Unsupported { .. }) {
                // 403, 405: folders are not shown, but it is there.
                Ok(true)
            } else {
                Err(error)
            }
        }
    }
}

/// Removes a file, and only a file: WebDAV removes whole folders too.
pub(crate) async fn remove(remote: &Remote, at: &Context) -> Result<()> {
    stat(remote, at).await?;
    match remote
        .transport
        .send(remote.request(Method::DELETE, &at.path))
        .await
    {
        Ok(response) if response.status == StatusCode::MULTI_STATUS => {
            Err(at.backend("the server could not remove all of it"))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(remote.error(at, Intent::Write, error)),
    }
}
