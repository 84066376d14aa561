//! [`Context`]: what all nodes of one open share: the store, the options, and the documents that are known to be missing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::OpenOptions;
use crate::error::{Error, Result};
use crate::store::{Store, StoreReader, Value};

/// So many missing keys are remembered; beyond that they are asked for again.
const MOST_MISSING: usize = 1 << 18;

/// What all nodes of one open share.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) store: Arc<Store>,
    pub(crate) options: OpenOptions,
    missing: Mutex<Missing>,
}

/// Documents that the store said are missing. They stay so for this open, until something is written through the store.
#[derive(Debug, Default)]
struct Missing {
    keys: HashSet<String>,
    /// The store's count of document writes that `keys` belongs to.
    as_of: u64,
}

/// What came of asking for a document.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is there.
    Found(Value),
    /// It is not.
    Missing,
    /// The server refuses to say (401, 403). Stores that may not be listed say so of what is missing, too.
    Denied(Error),
    /// The question failed: nothing is known.
    Failed(Error),
}

impl Answer {
    pub(crate) fn is_found(&self) -> bool {
        matches!(self, Self::Found(_))
    }
}

impl Context {
    pub(crate) fn new(store: Arc<Store>, options: OpenOptions) -> Arc<Self> {
        Arc::new(Self {
            store,
            options,
            missing: Mutex::default(),
        })
    }

    /// Asks for a document, unless it is known to be missing.
    pub(crate) async fn ask(&self, key: &str) -> Answer {
        let as_of = self.store.documents_written();
        if self.missing(as_of).keys.contains(key) {
            return Answer::Missing;
        }
        self.answer(key, as_of, self.store.get_document(key).await)
    }

    /// [`Context::ask`] in the calling thread.
    pub(crate) fn ask_blocking(&self, reader: &StoreReader, key: &str) -> Answer {
        let as_of = self.store.documents_written();
        if self.missing(as_of).keys.contains(key) {
            return Answer::Missing;
        }
        self.answer(key, as_of, self.store.read_document(reader, key))
    }

    /// What the store's answer to a question means that was asked when `as_of` documents had been written.
    fn answer(&self, key: &str, as_of: u64, value: Result<Option<Value>>) -> Answer {
        match value {
            Ok(Some(value)) => Answer::Found(value),
            Ok(None) => {
                // A write that began or ended meanwhile may have made the document: then nothing is remembered.
                if self.store.documents_written() == as_of {
                    let mut missing = self.missing(as_of);
                    if missing.as_of == as_of && missing.keys.len() < MOST_MISSING {
                        missing.keys.insert(key.to_owned());
                    }
                }
                Answer::Missing
            }
            Err(error) if error.is_denied() => Answer::Denied(error),
            Err(error) => Answer::Failed(error),
        }
    }

    fn missing(&self, now: u64) -> std::sync::MutexGuard<'_, Missing> {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if missing.as_of < now {
            missing.keys.clear();
            missing.as_of = now;
        }
        missing
    }
}
