//! Findings and rules, a line each.

use zarr_core::array::ReadReport;

use super::table::{Cell, layout};
use super::{Theme, units};
use crate::escape;
use crate::lint::{Finding, Rule, Severity};

fn severity(rule: Rule, theme: Theme) -> Cell {
    // As wide as the longest word: findings also come one by one, and line up all the same.
    Cell::painted(&format!("{:7}", rule.severity), |word| match rule.severity {
        Severity::Error => theme.error(word),
        Severity::Warning => theme.warning(word),
    })
}

/// The findings, a line each.
pub(crate) fn table(findings: &[Finding], theme: Theme) -> String {
    let rows: Vec<Vec<Cell>> = findings
        .iter()
        .map(|finding| {
            vec![
                severity(finding.rule, theme),
                finding.rule.code.into(),
                Cell::from(escape::text(&finding.path)).name(),
                Cell::from(escape::text(&finding.message)).last(),
            ]
        })
        .collect();
    layout(&rows, &[], "")
}

/// What a deep check has looked at.
#[derive(Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) arrays: usize,
    pub(crate) read: ReadReport,
    /// Why keys were not looked at, if they were not.
    pub(crate) unlisted: Option<&'a str>,
    /// Whether nothing kept it from looking at everything.
    pub(crate) complete: bool,
}

/// How much was found, and in what.
pub(crate) fn summary(
    errors: usize,
    warnings: usize,
    nodes: usize,
    deep: Option<&Scope<'_>>,
    theme: Theme,
) -> String {
    let mut parts = vec![
        units::count(errors, "error", "errors"),
        units::count(warnings, "warning", "warnings"),
        units::count(nodes, "node", "nodes"),
    ];
    match deep {
        None => parts.push("metadata only".to_owned()),
        Some(scope) => {
            let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
            parts.push(units::count(scope.arrays, "array", "arrays"));
            parts.push(format!(
                "{} decoded",
                units::count(
                    count(scope.read.chunks - scope.read.missing_chunks),
                    "chunk",
                    "chunks"
                )
            ));
            parts.push(format!("{} missing", scope.read.missing_chunks));
        }
    }
    let mut text = theme.dim(&parts.join(", ")) + "\n";
    if let Some(scope) = deep {
        if let Some(reason) = scope.unlisted {
            text += &format!(
                "{}\n",
                theme.dim(&format!("keys were not looked at: {}", escape::text(reason)))
            );
        }
        if !scope.complete {
            text += &format!("{}\n", theme.warning("not everything was read"));
        }
    }
    text
}

/// The rules.
pub(crate) fn rules(rules: &[Rule], theme: Theme) -> String {
    let row = |rule: &Rule| vec![rule.code.into(), severity(*rule, theme), rule.meaning.into()];
    layout(&rules.iter().map(row).collect::<Vec<_>>(), &[], "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::{FILL_VALUE, STALE};

    #[test]
    fn lines_up() {
        let found = [
            Finding::new(
                STALE,
                "/air",
                "consolidated metadata is stale: attributes differs",
            ),
            Finding::new(FILL_VALUE, "/deep/air", "fill_value 0 is not _FillValue 1"),
        ];
        insta::assert_snapshot!(table(&found, Theme::plain()), @"
        error    ZC004  /air       consolidated metadata is stale: attributes differs
        warning  ZC010  /deep/air  fill_value 0 is not _FillValue 1
        ");
        insta::assert_snapshot!(summary(1, 1, 7, None, Theme::plain()), @"1 error, 1 warning, 7 nodes, metadata only");
        insta::assert_snapshot!(summary(0, 0, 1, None, Theme::plain()), @"0 errors, 0 warnings, 1 node, metadata only");
        assert!(table(&[], Theme::plain()).is_empty());
    }
}
