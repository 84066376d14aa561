//! Stand-in for the metadata documents.

use crate::metadata::json::Object;
use crate::metadata::{Json, MetadataError};
use crate::node_kind::ZarrFormat;

#[derive(Clone, Debug)]
pub struct ArrayMetadata {
    format: ZarrFormat,
    attributes: Object,
    pub json: Json,
}
#[derive(Clone, Debug)]
pub struct GroupMetadata {
    format: ZarrFormat,
    attributes: Object,
}

fn attrs(json: &Json) -> Result<Object, MetadataError> {
    match json.get("attributes") {
        None => Ok(Object::new()),
        Some(Json::Object(o)) => Ok(o.clone()),
        Some(other) => Err(MetadataError::invalid("an object", other).within("attributes")),
    }
}

impl ArrayMetadata {
    pub fn from_v3(json: &Json) -> Result<Self, MetadataError> {
        if json.get("shape").is_none() {
            return Err(MetadataError::mismatch("shape", "none"));
        }
        if let Some(first) = json.pointer("/shape/0") {
            if first.as_u64().is_none() {
                return Err(MetadataError::invalid("an integer", first));
            }
        }
        Ok(Self {
            format: ZarrFormat::V3,
            attributes: attrs(json)?,
            json: json.clone(),
        })
    }
    pub fn from_v2(json: &Json, attributes: Object) -> Result<Self, MetadataError> {
        if json.get("shape").is_none() {
            return Err(MetadataError::mismatch("shape", "none"));
        }
        Ok(Self {
            format: ZarrFormat::V2,
            attributes,
            json: json.clone(),
        })
    }
    pub fn attributes(&self) -> &Object {
        &self.attributes
    }
    pub fn zarr_format(&self) -> ZarrFormat {
        self.format
    }
    pub fn to_json(&self) -> Json {
        self.json.clone()
    }
}
impl GroupMetadata {
    pub fn new(format: ZarrFormat, attributes: Object) -> Self {
        Self { format, attributes }
    }
    pub fn from_v3(json: &Json) -> Result<Self, MetadataError> {
        Ok(Self {
            format: ZarrFormat::V3,
            attributes: attrs(json)?,
        })
    }
    pub fn from_v2(json: &Json, attributes: Object) -> Result<Self, MetadataError> {
        if json.get("zarr_format").and_then(Json::as_u64) != Some(2) {
            return Err(MetadataError::mismatch("zarr_format 2", "other"));
        }
        Ok(Self {
            format: ZarrFormat::V2,
            attributes,
        })
    }
    pub fn attributes(&self) -> &Object {
        &self.attributes
    }
    pub fn zarr_format(&self) -> ZarrFormat {
        self.format
    }
}
