//! Which request comes next when a folder is to be listed, and what the answers mean together.
//!
//! The order and its reasons are in docs/decisions/0005-http-listing.md; what is believed of an answer, in 0016 and 0019.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::try_join_all;
use http::StatusCode;
use url::Url;
use zarr_fs::object_store::TransportError;
use zarr_fs::{Context, DirListing, Error, Path, Result};

use super::knowledge::{Knowledge, Way};
use super::names::Folder;
use super::verdict::Verdict;
use super::{Entries, Page, Writer, read_index, webdav};
use crate::config::ListingMode;

/// The answer to one request.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A success.
    Page(ReplyPage),
    /// A status that says no, without a doubt about who asks and without hope that it passes.
    Refused {
        /// The status.
        status: StatusCode,
        /// What it means by itself.
        error: Error,
    },
    /// A try that broke: no answer in time, a reset, a 5xx.
    Broken(Error),
}

/// A body with what is needed to read it.
#[derive(Debug)]
pub(crate) struct ReplyPage {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<String>,
    pub(crate) server: Option<String>,
    /// The URL that answered, after redirects.
    pub(crate) url: Url,
    /// Why it is no listing of the folder asked for, whatever is in it.
    pub(crate) objection: Option<&'static str>,
    /// The body is compressed; whoever asked decodes it before it is read.
    pub(crate) is_gzip: bool,
    pub(crate) body: bytes::Bytes,
}

/// Sends requests: each is one call of the lease. Faults and 401 are errors.
pub(crate) trait Ask: Sync {
    /// `GET` of a folder. `is_try`: a failure is an answer too, and not worth another attempt.
    fn get(&self, dir: &Path, is_try: bool) -> impl Future<Output = Result<Reply>> + Send;
    /// `PROPFIND` of a folder, depth 1, with this body. `is_try`: it is not known whether the server knows the method.
    fn propfind(
        &self,
        dir: &Path,
        body: &'static str,
        is_try: bool,
    ) -> impl Future<Output = Result<Reply>> + Send;
    /// Whether the server answers for a file in `dir` that is surely not there that it is missing.
    fn tells_missing(&self, dir: &Path) -> impl Future<Output = Result<bool>> + Send;
    /// Whether `path` is a file; `None` if the server does not tell.
    fn is_file(&self, path: &Path) -> impl Future<Output = Result<Option<bool>>> + Send;
    /// The error for a listing that is not even tried: that the lease is closed, if it is.
    fn refuse(&self, dir: &Path, what: &str) -> Error;
    /// Whether a file has been read.
    fn has_read(&self) -> bool;
    /// The place of an error.
    fn at(&self, dir: &Path) -> Context;
}

/// Lists folders, and learns how.
#[derive(Debug)]
pub(crate) struct Explorer<'a, A> {
    pub(crate) ask: A,
    pub(crate) knowledge: &'a Mutex<Knowledge>,
    pub(crate) mode: ListingMode,
}

/// Whether a 404 for a folder is believed.
#[derive(Debug)]
enum Vouched {
    /// A folder above is listed without it.
    Yes,
    /// No folder above is listed, up to this one.
    No { top: Path },
    /// The folder above lists it.
    Contradicted,
}

/// Folders above one that is missing that are asked whether they list at all.
const MAX_VOUCHERS: usize = 16;

/// Names of a page without marks that are asked for.
const MAX_LOOKS: usize = 256;

impl<A: Ask> Explorer<'_, A> {
    fn knowledge(&self) -> MutexGuard<'_, Knowledge> {
        self.knowledge.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, dir: &Path, way: Way) {
        self.knowledge().learn(dir, way);
    }

    /// The children of `dir`.
    pub(crate) async fn list(&self, dir: &Path) -> Result<DirListing> {
        let known = self.knowledge().way(dir);
        let entries = match (self.mode, known) {
            (ListingMode::None, _) => return Err(self.ask.refuse(dir, "listing is switched off")),
            (ListingMode::WebDav, _) => self.webdav_only(dir).await?,
            (ListingMode::Index, Some(Way::Index)) | (ListingMode::Auto, Some(Way::Index)) => {
                self.known_index(dir).await?
            }
            (ListingMode::Auto, Some(Way::WebDav)) => self.known_webdav(dir).await?,
            (ListingMode::Auto | ListingMode::Index, Some(Way::None | Way::WebDav)) => {
                self.unlisted(dir).await?
            }
            (ListingMode::Auto | ListingMode::Index, None) => self.unknown(dir).await?,
        };
        if entries.skipped > 0 {
            tracing::warn!(%dir, skipped = entries.skipped, "a listing has names that no path can hold: left out");
        }
        let skipped = entries.skipped;
        let listing = entries.into_listing(dir);
        if listing.is_empty() && skipped > 0 {
            return Err(self.unsupported(dir, "the listing has only names that no path can hold"));
        }
        if listing.is_empty() {
            return Err(self.ask.at(dir).not_found());
        }
        Ok(listing)
    }

    fn unsupported(&self, dir: &Path, why: impl std::fmt::Display) -> Error {
        self.ask
            .at(dir)
            .unsupported(format!("listing this folder: {why}"))
    }

    /// The index of a folder whose tree is known to have them: so what is missing here is missing.
    async fn known_index(&self, dir: &Path) -> Result<Entries> {
        match self.by_get(dir, true).await? {
            Verdict::Listed(entries, _) => Ok(entries),
            Verdict::Missing(error) => Err(error),
            Verdict::Denied(_) | Verdict::Cannot(_) if self.ask.is_file(dir).await? == Some(true) => {
                Err(self.ask.at(dir).not_found())
            }
            Verdict::Denied(error) => Err(self.denied(dir, error).await),
            Verdict::Cannot(why) => Err(self.give_up(dir, why)),
        }
    }

    async fn known_webdav(&self, dir: &Path) -> Result<Entries> {
        match self.by_propfind(dir, false).await? {
            Verdict::Listed(entries, _) => Ok(entries),
            Verdict::Missing(error) => Err(error),
            // lighttpd answers 403, and Apache 400, if there is a file in place of the folder.
            Verdict::Denied(_) | Verdict::Cannot(_) if self.ask.is_file(dir).await? == Some(true) => {
                Err(self.ask.at(dir).not_found())
            }
            Verdict::Denied(error) => Err(error),
            // This part of the tree is served by something else.
            Verdict::Cannot(_) => self.unlisted(dir).await,
        }
    }

    /// WebDAV and nothing else, as an option says.
    async fn webdav_only(&self, dir: &Path) -> Result<Entries> {
        match self.by_propfind(dir, false).await? {
            Verdict::Listed(entries, _) => {
                self.learn(dir, Way::WebDav);
                Ok(entries)
            }
            Verdict::Missing(error) | Verdict::Denied(error) => Err(error),
            Verdict::Cannot(why) => Err(self.give_up(dir, why)),
        }
    }

    /// A folder in a tree that did not list where it was asked; a folder below may.
    async fn unlisted(&self, dir: &Path) -> Result<Entries> {
        match self.by_get(dir, false).await? {
            Verdict::Listed(entries, writer) => self.listed(dir, entries, writer).await,
            Verdict::Missing(_) => Err(self.unsupported(dir, "the server lists no folder above it either")),
            Verdict::Denied(error) => Err(self.denied(dir, error).await),
            Verdict::Cannot(why) => Err(self.give_up(dir, why)),
        }
    }

    async fn unknown(&self, dir: &Path) -> Result<Entries> {
        let by_get = self.by_get(dir, false).await?;
        let may_webdav = self.mode == ListingMode::Auto;
        if let Verdict::Listed(entries, writer) = by_get {
            return self.listed(dir, entries, writer).await;
        }
        let mut webdav_missing = false;
        if may_webdav && self.knowledge().may_try_webdav() {
            match self.by_propfind(dir, true).await {
                Ok(Verdict::Listed(entries, _)) => {
                    self.learn(dir, Way::WebDav);
                    return Ok(entries);
                }
                Ok(Verdict::Missing(_)) => webdav_missing = true,
                // 401 too: `GET` was answered, so only the method is not for everybody.
                Ok(Verdict::Denied(_) | Verdict::Cannot(_)) | Err(Error::Unauthenticated { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        match by_get {
            Verdict::Missing(error) => match self.vouch(dir, webdav_missing).await? {
                Vouched::Yes => Err(error),
                Vouched::No { top } => {
                    self.learn(&top, Way::None);
                    Err(self.unsupported(
                        dir,
                        "the server answers that it is missing, and lists no folder above it",
                    ))
                }
                Vouched::Contradicted => {
                    Err(self.unsupported(dir, "it is in the listing of the folder above, and not there"))
                }
            },
            Verdict::Denied(error) => Err(self.denied(dir, error).await),
            Verdict::Cannot(why) => Err(self.give_up(dir, why)),
            Verdict::Listed(entries, _) => Ok(entries),
        }
    }

    /// What an index says, the first one in its tree: the complete listing in its place if the server knows WebDAV.
    async fn listed(&self, dir: &Path, visible: Entries, writer: Option<Writer>) -> Result<Entries> {
        let may_know_more = writer.is_some_and(Writer::may_know_webdav);
        if self.mode == ListingMode::Auto && may_know_more && self.knowledge().may_try_webdav() {
            match self.by_propfind(dir, true).await {
                Ok(Verdict::Listed(entries, _)) => {
                    self.learn(dir, Way::WebDav);
                    return Ok(entries);
                }
                // 401 too: what anybody may see is there already.
                Ok(_) | Err(Error::Unauthenticated { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        self.learn(dir, Way::Index);
        Ok(visible)
    }

    /// Whether some folder above `dir` is listed, and `dir` is not in it: only then is a 404 for a folder believed. A
    /// server without listings answers 404 for every folder, and an empty one would be a wrong answer.
    async fn vouch(&self, dir: &Path, webdav_missing: bool) -> Result<Vouched> {
        let mut child = dir.clone();
        for _ in 0..MAX_VOUCHERS {
            let Some(parent) = child.parent() else { break };
            let mut verdict = self.of_voucher(&parent).await?;
            if webdav_missing && !matches!(verdict, Verdict::Listed(..)) {
                let by_propfind = self.by_propfind(&parent, true).await?;
                if matches!(by_propfind, Verdict::Listed(..)) {
                    verdict = by_propfind;
                }
            }
            match verdict {
                Verdict::Listed(entries, writer) => {
                    match writer {
                        None => self.learn(&parent, Way::WebDav),
                        Some(writer) if !writer.may_know_webdav() => self.learn(&parent, Way::Index),
                        Some(_) => {}
                    }
                    let is_listed = entries.into_listing(&parent).prefixes.contains(&child);
                    return Ok(if is_listed {
                        Vouched::Contradicted
                    } else {
                        Vouched::Yes
                    });
                }
                Verdict::Missing(_) => child = parent,
                Verdict::Denied(_) | Verdict::Cannot(_) => return Ok(Vouched::No { top: parent }),
            }
        }
        Ok(Vouched::No { top: child })
    }

    /// What `GET` of a folder above comes to. One that says nothing for a reason of its own (401, 500) says nothing of the
    /// folder that was asked for.
    async fn of_voucher(&self, dir: &Path) -> Result<Verdict> {
        match self.ask.get(dir, true).await {
            Ok(reply) => self.of_reply(dir, reply, false).await,
            Err(error) => match TransportError::find(&error).and_then(TransportError::status) {
                Some(status) => Ok(Verdict::Cannot(format!("the server answers {status}"))),
                None => Err(error),
            },
        }
    }

    /// What a 403 for a folder means: that folders are not listed, if files can be asked for; else that nothing is allowed.
    async fn denied(&self, dir: &Path, error: Error) -> Error {
        let only_folders = self.ask.has_read() || self.ask.tells_missing(dir).await.unwrap_or(false);
        if only_folders {
            self.give_up(
                dir,
                "the server answers 403 for folders, and not for files".to_owned(),
            )
        } else {
            error
        }
    }

    fn give_up(&self, dir: &Path, why: String) -> Error {
        self.learn(dir, Way::None);
        self.unsupported(dir, why)
    }

    async fn by_get(&self, dir: &Path, is_listed_tree: bool) -> Result<Verdict> {
        let reply = self.ask.get(dir, false).await?;
        self.of_reply(dir, reply, is_listed_tree).await
    }

    async fn of_reply(&self, dir: &Path, reply: Reply, is_listed_tree: bool) -> Result<Verdict> {
        let page = match reply {
            Reply::Refused { status, error } => return Ok(Verdict::of_refusal(status, error)),
            Reply::Broken(error) => return Err(error),
            Reply::Page(page) => page,
        };
        if let Some(why) = page.objection {
            return Ok(Verdict::Cannot(why.to_owned()));
        }
        let folder = Folder::new(page.url.clone());
        let marks_folders = is_listed_tree && self.knowledge().marks_folders;
        let read = read_index(
            &Page {
                folder: &folder,
                body: &page.body,
                server: page.server.as_deref(),
                is_listed_tree,
                marks_folders,
            },
            page.content_type.as_deref(),
        );
        match read {
            Ok((entries, Writer::Unmarked)) => self.look_at_each(dir, entries).await,
            Ok((entries, writer)) => {
                if writer == Writer::Unsigned {
                    self.knowledge().marks_folders = true;
                }
                Ok(Verdict::Listed(entries, Some(writer)))
            }
            Err(reason) => Verdict::of_no_listing(self.ask.at(dir), reason),
        }
    }

    /// The listing of a page that names files and folders alike: each name is asked for.
    async fn look_at_each(&self, dir: &Path, mut entries: Entries) -> Result<Verdict> {
        let cannot = |why| {
            Ok(Verdict::Cannot(format!(
                "an index page that marks no folders, {why}"
            )))
        };
        if entries.len() > MAX_LOOKS {
            return cannot("with too many names to ask for each");
        }
        let look = entries.list.iter().map(|entry| async {
            let path = dir.join(&entry.name)?;
            self.ask.is_file(&path).await
        });
        let kinds = try_join_all(look).await?;
        for (entry, is_file) in entries.list.iter_mut().zip(kinds) {
            let Some(is_file) = is_file else {
                return cannot("and the server does not tell what one of its names is");
            };
            entry.is_dir = !is_file;
        }
        Ok(Verdict::Listed(entries, Some(Writer::Unmarked)))
    }

    async fn by_propfind(&self, dir: &Path, is_try: bool) -> Result<Verdict> {
        let page = match self.ask.propfind(dir, webdav::REQUEST, is_try).await? {
            Reply::Refused { status, error } => {
                if matches!(status.as_u16(), 405 | 501) {
                    self.knowledge().refuse_webdav();
                }
                return Ok(Verdict::of_refusal(status, error));
            }
            Reply::Broken(error) => return Ok(self.broken(dir, &error)),
            Reply::Page(page) => page,
        };
        if page.status != StatusCode::MULTI_STATUS {
            // Caddy answers any method as if it were GET.
            self.knowledge().refuse_webdav();
            return Ok(Verdict::Cannot(format!(
                "the server answers {} to PROPFIND",
                page.status
            )));
        }
        if let Some(why) = page.objection {
            return Ok(Verdict::Cannot(why.to_owned()));
        }
        // nginx's dav_ext leaves dotfiles out. (Behind a proxy of nginx the server may be another: then this is too careful.)
        if page
            .server
            .as_deref()
            .is_some_and(|server| server.starts_with("nginx"))
        {
            self.knowledge().hides_files();
        }
        let folder = Folder::new(page.url.clone());
        let read = webdav::parse(&Page {
            folder: &folder,
            body: &page.body,
            server: page.server.as_deref(),
            is_listed_tree: false,
            marks_folders: false,
        });
        match read {
            Ok(entries) => Ok(Verdict::Listed(entries, None)),
            Err(reason) => match Verdict::of_no_listing(self.ask.at(dir), reason) {
                Err(error @ (Error::Unavailable { .. } | Error::Backend { .. })) if is_try => {
                    Ok(self.broken(dir, &error))
                }
                verdict => verdict,
            },
        }
    }
    /// What a try that broke comes to. `GET` has answered before every try: what breaks is the method, and it is not tried
    /// again.
    fn broken(&self, dir: &Path, error: &Error) -> Verdict {
        self.knowledge().refuse_webdav();
        tracing::debug!(%dir, %error, "PROPFIND breaks: the folder is listed without it");
        Verdict::Cannot("PROPFIND breaks".to_owned())
    }
}
