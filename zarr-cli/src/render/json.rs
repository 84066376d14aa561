//! Nodes as JSON: one object each, the same for `ls --json` and `info --json`.

use zarr_core::metadata::Json;
use zarr_core::metadata::json::Object;
use zarr_core::{NodeKind, ZarrFormat};

use crate::exit_code;
use crate::view::{MemberView, NodeView};

/// The fields of an array's document that are shown as stored, beside those that both formats have.
const V3_FIELDS: [&str; 4] = ["fill_value", "chunk_key_encoding", "codecs", "dimension_names"];
const V2_FIELDS: [&str; 5] = [
    "fill_value",
    "order",
    "compressor",
    "filters",
    "dimension_separator",
];

/// A node: path, kind, format, attributes; for an array its document's fields.
pub(crate) fn node(view: &NodeView) -> Json {
    let mut line = Object::new();
    line.insert("path", view.path.as_str());
    line.insert("kind", view.kind.to_string());
    line.insert("zarr_format", view.format.number());
    if view.kind == NodeKind::Array {
        line.insert("shape", view.stored("shape").clone());
        line.insert("chunk_shape", view.stored_chunk_shape().cloned());
        line.insert("data_type", view.stored_data_type().clone());
        let fields = match view.format {
            ZarrFormat::V2 => V2_FIELDS.as_slice(),
            ZarrFormat::V3 => V3_FIELDS.as_slice(),
        };
        for field in fields {
            line.insert(*field, view.stored(field).clone());
        }
    }
    line.insert("attributes", view.attributes().clone());
    Json::Object(line)
}

/// A member: a node, a broken one with its error, or a group whose children are unknown (`null`, not `[]`).
pub(crate) fn member(view: &MemberView) -> Json {
    let mut line = Object::new();
    match view {
        MemberView::Node(view) => return node(view),
        MemberView::Broken { path, code, message } => {
            line.insert("path", path.as_str());
            line.insert("kind", "unknown");
            line.insert("error", error(*code, message));
        }
        MemberView::Unlisted { path, code, reason } => {
            line.insert("path", path.as_str());
            line.insert("kind", "group");
            line.insert("children", Json::Null);
            // That the store cannot list is no error; that it could not just now is one.
            if *code != exit_code::UNSUPPORTED {
                line.insert("error", error(*code, reason));
            }
        }
    }
    Json::Object(line)
}

fn error(code: u8, message: &str) -> Object {
    let mut error = Object::new();
    error.insert("code", code);
    error.insert("message", message);
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::testing::{air_v2, air_v3, group};

    #[test]
    fn an_array_of_version_3() {
        insta::assert_snapshot!(node(&air_v3()), @r#"{"path":"/air","kind":"array","zarr_format":3,"shape":[240,25,53],"chunk_shape":[100,25,53],"data_type":"int16","fill_value":0,"chunk_key_encoding":{"name":"default","configuration":{"separator":"/"}},"codecs":[{"name":"bytes","configuration":{"endian":"little"}},{"name":"zstd","configuration":{"level":0,"checksum":false}}],"dimension_names":["time","lat","lon"],"attributes":{"units":"degK","scale_factor":0.01,"add_offset":273.15,"_FillValue":-32767}}"#);
    }

    #[test]
    fn an_array_of_version_2() {
        insta::assert_snapshot!(node(&air_v2()), @r#"{"path":"/air","kind":"array","zarr_format":2,"shape":[240,25,53],"chunk_shape":[100,25,53],"data_type":">i2","fill_value":null,"order":"C","compressor":{"id":"blosc","cname":"lz4","clevel":5,"shuffle":1,"blocksize":0},"filters":[{"id":"delta","dtype":"<i2"}],"dimension_separator":null,"attributes":{"_ARRAY_DIMENSIONS":["time","lat","lon"]}}"#);
    }

    #[test]
    fn members() {
        let broken = MemberView::Broken {
            path: "/a/b".to_owned(),
            code: 5,
            message: "invalid \u{1b}".to_owned(),
        };
        let unlisted = MemberView::Unlisted {
            path: "/".to_owned(),
            code: 7,
            reason: "the server cannot list".to_owned(),
        };
        insta::assert_snapshot!(member(&MemberView::Node(group("/g"))), @r#"{"path":"/g","kind":"group","zarr_format":3,"attributes":{"title":"tests","limit":"NaN"}}"#);
        insta::assert_snapshot!(member(&broken), @r#"{"path":"/a/b","kind":"unknown","error":{"code":5,"message":"invalid \u001b"}}"#);
        insta::assert_snapshot!(member(&unlisted), @r#"{"path":"/","kind":"group","children":null}"#);
    }
}
