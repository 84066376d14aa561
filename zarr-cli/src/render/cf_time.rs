//! Times by the CF conventions: `hours since 2013-01-01` and a number become a date.

use super::calendar::{Calendar, Date, GREGORIAN_BEGINS};

/// How days are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Days {
    /// Julian until 1582-10-04, Gregorian from the next day on, 1582-10-15: what CF takes where no calendar is named.
    Standard,
    /// By one calendar at all times.
    By(Calendar),
}

/// A time scale: the seconds of its unit, and its origin in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TimeUnits {
    unit_seconds: f64,
    days: Days,
    origin: i128,
    /// The part of a second at the origin.
    origin_fraction: f64,
}

impl TimeUnits {
    /// Takes the attributes `units` and `calendar`. `None` for what is no time, for an origin that its calendar does not
    /// have, for time zones, and for calendars that CF does not name.
    pub(crate) fn parse(units: &str, calendar: Option<&str>) -> Option<Self> {
        let days = match calendar {
            None | Some("standard" | "gregorian") => Days::Standard,
            Some("proleptic_gregorian") => Days::By(Calendar::Gregorian),
            Some("julian") => Days::By(Calendar::Julian),
            Some("noleap" | "365_day") => Days::By(Calendar::NoLeap),
            Some("all_leap" | "366_day") => Days::By(Calendar::AllLeap),
            Some("360_day") => Days::By(Calendar::Days360),
            Some(_) => return None,
        };
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
        let (date, time) = origin.split_once(['T', ' ']).unwrap_or((origin, "0"));
        let (seconds, origin_fraction) = time_of_day(time.trim())?;
        Some(Self {
            unit_seconds,
            days,
            origin: days.of(date_of(date)?)? * 86_400 + seconds,
            origin_fraction,
        })
    }

    /// The date of a value, in ISO 8601, as short as it can be: `2013-01-01`, `2013-01-01T06`, `2013-01-01T06:30:05`.
    /// `None` where the year is not one of 1 to 9999.
    pub(crate) fn date(self, value: f64) -> Option<String> {
        let seconds = (value * self.unit_seconds + self.origin_fraction).round();
        // NaN is no time, and what is so far off has no year of four digits.
        if seconds.is_nan() || seconds.abs() > 1e12 {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "checked to be a whole number of at most 1e12"
        )]
        let seconds = seconds as i128 + self.origin;
        let (year, month, day) = self.days.date(seconds.div_euclid(86_400));
        if !(1..=9999).contains(&year) {
            return None;
        }
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

impl Days {
    /// The day of a date, if the calendar has it.
    fn of(self, date: Date) -> Option<i128> {
        let days = match self {
            Self::By(calendar) => calendar.days(date),
            Self::Standard => {
                let gregorian = Calendar::Gregorian.days(date);
                if gregorian >= GREGORIAN_BEGINS {
                    gregorian
                } else {
                    Calendar::Julian.days(date)
                }
            }
        };
        // A date that the calendar does not have is not the one of its day.
        (self.date(days) == date).then_some(days)
    }

    fn date(self, days: i128) -> Date {
        match self {
            Self::By(calendar) => calendar.date(days),
            Self::Standard if days < GREGORIAN_BEGINS => Calendar::Julian.date(days),
            Self::Standard => Calendar::Gregorian.date(days),
        }
    }
}

/// `2013-1-31`, of a year that every calendar counts alike.
fn date_of(text: &str) -> Option<Date> {
    let mut parts = text.split('-').map(number);
    let date = (parts.next()??, parts.next()??, parts.next()??);
    (parts.next().is_none() && (1..=9999).contains(&date.0) && (1..=12).contains(&date.1)).then_some(date)
}

/// `6`, `06:30`, `06:30:05.25`: seconds, and their fraction.
fn time_of_day(text: &str) -> Option<(i128, f64)> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, digits)) => (
            whole,
            format!("0.{}", number(digits).map(|_| digits)?).parse().ok()?,
        ),
        None => (text, 0.0),
    };
    let parts: Vec<i128> = whole.split(':').map(number).collect::<Option<_>>()?;
    let (hour, minute, second) = match parts.as_slice() {
        [hour] => (*hour, 0, 0),
        [hour, minute] => (*hour, *minute, 0),
        [hour, minute, second] => (*hour, *minute, *second),
        _ => return None,
    };
    (hour < 24 && minute < 60 && second < 60).then_some((hour * 3600 + minute * 60 + second, fraction))
}

/// Digits without a sign.
fn number(text: &str) -> Option<i128> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(units: &str, calendar: Option<&str>, value: f64) -> Option<String> {
        TimeUnits::parse(units, calendar).and_then(|units| units.date(value))
    }

    /// Each as cftime's `num2date` has it.
    #[test]
    fn dates() {
        let (standard, proleptic, julian) = (Some("standard"), Some("proleptic_gregorian"), Some("julian"));
        for (units, calendar, value, expected) in [
            ("hours since 2013-01-01", None, 0.0, "2013-01-01"),
            ("hours since 2013-01-01 00:00:00", None, 1434.0, "2013-03-01T18"),
            ("days since 2000-02-28", None, 2.0, "2000-03-01"),
            ("days since 1900-02-28T12:00:00Z", None, 1.0, "1900-03-01T12"),
            ("days since 1970-01-01 00:00 UTC", standard, 1.0, "1970-01-02"),
            ("seconds since 1970-01-01", None, -1.0, "1969-12-31T23:59:59"),
            (
                "days since 1970-1-1",
                None,
                0.25 + 1.0 / 1440.0,
                "1970-01-01T06:01",
            ),
            ("hours since 1800-01-01 00:00:00", standard, 1e6, "1914-01-30T16"),
            ("days since 2000-01-01", standard, -200_000.0, "1452-05-24"),
            ("days since 2000-01-01", None, -200_000.0, "1452-05-24"),
            ("days since 2000-01-01", proleptic, -200_000.0, "1452-06-02"),
            ("days since 1582-10-01", Some("gregorian"), 0.0, "1582-10-01"),
            ("days since 1582-10-01", Some("gregorian"), 3.0, "1582-10-04"),
            ("days since 1582-10-01", Some("gregorian"), 4.0, "1582-10-15"),
            ("days since 1582-10-01", Some("gregorian"), 19.0, "1582-10-30"),
            ("days since 1582-10-15", standard, -1.0, "1582-10-04"),
            ("days since 1582-10-10", proleptic, 0.0, "1582-10-10"),
            ("seconds since 1582-10-04 23:59:59", standard, 1.0, "1582-10-15"),
            ("days since 0001-01-01", proleptic, 735_000.0, "2013-05-13"),
            ("days since 0001-01-01", standard, 735_000.0, "2013-05-11"),
            ("days since 4-10-15", standard, 10.0, "0004-10-25"),
            ("days since 1500-02-29", standard, 0.0, "1500-02-29"),
            ("days since 1900-02-29", julian, 0.0, "1900-02-29"),
            ("days since 2000-01-01", julian, 0.5, "2000-01-01T12"),
            (
                "seconds since 2000-01-01 00:00:00.5",
                standard,
                0.5,
                "2000-01-01T00:00:01",
            ),
            ("days since 2000-01-01", standard, 2_921_939.0, "9999-12-31"),
            ("days since 2000-01-01", Some("noleap"), 59.0, "2000-03-01"),
            ("days since 2000-01-01", Some("noleap"), -1000.0, "1997-04-06"),
            ("days since 2000-03-01", Some("noleap"), -1.0, "2000-02-28"),
            (
                "days since 1850-01-01",
                Some("365_day"),
                60_000.75,
                "2014-05-21T18",
            ),
            (
                "hours since 0001-01-01",
                Some("noleap"),
                17_520_000.0,
                "2001-01-01",
            ),
            ("days since 2000-02-28", Some("all_leap"), 1.0, "2000-02-29"),
            ("days since 1999-02-29", Some("366_day"), 400.5, "2000-04-03T12"),
            ("days since 2000-01-30", Some("360_day"), 30.0, "2000-02-30"),
            ("days since 2000-02-30", Some("360_day"), 1.0, "2000-03-01"),
            ("days since 1850-01-01", Some("360_day"), -360.0, "1849-01-01"),
            (
                "days since 0001-01-01",
                Some("360_day"),
                3_599_639.0,
                "9999-12-30",
            ),
        ] {
            assert_eq!(
                date(units, calendar, value).as_deref(),
                Some(expected),
                "{value} {units} {calendar:?}"
            );
        }
    }

    #[test]
    fn what_is_no_date() {
        for (units, calendar, value) in [
            ("hours since forever", None, 0.0),
            ("hours", None, 0.0),
            ("fortnights since 2000-01-01", None, 0.0),
            ("days since 2000-01-01", Some("none"), 0.0),
            ("days since 2000-01-31", Some("360_day"), 0.0),
            ("days since 2000-02-29", Some("noleap"), 0.0),
            ("days since 2001-02-30", Some("all_leap"), 0.0),
            ("days since 2000-01-01", None, f64::NAN),
            ("days since 2000-01-01", None, 1e300),
            // Beyond the years that all count alike.
            ("days since 0001-01-01", None, -1.0),
            ("days since 2000-01-01", None, 2_921_940.0),
            ("days since 0000-01-01", None, 366.0),
            // What no calendar, or not this one, has.
            ("days since 2000-13-01", None, 0.0),
            ("days since 2000-02-30", None, 0.0),
            ("days since 1900-02-29", None, 0.0),
            ("days since 1582-10-10", Some("standard"), 0.0),
            ("days since 1500-02-29", Some("proleptic_gregorian"), 0.0),
            ("days since 2000-01-01-01", None, 0.0),
            ("days since 2000-01-01 24:00", None, 0.0),
            ("days since 2000-01-01 12:61", None, 0.0),
            ("days since 2000-01-01 1:2:3:4", None, 0.0),
            // Time zones.
            ("hours since 2000-01-01 00:00:00 -6:00", None, 0.0),
            ("days since 2000-01-01 -6", None, 0.0),
        ] {
            assert_eq!(date(units, calendar, value), None, "{value} {units} {calendar:?}");
        }
    }
}
