//! Two that make one array longer at once, with every request held back.

use std::task::Poll;

use futures::FutureExt as _;

use super::*;
use crate::Array;
use crate::array::Selection;

const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

fn array_at(store: &Arc<Store>) -> Array {
    let node = block_on(open(store, &path("a"), OpenOptions::default())).unwrap();
    node.into_array().unwrap()
}

/// An array of four elements in chunks of two, and two chunks beyond that somebody has left: a store that holds its requests
/// back, and one that does not.
fn stores() -> (Arc<Store>, Control, Arc<Store>) {
    let inner = MemoryFileSystem::new();
    let direct = inner.share().unwrap();
    let put = |key: &str, value: &[u8]| {
        block_on(inner.pipe(&Path::parse(key).unwrap(), value.to_vec())).unwrap();
    };
    put("a/zarr.json", ARRAY_V3.as_bytes());
    for chunk in 0..4_u8 {
        put(&format!("a/c/{chunk}"), &[chunk + 1, 0, 0, 0, chunk + 1, 0, 0, 0]);
    }
    let control = Control::default();
    let fs = FakeFileSystem {
        inner,
        control: control.clone(),
    };
    let options = StoreOptions::default().writable();
    let held = Store::new(Box::new(fs), Path::root(), options.clone());
    (held, control, Store::new(direct, Path::root(), options))
}

/// Whenever the other one appends, in between any two requests of the first: nobody loses anything, and nothing old shows.
#[test]
fn an_append_in_the_middle_of_another_loses_nothing() {
    for moment in 0..100 {
        let (held, control, direct) = stores();
        let first = array_at(&held);
        let other = array_at(&direct);
        control.hold();
        let mut appending = std::pin::pin!(first.append(&[7_i32; 3], 0));
        let mut context = std::task::Context::from_waker(futures::task::noop_waker_ref());
        let mut requests = 0;
        let mut appended = false;
        let begun = std::time::Instant::now();
        let (longer, _) = loop {
            if let Poll::Ready(done) = appending.as_mut().poll_unpin(&mut context) {
                break done.unwrap();
            }
            if control.held() == 0 {
                // It decodes: another thread works for it.
                assert!(
                    begun.elapsed() < LIMIT,
                    "{moment}: stuck after {requests} requests"
                );
                std::thread::yield_now();
                continue;
            }
            if requests == moment {
                block_on(other.append(&[8_i32; 2], 0)).unwrap();
                appended = true;
            }
            control.release_one();
            requests += 1;
        };
        control.let_go();
        if !appended {
            assert!(moment > 5, "it had {requests} requests");
            assert_eq!(longer.shape(), [7]);
            close(&direct);
            close(&held);
            return;
        }
        let now = array_at(&direct);
        assert_eq!(now.shape(), [9], "{moment}");
        let read: Vec<i32> = block_on(now.read(&Selection::all(&[9]))).unwrap();
        let either = [vec![1, 1, 2, 2, 8, 8, 7, 7, 7], vec![1, 1, 2, 2, 7, 7, 7, 8, 8]];
        assert!(either.contains(&read), "{moment}: {read:?}");
        close(&direct);
        close(&held);
    }
    panic!("it never ended");
}

/// More chunks than can be asked for one by one, and no listing that would show which are there.
#[test]
fn what_cannot_be_looked_at_is_refused_before_anything_changes() {
    let (held, control, direct) = stores();
    control.listing(zarr_fs::Listing::VisibleOnly);
    let error = block_on(array_at(&held).resize(&[1 << 40])).unwrap_err();
    assert!(
        matches!(error, Error::LimitReached { limit, .. } if limit == 1 << 20),
        "{error}"
    );
    assert_eq!(array_at(&direct).shape(), [4]);
    let grown = block_on(array_at(&held).resize(&[20_000])).unwrap();
    let read: Vec<i32> = block_on(grown.read(&Selection::all(&[20_000]))).unwrap();
    assert_eq!(read[..4], [1, 1, 2, 2]);
    assert!(read[4..].iter().all(|element| *element == 0));
    close(&direct);
    close(&held);
}
