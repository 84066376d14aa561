//! Writing from a stream: in parts, several at a time, and nothing left behind if it does not end well.
//!
//! ```text
//! caller: polls the user's stream ──► short channel ──► I/O thread: fills parts, sends them, completes
//! ```
//! One thing can be left: an upload whose beginning was answered to nobody has a number that nobody knows. A bucket's
//! lifecycle rules remove such.

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use object_store::multipart::PartId;
use object_store::{MultipartId, PutPayload};
use tokio::sync::mpsc;

use super::Intent;
use super::client::ObjectStoreClient;
use super::convert::{self, store_path};
use super::retry::Activity;
use super::transport::Hints;
use crate::call_options::WriteMode;
use crate::error::{BoxError, Context, Error, Result};
use crate::filesystem::ByteStream;
use crate::info::FileInfo;
use crate::session::CallContext;

/// A part is at least this long; so is, at most, a stream that goes as one request.
const PART_BYTES: usize = 8 << 20;
/// After so many parts they become twice as long: the store takes 10,000 in all.
const PARTS_PER_SIZE: usize = 1000;
/// Parts on their way at once: with the one being filled, what an upload holds in memory.
const PARTS_AT_ONCE: usize = 4;
/// The longest stream under a condition. Uploads in parts take none (Google: "preconditions are not supported"), so these are
/// held and written by one request.
pub const MOST_CONDITIONAL_BYTES: usize = 64 << 20;
/// Pieces between the caller and the I/O thread.
const PIECES_AHEAD: usize = 2;

/// What the caller's side hands over.
enum Piece {
    Data(Bytes),
    /// The stream ended, and well. A channel that closes without it did not.
    End,
}

/// The I/O thread's end of a stream that the caller polls.
pub(super) struct Pieces(mpsc::Receiver<Piece>);

/// The caller's end.
pub(super) struct Feed(mpsc::Sender<Piece>);

/// A way for a stream's bytes from the caller to the I/O thread.
pub(super) fn pieces() -> (Feed, Pieces) {
    let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
    (Feed(sender), Pieces(receiver))
}

impl Feed {
    /// Polls `stream` to its end.
    ///
    /// # Errors
    /// The stream's own.
    pub(super) async fn all(self, mut stream: ByteStream) -> Result<()> {
        while let Some(bytes) = stream.next().await {
            if self.0.send(Piece::Data(bytes?)).await.is_err() {
                // The upload is over: what became of it, it says itself.
                return Ok(());
            }
        }
        let _ = self.0.send(Piece::End).await;
        Ok(())
    }
}

/// The bytes of the part being filled.
#[derive(Default)]
struct Filling {
    pieces: Vec<Bytes>,
    bytes: usize,
}

impl Filling {
    fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.bytes += piece.len();
            self.pieces.push(piece);
        }
    }

    fn take(&mut self) -> PutPayload {
        self.bytes = 0;
        std::mem::take(&mut self.pieces).into_iter().collect()
    }

    fn take_whole(&mut self) -> Bytes {
        Bytes::from(self.take())
    }
}

impl ObjectStoreClient {
    /// Writes a file from `pieces`.
    pub(super) async fn upload(
        &self,
        at: &Context,
        mut pieces: Pieces,
        mode: &WriteMode,
    ) -> Result<FileInfo> {
        let limit = if *mode == WriteMode::Overwrite {
            PART_BYTES
        } else {
            MOST_CONDITIONAL_BYTES
        };
        let mut filling = Filling::default();
        while filling.bytes < limit {
            match CallContext::parked_for_caller(pieces.0.recv()).await? {
                Some(Piece::Data(bytes)) => filling.push(bytes),
                Some(Piece::End) => return self.put(at, filling.take_whole(), mode).await,
                None => return Err(abandoned(at)),
            }
        }
        if *mode != WriteMode::Overwrite {
            return Err(at.unsupported(format!(
                "a stream of {MOST_CONDITIONAL_BYTES} bytes or more under a condition"
            )));
        }
        self.upload_parts(at, pieces, filling).await
    }

    async fn upload_parts(&self, at: &Context, pieces: Pieces, filling: Filling) -> Result<FileInfo> {
        let path = store_path(&at.path)?;
        let failed = |error| self.store_error(at, Intent::Write, error);
        let id = self.0.multipart.create_multipart(&path).await.map_err(failed)?;
        let mut upload = Upload {
            client: self.clone(),
            at: at.clone(),
            path,
            id,
            activity: Activity::default(),
            parts: Vec::new(),
            size: 0,
            sending: FuturesUnordered::new(),
        };
        let call = CallContext::current();
        if let Some(call) = &call {
            let abort = upload.abort();
            call.on_cut(move || abort);
        }
        let done = upload.run(pieces, filling).await;
        if done.is_err() {
            // Cut meanwhile, this is dropped and the same is done by `on_cut`.
            upload.sending.clear();
            if let Err(error) = upload.abort().await {
                tracing::warn!(%error, path = %at.path, "an upload that failed could not be aborted");
            }
        }
        if let Some(call) = &call {
            call.disarm();
        }
        done
    }
}

/// An upload in parts that has begun.
struct Upload {
    client: ObjectStoreClient,
    at: Context,
    path: object_store::path::Path,
    id: MultipartId,
    activity: Activity,
    /// The parts that have arrived, by number.
    parts: Vec<Option<PartId>>,
    size: u64,
    sending: FuturesUnordered<BoxFuture<'static, (usize, object_store::Result<PartId>)>>,
}

/// What happens next to an upload.
enum Event {
    Piece(Option<Piece>),
    Sent(usize, object_store::Result<PartId>),
    /// A part began to wait, or ceased to.
    Activity,
}

impl Upload {
    async fn run(&mut self, mut pieces: Pieces, mut filling: Filling) -> Result<FileInfo> {
        let mut ended = false;
        loop {
            if filling.bytes >= self.part_bytes() || (ended && filling.bytes > 0) {
                self.send(filling.take());
                continue;
            }
            if ended && self.sending.is_empty() {
                return self.complete().await;
            }
            let takes = !ended && self.sending.len() < PARTS_AT_ONCE;
            // With no part on its way the upload waits for its producer or for the next attempt only: a close need not
            // wait for that.
            let idle = self.sending.len() <= self.activity.paused();
            let is_all_sent = self.sending.is_empty();
            let event = next(&mut pieces, takes, &mut self.sending, &self.activity);
            let event = if is_all_sent {
                CallContext::parked_for_caller(event).await?
            } else if idle {
                CallContext::parked(event).await?
            } else {
                event.await
            };
            match event {
                Event::Piece(Some(Piece::Data(bytes))) => filling.push(bytes),
                Event::Piece(Some(Piece::End)) => ended = true,
                Event::Piece(None) => return Err(abandoned(&self.at)),
                Event::Sent(number, Ok(part)) => {
                    if let Some(place) = self.parts.get_mut(number) {
                        *place = Some(part);
                    }
                }
                Event::Sent(_, Err(error)) => {
                    return Err(self.client.store_error(&self.at, Intent::Write, error));
                }
                Event::Activity => {}
            }
        }
    }

    /// How long the next part is to be.
    fn part_bytes(&self) -> usize {
        PART_BYTES << (self.parts.len() / PARTS_PER_SIZE).min(6)
    }

    fn send(&mut self, payload: PutPayload) {
        let number = self.parts.len();
        self.parts.push(None);
        self.size += payload.content_length() as u64;
        let (client, path, id) = (self.client.clone(), self.path.clone(), self.id.clone());
        let hints = Hints {
            activity: Some(self.activity.clone()),
            ..Hints::default()
        };
        self.sending.push(Box::pin(async move {
            let part = client.0.multipart.put_part(&path, &id, number, payload);
            (number, hints.scope(part).await)
        }));
    }

    async fn complete(&mut self) -> Result<FileInfo> {
        let parts: Vec<PartId> = std::mem::take(&mut self.parts).into_iter().flatten().collect();
        let result = self
            .client
            .0
            .multipart
            .complete_multipart(&self.path, &self.id, parts)
            .await;
        match result {
            Ok(result) => Ok(convert::written(&self.at.path, self.size, result)),
            Err(error) => Err(self.client.store_error(&self.at, Intent::Write, error)),
        }
    }

    /// Removes what was sent. An upload that is not there any more is fine.
    fn abort(&self) -> BoxFuture<'static, Result<(), BoxError>> {
        let (client, path, id, at) = (
            self.client.clone(),
            self.path.clone(),
            self.id.clone(),
            self.at.clone(),
        );
        Box::pin(async move {
            let Err(error) = client.0.multipart.abort_multipart(&path, &id).await else {
                return Ok(());
            };
            let error = client.store_error(&at, Intent::Write, error);
            if error.is_not_found() {
                return Ok(());
            }
            Err(Box::new(error) as BoxError)
        })
    }
}

async fn next(
    pieces: &mut Pieces,
    takes: bool,
    sending: &mut FuturesUnordered<BoxFuture<'static, (usize, object_store::Result<PartId>)>>,
    activity: &Activity,
) -> Event {
    let sends = !sending.is_empty();
    tokio::select! {
        biased;
        Some((number, part)) = sending.next(), if sends => Event::Sent(number, part),
        () = activity.changed(), if sends => Event::Activity,
        piece = pieces.0.recv(), if takes => Event::Piece(piece),
    }
}

/// The caller's stream failed or the caller is gone; nobody reads this but a log.
fn abandoned(at: &Context) -> Error {
    at.backend("the stream to be written ended in an error")
}
