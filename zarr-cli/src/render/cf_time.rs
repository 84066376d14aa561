//! Times by the CF conventions: `hours since 2013-01-01` and a number become a date.

/// A time scale: the seconds of its unit, and its origin in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TimeUnits {
    unit_seconds: f64,
    origin: i64,
}

impl TimeUnits {
    /// Takes the attributes `units` and `calendar`. `None` for what is no time, and for calendars other than the standard
    /// one, whose days are not those of the world.
    pub(crate) fn parse(units: &str, calendar: Option<&str>) -> Option<Self> {
        if !matches!(
            calendar,
            None | Some("standard" | "gregorian" | "proleptic_gregorian")
        ) {
            return None;
        }
        let (unit, origin) = units.split_once(" since ")?;
        let unit_seconds = match unit.trim() {
            "days" | "day" | "d" => 86_400.0,
            "hours" | "hour" | "hr" | "h" => 3600.0,
            "minutes" | "minute" | "min" => 60.0,
            "seconds" | "second" | "sec" | "s" => 1.0,
            "milliseconds" | "millisecond" | "ms" => 1e-3,
            "microseconds" | "microsecond" | "us" => 1e-6,
            "nanoseconds" | "nanosecond" | "ns" => 1e-9,
            _ => return None,
        };
        let origin = origin.trim().trim_end_matches('Z').trim_end_matches(" UTC");
        let (date, time) = origin.split_once(['T', ' ']).unwrap_or((origin, "0:0:0"));
        let mut date = date.split('-').map(str::parse::<i64>);
        let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
        let mut seconds = 0;
        for (part, size) in time.trim().split(':').zip([3600, 60, 1]) {
            // Fractions of a second at the origin are rare, and below what is shown.
            seconds += part.split('.').next()?.parse::<i64>().ok()? * size;
        }
        // Before 1582 the standard calendar is another one.
        let valid = (1582..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        valid.then(|| Self {
            unit_seconds,
            origin: days_from_civil(year, month, day) * 86_400 + seconds,
        })
    }

    /// The date of a value, in ISO 8601, as short as it can be: `2013-01-01`, `2013-01-01T06`, `2013-01-01T06:30:05`.
    pub(crate) fn date(self, value: f64) -> Option<String> {
        let seconds = (value * self.unit_seconds).round();
        // Within some thousand years; NaN is not.
        if seconds.is_nan() || seconds.abs() > 2.5e11 {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked to be a whole number of at most 2.5e11"
        )]
        let seconds = seconds as i64 + self.origin;
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let rest = seconds.rem_euclid(86_400);
        let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
        let date = format!("{year:04}-{month:02}-{day:02}");
        Some(match (hour, minute, second) {
            (0, 0, 0) => date,
            (hour, 0, 0) => format!("{date}T{hour:02}"),
            (hour, minute, 0) => format!("{date}T{hour:02}:{minute:02}"),
            (hour, minute, second) => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
        })
    }
}

/// Days since 1970-01-01 in the Gregorian calendar. Years begin in March here, so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The other way round.
pub(super) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * shifted + 2) / 5 + 1, (shifted + 2) % 12 + 1);
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let date = |units: &str, value| TimeUnits::parse(units, None).and_then(|units| units.date(value));
        assert_eq!(date("hours since 2013-01-01", 0.0).unwrap(), "2013-01-01");
        assert_eq!(
            date("hours since 2013-01-01 00:00:00", 1434.0).unwrap(),
            "2013-03-01T18"
        );
        assert_eq!(date("days since 2000-02-28", 2.0).unwrap(), "2000-03-01");
        assert_eq!(
            date("days since 1900-02-28T12:00:00Z", 1.0).unwrap(),
            "1900-03-01T12"
        );
        assert_eq!(
            date("seconds since 1970-01-01", -1.0).unwrap(),
            "1969-12-31T23:59:59"
        );
        assert_eq!(
            date("days since 1970-1-1", 0.25 + 1.0 / 1440.0).unwrap(),
            "1970-01-01T06:01"
        );
        for (units, value) in [
            ("hours since forever", 0.0),
            ("hours", 0.0),
            ("fortnights since 2000-01-01", 0.0),
            ("days since 2000-13-01", 0.0),
            ("days since 2000-01-01", f64::NAN),
            ("days since 2000-01-01", 1e300),
        ] {
            assert_eq!(date(units, value), None, "{units} {value}");
        }
        assert_eq!(TimeUnits::parse("days since 2000-01-01", Some("360_day")), None);
    }

    #[test]
    fn every_day_there_and_back() {
        for days in -150_000..3_000_000 {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }
}
