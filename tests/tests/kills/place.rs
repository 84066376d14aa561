//! Where a hierarchy is: in a folder, or on the GCS server.

use std::path::PathBuf;
use std::sync::Arc;

use zarr_core::{Store, StoreOptions, ZarrFormat};
use zarr_fs::options::Options;
use zarr_fs::{LocalFileSystem, Path};
use zarr_gcs::GcsConfig;

pub(crate) const BUCKET: &str = "kills";

/// A place, as a text that a child process is given.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A folder.
    Local(PathBuf),
    /// A prefix in the bucket of the server at this URL.
    Gcs { url: String, prefix: String },
}

impl Place {
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Local(folder) => format!("local {}", folder.display()),
            Self::Gcs { url, prefix } => format!("gcs {url} {prefix}"),
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ')? {
            ("local", folder) => Some(Self::Local(folder.into())),
            ("gcs", rest) => {
                let (url, prefix) = rest.split_once(' ')?;
                let (url, prefix) = (url.to_owned(), prefix.to_owned());
                Some(Self::Gcs { url, prefix })
            }
            _ => None,
        }
    }

    pub(crate) fn open(&self) -> Stores {
        Stores {
            v3: self.store("v3"),
            v2: self.store("v2"),
        }
    }

    fn store(&self, below: &str) -> Arc<Store> {
        let options = StoreOptions::default().writable();
        match self {
            Self::Local(folder) => {
                let fs = LocalFileSystem::new(folder.join(below));
                Store::new(Box::new(fs), Path::root(), options)
            }
            Self::Gcs { url, prefix } => {
                let mut storage = Options::new();
                storage.set_text("endpoint_url", url).expect("a known option");
                let fs = GcsConfig::new(format!("gs://{BUCKET}"))
                    .with_options(storage)
                    .with_anonymous()
                    .open()
                    .expect("nothing is sent yet");
                let base = Path::parse(format!("{prefix}/{below}")).expect("a path");
                Store::new(Box::new(fs), base, options)
            }
        }
    }
}

/// The hierarchies of a place: one of each format, for a group of one format holds none of the other.
pub(crate) struct Stores {
    pub(crate) v3: Arc<Store>,
    pub(crate) v2: Arc<Store>,
}

impl Stores {
    pub(crate) fn of(&self, format: ZarrFormat) -> &Arc<Store> {
        match format {
            ZarrFormat::V3 => &self.v3,
            ZarrFormat::V2 => &self.v2,
        }
    }

    pub(crate) async fn close(&self) {
        for store in [&self.v3, &self.v2] {
            store.close().await.expect("nothing is stuck");
        }
    }
}
