//! From the command line to storage options, under fsspec's names.

use serde_json::{Map, Value};
use zarr_fs::Options;

use crate::cli::{self, Global};
use crate::error::CliError;

/// The storage options for a URL of this scheme: `--storage-options`, over it `-o`, over it the options with a name
/// of their own.
///
/// # Errors
/// A usage error for what is no option; an option's value is never shown, it may be a secret.
pub(crate) fn collect(global: &Global, scheme: &str) -> Result<Options, CliError> {
    let mut options = match &global.storage_options {
        Some(text) => Options::from_json(&json_text(text)?)?,
        None => Options::new(),
    };
    for option in &global.options {
        match option.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => options.set_text(key.trim(), value)?,
            _ => {
                return Err(CliError::usage(
                    "-o needs KEY=VALUE",
                    Some("for example: -o token=anon, -o endpoint_url=http://localhost:4443"),
                ));
            }
        }
    }
    for header in &global.headers {
        let Some((name, value)) = header.split_once(':') else {
            return Err(CliError::usage(
                "-H needs 'NAME: VALUE'",
                Some("for example: -H 'Authorization: Bearer …'"),
            ));
        };
        options.set(&format!("headers.{}", name.trim()), Value::from(value.trim()))?;
    }
    if let Some(auth) = &global.auth {
        let Some((user, password)) = auth.split_once(':') else {
            return Err(CliError::usage("--auth needs USER:PASSWORD", None));
        };
        options.set("client_kwargs.auth", Value::from(vec![user, password]))?;
    }
    if global.anon {
        anonymous(&mut options, scheme)?;
    }
    if let Some(jobs) = global.jobs {
        options.set("concurrency", Value::from(jobs))?;
    }
    Ok(options)
}

/// What "no credentials" means to each backend.
fn anonymous(options: &mut Options, scheme: &str) -> Result<(), CliError> {
    match scheme {
        "gs" | "gcs" => {
            if let Some(token) = options
                .get("token")
                .filter(|token| token.as_str() != Some("anon"))
            {
                let kind = if token.is_object() { "an object" } else { "a text" };
                return Err(CliError::usage(
                    format!("--anon and -o token ({kind}) contradict each other"),
                    None,
                ));
            }
            options.set("token", Value::from("anon"))?;
        }
        "http" | "https" => {
            // fsspec's client reads ~/.netrc only if told to; ours never does, so nothing has to be switched off.
            let kwargs = options
                .get("client_kwargs")
                .and_then(Value::as_object)
                .map(Map::keys);
            if kwargs.into_iter().flatten().any(|key| key == "auth") {
                return Err(CliError::usage(
                    "--anon and client_kwargs.auth contradict each other",
                    None,
                ));
            }
        }
        _ => {}
    }
    Ok(())
}

fn json_text(text: &str) -> Result<String, CliError> {
    let Some(path) = cli::option_file(text) else {
        return Ok(text.to_owned());
    };
    std::fs::read_to_string(&path).map_err(|source| CliError::File {
        path: path.display().to_string(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn collected(scheme: &str, words: &[&str]) -> Result<Options, CliError> {
        let argv = ["zarr-cli", "show", "x"].iter().chain(words);
        collect(&cli::Cli::try_parse_from(argv).unwrap().global, scheme)
    }

    #[test]
    fn options_come_together() {
        let options = collected(
            "https",
            &[
                "--storage-options",
                r#"{"timeout": 3, "headers": {"A": "1"}}"#,
                "-o",
                "timeout=5",
                "-H",
                "B: x:y",
                "-j",
                "7",
            ],
        )
        .unwrap();
        assert_eq!(options.get("timeout"), Some(&Value::from(5)));
        assert_eq!(
            options.texts("headers").unwrap().into_iter().collect::<Vec<_>>(),
            [
                ("A".to_owned(), "1".to_owned()),
                ("B".to_owned(), "x:y".to_owned())
            ]
        );
        assert_eq!(options.get("concurrency"), Some(&Value::from(7)));
    }

    #[test]
    fn anonymous_is_said_in_the_backend_s_words() {
        assert_eq!(
            collected("gs", &["--anon"]).unwrap().get("token"),
            Some(&Value::from("anon"))
        );
        assert!(collected("file", &["--anon"]).unwrap().keys().next().is_none());
        assert!(collected("gs", &["--anon", "-o", "token=/key.json"]).is_err());
    }

    #[test]
    fn what_is_no_option_is_refused_without_its_value() {
        for words in [
            ["-o", "s3cret"],
            ["-H", "s3cret"],
            ["--auth", "s3cret"],
            ["--storage-options", "s3cret"],
        ] {
            let error = collected("https", &words).unwrap_err();
            assert_eq!(crate::exit_code::of(&error).0, 2, "{words:?}");
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
    }
}
