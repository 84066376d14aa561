//! [`Json`]: a JSON value that loses nothing which Zarr documents hold.
//!
//! `serde_json::Value` cannot say `NaN` as a token, keeps big integers and the text of numbers only behind
//! features that change it for every crate of a build, and takes the last of two equal keys in silence. Zarr
//! attributes have all of these, and must come back as they were when another attribute is changed.

mod key;
mod number;
mod object;
mod parse;
mod print;
#[cfg(test)]
mod tests;

pub use number::{NonFinite, Number};
pub use object::Object;
pub use print::{NonFiniteStyle, PrintOptions};

use std::borrow::Cow;

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number as it was written, or one of the tokens `NaN`, `Infinity`, `-Infinity`.
    Number(Number),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, its keys in order.
    Object(Object),
}

impl Json {
    /// The boolean, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(value) = self {
            Some(value)
        } else {
            None
        }
    }

    /// The integer, if it is a number written as one that fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The integer, if it is a number written as one that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The nearest `f64`, if it is a number or one of the bare tokens.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        Some(self.as_number()?.as_f64())
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(value) = self {
            Some(value)
        } else {
            None
        }
    }

    /// The items, if it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Json]> {
        if let Self::Array(items) = self {
            Some(items)
        } else {
            None
        }
    }

    /// The members, if it is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self {
            Some(object)
        } else {
            None
        }
    }

    /// The members, if it is an object.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        if let Self::Object(object) = self {
            Some(object)
        } else {
            None
        }
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// `"1"` as `1`, everything else as it is: v2 writers in Java and older netCDF-C put numbers into strings.
    pub(crate) fn outside_a_string(&self) -> Cow<'_, Self> {
        let parsed = self.as_str().map(|text| Self::parse(text.as_bytes()));
        match parsed {
            Some(Ok(number @ Self::Number(_))) => Cow::Owned(number),
            Some(_) | None => Cow::Borrowed(self),
        }
    }

    /// The member `key`, if it is an object that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.as_object()?.get(key)
    }

    /// The value at a JSON pointer (RFC 6901): `""` is the value itself, `"/a/0"` the first item of member `a`.
    #[must_use]
    pub fn pointer(&self, pointer: &str) -> Option<&Json> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer
            .strip_prefix('/')?
            .split('/')
            .try_fold(self, |value, segment| match value {
                Self::Object(object) if segment.contains('~') => {
                    object.get(&segment.replace("~1", "/").replace("~0", "~"))
                }
                Self::Object(object) => object.get(segment),
                Self::Array(items) => {
                    let canonical = segment == "0" || !segment.starts_with(['0', '+']);
                    items.get(segment.parse::<usize>().ok().filter(|_| canonical)?)
                }
                Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => None,
            })
    }

    /// What it is, for messages: "a number", "an object".
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The value for a message: as JSON if that is short, else its kind and beginning.
    #[must_use]
    pub(crate) fn excerpt(&self) -> String {
        const MOST: usize = 60;
        match self {
            Self::Array(items) if items.len() > MOST => format!("an array of {} items", items.len()),
            Self::Object(object) if object.len() > MOST => format!("an object of {} members", object.len()),
            Self::String(text) if text.len() > 4 * MOST => format!("a string of {} bytes", text.len()),
            Self::Null
            | Self::Bool(_)
            | Self::Number(_)
            | Self::String(_)
            | Self::Array(_)
            | Self::Object(_) => {
                let options = PrintOptions::compact().non_finite(NonFiniteStyle::Token);
                let text = self.print_prefix(&options, 4 * MOST);
                if text.chars().nth(MOST).is_none() {
                    return text;
                }
                let beginning: String = text.chars().take(MOST).collect();
                format!("{} {beginning}…", self.kind())
            }
        }
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Number> for Json {
    fn from(value: Number) -> Self {
        Self::Number(value)
    }
}

impl From<Object> for Json {
    fn from(value: Object) -> Self {
        Self::Object(value)
    }
}

impl<T: Into<Json>> From<Vec<T>> for Json {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Json> + Clone> From<&[T]> for Json {
    fn from(items: &[T]) -> Self {
        Self::Array(items.iter().cloned().map(Into::into).collect())
    }
}

impl<T: Into<Json>, const N: usize> From<[T; N]> for Json {
    fn from(items: [T; N]) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! from_number {
    ($($type:ty as $via:ty),*) => { $(
        impl From<$type> for Json {
            fn from(value: $type) -> Self {
                Self::Number(Number::from(<$via>::from(value)))
            }
        }
    )* };
}

from_number!(u8 as u64, u16 as u64, u32 as u64, u64 as u64);
from_number!(
    i8 as i64, i16 as i64, i32 as i64, i64 as i64, f32 as f32, f64 as f64
);

impl From<usize> for Json {
    fn from(value: usize) -> Self {
        Self::Number(Number::from(value as u64))
    }
}
