//! Facts, a line each.

use super::Theme;
use super::table::{Cell, layout};
use crate::escape;

/// A name and what is known, a line each.
pub(crate) fn facts(facts: &[(&'static str, String)], theme: Theme) -> String {
    let row = |(name, fact): &(&'static str, String)| {
        vec![
            Cell::painted(name, |name| theme.dim(name)),
            escape::text(fact).into_owned().into(),
        ]
    };
    layout(&facts.iter().map(row).collect::<Vec<_>>(), &[], "")
}
