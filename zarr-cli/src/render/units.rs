//! Numbers for people.

/// Bytes with a binary unit and three digits: `372 B`, `1.3 KiB`, `621 KiB`, `4.0 GiB`.
pub(crate) fn bytes(count: u128) -> String {
    const UNITS: [&str; 9] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = count as f64;
    let mut unit = 0;
    // From 999.5 on three digits do not suffice.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value < 9.95 {
        format!("{value:.1} {}", UNITS[unit])
    } else {
        format!("{value:.0} {}", UNITS[unit])
    }
}

/// A sum of bytes of which so many sizes are not known, out of `count`: `621 KiB`, `≥ 621 KiB`, `?`.
pub(crate) fn bytes_of(sum: u128, unknown: u64, count: u64) -> String {
    match unknown {
        0 => bytes(sum),
        unknown if unknown == count => "?".to_owned(),
        _ => format!("≥ {}", bytes(sum)),
    }
}

/// A ratio: `1.2×`, `27×`, `>9999×`.
pub(crate) fn ratio(of: u128, to: u128) -> Option<String> {
    if to == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let value = of as f64 / to as f64;
    Some(if value < 9.95 {
        format!("{value:.1}×")
    } else if value > 9999.0 {
        // Of what is almost all missing.
        ">9999×".to_owned()
    } else {
        format!("{value:.0}×")
    })
}

/// A noun with its count: `1 array`, `5 arrays`.
pub(crate) fn count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_at_most() {
        let shown: Vec<String> = [
            0,
            372,
            1023,
            1024,
            1331,
            10_240,
            635_904,
            1_048_000,
            1 << 20,
            5 << 30,
            u128::MAX,
        ]
        .into_iter()
        .map(bytes)
        .collect();
        assert_eq!(
            shown[..10],
            [
                "0 B", "372 B", "1023 B", "1.0 KiB", "1.3 KiB", "10 KiB", "621 KiB", "1.0 MiB", "1.0 MiB",
                "5.0 GiB"
            ]
        );
        assert!(shown[10].ends_with(" YiB"));
    }

    #[test]
    fn ratios_and_counts() {
        assert_eq!(ratio(1, 0), None);
        assert_eq!(ratio(621, 514).unwrap(), "1.2×");
        assert_eq!(ratio(2750, 100).unwrap(), "28×");
        assert_eq!(ratio(u128::MAX, 1).unwrap(), ">9999×");
        assert_eq!(bytes_of(2048, 0, 3), "2.0 KiB");
        assert_eq!(bytes_of(2048, 1, 3), "≥ 2.0 KiB");
        assert_eq!(bytes_of(0, 3, 3), "?");
        assert_eq!(count(1, "array", "arrays"), "1 array");
        assert_eq!(count(0, "array", "arrays"), "0 arrays");
    }
}
