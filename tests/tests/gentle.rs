//! A session asks less at once where the server says or shows that it is asked too much.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures::executor::block_on;
use futures::future::join_all;
use zarr_fs::{CatOptions, FileSystem, Path};
use zarr_http::HttpConfig;
use zarr_tests::http::{HttpServer, Mode};
use zarr_tests::{Fault, Framing, When};

/// As many as a session would ask for at once.
const CALLS: usize = 64;

fn server() -> HttpServer {
    let server = HttpServer::start(Mode::NoIndex(404));
    for i in 0..CALLS {
        server.put(&format!("a{i}"), "content");
    }
    server
}

async fn read_all(fs: &impl FileSystem) {
    let paths: Vec<Path> = (0..CALLS)
        .map(|i| Path::parse(format!("a{i}")).unwrap())
        .collect();
    let reads = paths.iter().map(|path| fs.cat_file(path, CatOptions::default()));
    for read in join_all(reads).await {
        assert_eq!(read.unwrap().bytes, "content");
    }
}

#[test]
fn a_refusal_narrows_the_session() {
    let server = server();
    server.set_delay(Duration::from_millis(20));
    block_on(async {
        let fs = HttpConfig::new(server.base_url()).open().unwrap();
        server.faults().add(When::nth(0), Fault::status(429));
        fs.cat_file(&Path::parse("a0").unwrap(), CatOptions::default())
            .await
            .unwrap();
        read_all(&fs).await;
        let most = server.max_in_flight();
        assert!((2..=CALLS / 2).contains(&most), "{most} in flight");
        fs.close().await.unwrap();
    });
}

#[test]
fn few_connections_are_dialled_to_a_server_that_closes_them() {
    let server = server();
    server
        .faults()
        .add(When::always(), Fault::default().framing(Framing::LengthThenClose));
    block_on(async {
        let fs = HttpConfig::new(server.base_url()).open().unwrap();
        fs.cat_file(&Path::parse("a0").unwrap(), CatOptions::default())
            .await
            .unwrap();
        read_all(&fs).await;
        let most = server.max_in_flight();
        assert!(most <= 8, "{most} in flight");
        fs.close().await.unwrap();
    });
}
