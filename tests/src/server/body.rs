//! The body of an answer, sent whole or in the way a fault wants.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::conn::Control;
use super::fault::{At, Break};
use super::log::Ticket;

/// The largest piece handed out at once, so that the log shows how far a body came.
const PIECE: usize = 256 << 10;

/// A body on its way.
pub(crate) struct AnswerBody {
    pub(crate) data: Bytes,
    pub(crate) sent: usize,
    pub(crate) broken: Option<(usize, Break)>,
    pub(crate) drip: Option<(usize, Duration)>,
    pub(crate) pause: Option<Pin<Box<Sleep>>>,
    pub(crate) control: Arc<Control>,
    pub(crate) ticket: Ticket,
}

impl AnswerBody {
    pub(crate) fn new(
        data: Bytes,
        broken: Option<(At, Break)>,
        drip: Option<(usize, Duration)>,
        control: Arc<Control>,
        ticket: Ticket,
    ) -> Self {
        let broken = match broken {
            Some((At::Body(after), how)) => Some((after.min(data.len()), how)),
            Some((At::Head | At::Answer, _)) | None => None,
        };
        Self {
            data,
            sent: 0,
            broken,
            drip,
            pause: None,
            control,
            ticket,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        if let Some(pause) = &mut this.pause {
            ready!(pause.as_mut().poll(cx));
            this.pause = None;
        }
        let mut end = this.data.len();
        if let Some((after, how)) = this.broken {
            if this.sent >= after {
                this.control.end_after_flush(how);
                return Poll::Pending;
            }
            end = after;
        }
        if this.sent >= end {
            return Poll::Ready(None);
        }
        let piece = this.drip.map_or(PIECE, |(bytes, _)| bytes);
        let piece = this.data.slice(this.sent..end.min(this.sent + piece));
        this.sent += piece.len();
        this.ticket.update(|entry| entry.bytes_sent = this.sent as u64);
        this.pause = this.drip.map(|(_, every)| Box::pin(tokio::time::sleep(every)));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.broken.is_none() && self.sent >= self.data.len()
    }

    fn size_hint(&self) -> SizeHint {
        // Never exact: the framing is the answer's own, told by its headers.
        SizeHint::default()
    }
}
