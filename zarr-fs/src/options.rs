//! Storage options under fsspec's names, so that a Python `storage_options` dict can be pasted.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::session::SessionOptions;

/// The options that every filesystem takes.
pub const COMMON_OPTIONS: &[&str] = &[
    "concurrency",
    "drain",
    "io_threads",
    "missing_status",
    "retries",
    "retry_time",
    "timeout",
];

/// Storage options: names and JSON values, nested as in a Python `storage_options` dict.
///
/// `Debug` shows the names only: a value may be a secret.
#[derive(Clone, Default, PartialEq)]
pub struct Options(Map<String, Value>);

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Options {
    /// No options.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a JSON object, as `json.dumps(storage_options)` prints one.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if `text` is no JSON object.
    pub fn from_json(text: &str) -> Result<Self> {
        match serde_json::from_str(text) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(_) => Err(invalid("options", "not a JSON object")),
            // serde_json names the place, not the text.
            Err(error) => Err(invalid("options", error.to_string())),
        }
    }

    /// Sets an option from text: `key` may be dotted (`client_kwargs.headers.X-Key`). The value is taken as JSON if the
    /// option is a number, a boolean, an object or a list in JSON, else as text.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if the key is empty, or a part of it already holds a plain value.
    pub fn set_text(&mut self, key: &str, value: &str) -> Result<()> {
        let value = match serde_json::from_str(value) {
            Ok(json @ (Value::Bool(_) | Value::Number(_) | Value::Object(_) | Value::Array(_))) => json,
            Ok(Value::Null | Value::String(_)) | Err(_) => Value::String(value.to_owned()),
        };
        self.set(key, value)
    }

    /// Sets an option; `key` may be dotted. The part after a `headers.` is one name, dots and all.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if the key is empty, or a part of it already holds a plain value.
    pub fn set(&mut self, key: &str, value: Value) -> Result<()> {
        let mut place = &mut self.0;
        let mut rest = key;
        loop {
            let is_header = rest.len() < key.len() && key[..key.len() - rest.len()].ends_with("headers.");
            match rest.split_once('.') {
                Some((part, tail)) if !is_header && !part.is_empty() => {
                    let entry = place.entry(part).or_insert_with(|| Value::Object(Map::new()));
                    let Value::Object(next) = entry else {
                        return Err(invalid(key, format!("`{part}` already has a plain value")));
                    };
                    place = next;
                    rest = tail;
                }
                _ if rest.is_empty() => return Err(invalid(key, "an empty name")),
                _ => {
                    place.insert(rest.to_owned(), value);
                    return Ok(());
                }
            }
        }
    }

    /// The names that are set.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// An option's value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// An option that is text; a number or boolean is taken as it is printed.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for a list or an object.
    pub fn text(&self, key: &str) -> Result<Option<String>> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => Ok(Some(value.to_string())),
            Some(Value::Array(_) | Value::Object(_)) => Err(invalid(key, "expected text")),
        }
    }

    /// An option that is a whole number.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for anything else.
    pub fn integer(&self, key: &str) -> Result<Option<u64>> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        text.parse()
            .map(Some)
            .map_err(|_| invalid(key, "expected a whole number"))
    }

    /// An option that is true or false.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for anything else.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>> {
        match self.text(key)?.map(|text| text.to_ascii_lowercase()).as_deref() {
            None => Ok(None),
            Some("true" | "1" | "yes") => Ok(Some(true)),
            Some("false" | "0" | "no") => Ok(Some(false)),
            Some(_) => Err(invalid(key, "expected true or false")),
        }
    }

    /// An option that is a time: seconds as a number, or with a unit (`500ms`, `5s`, `2m`).
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for anything else.
    pub fn duration(&self, key: &str) -> Result<Option<Duration>> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        parse_duration(&text)
            .map(Some)
            .ok_or_else(|| invalid(key, "expected a time such as 5, 1.5s, 500ms or 2m"))
    }

    /// An option that is an object of texts, such as `headers`.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for anything else.
    pub fn texts(&self, key: &str) -> Result<BTreeMap<String, String>> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(BTreeMap::new()),
            Some(Value::Object(map)) => map
                .iter()
                .map(|(name, value)| match value {
                    Value::String(text) => Ok((name.clone(), text.clone())),
                    Value::Bool(_) | Value::Number(_) => Ok((name.clone(), value.to_string())),
                    Value::Null | Value::Array(_) | Value::Object(_) => {
                        Err(invalid(format!("{key}.{name}"), "expected text"))
                    }
                })
                .collect(),
            Some(_) => Err(invalid(key, "expected an object of texts")),
        }
    }

    /// The options inside an option, such as `client_kwargs`.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] if it is no object.
    pub fn nested(&self, key: &str) -> Result<Self> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(Value::Object(map)) => Ok(Self(map.clone())),
            Some(_) => Err(invalid(key, "expected an object")),
        }
    }

    /// Refuses names that nobody knows.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] with the nearest known name, if one is near.
    pub fn check_keys(&self, known: &[&str]) -> Result<()> {
        let all = || known.iter().chain(COMMON_OPTIONS).copied();
        match self.keys().find(|key| !all().any(|name| name == *key)) {
            None => Ok(()),
            Some(unknown) => Err(invalid(
                unknown,
                match nearest(unknown, all()) {
                    Some(name) => format!("unknown; did you mean `{name}`?"),
                    None => format!("unknown; known are {}", all().collect::<Vec<_>>().join(", ")),
                },
            )),
        }
    }

    /// The session options among these, over `defaults`.
    ///
    /// # Errors
    /// [`Error::InvalidOption`] for an impossible value.
    pub fn session_options(&self, defaults: SessionOptions) -> Result<SessionOptions> {
        let mut session = defaults;
        if let Some(drain) = self.duration("drain")? {
            session.drain = drain;
        }
        if let Some(concurrency) = self.count("concurrency", 1024)? {
            session.concurrency = concurrency;
        }
        if let Some(io_threads) = self.count("io_threads", 64)? {
            session.io_threads = io_threads;
        }
        Ok(session)
    }

    fn count(&self, key: &str, most: u64) -> Result<Option<usize>> {
        match self.integer(key)? {
            None => Ok(None),
            Some(count) if (1..=most).contains(&count) => Ok(usize::try_from(count).ok()),
            Some(_) => Err(invalid(key, format!("expected 1 to {most}"))),
        }
    }

    /// Text that is equal for equal options: what decides whether a session can be shared. It holds secrets.
    #[must_use]
    pub fn identity(&self) -> String {
        let sorted: BTreeMap<_, _> = self.0.iter().collect();
        serde_json::to_string(&sorted).unwrap_or_default()
    }
}

/// An error about an option. `reason` must not hold the value: it may be a secret.
pub fn invalid(key: impl Into<String>, reason: impl Into<String>) -> Error {
    Error::InvalidOption {
        key: key.into(),
        reason: reason.into(),
    }
}

/// A time: seconds as a number, or with a unit (`500ms`, `5s`, `2m`, `1h`).
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    } * number.trim().parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The name that is nearest to `word`, if one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = (word.chars().count() / 3).max(1);
    names
        .map(|name| (distance(word, name), name))
        .filter(|(distance, name)| *distance <= near || (word.len() > 2 && name.starts_with(word)))
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's distance: insertions, removals and replacements.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_pasted_dict() {
        let options =
            Options::from_json(r#"{"token": "anon", "client_kwargs": {"headers": {"X": "1"}}}"#).unwrap();
        assert_eq!(options.text("token").unwrap().as_deref(), Some("anon"));
        assert_eq!(
            options.nested("client_kwargs").unwrap().texts("headers").unwrap()["X"],
            "1"
        );
    }

    #[test]
    fn takes_dotted_keys() {
        let mut options = Options::new();
        options.set_text("client_kwargs.headers.X-a.b", "1.0").unwrap();
        options.set_text("retries", "3").unwrap();
        assert_eq!(
            options.nested("client_kwargs").unwrap().texts("headers").unwrap()["X-a.b"],
            "1.0"
        );
        assert_eq!(options.integer("retries").unwrap(), Some(3));
        assert!(options.set_text("retries.x", "1").is_err());
        assert!(options.set_text("", "1").is_err());
    }

    #[test]
    fn suggests_the_name_that_was_meant() {
        let mut options = Options::new();
        options.set_text("tokn", "s3cret").unwrap();
        let error = options.check_keys(&["token", "project"]).unwrap_err().to_string();
        assert!(error.contains("did you mean `token`"), "{error}");
        assert!(!error.contains("s3cret"));
        assert!(!format!("{options:?}").contains("s3cret"));
    }

    #[test]
    fn reads_times() {
        assert_eq!(parse_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse_duration("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(parse_duration("2m"), Some(Duration::from_secs(120)));
        for bad in ["", "-1", "5x", "nan", "1e300s"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }
}
