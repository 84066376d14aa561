//! `memory://` URLs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use url::Url;

use super::files::Memory;
use crate::error::Result;
use crate::options::Options;
use crate::registry::{Factory, Resolved, url_path};
use crate::session::Session;

/// Opens `memory://name/path`: each name is a filesystem of its own, whose data lives as long as the registry.
#[derive(Debug, Default)]
pub struct MemoryFactory {
    by_name: Mutex<HashMap<String, Arc<Memory>>>,
}

impl MemoryFactory {
    /// A factory without data.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Memory>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Factory for MemoryFactory {
    fn resolve(&self, url: &Url, options: &Options) -> Result<Resolved> {
        options.check_keys(&[])?;
        let origin = format!("memory://{}", url.host_str().unwrap_or_default());
        let memory = Arc::clone(self.lock().entry(origin.clone()).or_default());
        let name = origin.clone();
        Ok(Resolved {
            origin,
            path: url_path(url)?,
            open: Box::new(move |options| Ok(Arc::new(Session::local(name, options, memory)))),
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::ext::FileSystemExt;
    use crate::filesystem::FileSystem;
    use crate::path::Path;
    use crate::registry::Registry;
    use crate::session::SessionOptions;

    #[test]
    fn data_outlives_the_sessions_of_a_registry() {
        block_on(async {
            let registry = Registry::new(SessionOptions::default()).with("memory", MemoryFactory::new());
            let url = Url::parse("memory://one/a%20b/c").unwrap();
            let (fs, place) = registry.open(&url, &Options::new()).unwrap();
            assert_eq!(place, Path::parse("a b/c").unwrap());
            fs.pipe(&place, "text").await.unwrap();
            fs.close().await.unwrap();
            let (fs, place) = registry.open(&url, &Options::new()).unwrap();
            assert_eq!(fs.cat(&place).await.unwrap(), "text");
            let (other, _) = registry
                .open(&Url::parse("memory://two").unwrap(), &Options::new())
                .unwrap();
            assert!(other.cat(&place).await.unwrap_err().is_not_found());
            registry.close_all().await.unwrap();
        });
    }
}
