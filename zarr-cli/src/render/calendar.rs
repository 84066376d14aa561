//! Days since 1970-01-01 and dates, in the calendars of the world and in those of climate models, all without a beginning:
//! year 0 is the one before year 1. Day 0 is what the calendar itself calls 1970-01-01; only the Julian calendar shares the
//! days of the Gregorian one.

/// The first day of the Gregorian calendar, 1582-10-15: the day before was 1582-10-04 in the Julian one.
pub(super) const GREGORIAN_BEGINS: i128 = -141_427;

/// A year, a month and a day, from 1 on.
pub(super) type Date = (i128, i128, i128);

/// A calendar. Its years begin in March here, so that the leap day comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calendar {
    /// A leap year every four years.
    Julian,
    /// Three of four centuries end without one.
    Gregorian,
    /// No leap years.
    NoLeap,
    /// Leap years only.
    AllLeap,
    /// Twelve months of 30 days.
    Days360,
}

impl Calendar {
    /// The day of a date; one that the month does not have is among those of the next.
    pub(super) fn days(self, (year, month, day): Date) -> i128 {
        let (year, month) = (if month <= 2 { year - 1 } else { year }, (month + 9) % 12);
        let day_of_year = self.days_before(month) + day - 1;
        let leap_days = match self {
            Self::Julian => year.div_euclid(4),
            Self::Gregorian => year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400),
            Self::NoLeap | Self::Days360 => 0,
            Self::AllLeap => year,
        };
        let days_of_year = if self == Self::Days360 { 360 } else { 365 };
        year * days_of_year + leap_days + day_of_year - self.epoch()
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
            Self::NoLeap => (days.div_euclid(365), days.rem_euclid(365)),
            Self::AllLeap => (days.div_euclid(366), days.rem_euclid(366)),
            Self::Days360 => (days.div_euclid(360), days.rem_euclid(360)),
        };
        let month = match self {
            Self::Days360 => day_of_year / 30,
            Self::Julian | Self::Gregorian | Self::NoLeap | Self::AllLeap => (5 * day_of_year + 2) / 153,
        };
        let (day, month) = (day_of_year - self.days_before(month) + 1, (month + 2) % 12 + 1);
        (year + i128::from(month <= 2), month, day)
    }

    /// The days of a year before a month; March is month 0.
    fn days_before(self, month: i128) -> i128 {
        match self {
            Self::Days360 => 30 * month,
            Self::Julian | Self::Gregorian | Self::NoLeap | Self::AllLeap => (153 * month + 2) / 5,
        }
    }

    /// The days from the begin of March of year 0 to day 0.
    fn epoch(self) -> i128 {
        match self {
            Self::Julian => 719_470,
            Self::Gregorian => 719_468,
            Self::NoLeap => 718_991,
            Self::AllLeap => 720_960,
            Self::Days360 => 709_140,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_there_and_back() {
        for calendar in [
            Calendar::Julian,
            Calendar::Gregorian,
            Calendar::NoLeap,
            Calendar::AllLeap,
            Calendar::Days360,
        ] {
            let mut before = calendar.date(-1_000_001);
            for days in -1_000_000..2_000_000 {
                let date = calendar.date(days);
                assert_eq!(calendar.days(date), days);
                assert!(date > before && (1..=12).contains(&date.1) && (1..=31).contains(&date.2));
                before = date;
            }
        }
    }

    #[test]
    fn the_calendars_meet() {
        for calendar in [
            Calendar::Gregorian,
            Calendar::NoLeap,
            Calendar::AllLeap,
            Calendar::Days360,
        ] {
            assert_eq!(calendar.date(0), (1970, 1, 1));
        }
        assert_eq!(Calendar::Julian.date(0), (1969, 12, 19));
        assert_eq!(Calendar::Gregorian.date(GREGORIAN_BEGINS), (1582, 10, 15));
        assert_eq!(Calendar::Julian.date(GREGORIAN_BEGINS - 1), (1582, 10, 4));
    }
}
