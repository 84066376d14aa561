//! Days since 1970-01-01 and dates, in the Gregorian and the Julian calendar, both without a beginning: year 0 is the one
//! before year 1.

/// The first day of the Gregorian calendar, 1582-10-15: the day before was 1582-10-04 in the Julian one.
pub(super) const GREGORIAN_BEGINS: i128 = -141_427;

/// A year, a month and a day, from 1 on.
pub(super) type Date = (i128, i128, i128);

/// A calendar's cycle of leap years, its length in days, and its days from the begin of March of year 0 to 1970-01-01. Years
/// begin in March here, so that the leap day comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calendar {
    /// A leap year every four years.
    Julian,
    /// Three of four centuries end without one.
    Gregorian,
}

impl Calendar {
    /// The day of a date; one that the month does not have is among those of the next.
    pub(super) fn days(self, (year, month, day): Date) -> i128 {
        let year = if month <= 2 { year - 1 } else { year };
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let leap_days = year.div_euclid(4)
            - match self {
                Self::Julian => 0,
                Self::Gregorian => year.div_euclid(100) - year.div_euclid(400),
            };
        year * 365 + leap_days + day_of_year - self.epoch()
    }

    /// The date of a day.
    pub(super) fn date(self, days: i128) -> Date {
        let days = days + self.epoch();
        let (year, day_of_year) = match self {
            Self::Julian => {
                let (cycle, day) = (days.div_euclid(1461), days.rem_euclid(1461));
                let year = (day - day / 1460) / 365;
                (cycle * 4 + year, day - 365 * year)
            }
            Self::Gregorian => {
                let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
                let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
                (cycle * 400 + year, day - (365 * year + year / 4 - year / 100))
            }
        };
        let shifted = (5 * day_of_year + 2) / 153;
        let (day, month) = (day_of_year - (153 * shifted + 2) / 5 + 1, (shifted + 2) % 12 + 1);
        (year + i128::from(month <= 2), month, day)
    }

    fn epoch(self) -> i128 {
        match self {
            Self::Julian => 719_470,
            Self::Gregorian => 719_468,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_there_and_back() {
        for calendar in [Calendar::Julian, Calendar::Gregorian] {
            let mut before = calendar.date(-1_000_001);
            for days in -1_000_000..3_000_000 {
                let date = calendar.date(days);
                assert_eq!(calendar.days(date), days);
                assert!(date > before && (1..=12).contains(&date.1) && (1..=31).contains(&date.2));
                before = date;
            }
        }
    }

    #[test]
    fn the_calendars_meet() {
        assert_eq!(Calendar::Gregorian.date(0), (1970, 1, 1));
        assert_eq!(Calendar::Julian.date(0), (1969, 12, 19));
        assert_eq!(Calendar::Gregorian.date(GREGORIAN_BEGINS), (1582, 10, 15));
        assert_eq!(Calendar::Julian.date(GREGORIAN_BEGINS - 1), (1582, 10, 4));
    }
}
