//! Local folders as what a server serves, and the time that servers stamp on files.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use bytes::Bytes;

/// All files under `dir` with their paths, joined by slashes, in order. Symbolic links are followed.
///
/// # Errors
/// What the file system says; a name that is not UTF-8 is `InvalidData`.
pub fn read_dir(dir: &Path) -> io::Result<Vec<(String, Bytes)>> {
    let mut files = Vec::new();
    collect(dir, "", &mut files)?;
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(files)
}

fn collect(dir: &Path, prefix: &str, files: &mut Vec<(String, Bytes)>) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name
            .to_str()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a name is not UTF-8"))?;
        let path = format!("{prefix}{name}");
        if std::fs::metadata(entry.path())?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.push((path, Bytes::from(std::fs::read(entry.path())?)));
        }
    }
    Ok(())
}

/// The time of day, for `Last-Modified` and token expiry: the servers are where others take their time from.
#[expect(clippy::disallowed_methods, reason = "a server has to tell the time of day")]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}
