use super::FloatKind;

#[test]
fn float_patterns_have_the_values_of_their_definitions() {
    use FloatKind::*;
    let table: &[(FloatKind, u64, f64)] = &[
        (Float4E2M1Fn, 0x1, 0.5),
        (Float4E2M1Fn, 0x7, 6.0),
        (Float4E2M1Fn, 0xf, -6.0),
        (Float6E2M3Fn, 0x01, 0.125),
        (Float6E2M3Fn, 0x1f, 7.5),
        (Float6E3M2Fn, 0x01, 0.0625),
        (Float6E3M2Fn, 0x1f, 28.0),
        (Float6E3M2Fn, 0x3f, -28.0),
        (Float8E3M4, 0x01, 0.015_625),
        (Float8E3M4, 0x6f, 15.5),
        (Float8E3M4, 0x70, f64::INFINITY),
        (Float8E4M3, 0x77, 240.0),
        (Float8E4M3, 0xf8, f64::NEG_INFINITY),
        (Float8E4M3Fn, 0x01, 0.001_953_125),
        (Float8E4M3Fn, 0x42, 2.5),
        (Float8E4M3Fn, 0xc9, -4.5),
        (Float8E4M3Fn, 0x7e, 448.0),
        (Float8E4M3FnUz, 0x01, 0.000_976_562_5),
        (Float8E4M3FnUz, 0x7f, 240.0),
        (Float8E4M3B11FnUz, 0x55, 0.8125),
        (Float8E4M3B11FnUz, 0x27, 0.014_648_437_5),
        (Float8E4M3B11FnUz, 0x7f, 30.0),
        (Float8E5M2, 0x01, 0.000_015_258_789_062_5),
        (Float8E5M2, 0x7b, 57_344.0),
        (Float8E5M2, 0x7c, f64::INFINITY),
        (Float8E5M2FnUz, 0x7f, 57_344.0),
        (Float8E8M0FnU, 0x00, 5.877_471_754_111_438e-39),
        (Float8E8M0FnU, 0x7f, 1.0),
        (Float8E8M0FnU, 0xfe, 1.701_411_834_604_692_3e38),
        (BFloat16, 0x3f80, 1.0),
        (BFloat16, 0x0001, 9.183_549_615_799_121e-41),
        (Float16, 0x7bff, 65_504.0),
        (Float32, 0x0000_0001, 1.401_298_464_324_817e-45),
    ];
    for &(kind, bits, value) in table {
        assert_eq!(kind.decode_f64(bits), value, "{kind:?} {bits:#x}");
        assert_eq!(kind.encode_f64(value), Some(bits), "{kind:?} {value}");
    }
    let nans = [
        (Float8E3M4, 0x78),
        (Float8E4M3, 0x7c),
        (Float8E4M3Fn, 0x7f),
        (Float8E4M3FnUz, 0x80),
        (Float8E4M3B11FnUz, 0x80),
        (Float8E5M2, 0x7e),
        (Float8E5M2FnUz, 0x80),
        (Float8E8M0FnU, 0xff),
        (BFloat16, 0x7fc0),
        (Float16, 0x7e00),
        (Float32, 0x7fc0_0000),
        (Float64, 0x7ff8_0000_0000_0000),
    ];
    for (kind, bits) in nans {
        assert_eq!(kind.nan_bits(), Some(bits), "{kind:?}");
        assert_eq!(kind.encode_f64(-f64::NAN), Some(bits), "{kind:?}");
        assert!(kind.decode_f64(bits).is_nan(), "{kind:?}");
    }
}

#[test]
fn float_patterns_survive_a_round_trip_and_ties_go_to_even() {
    for kind in FloatKind::ALL.into_iter().filter(|kind| kind.bits() <= 16) {
        let patterns = 0..1_u64 << kind.bits();
        for bits in patterns.clone() {
            let value = kind.decode_f64(bits);
            if !value.is_nan() {
                assert_eq!(kind.encode_f64(value), Some(bits), "{kind:?} {bits:#x}");
            }
        }
        // Positive neighbours: what lies between goes to the nearer, the middle to the even one.
        for low in patterns.take(1 << (kind.bits() - 1)) {
            let (a, b) = (kind.decode_f64(low), kind.decode_f64(low + 1));
            let neighbours = a.is_finite() && b.is_finite() && a >= 0.0 && b > a;
            if !neighbours {
                continue;
            }
            let middle = a + (b - a) / 2.0;
            let even = if kind == FloatKind::Float8E8M0FnU {
                low + 1
            } else {
                low + low % 2
            };
            assert_eq!(kind.encode_f64(middle), Some(even), "{kind:?} {low:#x}");
            assert_eq!(
                kind.encode_f64(middle.next_down()),
                Some(low),
                "{kind:?} {low:#x}"
            );
            assert_eq!(
                kind.encode_f64(middle.next_up()),
                Some(low + 1),
                "{kind:?} {low:#x}"
            );
        }
    }
}

#[test]
fn halves_agree_with_the_crate_half() {
    for bits in 0..=u16::MAX {
        for (kind, value) in [
            (FloatKind::Float16, half::f16::from_bits(bits).to_f64()),
            (FloatKind::BFloat16, half::bf16::from_bits(bits).to_f64()),
        ] {
            let ours = kind.decode_f64(u64::from(bits));
            assert!(
                ours.to_bits() == value.to_bits() || (ours.is_nan() && value.is_nan()),
                "{kind:?} {bits:#x}"
            );
        }
    }
    for i in 0..200_000_u32 {
        let value = f32::from_bits(i.wrapping_mul(2_654_435_761));
        if !value.is_nan() {
            let ours = FloatKind::Float16.encode_f64(f64::from(value));
            assert_eq!(
                ours,
                Some(u64::from(half::f16::from_f32(value).to_bits())),
                "{value:e}"
            );
            let ours = FloatKind::BFloat16.encode_f64(f64::from(value));
            assert_eq!(
                ours,
                Some(u64::from(half::bf16::from_f32(value).to_bits())),
                "{value:e}"
            );
        }
    }
}

#[test]
fn kinds_refuse_what_they_cannot_hold() {
    use FloatKind::*;
    for kind in [Float4E2M1Fn, Float6E2M3Fn, Float6E3M2Fn] {
        assert_eq!(
            (kind.nan_bits(), kind.encode_f64(f64::NAN)),
            (None, None),
            "{kind:?}"
        );
    }
    for kind in [
        Float4E2M1Fn,
        Float6E2M3Fn,
        Float8E4M3Fn,
        Float8E4M3FnUz,
        Float8E8M0FnU,
    ] {
        assert_eq!(kind.encode_f64(f64::INFINITY), None, "{kind:?}");
        assert_eq!(kind.encode_f64(1e300), None, "{kind:?}");
    }
    // Between the largest value and half a step beyond it a number still rounds down.
    assert_eq!(Float8E4M3Fn.encode_f64(464.0), Some(0x7e));
    assert_eq!(Float8E4M3Fn.encode_f64(464.1), None);
    assert_eq!(Float4E2M1Fn.encode_f64(-6.9), Some(0xf));
    assert_eq!(Float8E5M2.encode_f64(61_440.0), Some(0x7c));
    assert_eq!(Float16.encode_f64(1e6), Some(0x7c00));
    assert_eq!(Float8E4M3FnUz.encode_f64(-0.0), Some(0));
    assert_eq!(Float8E4M3FnUz.encode_f64(-1e-9), Some(0));
    assert_eq!(Float8E8M0FnU.encode_f64(0.0), None);
    assert_eq!(Float8E8M0FnU.encode_f64(-1.0), None);
}
