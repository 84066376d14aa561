//! Reading a codec's configuration, of v3 or v2, with errors that name the codec and the member.

use std::borrow::Cow;

use super::error::{CodecError, Result};
use crate::metadata::Json;
use crate::metadata::data_type::V2DataType;
use crate::metadata::json::Object;

/// The configuration of one codec.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Config<'a> {
    codec: &'a str,
    members: &'a Object,
    is_v2: bool,
}

impl<'a> Config<'a> {
    pub(crate) fn new(codec: &'a str, members: &'a Object) -> Self {
        Self {
            codec,
            members,
            is_v2: false,
        }
    }

    /// The configuration of a filter or compressor of v2, whose integers may be written as strings.
    pub(crate) fn v2(codec: &'a str, members: &'a Object) -> Self {
        Self {
            codec,
            members,
            is_v2: true,
        }
    }

    /// Whether it is that of a filter or compressor of v2.
    pub(crate) fn is_v2(self) -> bool {
        self.is_v2
    }

    /// The name of the codec.
    pub(crate) fn codec(self) -> &'a str {
        self.codec
    }

    /// The member `key`; `null` counts as absent.
    pub(crate) fn get(self, key: &str) -> Option<&'a Json> {
        self.members.get(key).filter(|value| !value.is_null())
    }

    /// An error about the member `key`.
    pub(crate) fn wrong(self, key: &str, expected: &str) -> CodecError {
        match self.members.get(key) {
            Some(found) => CodecError::configuration(
                self.codec,
                format_args!("{key}: expected {expected}, found {}", found.excerpt()),
            ),
            None => {
                CodecError::configuration(self.codec, format_args!("{key} is missing: expected {expected}"))
            }
        }
    }

    fn optional<T>(
        self,
        key: &str,
        expected: &str,
        read: impl FnOnce(&'a Json) -> Option<T>,
    ) -> Result<Option<T>> {
        self.get(key)
            .map(|value| read(value).ok_or_else(|| self.wrong(key, expected)))
            .transpose()
    }

    pub(crate) fn integer(self, key: &str) -> Result<Option<i64>> {
        self.optional(key, "an integer", |json| self.number(json).as_i64())
    }

    pub(crate) fn unsigned(self, key: &str) -> Result<Option<u64>> {
        self.optional(key, "an integer of at least 0", |json| self.number(json).as_u64())
    }

    fn number(self, json: &Json) -> Cow<'_, Json> {
        match self.is_v2 {
            true => json.outside_a_string(),
            false => Cow::Borrowed(json),
        }
    }

    pub(crate) fn float(self, key: &str) -> Result<Option<f64>> {
        self.optional(key, "a number", Json::as_f64)
    }

    pub(crate) fn boolean(self, key: &str) -> Result<Option<bool>> {
        self.optional(key, "true or false", Json::as_bool)
    }

    pub(crate) fn text(self, key: &str) -> Result<Option<&'a str>> {
        self.optional(key, "a string", Json::as_str)
    }

    pub(crate) fn array(self, key: &str) -> Result<Option<&'a [Json]>> {
        self.optional(key, "an array", Json::as_array)
    }

    /// An array of non-negative integers.
    pub(crate) fn unsigned_array(self, key: &str) -> Result<Option<Vec<u64>>> {
        self.optional(key, "an array of integers of at least 0", |json| {
            json.as_array()?.iter().map(Json::as_u64).collect()
        })
    }

    /// A number as `numpy.dtype` takes it.
    pub(crate) fn dtype(self, key: &str) -> Result<Option<V2DataType>> {
        let parse = |json| {
            V2DataType::from_numpy(json)
                .map_err(|error| CodecError::configuration(self.codec, format_args!("{key}: {error}")))
        };
        self.get(key).map(parse).transpose()
    }

    /// A member that must be there.
    pub(crate) fn required<T>(self, key: &str, expected: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.wrong(key, expected))
    }

    /// Refuses all members but `known`, for codecs whose definition says so.
    pub(crate) fn only(self, known: &[&str]) -> Result<()> {
        match self.members.keys().find(|key| !known.contains(key)) {
            Some(key) => Err(CodecError::configuration(
                self.codec,
                format_args!("{key} is not a member of its configuration"),
            )),
            None => Ok(()),
        }
    }
}
