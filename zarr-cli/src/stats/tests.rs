//! Known answers: by hand, or by NumPy where the comment says so.

use super::*;
use zarr_core::metadata::data_type::{ComplexName, TimeScale, TimeUnit};
use zarr_core::metadata::json::PrintOptions;

fn of(data_type: &DataType, fill: Option<&[u8]>, parts: &[Vec<u8>]) -> Statistics {
    let mut total = Statistics::new(data_type, fill).unwrap();
    for bytes in parts {
        let mut part = Statistics::new(data_type, fill).unwrap();
        part.add(bytes);
        total.merge(&part);
    }
    total
}

fn text(value: Option<Json>) -> String {
    value.map_or("none".to_owned(), |value| value.print(PrintOptions::compact()))
}

/// min, mean, max, sd
fn told(statistics: &Statistics) -> [String; 4] {
    [
        statistics.min(),
        statistics.mean(),
        statistics.max(),
        statistics.sd(),
    ]
    .map(text)
}

fn bytes<const SIZE: usize>(values: impl IntoIterator<Item = [u8; SIZE]>) -> Vec<u8> {
    values.into_iter().flatten().collect()
}

fn i64s(values: &[i64]) -> Vec<u8> {
    bytes(values.iter().map(|value| value.to_le_bytes()))
}

fn f64s(values: &[f64]) -> Vec<u8> {
    bytes(values.iter().map(|value| value.to_le_bytes()))
}

const INT64: DataType = DataType::Int(IntKind::Int64);
const FLOAT64: DataType = DataType::Float(FloatKind::Float64);

#[test]
fn the_classic_example() {
    // Mean 5, variance 4.
    let values = [2, 4, 4, 4, 5, 5, 7, 9];
    let whole = of(&INT64, Some(&4_i64.to_le_bytes()), &[i64s(&values)]);
    assert_eq!(told(&whole), ["2", "5.0", "9", "2.0"]);
    assert_eq!(
        (whole.elements(), whole.filled(), whole.nan()),
        (8, Some(3), None)
    );
    let parts: Vec<_> = values.chunks(3).map(i64s).collect();
    assert_eq!(told(&of(&INT64, None, &parts)), ["2", "5.0", "9", "2.0"]);
    let floats = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
    let parts: Vec<_> = floats.chunks(3).map(f64s).collect();
    assert_eq!(told(&of(&FLOAT64, None, &parts)), ["2.0", "5.0", "9.0", "2.0"]);
}

/// A million nanoseconds at the end of 2020: the naive rule has a variance below zero, and no float holds the mean.
#[test]
fn a_small_spread_far_from_zero() {
    let origin = 1_609_459_199_000_000_000_i64;
    let parts: Vec<_> = (0..10)
        .map(|part| {
            i64s(
                &(0..10_000)
                    .map(|i| origin + part * 10_000 + i)
                    .collect::<Vec<_>>(),
            )
        })
        .collect();
    let statistics = of(&INT64, None, &parts);
    assert_eq!(text(statistics.mean()), "1609459199000049999.5");
    // sqrt((n² - 1) / 12) for n = 100,000
    let sd = statistics.sd().unwrap().as_f64().unwrap();
    assert!((sd - 28_867.513_458_037_91).abs() < 1e-9, "{sd}");

    let far = |i: u32| 1e9 + f64::from(i % 3);
    let parts: Vec<_> = (0..30)
        .map(|part| f64s(&(0..999).map(|i| far(part * 999 + i)).collect::<Vec<_>>()))
        .collect();
    let statistics = of(&FLOAT64, None, &parts);
    assert_eq!(text(statistics.mean()), "1000000001.0");
    let sd = statistics.sd().unwrap().as_f64().unwrap();
    assert!((sd - (2.0_f64 / 3.0).sqrt()).abs() < 1e-15, "{sd}");
}

#[test]
fn the_ends_of_64_bits() {
    let signed = of(&INT64, None, &[i64s(&[i64::MIN, i64::MAX]), i64s(&[i64::MAX])]);
    assert_eq!(text(signed.min()), "-9223372036854775808");
    assert_eq!(text(signed.max()), "9223372036854775807");
    // (2⁶³ - 2) / 3, of which the digits after the point are periodic.
    assert_eq!(text(signed.mean()), "3074457345618258602");
    let sd = signed.sd().unwrap().as_f64().unwrap();
    // 2⁶⁴ · sqrt(2) / 3
    assert!((sd / 8.695_878_550_221_856e18 - 1.0).abs() < 1e-14, "{sd}");

    let unsigned = bytes([u64::MAX, u64::MAX, u64::MAX - 1].map(u64::to_le_bytes));
    let unsigned = of(&DataType::Int(IntKind::UInt64), None, &[unsigned]);
    assert_eq!(text(unsigned.min()), "18446744073709551614");
    assert_eq!(text(unsigned.max()), "18446744073709551615");
    assert_eq!(text(unsigned.mean()), "18446744073709551614.666667");
    // numpy.std([1, 1, 0])
    assert_eq!(text(unsigned.sd()), "0.4714045207910317");
}

#[test]
fn every_integer_type() {
    let cases: [(IntKind, Vec<u8>, [&str; 3]); 10] = [
        (
            IntKind::Int2,
            vec![0b10, 0b01, 0b11],
            ["-2", "-0.6666666666666666", "1"],
        ),
        (IntKind::UInt2, vec![3, 0], ["0", "1.5", "3"]),
        (IntKind::Int4, vec![8, 7], ["-8", "-0.5", "7"]),
        (IntKind::UInt4, vec![15, 1], ["1", "8.0", "15"]),
        (IntKind::Int8, vec![0x80, 0x7f], ["-128", "-0.5", "127"]),
        (IntKind::UInt8, vec![255, 0], ["0", "127.5", "255"]),
        (
            IntKind::Int16,
            bytes([-5_i16, 4].map(i16::to_le_bytes)),
            ["-5", "-0.5", "4"],
        ),
        (
            IntKind::UInt16,
            bytes([65535_u16, 0].map(u16::to_le_bytes)),
            ["0", "32767.5", "65535"],
        ),
        (
            IntKind::Int32,
            bytes([i32::MIN, 0].map(i32::to_le_bytes)),
            ["-2147483648", "-1073741824.0", "0"],
        ),
        (
            IntKind::UInt32,
            bytes([u32::MAX, 0].map(u32::to_le_bytes)),
            ["0", "2147483647.5", "4294967295"],
        ),
    ];
    for (kind, bytes, [min, mean, max]) in cases {
        let statistics = of(&DataType::Int(kind), None, &[bytes]);
        let [least, middle, most, _] = told(&statistics);
        assert_eq!([least, middle, most], [min, mean, max], "{kind:?}");
    }
}

#[test]
fn booleans_are_0_and_1() {
    let statistics = of(&DataType::Bool, Some(&[0]), &[vec![1, 0, 0], vec![0]]);
    assert_eq!(told(&statistics)[..3], ["false", "0.25", "true"]);
    // numpy.std([True, False, False, False])
    let sd = statistics.sd().unwrap().as_f64().unwrap();
    assert!((sd - 0.433_012_701_892_219_3).abs() < 1e-15, "{sd}");
    assert_eq!(statistics.filled(), Some(3));
}

#[test]
fn nan_and_infinities_are_counted() {
    let values = [1.0, f64::NAN, 3.0, -f64::NAN];
    let statistics = of(&FLOAT64, Some(&f64::NAN.to_le_bytes()), &[f64s(&values)]);
    assert_eq!(told(&statistics), ["1.0", "2.0", "3.0", "1.0"]);
    assert_eq!((statistics.nan(), statistics.filled()), (Some(2), Some(2)));

    let statistics = of(&FLOAT64, None, &[f64s(&[1.0, f64::INFINITY]), f64s(&[2.0])]);
    assert_eq!(
        told(&statistics),
        ["1.0", "\"Infinity\"", "\"Infinity\"", "\"NaN\""]
    );
    assert_eq!(statistics.infinite(), 1);
    let both = of(&FLOAT64, None, &[f64s(&[f64::NEG_INFINITY, f64::INFINITY])]);
    assert_eq!(
        told(&both),
        ["\"-Infinity\"", "\"NaN\"", "\"Infinity\"", "\"NaN\""]
    );

    let only = of(&FLOAT64, Some(&0.0_f64.to_le_bytes()), &[f64s(&[f64::NAN; 5000])]);
    assert_eq!(told(&only), ["none"; 4]);
    assert_eq!(
        (only.nan(), only.filled(), only.elements()),
        (Some(5000), Some(0), 5000)
    );
    let zeros = of(&FLOAT64, Some(&0.0_f64.to_le_bytes()), &[f64s(&[0.0, -0.0])]);
    assert_eq!(zeros.filled(), Some(2));
}

#[test]
fn nothing_has_no_mean() {
    for data_type in [&INT64, &FLOAT64, &DataType::Bool] {
        let statistics = of(data_type, None, &[Vec::new()]);
        assert_eq!(told(&statistics), ["none"; 4], "{data_type:?}");
        assert_eq!((statistics.elements(), statistics.filled()), (0, None));
    }
}

#[test]
fn floats_of_every_size() {
    let float = |kind| DataType::Float(kind);
    let singles = bytes([0.1_f32, 0.2].map(f32::to_le_bytes));
    let statistics = of(&float(FloatKind::Float32), None, &[singles]);
    // As the type prints them; the mean is numpy.mean(…, dtype="f8").
    assert_eq!(told(&statistics)[..3], ["0.1", "0.15000000223517418", "0.2"]);
    // 1.5, -2 and NaN.
    let halves = bytes([0x3e00_u16, 0xc000, 0x7e00].map(u16::to_le_bytes));
    let statistics = of(&float(FloatKind::Float16), None, &[halves]);
    assert_eq!(told(&statistics), ["-2.0", "-0.25", "1.5", "1.75"]);
    assert_eq!(statistics.nan(), Some(1));
    let brains = bytes([0x3fc0_u16, 0xc000].map(u16::to_le_bytes));
    let statistics = of(&float(FloatKind::BFloat16), None, &[brains]);
    assert_eq!(told(&statistics), ["-2.0", "-0.25", "1.5", "1.75"]);
    // 1.0, -1.5 and NaN of e4m3fn.
    let statistics = of(&float(FloatKind::Float8E4M3Fn), None, &[vec![0x38, 0xbc, 0x7f]]);
    assert_eq!(told(&statistics), ["-1.5", "-0.25", "1.0", "1.25"]);
    assert_eq!(statistics.nan(), Some(1));
}

#[test]
fn large_floats_do_not_overflow_the_mean() {
    let statistics = of(&FLOAT64, None, &[f64s(&[1e308; 10]), f64s(&[1e308; 3])]);
    assert_eq!(told(&statistics), ["1e308", "1e308", "1e308", "0.0"]);
}

#[test]
fn complex_numbers_have_no_order() {
    let data_type = DataType::Complex {
        component: FloatKind::Float32,
        name: ComplexName::TotalBits,
    };
    let fill = bytes([1.0_f32, 2.0].map(f32::to_le_bytes));
    let values = bytes([1.0_f32, 2.0, 3.0, 2.0, f32::NAN, 0.0].map(f32::to_le_bytes));
    let statistics = of(&data_type, Some(&fill), &[values]);
    // numpy.std([1+2j, 3+2j])
    assert_eq!(told(&statistics), ["none", "[2.0,2.0]", "none", "1.0"]);
    assert_eq!((statistics.nan(), statistics.filled()), (Some(1), Some(1)));
}

#[test]
fn no_time_is_no_number() {
    let scale = TimeScale {
        unit: TimeUnit::Second,
        scale_factor: 1,
    };
    let values = i64s(&[10, i64::MIN, 20]);
    let fill = i64::MIN.to_le_bytes();
    let statistics = of(&DataType::DateTime64(scale), Some(&fill), &[values]);
    assert_eq!(told(&statistics), ["10", "15.0", "20", "5.0"]);
    assert_eq!((statistics.nan(), statistics.filled()), (Some(1), Some(1)));
}

#[test]
fn what_is_no_number_is_refused() {
    assert!(Statistics::new(&DataType::String, None).is_none());
    assert!(Statistics::new(&DataType::NullTerminatedBytes { size_bytes: 3 }, None).is_none());
}

/// Elements that are counted come to what they come to if each is added.
#[test]
fn repeated_elements_are_as_if_each_was_added() {
    let kinds = [
        (DataType::Int(IntKind::Int8), vec![0xfd]),
        (DataType::Int(IntKind::UInt64), u64::MAX.to_le_bytes().to_vec()),
        (
            DataType::Float(FloatKind::Float64),
            0.1_f64.to_le_bytes().to_vec(),
        ),
        (
            DataType::Float(FloatKind::Float64),
            f64::MAX.to_le_bytes().to_vec(),
        ),
        (
            DataType::Float(FloatKind::Float64),
            f64::NAN.to_le_bytes().to_vec(),
        ),
        (
            DataType::Float(FloatKind::Float64),
            f64::INFINITY.to_le_bytes().to_vec(),
        ),
    ];
    for (data_type, element) in kinds {
        let nothing = Statistics::new(&data_type, Some(&element)).unwrap();
        let mut added = nothing.clone();
        added.add(&element.repeat(1000));
        let repeated = nothing.repeated(&element, 1000);
        let told = |of: &Statistics| {
            let numbers =
                [of.min(), of.max(), of.mean(), of.sd()].map(|number| number.map(|json| json.to_string()));
            (numbers, of.elements(), of.nan(), of.filled(), of.infinite())
        };
        assert_eq!(told(&repeated), told(&added), "{data_type:?}");
        assert_eq!(nothing.repeated(&element, 0).elements(), 0);
    }
}
