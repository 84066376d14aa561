//! The manual page in roff: every verb with its options, what holds for all of them, examples and exit codes as they are
//! laid out in the help.

use std::fmt::Write as _;

use clap::{Arg, Command};

/// The page of a command and its verbs.
pub(crate) fn page(mut command: Command) -> String {
    command.build();
    let name = command.get_name().to_owned();
    let about = |command: &Command| {
        command
            .get_about()
            .map(|text| escaped(&text.to_string()))
            .unwrap_or_default()
    };
    let mut page = format!(
        ".TH {name} 1 \"\" \"{name} {}\"\n.SH NAME\n{} \\- {}\n",
        command.get_version().unwrap_or_default(),
        escaped(&name),
        about(&command)
    );
    let _ = write!(page, ".SH SYNOPSIS\n{}\n", usage(&mut command));
    if let Some(text) = command.get_long_about() {
        let _ = write!(page, ".SH DESCRIPTION\n{}", paragraphs(&text.to_string()));
    }
    page += ".SH VERBS\n";
    let verbs = command
        .get_subcommands_mut()
        .filter(|verb| !verb.is_hide_set() && verb.get_name() != "help");
    for verb in verbs {
        let _ = writeln!(page, ".SS {}", usage(verb));
        let _ = writeln!(page, "{}", about(verb));
        let aliases: Vec<&str> = verb.get_visible_aliases().collect();
        if !aliases.is_empty() {
            let _ = write!(page, ".PP\nAlso: {}\n", escaped(&aliases.join(", ")));
        }
        for arg in verb.get_arguments().filter(|arg| !arg.is_global_set()) {
            page += &argument(arg);
        }
        if let Some(text) = verb.get_after_help() {
            page += &blocks(&text.to_string(), ".PP\n", |_| ".PP\n".to_owned());
        }
    }
    page += ".SH OPTIONS OF EVERY VERB\n";
    for arg in command.get_arguments() {
        page += &argument(arg);
    }
    let text = command.get_after_long_help().map(ToString::to_string);
    page += &blocks(&text.unwrap_or_default(), ".SH NOTES\n", |title| {
        format!(".SH {}\n", title.to_uppercase())
    });
    page
}

fn usage(command: &mut Command) -> String {
    let usage = command.render_usage().to_string();
    escaped(
        usage
            .trim_start_matches("Usage: ")
            .lines()
            .next()
            .unwrap_or_default(),
    )
}

/// An option or a word: how it is typed, what it does, what it takes.
fn argument(arg: &Arg) -> String {
    if arg.is_hide_set() || arg.get_id() == "help" || arg.get_id() == "version" {
        return String::new();
    }
    let takes_value = arg.get_action().takes_values();
    let value = match (takes_value, arg.get_value_names()) {
        (true, Some([name, ..])) => format!("\\fI{}\\fR", escaped(name)),
        (true, _) => format!("\\fI{}\\fR", escaped(&arg.get_id().as_str().to_uppercase())),
        (false, _) => String::new(),
    };
    let mut names: Vec<String> = Vec::new();
    names.extend(arg.get_short().map(|short| format!("\\fB\\-{short}\\fR")));
    names.extend(
        arg.get_long()
            .map(|long| format!("\\fB\\-\\-{}\\fR", escaped(long))),
    );
    let mut head = names.join(", ");
    if !value.is_empty() {
        head = format!("{head} {value}");
    }
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let mut text = format!(".TP\n{}\n{}\n", head.trim_start(), escaped(&help));
    if takes_value && !arg.is_hide_possible_values_set() {
        for value in arg.get_possible_values() {
            let help = value.get_help().map(ToString::to_string).unwrap_or_default();
            let _ = write!(
                text,
                ".br\n\\fB{}\\fR: {}\n",
                escaped(value.get_name()),
                escaped(&help)
            );
        }
    }
    let defaults: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    if takes_value && !defaults.is_empty() {
        let _ = write!(text, ".br\nDefault: {}\n", escaped(&defaults.join(", ")));
    }
    if let Some(variable) = arg.get_env() {
        let _ = write!(
            text,
            ".br\nEnvironment: {}\n",
            escaped(&variable.to_string_lossy())
        );
    }
    text
}

/// Help text in blocks: one that has a title (`Examples:`) stays as it is laid out, under `heading`; the first other one
/// comes under `rest`.
fn blocks(text: &str, rest: &str, heading: impl Fn(&str) -> String) -> String {
    let (mut page, mut rest) = (String::new(), Some(rest));
    for block in text.split("\n\n") {
        match block.split_once(":\n  ") {
            Some((title, lines)) => {
                let lines = escaped_lines(&format!("  {lines}"));
                let _ = write!(page, "{}.nf\n{lines}.fi\n", heading(title));
            }
            None => {
                page += rest.take().unwrap_or(".PP\n");
                page += &escaped_lines(block);
            }
        }
    }
    page
}

fn paragraphs(text: &str) -> String {
    let all: Vec<String> = text.split("\n\n").map(escaped_lines).collect();
    all.join(".PP\n")
}

fn escaped_lines(text: &str) -> String {
    text.lines().fold(String::new(), |mut page, line| {
        page += &escaped(line);
        page.push('\n');
        page
    })
}

/// A line of text: what roff would take for its own is escaped.
fn escaped(line: &str) -> String {
    let text = line.replace('\\', "\\e").replace('-', "\\-").replace('\n', " ");
    if text.starts_with(['.', '\'']) {
        format!("\\&{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    /// Each option of each verb is there, and says what it does.
    #[test]
    fn every_option_is_described() {
        let page = page(Cli::command());
        let mut command = Cli::command();
        command.build();
        let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set());
        let mut seen = 0;
        for arg in verbs.flat_map(Command::get_arguments) {
            let (Some(long), false) = (arg.get_long(), arg.is_hide_set()) else {
                continue;
            };
            if long == "help" || long == "version" {
                continue;
            }
            let named = format!("\\fB\\-\\-{}\\fR", escaped(long));
            let help = escaped(&arg.get_help().unwrap_or_else(|| panic!("{long}")).to_string());
            let mut lines = page.lines().skip_while(|line| !line.contains(&named)).skip(1);
            assert!(lines.any(|line| line == help), "{long}: {help}");
            seen += 1;
        }
        assert!(seen > 30, "{seen}");
    }

    #[test]
    fn what_is_laid_out_stays_so() {
        let page = page(Cli::command());
        assert!(
            page.contains(".SH EXAMPLES\n.nf\n  zarr\\-cli \\-\\-anon"),
            "{page}"
        );
        assert!(page.contains(".SH EXIT CODES\n.nf\n    0  ok  "), "{page}");
        assert!(page.contains("\\exNN"), "{page}");
        let is_own = |line: &str| line.starts_with('.') && !line.starts_with("...");
        let requests: std::collections::BTreeSet<&str> = page
            .lines()
            .filter(|line| is_own(line))
            .map(|line| line.split(' ').next().unwrap_or_default())
            .collect();
        assert_eq!(
            requests.into_iter().collect::<Vec<_>>(),
            [".PP", ".SH", ".SS", ".TH", ".TP", ".br", ".fi", ".nf"]
        );
    }
}
