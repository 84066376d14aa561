//! What people see.

use crate::run::{command, run, store};

#[test]
fn short_help_fits_a_screen_and_has_examples() {
    let ended = run(&["-h"]);
    assert_eq!(ended.code, 0);
    assert!(
        ended.stdout.lines().count() <= 40,
        "{} lines",
        ended.stdout.lines().count()
    );
    assert_eq!(
        ended.stdout.matches("\n  zarr-cli ").count(),
        3,
        "{}",
        ended.stdout
    );
    let long = run(&["--help"]).stdout;
    assert!(long.contains("Exit codes:") && long.len() > ended.stdout.len());
    assert_eq!(run(&["help", "ls"]).code, 0);
    assert_eq!(run(&["--version"]).code, 0);
    assert_eq!(run(&[]).code, 2);
}

#[test]
fn a_bare_url_is_shown() {
    let place = store("xarray_v3.zarr");
    let shown = run(&[&place]);
    assert_eq!(shown.code, 0);
    assert_eq!(shown.stdout, run(&["show", &place]).stdout);
    let rest = shown.stdout.split_once("   ").unwrap().1;
    insta::assert_snapshot!(rest, @"
    group · zarr v3 · consolidated · 7 arrays · 1.0 KiB logical
    Dimensions  time 6 · lat 5 · lon 7
    Coordinates
      lat     (lat)             float64  -9.0 … 9.0                   40 B  chunks 1 × (5)      zstd
      lon     (lon)             float64  0.0 … 30.0                   56 B  chunks 1 × (7)      zstd
      time    (time)            int64    2020-01-01 … 2020-01-02T06   48 B  chunks 1 × (6)      zstd
    Data
      label   (lat)             string                                      chunks 1 × (5)      zstd
      mask    (lat, lon)        bool                                  35 B  chunks 1 × (5,7)    zstd
      scalar  scalar            int64                                  8 B  chunks 1 × ()       zstd
      temp    (time, lat, lon)  float32  K                           840 B  chunks 6 × (2,5,4)  zstd
    Attributes
      Conventions  CF-1.8
      title        tiny é
    ");
}

/// The README's first command.
#[test]
fn the_example_is_shown() {
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/air.zarr");
    let ended = run(&[place]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let rest = ended.stdout.split_once("   ").unwrap().1;
    insta::assert_snapshot!(rest, @"
    group · zarr v3 · consolidated · 1 group · 4 arrays · 33 KiB logical
    Dimensions  time 48 · lat 13 · lon 27
    Coordinates
      lat   (lat)             float32              75.0 … 15.0 degrees_north     52 B  chunks 1 × (13)        -
      lon   (lon)             float32              200.0 … 330.0 degrees_east   108 B  chunks 1 × (27)        -
      time  (time)            int64                2013-01-01 … 2013-01-02T23   384 B  chunks 1 × (48)        -
    Data
      air   (time, lat, lon)  int16 ×0.01 +273.15  K                           33 KiB  chunks 3 × (16,13,27)  gzip
    Groups
      stations/  1 attribute
    Attributes
      Conventions  CF-1.8
      title        Air temperature at 2 m, made up for the examples
    ");
    assert_eq!(run(&["check", place]).code, 0);
    let bare = run(&["--no-values", place]).stdout;
    assert!(
        bare.contains("hours since") && !ended.stdout.contains("hours since"),
        "{bare}"
    );
}

#[test]
fn options_stand_before_or_after_the_verb() {
    let place = store("v3_tree_cons.zarr");
    let before = run(&["--json", "ls", "-R", &place]);
    assert_eq!(before.stdout, run(&["ls", &place, "-R", "--json"]).stdout);
    assert_eq!(
        before.stdout,
        run(&["members", "--recursive", "--json", &place]).stdout
    );
}

#[test]
fn the_tree_is_drawn() {
    let ended = run(&["tree", &store("v3_tree_cons.zarr")]);
    let rest = ended.stdout.split_once('\n').unwrap().1;
    insta::assert_snapshot!(rest, @"
    ├── a                 group
    │   ├── b             group
    │   │   └── c         group
    │   │       └── deep  float32  d0 2 · d1 2 · d2 2  (1,2,2)  zstd  32 B
    │   └── one           float32  d0 3 · d1 3         (2,2)    zstd  36 B
    ├── a.b               float32  d0 3                (3)      zstd  12 B
    ├── empty_group       group
    ├── größe             group
    │   └── 数据          float32  d0 5                (2)      zstd  20 B
    ├── top               float32  d0 4                (2)      zstd  16 B
    └── with space        float32  d0 3                (2)      zstd  12 B
    6 groups, 6 arrays, 128 B logical
    ");
    let cut = run(&["tree", "--max-nodes", "2", &store("v3_tree_cons.zarr")]).stdout;
    assert!(
        cut.contains("cut at 2 nodes") && cut.lines().count() == 4,
        "{cut}"
    );
}

#[test]
fn metadata_by_pointer_is_the_same_in_both_formats() {
    for name in ["xarray_v2.zarr", "xarray_v3.zarr"] {
        let ended = run(&["meta", "-k", "/attributes/title", &store(name)]);
        assert_eq!((ended.code, ended.stdout.as_str()), (0, "\"tiny é\"\n"), "{name}");
    }
    let ended = run(&["meta", "-k", "/atributes", &store("xarray_v3.zarr")]);
    assert_eq!(ended.code, 3);
    assert!(ended.stderr.contains("attributes"), "{ended:?}");
}

#[test]
fn raw_metadata_is_byte_for_byte() {
    let place = store("xarray_v3.zarr");
    let stored = std::fs::read(format!("{place}/zarr.json")).unwrap();
    assert_eq!(
        command(&["meta", "--raw", &place]).output().unwrap().stdout,
        stored
    );
}

#[test]
fn colours_come_when_asked_for_and_not_into_a_pipe() {
    let place = store("v3_tree_cons.zarr");
    assert!(!run(&["ls", &place]).stdout.contains('\u{1b}'));
    assert!(
        run(&["ls", "--color", "always", &place])
            .stdout
            .contains('\u{1b}')
    );
    let output = command(&["ls", &place])
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(!output.stdout.contains(&0x1b));
}

#[test]
fn stored_bytes_are_summed_up() {
    let ended = run(&[
        "info",
        "--stored",
        "--json",
        &format!("{}/edge", store("v3_shard.zarr")),
    ]);
    assert_eq!(ended.lines()[0]["stored"]["objects"], 6, "{ended:?}");
    let ended = run(&["du", "--json", &store("v3_shard.zarr")]);
    let document = &ended.lines()[0];
    assert_eq!(document["arrays"].as_array().unwrap().len(), 15);
    assert_eq!(document["metadata_documents"], 16);
    assert_eq!(document["stray_objects"], 0);
}

#[test]
fn completions_and_the_manual_page() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ended = run(&["completions", shell]);
        assert!(ended.code == 0 && ended.stdout.contains("zarr-cli"), "{shell}");
    }
    let page = run(&["man"]).stdout;
    assert!(
        page.contains(".TH zarr-cli 1") && page.contains("Most requests in flight"),
        "{page}"
    );
}

/// A slip of the fingers is told as all errors are, with what was meant, to people and to programs.
#[test]
fn mistyped_options_are_told_with_what_was_meant() {
    for (args, meant) in [
        (&["ls", "--arays", "x"][..], "did you mean `--arrays`?"),
        (
            &["stats", "--mising", "error", "x"][..],
            "did you mean `--missing`?",
        ),
        (&["stat", "x.zarr"][..], "did you mean `stats`?"),
        (&["check", "--deeep", "x"][..], "did you mean `--deep`?"),
    ] {
        let ended = run(args);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.starts_with("error[usage]: "), "{ended:?}");
        assert!(ended.stderr.contains(meant), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 2, "{ended:?}");
        let ended = run(&[&["--json"][..], args].concat());
        assert_eq!(ended.last_json()["hint"], meant, "{ended:?}");
    }
    let ended = run(&["cat", "-F", "xml", "x"]);
    assert!(ended.stderr.contains("text, csv, json, npy, bin"), "{ended:?}");
    let ended = run(&[
        "cat",
        &format!("{}/temp", store("xarray_v3.zarr")),
        "-i",
        "lat=99",
    ]);
    assert!(ended.stderr.contains("  hint   -i takes '0:5,::2'"), "{ended:?}");
    let ended = run(&["ls", "/nonexistent/x.zarr"]);
    assert!(
        ended
            .stderr
            .starts_with("error[not-found]: no Zarr node at /nonexistent/x.zarr\n  tried  zarr.json"),
        "{ended:?}"
    );
}

#[test]
fn an_array_in_a_few_numbers() {
    let air = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/air.zarr/air");
    let ended = run(&["stats", air, "-i", "time=:2,lat=0,lon=:3"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let (_, rest) = ended.stdout.split_once('\n').unwrap();
    insta::assert_snapshot!(rest, @"
    data type  int16
    as stored  scale_factor and add_offset are not applied, _FillValue -32767 counts as a value
    elements   2×3 = 6
    min        -1080
    mean       -1060.1666666666667
    max        -1037
    sd         14.735633304642487
    fill       0 equal the fill value -32767
    chunks     1, none missing
    ");
}

/// Dates, complex numbers and what is no number, as `cat` prints them.
#[test]
fn times_and_complex_numbers_in_a_few_words() {
    let of = |path: &str| {
        run(&["stats", &store(path)])
            .stdout
            .split_once('\n')
            .unwrap()
            .1
            .to_owned()
    };
    insta::assert_snapshot!(of("v2_arrays.zarr/dt64"), @r#"
    data type  datetime64[ns]
    elements   9
    min        1969-12-31T23:59:59.999163232
    mean       1969-12-31T23:59:59.999727887
    max        1970-01-01T00:00:00.000345902
    sd         458578.37740086415 ns
    NaT        1
    fill       1 equal the fill value NaT
    chunks     3, none missing
    "#);
    insta::assert_snapshot!(of("v2_arrays.zarr/c8"), @r#"
    data type  complex64
    elements   9
    min        -
    mean       -0.3663759343326092+Infinityj
    max        -
    sd         NaN
    NaN        1
    infinite   1
    fill       0 equal the fill value NaN+0.0j
    chunks     3, none missing
    "#);
}

#[test]
fn values_look_like_what_they_are() {
    let cat = |path: &str, args: &[&str]| run(&[&["cat", store(path).as_str()][..], args].concat()).stdout;
    assert_eq!(
        cat("v2_arrays.zarr/dt64", &["-i", ":2"]),
        "1969-12-31T23:59:59.999717905 NaT\n"
    );
    assert_eq!(
        cat("v2_arrays.zarr/c8", &["-i", "3:4"]),
        "-2.4112916-0.74632174j\n"
    );
    assert_eq!(
        cat("v2_arrays.zarr/c8", &["-i", "2", "-F", "csv"]),
        "-0.0+Infinityj\n"
    );
    assert_eq!(cat("v2_arrays.zarr/U5", &["-i", ":4"]), "Xß \" \" \"\" 0\n");
    let npy = command(&["cat", "-F", "npy", &store("v2_arrays.zarr/struct")])
        .output()
        .unwrap();
    let header = String::from_utf8_lossy(&npy.stdout[12..140]).into_owned();
    assert!(
        header.starts_with("{'descr': [('a', '<i4'), ('b', '|S3'), ('c', '<f8')], "),
        "{header}"
    );
}

/// zarr-python leaves an empty list of storage transformers out of its consolidated copies.
#[test]
fn good_consolidated_metadata_is_not_stale() {
    let ended = run(&["check", &store("v3_tree_cons.zarr")]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

/// What a first-time user types wrongly.
#[test]
fn hints_name_what_was_meant() {
    let air = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/air.zarr");
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let ended = run(&["check", &format!("{examples}/nope.zarr")]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (3, ""),
        "nothing was checked: {ended:?}"
    );
    let ended = run(&["check", "--json", &format!("{examples}/nope.zarr")]);
    assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{ended:?}");
    let ended = run(&[examples]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("did you mean"), "{ended:?}");
    assert!(ended.stderr.contains("examples/air.zarr ?"), "{ended:?}");
    for (pointer, told) in [
        ("/attributes/unit", "at /attributes are units, long_name,"),
        ("/attributes/units/x", "at /attributes are units, long_name,"),
        ("/no/such", "at the top are zarr_format,"),
        ("units", "at the top are zarr_format,"),
    ] {
        let ended = run(&["meta", &format!("{air}/air"), "-k", pointer]);
        assert_eq!(ended.code, 3, "{ended:?}");
        assert!(ended.stderr.contains(told), "{pointer}: {ended:?}");
    }
}

/// What is typed wrongly in one part only: the wrong format, a document in place of its node.
#[test]
fn hints_name_what_is_too_much() {
    let air = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/air.zarr");
    let ended = run(&["ls", "--zarr-format", "2", air]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("there is a group of zarr v3: leave out --zarr-format"),
        "{ended:?}"
    );
    for document in ["zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata"] {
        let ended = run(&["ls", &format!("{air}/{document}")]);
        assert_ne!(ended.code, 0, "{ended:?}");
        let hint = format!("hint   the URL of a node ends before its documents: {air}\n");
        assert!(ended.stderr.contains(&hint), "{ended:?}");
    }
}
