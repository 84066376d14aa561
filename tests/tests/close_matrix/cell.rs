//! The axes of the matrix.

macro_rules! axis {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            pub(crate) const ALL: [Self; [$($text),*].len()] = [$(Self::$variant),*];

            pub(crate) fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            fn parse(text: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|value| value.text() == text)
            }
        }
    };
}

axis! {
    /// What is spoken.
    Wire {
        Http1 = "http1",
        Http1Tls = "http1_tls",
        Http2 = "http2",
        Http2Tls = "http2_tls",
    }
}

axis! {
    /// What is under way when close begins.
    Situation {
        /// Connections in the pool.
        Idle = "idle",
        /// A GET that the server never answers.
        GetHangs = "get_hangs",
        /// A stream of which one piece was taken.
        HalfRead = "half_read",
        /// A listing that the server never answers.
        Listing = "listing",
        /// A connection that is still being made.
        Connecting = "connecting",
        /// A call that waits before it tries again.
        BackOff = "back_off",
        /// A multipart upload with parts on the way.
        Upload = "upload",
    }
}

axis! {
    /// Which executor opened and used the filesystem, and which closes it.
    Owner {
        Same = "same_runtime",
        Another = "another_runtime",
        Gone = "runtime_gone",
        Idle = "runtime_idle",
        None = "no_tokio",
    }
}

axis! {
    /// How it is closed.
    Close {
        Once = "once",
        Twice = "twice",
        TenAtOnce = "ten_at_once",
        Dropped = "dropped_half_way",
        WhileACallStarts = "while_a_call_starts",
    }
}

/// One combination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) wire: Wire,
    pub(crate) situation: Situation,
    pub(crate) owner: Owner,
    pub(crate) close: Close,
}

impl Cell {
    pub(crate) fn name(self) -> String {
        let Self {
            wire,
            situation,
            owner,
            close,
        } = self;
        [wire.text(), situation.text(), owner.text(), close.text()].join("::")
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split("::");
        Some(Self {
            wire: Wire::parse(parts.next()?)?,
            situation: Situation::parse(parts.next()?)?,
            owner: Owner::parse(parts.next()?)?,
            close: Close::parse(parts.next()?)?,
        })
    }
}

/// The drain time of every cell, in milliseconds.
pub(crate) const DRAIN_MS: u64 = 100;
/// Where the child finds its server, and the certificate to trust.
pub(crate) const URL_VARIABLE: &str = "CLOSE_MATRIX_URL";
/// See [`URL_VARIABLE`].
pub(crate) const CA_VARIABLE: &str = "CLOSE_MATRIX_CA";
/// What the child says when close has returned.
pub(crate) const CLOSED: &str = "closed";
