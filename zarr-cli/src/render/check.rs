//! Findings and rules, a line each.

use super::table::{Cell, layout};
use super::{Theme, units};
use crate::escape;
use crate::lint::{Finding, Rule, Severity};

fn severity(rule: Rule, theme: Theme) -> Cell {
    Cell::painted(&rule.severity.to_string(), |word| match rule.severity {
        Severity::Error => theme.error(word),
        Severity::Warning => theme.warning(word),
    })
}

/// The findings, and how many there are.
pub(crate) fn findings(findings: &[Finding], nodes: usize, theme: Theme) -> String {
    let rows: Vec<Vec<Cell>> = findings
        .iter()
        .map(|finding| {
            vec![
                severity(finding.rule, theme),
                finding.rule.code.into(),
                escape::text(&finding.path).into_owned().into(),
                escape::text(&finding.message).into_owned().into(),
            ]
        })
        .collect();
    let errors = findings
        .iter()
        .filter(|finding| finding.rule.severity == Severity::Error)
        .count();
    let summary = format!(
        "{}, {}, {}, metadata only",
        units::count(errors, "error", "errors"),
        units::count(findings.len() - errors, "warning", "warnings"),
        units::count(nodes, "node", "nodes")
    );
    format!("{}{}\n", layout(&rows, &[], ""), theme.dim(&summary))
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
        insta::assert_snapshot!(findings(&found, 7, Theme::plain()), @"
        error    ZC004  /air       consolidated metadata is stale: attributes differs
        warning  ZC010  /deep/air  fill_value 0 is not _FillValue 1
        1 error, 1 warning, 7 nodes, metadata only
        ");
        insta::assert_snapshot!(findings(&[], 1, Theme::plain()), @"0 errors, 0 warnings, 1 node, metadata only");
    }
}
