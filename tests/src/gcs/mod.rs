//! A server of Google Cloud Storage's XML API, as far as object stores use it, and of the JSON API as far as gcsfs reads. It is
//! strict: what it does not know, it refuses with 501 and notes in the log, so that no test passes on a request that Google would
//! answer otherwise.
//!
//! Paths are split at the first slash *before* they are decoded, for clients send a key as one segment with `%2F` in it.

mod auth;
mod json;
#[cfg(test)]
mod json_tests;
mod list;
mod multipart;
mod object;
mod state;
mod strict;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};

use crate::load::read_dir;
use crate::server::{Answer, App, Request, Server, ServerOptions, decode};
use crate::sync::lock;
pub use auth::{Access, CLIENT_EMAIL};
use state::{Bucket, State};
use strict::{Operation, classify};
use xml::error;

/// Builds a [`GcsServer`].
#[derive(Debug)]
pub struct GcsServerBuilder {
    state: State,
    server: ServerOptions,
}

impl GcsServerBuilder {
    /// Adds an empty bucket that anyone may read, list and write.
    #[must_use]
    pub fn bucket(self, name: &str) -> Self {
        self.private_bucket(name, Access::Anyone)
    }

    /// Adds an empty bucket with the same access for reading, listing and writing.
    #[must_use]
    pub fn private_bucket(self, name: &str, access: Access) -> Self {
        self.bucket_with(name, access.clone(), access.clone(), access)
    }

    /// Adds an empty bucket with an access of its own for reading, listing and writing. As with Google, who may not list gets 403
    /// instead of 404 for a missing key.
    #[must_use]
    pub fn bucket_with(mut self, name: &str, read: Access, list: Access, write: Access) -> Self {
        let bucket = Bucket {
            objects: BTreeMap::new(),
            read,
            list,
            write,
            requester_pays: false,
        };
        self.state.buckets.insert(name.to_owned(), bucket);
        self
    }

    /// Makes a bucket, which must have been added, refuse requests without `x-goog-user-project`.
    #[must_use]
    pub fn requester_pays(mut self, name: &str) -> Self {
        if let Some(bucket) = self.state.buckets.get_mut(name) {
            bucket.requester_pays = true;
        }
        self
    }

    /// Most entries in a page of a listing. Default (and with Google the most): 1000.
    #[must_use]
    pub fn page_size(mut self, page_size: usize) -> Self {
        self.state.page_size = page_size.clamp(1, 1000);
        self
    }

    /// Least size of a part other than the last. Default: 5 MiB.
    #[must_use]
    pub fn min_part_size(mut self, bytes: usize) -> Self {
        self.state.min_part_size = bytes;
        self
    }

    /// Whether objects stored with `Content-Encoding: gzip` are sent decoded, in chunks and deaf to `Range`, to clients that do
    /// not accept gzip. Default: yes, as Google does.
    #[must_use]
    pub fn transcode(mut self, transcode: bool) -> Self {
        self.state.transcode = transcode;
        self
    }

    /// The status for requests without credentials where some are needed: 403 by default, as the XML API answers; 401 is what the
    /// JSON API answers.
    #[must_use]
    pub fn anonymous_status(mut self, status: u16) -> Self {
        self.state.auth.anonymous = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
        self
    }

    /// How long access tokens from `/token` last. Default: one hour.
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.state.auth.lifetime = lifetime;
        self
    }

    /// Options of the server itself: TLS, protocol, delay, threads.
    #[must_use]
    pub fn server(mut self, options: ServerOptions) -> Self {
        self.server = options;
        self
    }

    /// Starts the server.
    #[track_caller]
    pub fn start(self) -> GcsServer {
        let app = Arc::new(GcsApp(Mutex::new(self.state)));
        let server = Server::start(Arc::clone(&app) as Arc<dyn App>, self.server);
        GcsServer { app, server }
    }
}

/// A running GCS server; counts, faults and log are those of [`Server`].
#[derive(Debug)]
pub struct GcsServer {
    app: Arc<GcsApp>,
    server: Server,
}

impl Deref for GcsServer {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl GcsServer {
    /// Starts a server with one public bucket.
    #[track_caller]
    pub fn start(bucket: &str) -> Self {
        Self::builder().bucket(bucket).start()
    }

    /// A server yet without buckets.
    pub fn builder() -> GcsServerBuilder {
        GcsServerBuilder {
            state: State::default(),
            server: ServerOptions::default(),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.app.0)
    }

    /// Stores an object behind the clients' backs; returns its generation.
    ///
    /// # Panics
    /// If there is no such bucket.
    #[track_caller]
    pub fn put(&self, bucket: &str, key: &str, data: impl Into<Bytes>) -> u64 {
        self.put_with(bucket, key, data, &[])
    }

    /// Stores an object with metadata: lower-case header names, such as `content-encoding`, and their values.
    ///
    /// # Panics
    /// If there is no such bucket.
    #[track_caller]
    pub fn put_with(
        &self,
        bucket: &str,
        key: &str,
        data: impl Into<Bytes>,
        metadata: &[(&str, &str)],
    ) -> u64 {
        let metadata = metadata
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut state = self.state();
        assert!(state.buckets.contains_key(bucket), "no bucket {bucket}");
        state.store(bucket, key, data.into(), metadata, None).generation
    }

    /// Stores every file under `dir` as an object named `prefix` plus its path; returns how many.
    ///
    /// # Panics
    /// If there is no such bucket or the folder cannot be read.
    #[track_caller]
    pub fn load_dir(&self, bucket: &str, dir: impl AsRef<Path>, prefix: &str) -> usize {
        let files =
            read_dir(dir.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", dir.as_ref().display()));
        let count = files.len();
        for (path, data) in files {
            self.put(bucket, &format!("{prefix}{path}"), data);
        }
        count
    }

    /// The object's bytes, read behind the clients' backs.
    pub fn get(&self, bucket: &str, key: &str) -> Option<Bytes> {
        Some(self.state().buckets.get(bucket)?.objects.get(key)?.data.clone())
    }

    /// The object's generation.
    pub fn generation(&self, bucket: &str, key: &str) -> Option<u64> {
        Some(self.state().buckets.get(bucket)?.objects.get(key)?.generation)
    }

    /// Removes an object behind the clients' backs; says whether it was there.
    pub fn remove(&self, bucket: &str, key: &str) -> bool {
        self.state()
            .buckets
            .get_mut(bucket)
            .is_some_and(|bucket| bucket.objects.remove(key).is_some())
    }

    /// All keys of a bucket in order.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.state()
            .buckets
            .get(bucket)
            .map(|bucket| bucket.objects.keys().cloned().collect())
            .unwrap_or_default()
    }

    /// Multipart uploads that were begun and neither completed nor aborted.
    pub fn unfinished_uploads(&self) -> usize {
        self.state().uploads.len()
    }

    /// The key file of the server's service account, as Google hands it out: its own `token_uri`, `gcs_base_url` for clients that
    /// know it.
    pub fn service_account_json(&self) -> String {
        auth::service_account_json(&self.url())
    }

    /// An `application_default_credentials.json` of the authorized-user kind that `/token` accepts.
    pub fn authorized_user_json(&self) -> String {
        auth::authorized_user_json(&self.url())
    }

    /// How many access tokens `/token` and the metadata path have handed out.
    pub fn tokens_issued(&self) -> usize {
        self.state().auth.issued()
    }

    /// The requests that were refused because the server does not know a header, a query or the operation; empty in a good test.
    pub fn unknown_requests(&self) -> Vec<String> {
        let unknown = |entry: &crate::Logged| {
            entry.status == Some(StatusCode::NOT_IMPLEMENTED.as_u16()) && entry.note.is_some()
        };
        self.log()
            .iter()
            .filter(|entry| unknown(entry))
            .map(ToString::to_string)
            .collect()
    }
}

#[derive(Debug)]
struct GcsApp(Mutex<State>);

impl App for GcsApp {
    fn answer(&self, request: &Request) -> Answer {
        let mut state = lock(&self.0);
        state.answer(request).unwrap_or_else(|refusal| refusal)
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Result<Answer, Answer> {
        if let Some(answer) = self.auth.token_request(request) {
            return Ok(answer);
        }
        if let Some(answer) = self.json_request(request) {
            return Ok(answer);
        }
        let path = request.path.strip_prefix('/').unwrap_or(&request.path);
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let (bucket, key) = (decode(bucket), decode(key));
        let operation = classify(request, !key.is_empty())?;
        self.authorize(request, &bucket, |bucket| operation.access(bucket))?;
        match operation {
            Operation::List(query) => self.list(&bucket, &query),
            Operation::Get { generation } => self.get(request, &bucket, &key, generation.as_deref()),
            Operation::Put => self.put(request, &bucket, &key),
            Operation::Copy => self.copy(request, &bucket, &key),
            Operation::Delete => self.delete(request, &bucket, &key),
            Operation::Initiate => Ok(self.initiate(request, &bucket, &key)),
            Operation::PutPart { number, upload } => self.put_part(request, &bucket, &key, number, &upload),
            Operation::Complete { upload } => self.complete(request, &bucket, &key, &upload),
            Operation::Abort { upload } => self.abort(&bucket, &key, &upload),
        }
    }

    /// Whether the request may do to the bucket what `access` names.
    fn authorize(
        &self,
        request: &Request,
        bucket: &str,
        access: impl Fn(&Bucket) -> &Access,
    ) -> Result<(), Answer> {
        let Some(bucket) = self.buckets.get(bucket) else {
            return Err(error(
                StatusCode::NOT_FOUND,
                "NoSuchBucket",
                "The specified bucket does not exist.",
            ));
        };
        // The XML API has refused this query before; the JSON API knows both.
        let pays = |(name, value): &(String, String)| name == "userProject" && !value.is_empty();
        let payer = request.header("x-goog-user-project").is_some() || request.query_pairs().iter().any(pays);
        if bucket.requester_pays && !payer {
            let message = "Bucket is a requester pays bucket but no user project provided.";
            return Err(error(StatusCode::BAD_REQUEST, "UserProjectMissing", message));
        }
        self.auth.check(request, access(bucket))
    }

    /// 404 for a missing key; 403 for one who may not know whether it exists.
    fn no_such_key(&self, request: &Request, bucket: &str) -> Answer {
        let may_list = self
            .buckets
            .get(bucket)
            .map(|bucket| self.auth.check(request, &bucket.list));
        if let Some(Err(refusal)) = may_list
            && request.method != Method::PUT
        {
            return refusal;
        }
        error(
            StatusCode::NOT_FOUND,
            "NoSuchKey",
            "The specified key does not exist.",
        )
    }
}
