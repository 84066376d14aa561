//! [`Number`]: a JSON number as it was written.

use std::borrow::Cow;
use std::fmt;

/// A JSON number that loses nothing: integers of any size are exact, other numbers keep their text
/// (`-0.0`, `1e-7`, `0.10`), and the bare tokens `NaN`, `Infinity` and `-Infinity`, which Python writes and
/// RFC 8259 does not know, have a place.
///
/// Two numbers are equal if they are *written* alike: `1` and `1.0` differ, and `NaN` equals itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    /// Written canonically (no leading minus on zero), so the text can be rebuilt.
    Unsigned(u64),
    /// Always below zero.
    Negative(i64),
    /// Any other text of the JSON grammar.
    Text(Box<str>),
    NonFinite(NonFinite),
}

/// A number that JSON cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NonFinite {
    /// `NaN`
    Nan,
    /// `Infinity`
    Infinity,
    /// `-Infinity`
    NegInfinity,
}

impl NonFinite {
    /// The token, which is also the string that strict Zarr documents use in its place.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nan => "NaN",
            Self::Infinity => "Infinity",
            Self::NegInfinity => "-Infinity",
        }
    }

    /// The value.
    #[must_use]
    pub const fn as_f64(self) -> f64 {
        match self {
            Self::Nan => f64::NAN,
            Self::Infinity => f64::INFINITY,
            Self::NegInfinity => f64::NEG_INFINITY,
        }
    }
}

impl Number {
    /// A number from a text that follows the JSON grammar; `integer` says that it has neither fraction nor exponent.
    pub(super) fn from_valid_text(text: &str, integer: bool) -> Self {
        if integer && text != "-0" {
            if let Ok(value) = text.parse::<u64>() {
                return Self(Repr::Unsigned(value));
            }
            if let Ok(value) = text.parse::<i64>() {
                return Self(Repr::Negative(value));
            }
        }
        Self(Repr::Text(text.into()))
    }

    /// The value as `u64`, if it is written as an integer (`4`, not `4.0` or `4e0`) and fits.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match &self.0 {
            Repr::Unsigned(value) => Some(*value),
            Repr::Text(text) if &**text == "-0" => Some(0),
            Repr::Negative(_) | Repr::Text(_) | Repr::NonFinite(_) => None,
        }
    }

    /// The value as `i64`, if it is written as an integer and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Unsigned(value) => i64::try_from(*value).ok(),
            Repr::Negative(value) => Some(*value),
            Repr::Text(text) if &**text == "-0" => Some(0),
            Repr::Text(_) | Repr::NonFinite(_) => None,
        }
    }

    /// The nearest `f64`; infinite if a finite text is out of range.
    #[must_use]
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            // A decimal parse rounds once; `as` would too, but only for integers of at most 64 bits.
            #[expect(clippy::cast_precision_loss, reason = "the nearest f64 is what is asked for")]
            Repr::Unsigned(value) => *value as f64,
            #[expect(clippy::cast_precision_loss, reason = "the nearest f64 is what is asked for")]
            Repr::Negative(value) => *value as f64,
            Repr::Text(text) => text.parse().unwrap_or(f64::NAN),
            Repr::NonFinite(value) => value.as_f64(),
        }
    }

    /// The nearest `f32`, rounded once from the text.
    #[must_use]
    pub fn as_f32(&self) -> f32 {
        match &self.0 {
            Repr::NonFinite(NonFinite::Nan) => f32::NAN,
            Repr::NonFinite(NonFinite::Infinity) => f32::INFINITY,
            Repr::NonFinite(NonFinite::NegInfinity) => f32::NEG_INFINITY,
            Repr::Unsigned(_) | Repr::Negative(_) | Repr::Text(_) => self.text().parse().unwrap_or(f32::NAN),
        }
    }

    /// Whether it is written without fraction and exponent.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Unsigned(_) | Repr::Negative(_) => true,
            Repr::Text(text) => !text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E')),
            Repr::NonFinite(_) => false,
        }
    }

    /// Which of the three bare tokens this is, if it is one.
    #[must_use]
    pub fn non_finite(&self) -> Option<NonFinite> {
        match &self.0 {
            Repr::NonFinite(value) => Some(*value),
            Repr::Unsigned(_) | Repr::Negative(_) | Repr::Text(_) => None,
        }
    }

    /// The text as written.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Unsigned(value) => Cow::Owned(value.to_string()),
            Repr::Negative(value) => Cow::Owned(value.to_string()),
            Repr::Text(text) => Cow::Borrowed(text),
            Repr::NonFinite(value) => Cow::Borrowed(value.as_str()),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Unsigned(value) => value.fmt(f),
            Repr::Negative(value) => value.fmt(f),
            Repr::Text(text) => f.write_str(text),
            Repr::NonFinite(value) => f.write_str(value.as_str()),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<NonFinite> for Number {
    fn from(value: NonFinite) -> Self {
        Self(Repr::NonFinite(value))
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self(Repr::Unsigned(value))
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        match u64::try_from(value) {
            Ok(value) => Self(Repr::Unsigned(value)),
            Err(_) => Self(Repr::Negative(value)),
        }
    }
}

/// The shortest text that reads back as the same `f64`, always with a fraction or an exponent; the tokens for the
/// values that JSON lacks (a NaN's payload is lost: fill values use hex strings instead).
impl From<f64> for Number {
    fn from(value: f64) -> Self {
        if value.is_nan() {
            NonFinite::Nan.into()
        } else if value.is_infinite() {
            if value > 0.0 {
                NonFinite::Infinity.into()
            } else {
                NonFinite::NegInfinity.into()
            }
        } else {
            Self(Repr::Text(format!("{value:?}").into()))
        }
    }
}

/// The shortest text that reads back as the same `f32`; otherwise as for `f64`.
impl From<f32> for Number {
    fn from(value: f32) -> Self {
        if value.is_finite() {
            Self(Repr::Text(format!("{value:?}").into()))
        } else {
            f64::from(value).into()
        }
    }
}
