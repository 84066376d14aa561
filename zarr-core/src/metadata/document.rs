//! [`Document`]: the stored JSON of a node, of either format, kept as it is.

use bytes::Bytes;

use super::json::{Json, NonFiniteStyle, Object, PrintOptions};
use super::kept::Kept;
use super::{MetadataError, ZarrFormat};

/// The stored JSON of a node: `zarr.json`, or `.zarray` or `.zgroup` with its `.zattrs`.
///
/// Keys keep their order and fields that nobody knows are kept, so that an update of one thing rewrites only that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    kind: DocumentKind,
    main: Kept,
    /// The `.zattrs` of v2, if there is one.
    zattrs: Option<Kept>,
}

/// Which documents a node has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentKind {
    /// v3, array or group: `zarr.json`.
    ZarrJson,
    /// v2 array: `.zarray` and `.zattrs`.
    Zarray,
    /// v2 group: `.zgroup` and `.zattrs`.
    Zgroup,
}

/// Key of the v3 document of a node, relative to the node.
pub const ZARR_JSON: &str = "zarr.json";
/// Key of the document of a v2 array, relative to the node.
pub const ZARRAY: &str = ".zarray";
/// Key of the document of a v2 group, relative to the node.
pub const ZGROUP: &str = ".zgroup";
/// Key of the attributes of a v2 node, relative to the node.
pub const ZATTRS: &str = ".zattrs";
/// Key of the consolidated metadata of a v2 group, relative to the group.
pub const ZMETADATA: &str = ".zmetadata";

impl DocumentKind {
    /// Key of the document, relative to the node.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::ZarrJson => ZARR_JSON,
            Self::Zarray => ZARRAY,
            Self::Zgroup => ZGROUP,
        }
    }

    /// The format.
    #[must_use]
    pub const fn zarr_format(self) -> ZarrFormat {
        match self {
            Self::ZarrJson => ZarrFormat::V3,
            Self::Zarray | Self::Zgroup => ZarrFormat::V2,
        }
    }
}

static EMPTY: std::sync::LazyLock<Object> = std::sync::LazyLock::new(Object::new);

impl Document {
    /// Checks only that both are objects. The attributes of v3 may be `null`, as zarr-python reads them: as absent.
    pub(super) fn new(kind: DocumentKind, main: Json, zattrs: Option<Json>) -> Result<Self, MetadataError> {
        let object = |json: Json| {
            if let Json::Object(object) = json {
                Ok(object)
            } else {
                Err(MetadataError::invalid("an object", &json))
            }
        };
        let main = object(main)?;
        if kind == DocumentKind::ZarrJson
            && let Some(attributes) = main.get("attributes")
            && attributes.as_object().is_none()
            && !attributes.is_null()
        {
            return Err(MetadataError::invalid("an object", attributes).within("attributes"));
        }
        Ok(Self {
            kind,
            main: Kept::tree(main),
            zattrs: zattrs.map(object).transpose()?.map(Kept::tree),
        })
    }

    /// Keeps the texts that the documents were parsed from in place of what they were parsed to.
    pub(super) fn keep_text(&mut self, main: Bytes, zattrs: Option<Bytes>) {
        self.main.keep_text(main);
        if let Some((kept, text)) = self.zattrs.as_mut().zip(zattrs) {
            kept.keep_text(text);
        }
    }

    /// The documents of a new node.
    pub(super) fn of(kind: DocumentKind, main: Object) -> Self {
        Self {
            kind,
            main: Kept::tree(main),
            zattrs: None,
        }
    }

    /// Which documents these are.
    #[must_use]
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The content of `zarr.json`, `.zarray` or `.zgroup`.
    #[must_use]
    pub fn main(&self) -> &Object {
        self.main.get()
    }

    pub(super) fn main_mut(&mut self) -> &mut Object {
        self.main.get_mut()
    }

    /// The content of `.zattrs`, if there is one.
    #[must_use]
    pub fn zattrs(&self) -> Option<&Object> {
        self.zattrs.as_ref().map(Kept::get)
    }

    pub(super) fn attributes(&self) -> &Object {
        match self.kind {
            DocumentKind::ZarrJson => self.main().get("attributes").and_then(Json::as_object),
            DocumentKind::Zarray | DocumentKind::Zgroup => self.zattrs(),
        }
        .unwrap_or(&EMPTY)
    }

    pub(super) fn attributes_mut(&mut self) -> &mut Object {
        if self.kind != DocumentKind::ZarrJson {
            let empty = || Kept::tree(Object::new());
            return self.zattrs.get_or_insert_with(empty).get_mut();
        }
        self.main_mut().get_or_insert_object("attributes")
    }

    /// The documents to store, keys relative to the node: the last one is `zarr.json`, `.zarray` or `.zgroup`, so that
    /// a node exists only when all of it does.
    ///
    /// Strict JSON, except that numbers which JSON cannot say are as `non_finite` says: attributes that came with
    /// Python's tokens keep their meaning only as tokens.
    #[must_use]
    pub fn files(&self, non_finite: NonFiniteStyle) -> Vec<(&'static str, String)> {
        let mut files: Vec<_> = self.zattrs_file(non_finite).into_iter().collect();
        files.push((self.kind.key(), print(self.main(), non_finite)));
        files
    }

    /// The one document that holds the attributes: what an update of attributes has to store.
    #[must_use]
    pub fn attributes_file(&self, non_finite: NonFiniteStyle) -> (&'static str, String) {
        match self.kind {
            DocumentKind::ZarrJson => (ZARR_JSON, print(self.main(), non_finite)),
            DocumentKind::Zarray | DocumentKind::Zgroup => (ZATTRS, print(self.attributes(), non_finite)),
        }
    }

    fn zattrs_file(&self, non_finite: NonFiniteStyle) -> Option<(&'static str, String)> {
        Some((ZATTRS, print(self.zattrs()?, non_finite)))
    }
}

fn print(object: &Object, non_finite: NonFiniteStyle) -> String {
    object.print(PrintOptions::pretty().non_finite(non_finite))
}
