//! What `check` has found, as JSON.

use zarr_core::metadata::Json;
use zarr_core::metadata::json::Object;

use super::Checked;
use crate::lint::Finding;

pub(super) fn document(checked: &Checked, errors: usize) -> Json {
    let findings: Vec<Json> = checked.findings.iter().map(fields).map(Json::Object).collect();
    let mut document = Object::new();
    document.insert("nodes", checked.nodes());
    document.insert("members_from", checked.named_by.word());
    document.insert("errors", errors);
    document.insert("warnings", findings.len() - errors);
    document.insert("findings", findings);
    Json::Object(document)
}

/// A finding as a line of its own.
pub(super) fn finding_json(finding: &Finding) -> Json {
    let mut line = Object::new();
    line.insert("kind", "finding");
    for (key, value) in fields(finding).iter() {
        line.insert(key, value.clone());
    }
    if let Some(place) = &finding.place {
        let numbers = |chunk: &Option<Vec<u64>>| {
            chunk
                .as_ref()
                .map(|chunk| chunk.iter().map(|at| Json::from(*at)).collect::<Vec<_>>())
        };
        line.insert("key", place.key.as_str());
        line.insert("chunk", numbers(&place.chunk));
        line.insert("inner_chunk", numbers(&place.inner_chunk));
        line.insert("stage", place.stage.as_deref());
    }
    Json::Object(line)
}

fn fields(finding: &Finding) -> Object {
    let mut object = Object::new();
    object.insert("code", finding.rule.code);
    object.insert("severity", finding.rule.severity.to_string());
    object.insert("path", finding.path.as_str());
    object.insert("message", finding.message.as_str());
    object
}
