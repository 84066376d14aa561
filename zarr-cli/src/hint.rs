//! What may help against an error.

use std::time::Duration;

use zarr_fs::object_store::{Fault, TransportError};

use crate::error::CliError;

/// What may help; `path` is the node's URL as it is shown.
pub(crate) fn of(error: &CliError, path: Option<&str>) -> Option<String> {
    let path = path.unwrap_or_default();
    if let (CliError::Core(_) | CliError::NodeNotFound { .. }, Some(node)) = (error, node_of_document(path)) {
        return Some(format!("the URL of a node ends before its documents: {node}"));
    }
    match error {
        CliError::Usage { hint, .. } => hint.clone().or_else(|| Some("zarr-cli --help".to_owned())),
        CliError::Core(zarr_core::Error::Fs(error)) => of_fs(error, path),
        CliError::NodeNotFound { hint: Some(hint), .. } => Some(hint.clone()),
        CliError::Core(error) | CliError::NodeNotFound { error, .. } => of_core(error, path),
        CliError::NoSuchValue { at, keys, .. } => {
            const MOST: usize = 20;
            let more = if keys.len() > MOST { ", …" } else { "" };
            let keys: Vec<&str> = keys.iter().take(MOST).map(String::as_str).collect();
            let place = if at.is_empty() { "the top" } else { at };
            let keys = if keys.is_empty() {
                "no members".to_owned()
            } else {
                keys.join(", ")
            };
            Some(format!(
                "at {place} are {keys}{more}; a pointer looks like /attributes/units"
            ))
        }
        CliError::NotNumbers { .. } => Some(format!("zarr-cli cat {path} prints them")),
        CliError::Unchecked { .. } => Some("ZC002 and ZC044 name the codecs and data types".to_owned()),
        CliError::Output(error) if error.kind() == std::io::ErrorKind::StorageFull => {
            Some("the disk that the output goes to is full".to_owned())
        }
        CliError::ChildrenUnknown { .. } => Some(
            "give the path of a node inside, as far as it is known; the owner can consolidate the metadata"
                .to_owned(),
        ),
        CliError::Timeout(time) => Some(format!("--timeout {:?} gives it twice the time", twice(*time))),
        CliError::Panic(_) => Some("please report it, with the command that was typed".to_owned()),
        CliError::File { .. } => Some("a file with options is given as @FILE".to_owned()),
        CliError::Output(_)
        | CliError::Findings
        | CliError::Partial { .. }
        | CliError::Interrupted(_)
        | CliError::NotClosed(_)
        | CliError::System { .. } => None,
    }
}

/// The node, where somebody gave the path of one of its documents.
fn node_of_document(path: &str) -> Option<&str> {
    let (node, _) = path.rsplit_once('/')?;
    crate::usage::is_document(path).then_some(node)
}

fn twice(time: Duration) -> Duration {
    time.saturating_mul(2)
}

fn of_core(error: &zarr_core::Error, path: &str) -> Option<String> {
    use zarr_core::Error as E;
    let hint = match error {
        E::NodeNotFound { .. } => "is the path right? zarr-cli ls lists the members of the group above",
        E::NotConsolidated { .. } => "--consolidated auto goes on without it",
        E::InvalidMetadata { .. } => "zarr-cli meta --raw prints the stored documents as they are",
        E::Unsupported { .. } => "zarr-cli meta prints the documents all the same",
        E::InvalidSelection { .. } => {
            "-i takes '0:5,::2', '-1', '[0, ..., 1:]' or, by name, 'time=0,lat=:3'; zarr-cli info tells shape and names"
        }
        E::MissingChunk { .. } => "--missing fill takes the fill value for chunks that are not there",
        E::Corrupt { .. } => {
            return Some(format!(
                "zarr-cli check --deep {path} lists all chunks that are wrong; the owner, or another copy, may have good ones"
            ));
        }
        E::Fs(_)
        | E::InvalidCodecs { .. }
        | E::Internal { .. }
        | E::WrongKind { .. }
        | E::InvalidNodePath { .. }
        | E::ReadOnly { .. }
        | E::NodeExists { .. }
        | E::UnfitParent { .. }
        | E::LimitReached { .. }
        | _ => return None,
    };
    Some(hint.to_owned())
}

fn of_fs(error: &zarr_fs::Error, path: &str) -> Option<String> {
    use zarr_fs::Error as E;
    let hint = match error {
        // --auth would send the proxy's password to the server behind it.
        E::Unauthenticated { .. } if status(error) == Some(407) => {
            "the proxy asks for credentials, not the server: http_proxy=http://USER:PASSWORD@HOST:PORT"
        }
        E::Unauthenticated { .. } | E::PermissionDenied { .. } if path.starts_with("gs://") => {
            "Google answers 401 or 403 also for names that do not exist; else: gcloud auth application-default login, \
             -o token=/path/key.json, or --anon for a public bucket; where 403 means that nothing is there: \
             -o missing_status=403"
        }
        E::PermissionDenied { .. } if path.starts_with("http") => {
            "credentials: --auth USER:PASSWORD or -H 'Authorization: Bearer …'; where the server answers 403 for what is not \
             there (S3 without the right to list): -o missing_status=403"
        }
        E::Unauthenticated { .. } if path.starts_with("http") => {
            "credentials: --auth USER:PASSWORD or -H 'Authorization: Bearer …'"
        }
        E::Unavailable { .. } => match fault(error) {
            Some(Fault::Dns) => "is the host name right, and is this machine on the network?",
            Some(Fault::Connect | Fault::ConnectTimeout) => {
                "does a server listen there, and are host and port right? -o connect_timeout=60 waits longer"
            }
            Some(Fault::Tls) => {
                "-o ca_file=/path/ca.pem names an authority that vouches for the server; one without TLS is http://"
            }
            Some(Fault::NotHttp) => "is the port right? a server with TLS is https://",
            Some(_) | None => {
                "a retry may help; -vv shows each request; -o timeout=60 waits longer for a slow server"
            }
        },
        E::Unsupported { .. } => "zarr-cli doctor URL tells what the server can do",
        E::InvalidOption { .. } => "options go by fsspec's names: zarr-cli doctor URL shows those in use",
        E::InvalidUrl { .. } => "write: gs://BUCKET/PATH, https://HOST/PATH or a local path",
        E::Unauthenticated { .. }
        | E::PermissionDenied { .. }
        | E::Closed { .. }
        | E::NotFound { .. }
        | E::Corrupt { .. }
        | E::AlreadyExists { .. }
        | E::Precondition { .. }
        | E::InvalidPath { .. }
        | E::RangeOutOfBounds { .. }
        | E::Forked { .. }
        | E::LimitReached { .. }
        | E::Backend { .. }
        | _ => return None,
    };
    Some(hint.to_owned())
}

/// The status of the answer that an error comes from.
fn status(error: &zarr_fs::Error) -> Option<u16> {
    TransportError::find(error)?
        .status()
        .map(|status| status.as_u16())
}

/// What went wrong with the request that an error comes from.
fn fault(error: &zarr_fs::Error) -> Option<&Fault> {
    TransportError::find(error).map(TransportError::fault)
}
