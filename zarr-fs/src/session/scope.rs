//! A filesystem that is closed whatever happens.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt;

use crate::filesystem::FileSystem;

/// Begins the close of a filesystem whose scope was dropped half-way: one poll begins it, it goes on by itself.
struct CloseOnDrop<'a, F: FileSystem + ?Sized>(Option<&'a F>);

impl<F: FileSystem + ?Sized> Drop for CloseOnDrop<'_, F> {
    fn drop(&mut self) {
        if let Some(fs) = self.0.take() {
            let _ = fs.close().now_or_never();
        }
    }
}

/// Runs `work` with `fs` and closes it: on success, on error and on panic.
///
/// If the returned future is dropped, the close is begun; the next close of the session, or
/// [`Registry::close_all`](crate::Registry::close_all), waits for it.
///
/// ```
/// use zarr_fs::{FileSystemExt, MemoryFileSystem, Path, scoped};
/// # futures::executor::block_on(async {
/// let text = scoped(MemoryFileSystem::new(), async |fs| {
///     fs.pipe(&Path::parse("a")?, "text").await?;
///     fs.cat(&Path::parse("a")?).await
/// });
/// assert_eq!(text.await?, "text");
/// # Ok::<(), zarr_fs::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// Those of `work`; then the close error, as [`Error::Backend`](crate::Error::Backend).
pub async fn scoped<F, T, E>(fs: F, work: impl AsyncFnOnce(&F) -> Result<T, E>) -> Result<T, E>
where
    F: FileSystem,
    E: From<crate::Error>,
{
    let mut guard = CloseOnDrop(Some(&fs));
    let output = AssertUnwindSafe(work(&fs)).catch_unwind().await;
    let closed = fs.close().await;
    guard.0 = None;
    let output = output.unwrap_or_else(|panic| resume_unwind(panic))?;
    closed.map_err(|error| crate::Error::Backend {
        at: crate::Context::new(fs.name(), "close", &crate::Path::root()),
        source: Box::new(error),
    })?;
    Ok(output)
}
