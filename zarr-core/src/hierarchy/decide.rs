//! [`decide`]: which node the documents of a place make. Pure; the rules are those of [`open`](super::open).

use super::context::Answer;
use super::warning::Warning;
use crate::error::Error;
use crate::store::Value;

/// The answers of one wave; `None` = not asked.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// `zarr.json`
    pub(crate) v3: Option<Answer>,
    /// `.zarray`
    pub(crate) array: Option<Answer>,
    /// `.zgroup`
    pub(crate) group: Option<Answer>,
    /// `.zattrs`
    pub(crate) attributes: Option<Answer>,
    /// `.zmetadata`
    pub(crate) consolidated: Option<Answer>,
}

/// What lies in a place.
#[derive(Debug)]
pub(crate) enum Decision {
    /// A node of version 3: its `zarr.json` says of which kind.
    V3 { document: Value, warnings: Vec<Warning> },
    /// An array of version 2.
    V2Array {
        document: Value,
        attributes: Option<Value>,
        warnings: Vec<Warning>,
    },
    /// A group of version 2.
    V2Group {
        document: Value,
        attributes: Option<Value>,
        consolidated: Option<Value>,
        warnings: Vec<Warning>,
    },
    /// Nothing: every document that could make a node is missing.
    Nothing,
}

/// Decides by rank: `zarr.json`, then `.zarray`, then `.zgroup`. The first that is there decides. One that failed before
/// that is an error, for it could outrank what comes after it; one that was denied counts as missing if a later one
/// decides, and is the error if none does.
pub(crate) fn decide(answers: Answers) -> Result<Decision, Error> {
    let Answers {
        v3,
        array,
        group,
        attributes,
        consolidated,
    } = answers;
    let mut denied: Option<Error> = None;
    let mut warnings = Vec::new();

    let is_v2 = array.as_ref().is_some_and(Answer::is_found) || group.as_ref().is_some_and(Answer::is_found);
    if let Some(document) = rank("zarr.json", v3, &mut denied, &mut warnings)? {
        // Only what decides can be wrong about it: earlier warnings are none.
        let warnings = if is_v2 {
            vec![Warning::BothFormats]
        } else {
            Vec::new()
        };
        return Ok(Decision::V3 { document, warnings });
    }

    let is_group_too = group.as_ref().is_some_and(Answer::is_found);
    if let Some(document) = rank(".zarray", array, &mut denied, &mut warnings)? {
        if is_group_too {
            warnings.push(Warning::ArrayAndGroup);
        }
        let attributes = v2_attributes(attributes, &mut warnings)?;
        return Ok(Decision::V2Array {
            document,
            attributes,
            warnings,
        });
    }

    if let Some(document) = rank(".zgroup", group, &mut denied, &mut warnings)? {
        let attributes = v2_attributes(attributes, &mut warnings)?;
        // A cache that cannot be read is done without; whoever requires it gets the error.
        let consolidated = match consolidated {
            Some(Answer::Found(value)) => Some(value),
            Some(Answer::Failed(error)) => {
                warnings.push(Warning::ConsolidatedUnread(error.into()));
                None
            }
            Some(Answer::Missing | Answer::Denied(_)) | None => None,
        };
        return Ok(Decision::V2Group {
            document,
            attributes,
            consolidated,
            warnings,
        });
    }

    match denied {
        Some(error) => Err(error),
        None => Ok(Decision::Nothing),
    }
}

/// The document if it decides. `denied` keeps the first refusal.
fn rank(
    name: &'static str,
    answer: Option<Answer>,
    denied: &mut Option<Error>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<Value>, Error> {
    match answer {
        Some(Answer::Found(value)) => Ok(Some(value)),
        Some(Answer::Missing) | None => Ok(None),
        Some(Answer::Denied(error)) => {
            warnings.push(Warning::DeniedTakenAsMissing { document: name });
            denied.get_or_insert(error);
            Ok(None)
        }
        Some(Answer::Failed(error)) => Err(error),
    }
}

/// The attributes of a node that is decided: they may be missing, and a refusal counts as that, but a fault does not.
fn v2_attributes(answer: Option<Answer>, warnings: &mut Vec<Warning>) -> Result<Option<Value>, Error> {
    rank(".zattrs", answer, &mut None, warnings)
}

#[cfg(test)]
mod tests;
