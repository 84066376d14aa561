//! [`ChunkKeyEncoding`]: the names under which chunks are stored.

use std::fmt::Write as _;

use super::json::Json;
use super::{MetadataError, NamedConfig};

/// How the index of a chunk becomes its key, relative to the array.
///
/// ```json
/// { "name": "default", "configuration": { "separator": "/" } }
/// ```
/// Spec: <https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html#chunk-key-encoding>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChunkKeyEncoding {
    /// `c/1/0`; `c` if the array has no dimension.
    Default(Separator),
    /// `1.0`; `0` if the array has no dimension. Also that of v2 arrays.
    V2(Separator),
}

/// What stands between the numbers of a chunk key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Separator {
    /// `/`
    Slash,
    /// `.`
    Dot,
}

impl Separator {
    /// The character.
    #[must_use]
    pub const fn as_char(self) -> char {
        match self {
            Self::Slash => '/',
            Self::Dot => '.',
        }
    }

    /// Reads `"/"` or `"."`.
    pub(crate) fn parse(json: &Json) -> Result<Self, MetadataError> {
        match json.as_str() {
            Some("/") => Ok(Self::Slash),
            Some(".") => Ok(Self::Dot),
            Some(_) | None => Err(MetadataError::invalid("\"/\" or \".\"", json)),
        }
    }
}

impl ChunkKeyEncoding {
    /// Reads an encoding; `None` if its name is not known.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] for a wrong configuration.
    pub fn parse_v3(named: &NamedConfig) -> Result<Option<Self>, MetadataError> {
        let (encoding, default): (fn(Separator) -> Self, _) = match named.name() {
            "default" => (Self::Default, Separator::Slash),
            "v2" => (Self::V2, Separator::Dot),
            _ => return Ok(None),
        };
        named.only_keys(&["separator"])?;
        let separator = named.get("separator").map(Separator::parse).transpose();
        let separator = separator.map_err(|e| e.within("separator").within("configuration"))?;
        Ok(Some(encoding(separator.unwrap_or(default))))
    }

    /// The form that a v3 document has: always with its separator, since a reader's default is easily wrong.
    #[must_use]
    pub fn to_v3_json(self) -> Json {
        let (name, separator) = match self {
            Self::Default(separator) => ("default", separator),
            Self::V2(separator) => ("v2", separator),
        };
        NamedConfig::with_configuration(name, [("separator", separator.as_char().to_string())]).to_json()
    }

    /// The separator.
    #[must_use]
    pub const fn separator(self) -> Separator {
        match self {
            Self::Default(separator) | Self::V2(separator) => separator,
        }
    }

    /// The key of a chunk, relative to the array: `c/1/0`.
    #[must_use]
    pub fn key(self, chunk: &[u64]) -> String {
        let mut key = String::with_capacity(2 + 4 * chunk.len());
        let separator = self.separator().as_char();
        let mut rest = chunk;
        match (self, chunk) {
            (Self::Default(_), _) => key.push('c'),
            (Self::V2(_), []) => key.push('0'),
            (Self::V2(_), [first, others @ ..]) => {
                let _ = write!(key, "{first}");
                rest = others;
            }
        }
        for index in rest {
            // Writing to a String cannot fail.
            let _ = write!(key, "{separator}{index}");
        }
        key
    }

    /// The chunk of a key, relative to the array of `rank` dimensions; `None` if it is not the key of a chunk.
    #[must_use]
    pub fn chunk(self, key: &str, rank: usize) -> Option<Vec<u64>> {
        let numbers = match (self, rank) {
            (Self::Default(_), 0) => return (key == "c").then(Vec::new),
            (Self::V2(_), 0) => return (key == "0").then(Vec::new),
            (Self::Default(separator), _) => key.strip_prefix('c')?.strip_prefix(separator.as_char())?,
            (Self::V2(_), _) => key,
        };
        let number = |text: &str| {
            let canonical = text == "0" || !text.starts_with(['0', '+']);
            text.parse::<u64>().ok().filter(|_| canonical)
        };
        let chunk: Vec<u64> = numbers
            .split(self.separator().as_char())
            .map(number)
            .collect::<Option<_>>()?;
        (chunk.len() == rank).then_some(chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<ChunkKeyEncoding>, MetadataError> {
        ChunkKeyEncoding::parse_v3(&NamedConfig::parse(&Json::parse(text.as_bytes()).unwrap()).unwrap())
    }

    #[test]
    fn keys_follow_the_specification() {
        let cases = [
            (r#""default""#, "c/1/0/23", "c"),
            (r#"{"name":"default"}"#, "c/1/0/23", "c"),
            (
                r#"{"name":"default","configuration":{"separator":"."}}"#,
                "c.1.0.23",
                "c",
            ),
            (r#""v2""#, "1.0.23", "0"),
            (
                r#"{"name":"v2","configuration":{"separator":"/"}}"#,
                "1/0/23",
                "0",
            ),
        ];
        for (text, key, scalar) in cases {
            let encoding = parse(text).unwrap().unwrap();
            assert_eq!(encoding.key(&[1, 0, 23]), key, "{text}");
            assert_eq!(encoding.chunk(key, 3), Some(vec![1, 0, 23]), "{text}");
            assert_eq!(encoding.key(&[]), scalar, "{text}");
            assert_eq!(encoding.chunk(scalar, 0), Some(vec![]), "{text}");
            let again = NamedConfig::parse(&encoding.to_v3_json()).unwrap();
            assert_eq!(
                ChunkKeyEncoding::parse_v3(&again).unwrap(),
                Some(encoding),
                "{text}"
            );
        }
    }

    #[test]
    fn other_keys_are_no_chunks() {
        let slash = ChunkKeyEncoding::Default(Separator::Slash);
        for key in [
            "c/1",
            "c/1/0/0",
            "c/01/0",
            "c/+1/0",
            "c/1/",
            "c/1/x",
            "1/0",
            "c.1.0",
            "zarr.json",
            "c/-1/0",
            "",
        ] {
            assert_eq!(slash.chunk(key, 2), None, "{key}");
        }
        assert_eq!(slash.chunk("c/18446744073709551616/0", 2), None);
        assert_eq!(ChunkKeyEncoding::V2(Separator::Dot).chunk(".zarray", 2), None);
    }

    #[test]
    fn wrong_encodings_say_where() {
        assert_eq!(parse(r#""hex""#).unwrap(), None);
        for (text, pointer) in [
            (
                r#"{"name":"default","configuration":{"separator":"-"}}"#,
                "/configuration/separator",
            ),
            (
                r#"{"name":"v2","configuration":{"separator":null}}"#,
                "/configuration/separator",
            ),
            (
                r#"{"name":"v2","configuration":{"sep":"/"}}"#,
                "/configuration/sep",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().pointer(), pointer, "{text}");
        }
    }
}
