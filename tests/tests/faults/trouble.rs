//! The faults: how each is made, and which calls it concerns.

use std::time::Duration;

use zarr_tests::Fault;

use crate::cell::Op;

/// One row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Trouble {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Only calls whose answer has a body that is read.
    body_only: bool,
    /// Only calls for a part of a file.
    range_only: bool,
}

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// What the server does to every request.
    Reply(fn() -> Fault),
    /// Status 403, and the option `missing_status` has 403.
    DeniedMeansMissing,
    /// A name that does not resolve.
    NoName,
    /// Nobody listens.
    Refused,
    /// A certificate that nobody vouches for.
    BadCertificate,
    /// The same files lie on another host, and each request is redirected there.
    OtherHost,
}

/// Fewer bytes than any body of these tests has.
const PART: usize = 40;

const fn row(name: &'static str, kind: Kind) -> Trouble {
    Trouble {
        name,
        kind,
        body_only: false,
        range_only: false,
    }
}

const fn reply(name: &'static str, fault: fn() -> Fault) -> Trouble {
    row(name, Kind::Reply(fault))
}

const fn of_body(name: &'static str, fault: fn() -> Fault) -> Trouble {
    Trouble {
        body_only: true,
        ..reply(name, fault)
    }
}

impl Trouble {
    pub(crate) fn all() -> Vec<Self> {
        vec![
            reply("401", || Fault::status(401)),
            reply("403", || Fault::status(403)),
            row("403, `missing_status`", Kind::DeniedMeansMissing),
            reply("404", || Fault::status(404)),
            reply("410", || Fault::status(410)),
            reply("416", || Fault::status(416)),
            reply("429, `Retry-After`", || Fault::status(429).retry_after(1)),
            reply("500", || Fault::status(500)),
            reply("502", || Fault::status(502)),
            reply("503", || Fault::status(503)),
            reply("504", || Fault::status(504)),
            reply("reset before headers", Fault::reset),
            of_body("reset in body", || Fault::reset_after(PART)),
            of_body("truncated, with length", || Fault::truncate(PART)),
            of_body("truncated, without length", || {
                Fault::truncate_without_length(PART)
            }),
            of_body("truncated, chunked", || Fault::truncate_chunked(PART)),
            Trouble {
                range_only: true,
                ..reply("wrong `Content-Range`", || {
                    Fault::content_range("bytes 0-79/1000")
                })
            },
            reply("login page, 200", Fault::html_login),
            of_body("empty, 200", Fault::empty_ok),
            reply("stall", Fault::stall),
            of_body("stall in body", || Fault::stall_after(PART)),
            of_body("slow drip", || Fault::drip(64, Duration::from_millis(5))),
            row("name does not resolve", Kind::NoName),
            row("connection refused", Kind::Refused),
            row("bad certificate", Kind::BadCertificate),
            reply("redirect loop", || Fault::redirect(307, "/loop")),
            row("redirect to another host", Kind::OtherHost),
        ]
    }

    pub(crate) fn concerns(&self, op: Op) -> bool {
        match op {
            Op::Put => !self.body_only && !self.range_only,
            Op::Range => true,
            // An array can only be read once it has been opened, which these faults of the place itself prevent.
            Op::Get => !self.range_only && !self.prevents_all(),
            Op::Open | Op::List => !self.range_only,
        }
    }

    /// Whether no call at all can succeed.
    pub(crate) fn prevents_all(&self) -> bool {
        matches!(self.kind, Kind::NoName | Kind::Refused | Kind::BadCertificate)
    }

    /// Whether this says that a file is not there: then, and only then, may a chunk be its fill value.
    pub(crate) fn means_missing(&self) -> bool {
        matches!(self.kind, Kind::DeniedMeansMissing) || ["404", "410"].contains(&self.name)
    }
}
