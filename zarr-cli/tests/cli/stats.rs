//! `stats`: known answers, by hand or by NumPy where the comment says so.

use serde_json::{Value, json};
use zarr_tests::gcs::GcsServer;
use zarr_tests::http::{HttpServer, IndexStyle, Mode};
use zarr_tests::{Fault, When};

use crate::run::{Ended, run, store};

/// An array of uncompressed chunks, and the chunks that are there.
fn array(
    server: &HttpServer,
    data_type: &str,
    fill: &str,
    shape: &str,
    chunk: &str,
    chunks: &[(&str, Vec<u8>)],
) {
    server.put(
        "a/zarr.json",
        format!(
            r#"{{"zarr_format": 3, "node_type": "array", "shape": {shape}, "data_type": {data_type}, "fill_value": {fill},
                "chunk_grid": {{"name": "regular", "configuration": {{"chunk_shape": {chunk}}}}},
                "chunk_key_encoding": {{"name": "default"}}, "dimension_names": null, "attributes": {{}},
                "codecs": [{{"name": "bytes", "configuration": {{"endian": "little"}}}}]}}"#
        ),
    );
    for (key, bytes) in chunks {
        server.put(&format!("a/c/{key}"), bytes.clone());
    }
}

fn server() -> HttpServer {
    HttpServer::start(Mode::Index(IndexStyle::Nginx))
}

/// The statistics of the server's array as JSON.
fn told(server: &HttpServer, args: &[&str]) -> Value {
    let url = format!("{}/a", server.base_url());
    let ended = run(&[&["stats", "--json", "--io-stats", url.as_str()][..], args].concat());
    assert_eq!(ended.code, 0, "{ended:?}");
    ended.assert_all_closed();
    ended.lines().remove(0)
}

fn i16s(values: &[i16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Three rows of five: 0 … 4, 10 … 14, 20 … 24, in chunks of 2×4 whose padding is junk.
fn padded(server: &HttpServer) {
    const JUNK: i16 = 30_000;
    array(
        server,
        "\"int16\"",
        "7",
        "[3, 5]",
        "[2, 4]",
        &[
            ("0/0", i16s(&[0, 1, 2, 3, 10, 11, 12, 13])),
            ("0/1", i16s(&[4, JUNK, JUNK, JUNK, 14, -JUNK, JUNK, JUNK])),
            ("1/0", i16s(&[20, 21, 22, 23, JUNK, JUNK, JUNK, 7])),
            ("1/1", i16s(&[24, JUNK, JUNK, JUNK, JUNK, JUNK, 7, 7])),
        ],
    );
}

/// Who reads JSON must not take packed numbers for what they stand for, nor a marker of what is missing for a value.
#[test]
fn what_is_not_applied_is_said_in_json_too() {
    let air = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/air.zarr/air");
    let ended = run(&["stats", "--json", air, "-i", "time=:2,lat=0,lon=:3"]);
    let told = ended.lines().remove(0);
    assert_eq!(told["data_type"], json!("int16"));
    let not_applied = json!({"scale_factor": 0.01, "add_offset": 273.15, "_FillValue": -32767});
    assert_eq!(told["not_applied"], not_applied);
    let times = run(&["stats", "--json", &store("v2_arrays.zarr/dt64")])
        .lines()
        .remove(0);
    assert_eq!(times["data_type"], json!("<M8[ns]"));
    assert_eq!(times["not_applied"], json!({}));
}

#[test]
fn padding_never_counts() {
    let server = server();
    padded(&server);
    // The variance is 200/3 between rows and 2 within.
    let sd = (200.0_f64 / 3.0 + 2.0).sqrt();
    let all = told(&server, &[]);
    assert_eq!(
        all,
        json!({"path": "/", "data_type": "int16", "not_applied": {}, "shape": [3, 5], "elements": 15,
               "min": 0, "mean": 12.0, "max": 24, "sd": all["sd"], "nan": 0, "infinite": 0, "fill": 0, "chunks": 4, "missing_chunks": 0})
    );
    assert!((all["sd"].as_f64().unwrap() - sd).abs() < 1e-14, "{all}");

    // 12, 14, 22, 24: 6 and 4 from 18.
    let some = told(&server, &["-i", "1:,2::2"]);
    assert_eq!(some["shape"], json!([2, 2]));
    assert_eq!(
        (&some["min"], &some["mean"], &some["max"]),
        (&json!(12), &json!(18.0), &json!(24))
    );
    let sd = some["sd"].as_f64().unwrap();
    assert!((sd - 26.0_f64.sqrt()).abs() < 1e-14, "{sd}");
    let row = told(&server, &["-i", "-1"]);
    assert_eq!((&row["shape"], &row["mean"]), (&json!([5]), &json!(22.0)));
    let one = told(&server, &["-i", "0,1"]);
    assert_eq!(
        (&one["shape"], &one["mean"], &one["sd"], &one["chunks"]),
        (&json!([]), &json!(1.0), &json!(0.0), &json!(1))
    );
    let none = told(&server, &["-i", "2:2"]);
    assert_eq!(
        (&none["elements"], &none["min"], &none["mean"], &none["sd"]),
        (&json!(0), &Value::Null, &Value::Null, &Value::Null)
    );
    server.assert_nothing_open();
}

#[test]
fn missing_chunks_are_the_fill_value_and_counted() {
    let server = server();
    padded(&server);
    assert!(server.remove("a/c/1/1"));
    let told = told(&server, &[]);
    // 24 has become 7.
    assert_eq!(told["mean"].as_f64(), Some(163.0 / 15.0));
    assert_eq!(
        (&told["max"], &told["fill"], &told["missing_chunks"]),
        (&json!(23), &json!(1), &json!(1))
    );
    let url = format!("{}/a", server.base_url());
    let ended = run(&["stats", "--missing", "error", "--json", &url]);
    assert_eq!((ended.code, ended.stdout.as_str()), (5, ""), "{ended:?}");
    assert_eq!(ended.last_json()["kind"], "missing-chunk");
    let people = run(&["stats", &url]).stdout;
    assert!(
        people.contains("chunks     4, 1 missing: their elements are the fill value"),
        "{people}"
    );
}

#[test]
fn nan_fill_values_and_scalars() {
    let server = server();
    let halves: Vec<u8> = [1.5_f32, 2.5, f32::NAN, 9.0]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    array(&server, "\"float32\"", "\"NaN\"", "[5]", "[4]", &[("0", halves)]);
    let told_floats = told(&server, &["-i", ":3"]);
    assert_eq!(
        (
            &told_floats["mean"],
            &told_floats["nan"],
            &told_floats["fill"],
            &told_floats["sd"]
        ),
        (&json!(2.0), &json!(1), &json!(1), &json!(0.5))
    );
    let all = told(&server, &[]);
    assert_eq!(
        (
            &all["elements"],
            &all["nan"],
            &all["fill"],
            &all["max"],
            &all["missing_chunks"]
        ),
        (&json!(5), &json!(2), &json!(2), &json!(9.0), &json!(1))
    );

    let server = self::server();
    array(&server, "\"int64\"", "0", "[]", "[]", &[]);
    server.put("a/c", (i64::MAX - 1).to_le_bytes().to_vec());
    let scalar = told(&server, &[]);
    assert_eq!(scalar["elements"], 1);
    assert_eq!(scalar["min"], json!(i64::MAX - 1), "no digit is lost");
    assert_eq!(scalar["mean"], json!(i64::MAX - 1));

    let server = self::server();
    array(&server, "\"uint8\"", "0", "[3, 0]", "[2, 2]", &[]);
    let empty = told(&server, &[]);
    assert_eq!(
        (
            &empty["elements"],
            &empty["mean"],
            &empty["fill"],
            &empty["chunks"]
        ),
        (&json!(0), &Value::Null, &json!(0), &json!(0))
    );
}

/// By NumPy, of the values that `cat -F npy` prints.
#[test]
fn arrays_of_the_corpus() {
    for (path, expected) in [
        (
            "v2_arrays.zarr/f8_rand",
            r#"{"elements": 36, "nan": 1, "infinite": 2}"#,
        ),
        (
            "v2_arrays.zarr/f4_be_rand",
            r#"{"elements": 36, "nan": 1, "infinite": 2}"#,
        ),
        (
            "v2_arrays.zarr/i8_be",
            r#"{"elements": 35, "min": 0, "max": 119, "mean": 93.54285714285714, "sd": 42.2937637126278}"#,
        ),
        (
            "v2_arrays.zarr/f2",
            r#"{"elements": 7, "nan": 0, "infinite": 0, "min": 0.0, "max": 119.0, "mean": 100.71428571428571, "sd": 41.12598860544887}"#,
        ),
        (
            "v2_arrays.zarr/edge",
            r#"{"elements": 100, "min": 0, "max": 118, "mean": 52.68, "sd": 49.922716272254256}"#,
        ),
        (
            "v2_arrays.zarr/b1",
            r#"{"elements": 21, "min": false, "max": true, "mean": 0.38095238095238093, "sd": 0.4856209060564557}"#,
        ),
        (
            "v2_arrays.zarr/c16_be",
            r#"{"elements": 9, "nan": 1, "infinite": 1, "min": null}"#,
        ),
        (
            "v3_shard.zarr/edge",
            r#"{"elements": 63, "min": 1, "max": 119, "mean": 78.71428571428571, "sd": 45.31211988659083}"#,
        ),
        (
            "v3_dtypes.zarr/core/uint64_1",
            r#"{"elements": 11, "min": 0, "max": 18446744073709551615, "mean": 7.847627191409182e+18, "sd": 5.962490614860787e+18}"#,
        ),
        (
            "v2_arrays.zarr/td64",
            r#"{"elements": 9, "nan": 1, "min": -794640, "max": 866984, "mean": 121759.25, "sd": 555555.8340954017}"#,
        ),
        (
            "v2_arrays.zarr/zero_d",
            r#"{"elements": 1, "nan": 0, "infinite": 0, "min": 117.0, "max": 117.0, "mean": 117.0, "sd": 0.0}"#,
        ),
        (
            "xarray_v3.zarr/temp",
            r#"{"elements": 210, "nan": 2, "infinite": 0, "min": -2.439587, "max": 2.6838253, "mean": -0.012611143249579562, "sd": 0.9786945456769373}"#,
        ),
    ] {
        let ended = run(&["stats", "--json", &store(path)]);
        assert_eq!(ended.code, 0, "{path}: {ended:?}");
        let told = &ended.lines()[0];
        let expected: Value = serde_json::from_str(expected).unwrap();
        for (key, expected) in expected.as_object().unwrap() {
            let told = &told[key];
            let near = match (told.as_f64(), expected.as_f64()) {
                (Some(told), Some(expected)) => (told - expected).abs() <= 1e-13 * expected.abs(),
                _ => told == expected,
            };
            assert!(near, "{path}: {key} is {told}, NumPy has {expected}");
        }
    }
}

#[test]
fn what_has_no_numbers() {
    for path in [
        "xarray_v3.zarr/label",
        "v2_arrays.zarr/S4",
        "v2_arrays.zarr/struct",
    ] {
        let ended = run(&["stats", "--json", &store(path)]);
        assert_eq!((ended.code, ended.stdout.as_str()), (7, ""), "{path}: {ended:?}");
        assert_eq!(ended.last_json()["kind"], "not-numbers");
    }
    let ended = run(&["stats", &store("xarray_v3.zarr")]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("zarr-cli ls "), "{ended:?}");
}

/// The whole array by whatever way it comes, and the same digits each time.
#[test]
fn the_same_over_the_network() {
    let path = "v3_shard.zarr/inner_blosc";
    let local = run(&["stats", "--json", &store(path)]);
    let server = GcsServer::start("bucket");
    server.load_dir("bucket", crate::run::data().join("stores"), "");
    let endpoint = format!("endpoint_url={}", server.url());
    let url = format!("gs://bucket/{path}");
    let remote = |args: &[&str]| {
        run(&[
            &["stats", "--json", "--anon", "-o", endpoint.as_str(), url.as_str()][..],
            args,
        ]
        .concat())
    };
    let ended: Ended = remote(&["--io-stats"]);
    ended.assert_all_closed();
    assert_eq!((ended.code, &ended.stdout), (0, &local.stdout));

    server.faults().add(When::path_ends("c/1/0"), Fault::status(503));
    let ended = remote(&["-o", "retries=0"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (8, ""), "{ended:?}");
}
