//! The trials.

use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Failed};
use serde_json::json;
use zarr_tests::external::{External, Found, Kind};
use zarr_tests::trial::{needing, with_server};

use crate::place::{Place, assert_lists_the_corpus, assert_prints_every_array};
use crate::run::{data, run};

/// Servers that list, each in its way.
const LISTING: [Kind; 15] = [
    Kind::Nginx,
    Kind::NginxJson,
    Kind::NginxDav,
    Kind::NginxTls,
    Kind::NginxProxy,
    Kind::Apache,
    Kind::ApachePlain,
    Kind::ApacheTable,
    Kind::ApacheDav,
    Kind::Caddy,
    Kind::Lighttpd,
    Kind::LighttpdDav,
    Kind::Rclone,
    Kind::RcloneDav,
    Kind::Python,
];

pub(crate) fn main() -> ExitCode {
    let mut trials = Vec::new();
    for kind in LISTING {
        let name = format!("{kind:?}_lists_the_corpus");
        trials.push(with_server(name, kind, data(), move |server| {
            at(&server, kind, assert_lists_the_corpus)
        }));
    }
    trials.push(with_server(
        "Nginx_prints_every_array",
        Kind::Nginx,
        data(),
        |server| at(&server, Kind::Nginx, assert_prints_every_array),
    ));
    trials.push(with_server(
        "NginxNoIndex_leaves_the_children_unknown",
        Kind::NginxNoIndex,
        data().join("stores"),
        children_are_unknown,
    ));
    trials.push(with_server(
        "NginxTls_is_unavailable_without_its_authority",
        Kind::NginxTls,
        data().join("stores/v3_tree_plain.zarr"),
        |server| {
            let ended = run(&["ls", "-o", "retries=0", "--io-stats", server.url()]);
            assert_eq!(ended.code, 8, "{ended:?}");
            ended.assert_all_closed();
            Ok(())
        },
    ));
    trials.push(needing(
        "bash_completes_the_options_of_a_verb",
        find_bash,
        bash_completes,
    ));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs `test` where `server` serves the corpus.
fn at(server: &External, kind: Kind, test: fn(&Place<'_>)) -> Result<(), Failed> {
    let mut options = Vec::new();
    // nginx shows no sign of its WebDAV: it has to be said.
    if kind == Kind::NginxDav {
        options.push("listing=webdav".to_owned());
    }
    let authority = tempfile::NamedTempFile::new()?;
    if let Some(ca) = server.ca() {
        std::fs::write(&authority, ca.pem())?;
        options.push(format!("ca_file={}", authority.path().display()));
    }
    let options: Vec<&str> = options.iter().flat_map(|option| ["-o", option]).collect();
    test(&Place {
        options: &options,
        url: &|store| format!("{}/{store}", server.url()),
    });
    Ok(())
}

/// 403 for folders: no error of the group itself, and never a group without children.
fn children_are_unknown(server: External) -> Result<(), Failed> {
    for store in ["v2_tree_plain.zarr", "v3_tree_plain.zarr"] {
        let url = format!("{}/{store}", server.url());
        let listed = run(&["ls", "-R", "--json", "--io-stats", &url]);
        assert_eq!(listed.code, 7, "{listed:?}");
        assert_eq!(
            listed.lines(),
            [json!({"path": "/", "kind": "group", "children": null})]
        );
        listed.assert_all_closed();
        assert_eq!(run(&["info", &url]).code, 0, "{store}");
    }
    Ok(())
}

fn find_bash() -> Result<Found<()>, Failed> {
    let is_there = Command::new("bash").arg("-c").arg(":").status().is_ok();
    Ok(match is_there {
        true => Found::Available(()),
        false => Found::Missing("bash".to_owned()),
    })
}

/// What bash offers for the last of these words, by the script that the command prints.
fn offered(words: &[&str]) -> Vec<String> {
    let script = run(&["completions", "bash"]).stdout;
    let (current, previous) = (words[words.len() - 1], words[words.len() - 2]);
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let ask = format!(
        "{script}\nCOMP_WORDS=({}); COMP_CWORD={}; _zarr__cli zarr-cli '{current}' '{previous}'\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        quoted.join(" "),
        words.len() - 1
    );
    let output = Command::new("bash").arg("-c").arg(ask).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

fn bash_completes((): ()) -> Result<(), Failed> {
    assert_eq!(
        offered(&["zarr-cli", "cat", "-F", ""]),
        ["text", "csv", "json", "npy", "bin"]
    );
    assert_eq!(
        offered(&["zarr-cli", "check", "x.zarr", "--missing", "e"]),
        ["error"]
    );
    assert_eq!(offered(&["zarr-cli", "tree", "--asc"]), ["--ascii"]);
    assert!(offered(&["zarr-cli", "st"]).contains(&"stats".to_owned()));
    Ok(())
}
