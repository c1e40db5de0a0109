//! Time as the protocol counts it: whole seconds since 0001-01-01T00:00:00Z (proleptic Gregorian),
//! 40 bits.
//!
//! Births and old records lie before 1970, so Unix time would need a sign; from year 1 every FHIR
//! date (years 1 to 9999) is a non-negative number below 2^38, and comparisons in a circuit need 40
//! bits.

/// Bits of a [`Timestamp`].
pub const TIME_BITS: u32 = 40;

/// Seconds from 0001-01-01T00:00:00Z to 1970-01-01T00:00:00Z.
const UNIX_EPOCH: u64 = 62_135_596_800;

/// Seconds since 0001-01-01T00:00:00Z, below 2^40.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The earliest: an open beginning.
    pub const MIN: Self = Self(0);
    /// The latest: an open end.
    pub const MAX: Self = Self((1 << TIME_BITS) - 1);

    /// From seconds since year 1; `None` if they need more than 40 bits.
    #[must_use]
    pub const fn new(seconds: u64) -> Option<Self> {
        if seconds < 1 << TIME_BITS { Some(Self(seconds)) } else { None }
    }

    /// From Unix seconds (may be negative); none outside years 1 to about 34800.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        u64::try_from(i128::from(seconds) + i128::from(UNIX_EPOCH)).ok().and_then(Self::new)
    }

    /// From a civil date and time of day in UTC; `None` if the date does not exist or the year is
    /// not in 1..=9999.
    #[must_use]
    pub fn from_civil(year: i32, month: u32, day: u32, second_of_day: u32) -> Option<Self> {
        if !(1..=9999).contains(&year) || day == 0 || second_of_day > 86_400 {
            return None;
        }
        if day > days_in_month(year, month)? {
            return None;
        }
        // Days from civil (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"), shifted
        // to year 1.
        let y = i64::from(if month <= 2 { year - 1 } else { year });
        let era = y.div_euclid(400);
        let year_of_era = y.rem_euclid(400);
        let month_index = i64::from((month + 9) % 12);
        let day_of_year = (153 * month_index + 2) / 5 + i64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let unix_days = era * 146_097 + day_of_era - 719_468;
        Self::from_unix(unix_days * 86_400 + i64::from(second_of_day))
    }

    /// Seconds since year 1.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// Unix seconds.
    #[must_use]
    pub const fn to_unix(self) -> i64 {
        self.0 as i64 - UNIX_EPOCH as i64
    }
}

/// Days of a month; `None` if there is no such month.
#[must_use]
pub fn days_in_month(year: i32, month: u32) -> Option<u32> {
    Some(match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 => 29,
        2 => 28,
        _ => return None,
    })
}

impl core::fmt::Display for Timestamp {
    /// ISO 8601 in UTC: `2026-03-01T00:00:00Z`; `open` for the two ends.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if *self == Self::MIN || *self == Self::MAX {
            return f.write_str("open");
        }
        let unix = self.to_unix();
        let (days, second) = (unix.div_euclid(86_400), unix.rem_euclid(86_400));
        // Civil from days, same source as above.
        let z = days + 719_468;
        let era = z.div_euclid(146_097);
        let day_of_era = z.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_index + 2) / 5 + 1;
        let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
    }
}

/// A closed interval of time: both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    from: Timestamp,
    until: Timestamp,
}

impl Period {
    /// All time.
    pub const ALWAYS: Self = Self { from: Timestamp::MIN, until: Timestamp::MAX };

    /// The interval; `None` if it ends before it begins.
    #[must_use]
    pub fn new(from: Timestamp, until: Timestamp) -> Option<Self> {
        (from <= until).then_some(Self { from, until })
    }

    /// One instant.
    #[must_use]
    pub const fn at(time: Timestamp) -> Self {
        Self { from: time, until: time }
    }

    /// First second.
    #[must_use]
    pub const fn from(&self) -> Timestamp {
        self.from
    }

    /// Last second.
    #[must_use]
    pub const fn until(&self) -> Timestamp {
        self.until
    }

    /// Whether `other` lies within.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.from <= other.from && other.until <= self.until
    }

    /// Whether the two share an instant.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.from <= other.until && other.from <= self.until
    }

    /// The common part, if there is one.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.until.min(other.until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_dates_count_as_iso_8601_says() {
        for (date, unix) in [
            ((1970, 1, 1, 0), 0),
            ((1969, 12, 31, 86_399), -1),
            ((2000, 2, 29, 0), 951_782_400),
            ((1900, 3, 1, 0), -2_203_891_200),
            ((2026, 11, 21, 3600), 1_795_222_800),
        ] {
            let (y, m, d, s) = date;
            let t = Timestamp::from_civil(y, m, d, s).expect("a real date");
            assert_eq!(t.to_unix(), unix, "{date:?}");
        }
        assert_eq!(Timestamp::from_civil(1, 1, 1, 0), Some(Timestamp::MIN));
        for bad in [(0, 1, 1), (2023, 2, 29), (2023, 13, 1), (2023, 0, 1), (2023, 4, 31), (10_000, 1, 1)] {
            assert_eq!(Timestamp::from_civil(bad.0, bad.1, bad.2, 0), None, "{bad:?}");
        }
    }

    #[test]
    fn display_inverts_civil() {
        let t = Timestamp::from_civil(1987, 12, 31, 3 * 3600 + 4 * 60 + 5).expect("a real date");
        assert_eq!(t.to_string(), "1987-12-31T03:04:05Z");
    }
}
