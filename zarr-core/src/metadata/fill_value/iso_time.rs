//! ISO 8601 times, as NumPy prints those of `datetime64`, in ticks since 1970.

use super::super::data_type::{TimeScale, TimeUnit};

const ATTOSECONDS: i128 = 1_000_000_000_000_000_000;
const DAY: i128 = 86_400;
/// More digits of a year, or of a fraction, no unit can say.
const MOST_DIGITS: usize = 18;

/// The ticks of `scale` that `text` stands for; `None` if it is no such time, or one that no number of ticks is.
pub(super) fn ticks(text: &str, scale: TimeScale) -> Option<i64> {
    // A bare year is what NumPy prints in years, and nothing but a number else.
    let units = Time::parse(text, scale.unit == TimeUnit::Year)?.units(scale.unit)?;
    let factor = i128::from(scale.scale_factor);
    let ticks = (units % factor == 0).then_some(units / factor)?;
    // The smallest number is NaT.
    i64::try_from(ticks).ok().filter(|ticks| *ticks != i64::MIN)
}

/// A time of the proleptic Gregorian calendar, without a time zone.
struct Time {
    year: i128,
    month: i128,
    day: i128,
    second_of_day: i128,
    attosecond: i128,
}

impl Time {
    /// `1970`, `1970-01`, `1970-01-01`, `1970-01-01T00`, … `1970-01-01T00:00:00.000`.
    fn parse(text: &str, may_be_year: bool) -> Option<Self> {
        let (date, time) = match text.split_once(['T', ' ']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let (sign, date) = match date.strip_prefix('-') {
            Some(date) => (-1, date),
            None => (1, date.strip_prefix('+').unwrap_or(date)),
        };
        let parts: Vec<&str> = date.split('-').collect();
        let (year, month, day) = match (parts.as_slice(), time) {
            (&[year], None) if may_be_year => (year, "01", "01"),
            (&[year, month], None) => (year, month, "01"),
            (&[year, month, day], _) => (year, month, day),
            _ => return None,
        };
        let year = sign * number(year, 4, MOST_DIGITS)?;
        let month = number(month, 2, 2).filter(|month| (1..=12).contains(month))?;
        let day = number(day, 2, 2).filter(|day| (1..=days_of(year, month)).contains(day))?;
        let (second_of_day, attosecond) = time.map_or(Some((0, 0)), clock)?;
        Some(Self {
            year,
            month,
            day,
            second_of_day,
            attosecond,
        })
    }

    /// The units since 1970, if they are whole.
    fn units(&self, unit: TimeUnit) -> Option<i128> {
        let seconds = days_since_1970(self.year, self.month, self.day) * DAY + self.second_of_day;
        let is_midnight = self.second_of_day == 0 && self.attosecond == 0;
        let months = 12 * (self.year - 1970) + self.month - 1;
        let whole = |size: i128| (self.attosecond == 0 && seconds % size == 0).then_some(seconds / size);
        let parts = |in_a_second: i128| {
            let part = ATTOSECONDS / in_a_second;
            let whole = (self.attosecond % part == 0).then_some(self.attosecond / part)?;
            seconds.checked_mul(in_a_second)?.checked_add(whole)
        };
        match unit {
            TimeUnit::Year => (is_midnight && self.day == 1 && self.month == 1).then_some(months / 12),
            TimeUnit::Month => (is_midnight && self.day == 1).then_some(months),
            TimeUnit::Week => whole(7 * DAY),
            TimeUnit::Day => whole(DAY),
            TimeUnit::Hour => whole(3600),
            TimeUnit::Minute => whole(60),
            TimeUnit::Second => whole(1),
            TimeUnit::Millisecond => parts(1_000),
            TimeUnit::Microsecond => parts(1_000_000),
            TimeUnit::Nanosecond => parts(1_000_000_000),
            TimeUnit::Picosecond => parts(1_000_000_000_000),
            TimeUnit::Femtosecond => parts(1_000_000_000_000_000),
            TimeUnit::Attosecond => parts(ATTOSECONDS),
            TimeUnit::Generic => None,
        }
    }
}

/// `00`, `00:00`, `00:00:00`, `00:00:00.000`: the seconds, and the attoseconds beyond.
fn clock(text: &str) -> Option<(i128, i128)> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hour, minute, second) = match *parts.as_slice() {
        [hour] => (hour, "00", "00"),
        [hour, minute] => (hour, minute, "00"),
        [hour, minute, second] => (hour, minute, second),
        _ => return None,
    };
    let (second, attosecond) = match second.split_once('.') {
        None => (second, 0),
        Some((second, fraction)) => {
            number(fraction, 1, MOST_DIGITS)?;
            (second, format!("{fraction:0<18}").parse().ok()?)
        }
    };
    let below = |text: &str, limit: i128| number(text, 2, 2).filter(|number| *number < limit);
    let seconds = (below(hour, 24)? * 60 + below(minute, 60)?) * 60 + below(second, 60)?;
    Some((seconds, attosecond))
}

/// A number of so many digits, and nothing else.
fn number(text: &str, least: usize, most: usize) -> Option<i128> {
    let is_number = (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

fn days_of(year: i128, month: i128) -> i128 {
    days_since_1970(year, month + 1, 1) - days_since_1970(year, month, 1)
}

/// Days since 1970-01-01; a month of 13 is the first of the next year.
///
/// Years are counted from March, so that the leap day comes last.
fn days_since_1970(year: i128, month: i128, day: i128) -> i128 {
    let months = 12 * year + month - 3;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719468 days lie between 0000-03-01 and 1970-01-01.
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, unit: &str) -> Option<i64> {
        let digits = unit.bytes().take_while(u8::is_ascii_digit).count();
        let (factor, code) = unit.split_at(digits);
        let scale = TimeScale {
            unit: TimeUnit::from_code(code).unwrap(),
            scale_factor: factor.parse().unwrap_or(1),
        };
        ticks(text, scale)
    }

    /// The numbers are NumPy's: `np.datetime64(text, unit).astype("i8")`.
    #[test]
    fn times_are_exact_in_every_unit() {
        for (text, unit, expected) in [
            ("1970-01-01T00:00:00.000000000", "ns", 0),
            ("1970-01-01T00:00:00.000000001", "ns", 1),
            ("1969-12-31T23:59:59.999999999", "ns", -1),
            ("2262-04-11T23:47:16.854775807", "ns", i64::MAX),
            ("1677-09-21T00:12:43.145224193", "ns", -i64::MAX),
            ("2000-02-29T12:34:56.789012", "us", 951_827_696_789_012),
            ("1969-07-20T20:17:40.500", "ms", -14_182_939_500),
            ("2016-12-31T23:59:59", "s", 1_483_228_799),
            ("1900-03-01T00:00:00", "s", -2_203_891_200),
            ("2024-02-29", "D", 19_782),
            ("1900-03-01", "D", -25_508),
            ("0001-01-01", "D", -719_162),
            ("0000-02-29", "D", -719_469),
            ("-0001-12-31", "D", -719_529),
            ("10000-01-01", "D", 2_932_897),
            ("1970-01-08", "W", 1),
            ("1969-12-25", "W", -1),
            ("1969-12", "M", -1),
            ("2024-02", "M", 649),
            ("1969", "Y", -1),
            ("2024", "Y", 54),
            ("1970-01-02T01", "h", 25),
            ("1970-01-01 00:01", "m", 1),
            ("1970-01-01T00:00:00.000000000001", "ps", 1),
            ("1970-01-01T00:00:00.000000000000001", "fs", 1),
            (
                "1970-01-01T00:00:09.000000000000000001",
                "as",
                9_000_000_000_000_000_001,
            ),
            ("1970-01-01T00:00:00.000030", "10us", 3),
            ("1969-12-31T23:59:59.75", "250ms", -1),
            // Of less than the unit has.
            ("2020-01-01", "ns", 1_577_836_800_000_000_000),
        ] {
            assert_eq!(of(text, unit), Some(expected), "{text} {unit}");
        }
    }

    #[test]
    fn what_no_tick_is_is_refused() {
        for (text, unit) in [
            ("1970-01-01T00:00:00.0000000001", "ns"),
            ("1970-01-01T00:00:00.5", "s"),
            ("1970-01-01T01", "D"),
            ("1970-01-02", "W"),
            ("1970-01-02", "M"),
            ("1970-02-01", "Y"),
            ("1970-01-01T00:00:00.000005", "10us"),
            ("2262-04-11T23:47:16.854775808", "ns"),
            // It would be NaT.
            ("1677-09-21T00:12:43.145224192", "ns"),
            ("999999999999999999-01-01", "as"),
            ("1970-01-01", "generic"),
        ] {
            assert_eq!(of(text, unit), None, "{text} {unit}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "0",
            "1970",
            "70-01-01",
            "1970-1-01",
            "1970-13-01",
            "1970-00-01",
            "2023-02-29",
            "1900-02-29",
            "1970-04-31",
            "1970-01-00",
            "1970-01-01T",
            "1970-01-01T24",
            "1970-01-01T00:60",
            "1970-01-01T00:00:60",
            "1970-01-01T00:00:00.",
            "1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00+01:00",
            "1970-01-01T00:00:00.0000000000000000000",
            "1970-01T00",
            "--1970-01-01",
            "1970-01-01-01",
            "1970-+1-01",
            "é970-01-01",
        ] {
            assert_eq!(of(text, "s"), None, "{text:?}");
        }
    }
}
