//! [`NamedConfig`]: the "extension definition" of the v3 specification.

use super::MetadataError;
use super::error::Within as _;
use super::json::{Json, Object};

/// What names a data type, chunk grid, chunk key encoding, codec or storage transformer: a name and its configuration.
///
/// ```json
/// { "name": "gzip", "configuration": { "level": 5 }, "must_understand": true }
/// ```
/// or just `"gzip"`, which means no configuration. Both forms are read; the object is written, because
/// zarr-python refuses the short form for codecs, grids and key encodings.
///
/// Spec: <https://zarr-specs.readthedocs.io/en/latest/v3/core/index.html#extension-definition>.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedConfig {
    name: String,
    configuration: Option<Object>,
    must_understand: bool,
}

static EMPTY: std::sync::LazyLock<Object> = std::sync::LazyLock::new(Object::new);

impl NamedConfig {
    /// A name without configuration, which must be understood.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            configuration: None,
            must_understand: true,
        }
    }

    /// A name and its configuration, which must be understood.
    pub fn with_configuration(name: impl Into<String>, configuration: impl Into<Object>) -> Self {
        Self {
            name: name.into(),
            configuration: Some(configuration.into()),
            must_understand: true,
        }
    }

    /// Parses either form.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] if it is neither a string nor an object, lacks a name, or has members that the
    /// specification does not know.
    pub fn parse(json: &Json) -> Result<Self, MetadataError> {
        let expected = "a name, or an object with name and configuration";
        let object = match json {
            Json::String(name) if !name.is_empty() => return Ok(Self::new(name.as_str())),
            Json::Object(object) => object,
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                return Err(MetadataError::invalid(expected, json));
            }
        };
        let mut parsed = Self::new(String::new());
        for (key, value) in object.iter() {
            match (key, value) {
                ("name", Json::String(name)) if !name.is_empty() => parsed.name.clone_from(name),
                ("name", other) => return Err(MetadataError::invalid("a name", other).within(key)),
                ("configuration", Json::Object(configuration)) => {
                    parsed.configuration = Some(configuration.clone());
                }
                ("configuration", other) => {
                    return Err(MetadataError::invalid("an object", other).within(key));
                }
                ("must_understand", Json::Bool(value)) => parsed.must_understand = *value,
                ("must_understand", other) => {
                    return Err(MetadataError::invalid("true or false", other).within(key));
                }
                (_, other) => {
                    let expected = "only name, configuration and must_understand";
                    return Err(MetadataError::invalid(expected, other).within(key));
                }
            }
        }
        if parsed.name.is_empty() {
            return Err(MetadataError::invalid("an object with a name", json));
        }
        Ok(parsed)
    }

    /// Reads a filter or compressor of v2, whose name is `id` and whose configuration are the other members.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] if it is not an object with an `id`.
    pub fn parse_v2(json: &Json) -> Result<Self, MetadataError> {
        let id = json.get("id").and_then(Json::as_str).filter(|id| !id.is_empty());
        let (Some(id), Some(object)) = (id, json.as_object()) else {
            return Err(MetadataError::invalid("an object with an id", json));
        };
        let members = object.iter().filter(|(key, _)| *key != "id");
        let configuration: Object = members.map(|(key, value)| (key, value.clone())).collect();
        Ok(Self::with_configuration(id, configuration))
    }

    /// The form of v2: the `id`, then the members of the configuration.
    #[must_use]
    pub fn to_v2_json(&self) -> Json {
        let mut object = Object::from([("id", self.name.as_str())]);
        object.extend(
            self.configuration()
                .iter()
                .map(|(key, value)| (key, value.clone())),
        );
        object.into()
    }

    /// The name; of a v2 codec its `id`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The configuration; empty if there is none.
    #[must_use]
    pub fn configuration(&self) -> &Object {
        self.configuration.as_ref().unwrap_or(&EMPTY)
    }

    /// The member `key` of the configuration.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.configuration.as_ref()?.get(key)
    }

    /// Whether a reader that does not know the name must refuse the document. True unless the document says false.
    #[must_use]
    pub fn must_understand(&self) -> bool {
        self.must_understand
    }

    /// Whether it has a configuration with at least one member.
    #[must_use]
    pub fn has_configuration(&self) -> bool {
        !self.configuration().is_empty()
    }

    /// Refuses members of the configuration that are not in `known`.
    ///
    /// # Errors
    /// [`MetadataError::Invalid`] that names the first such member, with its pointer from the extension definition.
    pub fn only_keys(&self, known: &[&str]) -> Result<(), MetadataError> {
        match self.configuration().iter().find(|(key, _)| !known.contains(key)) {
            None => Ok(()),
            Some((key, value)) => {
                let expected = match known {
                    [] => format!("no configuration for {:?}", self.name),
                    known => format!("a configuration of {}", known.join(", ")),
                };
                Err(MetadataError::invalid(expected, value))
                    .within(key)
                    .within("configuration")
            }
        }
    }

    /// The object form: always with the name, with the configuration if there is one (an empty one is kept), with
    /// `must_understand` only if it is false.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut object = Object::from([("name", self.name.as_str())]);
        if let Some(configuration) = &self.configuration {
            object.insert("configuration", configuration.clone());
        }
        if !self.must_understand {
            object.insert("must_understand", false);
        }
        object.into()
    }
}
