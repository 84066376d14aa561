//! `file://` URLs and plain paths.

use std::path::{self, Component, PathBuf};
use std::sync::Arc;

use url::Url;

use super::options::{LocalOptions, NAMES, fsync};
use super::session;
use crate::error::{Error, Result};
use crate::options::Options;
use crate::path::Path;
use crate::registry::{Factory, Resolved, invalid_url};

/// Opens `file://` URLs: the root is that of the operating system, so all of them share a session.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalFactory;

impl Factory for LocalFactory {
    fn resolve(&self, url: &Url, options: &Options) -> Result<Resolved> {
        options.check_keys(NAMES)?;
        let fsync = fsync(options)?;
        let place = url
            .to_file_path()
            .map_err(|()| invalid_url(url, "it names no local file (`file:///path`)".to_owned()))?;
        let (root, path) = split(&place)?;
        Ok(Resolved {
            origin: format!("file://{}", root.display()),
            path,
            open: Box::new(move |options| {
                let options = LocalOptions::default().with_fsync(fsync).with_session(options);
                Ok(Arc::new(session(&root, options)))
            }),
        })
    }
}

/// The `file://` URL of a path as a user types it: relative to the working folder, with `..` if need be.
///
/// A path with `..` is looked up, because `link/..` is not where `link` lies; else nothing is looked at.
///
/// # Errors
/// [`Error::InvalidPath`] if it is not UTF-8, has control characters or is too long; [`Error::NotFound`] if the folder
/// before a `..` is not there.
pub fn file_url(path: impl AsRef<path::Path>) -> Result<Url> {
    let (mut place, path) = split(path.as_ref())?;
    place.extend(path.segments());
    Url::from_file_path(&place).map_err(|()| invalid(&place, "it has no URL"))
}

/// The operating system's root and the place below it.
pub(super) fn split(place: &path::Path) -> Result<(PathBuf, Path)> {
    let absolute =
        path::absolute(place).map_err(|_| invalid(place, "empty, or the working folder is gone"))?;
    let absolute = without_parents(&absolute)?;
    let mut root = PathBuf::new();
    let mut names: Vec<&str> = Vec::new();
    for component in absolute.components() {
        match component {
            Component::Prefix(_) | Component::RootDir => root.push(component),
            Component::Normal(name) => {
                names.push(name.to_str().ok_or_else(|| invalid(place, "it is not UTF-8"))?);
            }
            Component::CurDir | Component::ParentDir => return Err(invalid(place, "it is not absolute")),
        }
    }
    Ok((root, Path::parse(names.join("/"))?))
}

/// The path without `..`, each taken as the operating system does.
fn without_parents(absolute: &path::Path) -> Result<PathBuf> {
    let components: Vec<Component<'_>> = absolute.components().collect();
    let Some(last) = components
        .iter()
        .rposition(|component| *component == Component::ParentDir)
    else {
        return Ok(absolute.to_owned());
    };
    let (parents, rest) = components.split_at(last + 1);
    let parents: PathBuf = parents.iter().collect();
    let mut real = parents.canonicalize().map_err(|source| Error::NotFound {
        at: crate::Context::new(parents.display().to_string(), "open", &Path::root()),
        source: Some(Box::new(source)),
    })?;
    real.extend(rest);
    Ok(real)
}

fn invalid(place: &path::Path, reason: &'static str) -> Error {
    Error::InvalidPath {
        path: place.to_string_lossy().escape_debug().to_string(),
        reason,
    }
}
