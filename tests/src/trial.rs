//! Trials that may find something missing: shown as `ignored: needs nginx`, never as passed; failed where all is required.

use std::path::Path;

use libtest_mimic::{Completion, Failed, Trial};

use crate::external::{External, Found, Kind, required};

/// A trial with a real server on a copy of `root`.
pub fn with_server(
    name: impl Into<String>,
    kind: Kind,
    root: impl AsRef<Path> + Send + 'static,
    test: impl FnOnce(External) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    needing(name, move || Ok(kind.start(root.as_ref())?), test)
}

/// A trial with anything that may be missing: `find` looks for it, `test` uses it.
pub fn needing<T>(
    name: impl Into<String>,
    find: impl FnOnce() -> Result<Found<T>, Failed> + Send + 'static,
    test: impl FnOnce(T) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    Trial::ignorable_test(name, move || match find()? {
        Found::Available(found) => test(found).map(|()| Completion::Completed),
        Found::Missing(what) => missing(&what, required()),
    })
}

fn missing(what: &str, required: bool) -> Result<Completion, Failed> {
    let reason = format!("needs {what}");
    if required {
        Err(Failed::from(reason))
    } else {
        Ok(Completion::ignored_with(reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_ignored_or_failed_but_never_passed() {
        let ignored = matches!(
            missing("nginx", false),
            Ok(Completion::Ignored { reason: Some(reason) }) if reason == "needs nginx"
        );
        assert!(ignored);
        let failed = missing("nginx", true)
            .err()
            .and_then(|failed| failed.message().map(str::to_owned));
        assert_eq!(failed.as_deref(), Some("needs nginx"));
    }
}
