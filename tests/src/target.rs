//! Cargo's target folder, where tests keep what is made once: environments of Python, builds of peers.

use std::path::{Path, PathBuf};

/// Cargo's target folder: told by the environment, or the one that this test binary lies in.
pub fn target_dir() -> PathBuf {
    if let Some(dir) = std::env::var_os("CARGO_TARGET_DIR") {
        return PathBuf::from(dir);
    }
    let binary = std::env::current_exe().unwrap_or_default();
    let marked = binary.ancestors().find(|dir| dir.join("CACHEDIR.TAG").exists());
    marked.map_or_else(std::env::temp_dir, Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_is_where_this_binary_is() {
        assert!(
            target_dir().join("CACHEDIR.TAG").exists(),
            "{}",
            target_dir().display()
        );
    }
}
