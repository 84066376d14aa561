//! From what was typed to what clap parses: the default verb, and mix-ups of verb and URL.

use std::ffi::OsString;

use clap::Command;
use zarr_fs::options::nearest;

/// What is wrong with the words typed, and what was probably meant.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MixUp {
    pub(crate) message: String,
    pub(crate) hint: String,
}

/// Puts the verb `show` in front where only a URL was given. `argv` begins with the program's name.
///
/// # Errors
/// A [`MixUp`] where the first word is a misspelt verb, or a verb follows a URL.
pub(crate) fn with_verb(command: &Command, mut argv: Vec<OsString>) -> Result<Vec<OsString>, MixUp> {
    let words = words(command, &argv);
    let Some(&first) = words.first() else {
        return Ok(argv);
    };
    let word = argv[first].to_string_lossy().into_owned();
    if is_verb(command, &word) {
        return Ok(argv);
    }
    let second = words.get(1).map(|index| argv[*index].to_string_lossy());
    let looks_like_name = !word.contains(['/', '.', ':', '\\']) && !std::path::Path::new(&word).exists();
    if looks_like_name {
        let verbs = command
            .get_subcommands()
            .flat_map(Command::get_name_and_visible_aliases);
        if let Some(verb) = nearest(&word.to_lowercase(), verbs) {
            return Err(MixUp {
                message: format!("no verb `{word}`"),
                hint: format!("did you mean `{verb}`?"),
            });
        }
        if second.is_some() {
            return Err(MixUp {
                message: format!("no verb `{word}`"),
                hint: "zarr-cli --help lists the verbs; a local path can be written ./name".to_owned(),
            });
        }
    }
    if let Some(verb) = second.filter(|second| is_verb(command, second)) {
        return Err(MixUp {
            message: format!("the verb `{verb}` stands after the URL"),
            hint: format!("write: zarr-cli {verb} {word}"),
        });
    }
    argv.insert(1, "show".into());
    Ok(argv)
}

fn is_verb(command: &Command, word: &str) -> bool {
    word == "help" || command.find_subcommand(word).is_some()
}

/// The indices of the words that are no options and no values of options.
fn words(command: &Command, argv: &[OsString]) -> Vec<usize> {
    let mut words = Vec::new();
    let mut index = 1;
    while let Some(arg) = argv.get(index) {
        let arg = arg.to_string_lossy();
        if arg == "--" {
            words.extend(index + 1..argv.len());
            break;
        } else if let Some(long) = arg.strip_prefix("--") {
            index += usize::from(takes_next(command, long));
        } else if arg.len() > 1 && arg.starts_with('-') {
            index += usize::from(last_short_takes_next(command, &arg[1..]));
        } else {
            words.push(index);
        }
        index += 1;
    }
    words
}

/// The options of all verbs and of the command itself.
fn options(command: &Command) -> impl Iterator<Item = &clap::Arg> {
    command
        .get_arguments()
        .chain(command.get_subcommands().flat_map(Command::get_arguments))
        .filter(|arg| arg.get_action().takes_values())
}

fn takes_next(command: &Command, long: &str) -> bool {
    options(command).any(|arg| arg.get_long() == Some(long))
}

/// Whether a cluster of short options (`-Rj`) ends in one whose value is the next word: an option that takes a
/// value takes the rest of the cluster, if there is a rest.
fn last_short_takes_next(command: &Command, cluster: &str) -> bool {
    cluster
        .char_indices()
        .find(|(_, short)| options(command).any(|arg| arg.get_short() == Some(*short)))
        .is_some_and(|(at, short)| at + short.len_utf8() == cluster.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn typed(words: &[&str]) -> Result<Vec<String>, MixUp> {
        let argv = std::iter::once("zarr-cli")
            .chain(words.iter().copied())
            .map(OsString::from)
            .collect();
        let argv = with_verb(&crate::cli::Cli::command(), argv)?;
        Ok(argv
            .into_iter()
            .skip(1)
            .map(|arg| arg.into_string().unwrap())
            .collect())
    }

    #[test]
    fn a_bare_url_is_shown() {
        assert_eq!(typed(&["./x.zarr"]).unwrap(), ["show", "./x.zarr"]);
        assert_eq!(typed(&["-a", "gs://b/x"]).unwrap(), ["show", "-a", "gs://b/x"]);
        assert_eq!(
            typed(&["-j", "4", "x.zarr", "--anon"]).unwrap(),
            ["show", "-j", "4", "x.zarr", "--anon"]
        );
        assert_eq!(
            typed(&["--timeout=3", "x.zarr"]).unwrap(),
            ["show", "--timeout=3", "x.zarr"]
        );
    }

    #[test]
    fn a_verb_stays() {
        assert_eq!(typed(&["ls", "x"]).unwrap(), ["ls", "x"]);
        assert_eq!(
            typed(&["--anon", "members", "x"]).unwrap(),
            ["--anon", "members", "x"]
        );
        assert_eq!(
            typed(&["-o", "ls=1", "tree", "x"]).unwrap(),
            ["-o", "ls=1", "tree", "x"]
        );
        assert_eq!(typed(&["-j4", "tree", "x"]).unwrap(), ["-j4", "tree", "x"]);
        assert_eq!(typed(&["--help"]).unwrap(), ["--help"]);
        assert!(typed(&[]).unwrap().is_empty());
    }

    #[test]
    fn mix_ups_are_named() {
        assert_eq!(typed(&["lss", "x.zarr"]).unwrap_err().hint, "did you mean `ls`?");
        assert_eq!(typed(&["tre"]).unwrap_err().hint, "did you mean `tree`?");
        assert_eq!(
            typed(&["gs://b/x", "ls"]).unwrap_err().hint,
            "write: zarr-cli ls gs://b/x"
        );
        assert_eq!(
            typed(&["frobnicate", "x.zarr"]).unwrap_err().message,
            "no verb `frobnicate`"
        );
    }
}
