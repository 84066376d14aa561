//! `datetime64` as NumPy prints it: ISO 8601, to the unit's last digit.

use zarr_core::metadata::data_type::{TimeScale, TimeUnit};

use super::calendar::Calendar;

/// The date of `ticks`, however far from 1970; `None` for what is no date (NaT, the generic unit).
pub(crate) fn date(ticks: i64, scale: TimeScale) -> Option<String> {
    if ticks == i64::MIN {
        return None;
    }
    let count = i128::from(ticks) * i128::from(scale.scale_factor);
    // Seconds of a unit, or units in a second with the digits of the fraction.
    let (unit_seconds, digits) = match scale.unit {
        TimeUnit::Generic => return None,
        TimeUnit::Year => return Some(format!("{:04}", 1970 + count)),
        TimeUnit::Month => {
            let (year, month) = (1970 + count.div_euclid(12), count.rem_euclid(12) + 1);
            return Some(format!("{year:04}-{month:02}"));
        }
        TimeUnit::Week => (7 * 86_400, 0),
        TimeUnit::Day => (86_400, 0),
        TimeUnit::Hour => (3600, 0),
        TimeUnit::Minute => (60, 0),
        TimeUnit::Second => (1, 0),
        TimeUnit::Millisecond => (1, 3),
        TimeUnit::Microsecond => (1, 6),
        TimeUnit::Nanosecond => (1, 9),
        TimeUnit::Picosecond => (1, 12),
        TimeUnit::Femtosecond => (1, 15),
        TimeUnit::Attosecond => (1, 18),
    };
    let in_second = 10_i128.pow(digits);
    let seconds = count.div_euclid(in_second) * unit_seconds;
    let fraction = count.rem_euclid(in_second);
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = Calendar::Gregorian.date(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let date = format!("{year:04}-{month:02}-{day:02}");
    Some(match (unit_seconds, digits) {
        (1, 0) => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
        (1, digits) => format!(
            "{date}T{hour:02}:{minute:02}:{second:02}.{fraction:0width$}",
            width = digits as usize
        ),
        (60, _) => format!("{date}T{hour:02}:{minute:02}"),
        (3600, _) => format!("{date}T{hour:02}"),
        (_, _) => date,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All by `str(numpy.datetime64(ticks, unit))`.
    #[test]
    fn as_numpy_prints_them() {
        for (ticks, unit, scale_factor, expected) in [
            (50, TimeUnit::Year, 1, "2020"),
            (-1, TimeUnit::Month, 1, "1969-12"),
            (2609, TimeUnit::Week, 1, "2020-01-02"),
            (18_321, TimeUnit::Day, 1, "2020-02-29"),
            (-1, TimeUnit::Hour, 1, "1969-12-31T23"),
            (26_297_280, TimeUnit::Minute, 1, "2020-01-01T00:00"),
            (-1, TimeUnit::Second, 1, "1969-12-31T23:59:59"),
            (
                1_577_836_800_007,
                TimeUnit::Millisecond,
                1,
                "2020-01-01T00:00:00.007",
            ),
            (15, TimeUnit::Microsecond, 10, "1970-01-01T00:00:00.000150"),
            (-282_095, TimeUnit::Nanosecond, 1, "1969-12-31T23:59:59.999717905"),
            (
                1,
                TimeUnit::Attosecond,
                1,
                "1970-01-01T00:00:00.000000000000000001",
            ),
        ] {
            let scale = TimeScale { unit, scale_factor };
            assert_eq!(date(ticks, scale).as_deref(), Some(expected), "{unit:?}");
        }
    }

    /// In a column of dates none is a bare number: these are beyond what NumPy's own calendar can do.
    #[test]
    fn dates_far_out_are_dates() {
        for (ticks, unit, scale_factor, expected) in [
            (i64::MAX, TimeUnit::Day, 1, "25252734927768524-07-27"),
            (-i64::MAX, TimeUnit::Day, 1, "-25252734927764585-06-08"),
            (
                i64::MAX,
                TimeUnit::Week,
                1 << 30,
                "189804423636299979840340276-02-17",
            ),
        ] {
            let scale = TimeScale { unit, scale_factor };
            assert_eq!(date(ticks, scale).as_deref(), Some(expected), "{unit:?}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for (ticks, unit) in [(i64::MIN, TimeUnit::Second), (1, TimeUnit::Generic)] {
            let scale = TimeScale {
                unit,
                scale_factor: 1,
            };
            assert_eq!(date(ticks, scale), None);
        }
    }
}
