//! FHIR dates: a year, a month, a day, or an instant with its zone.
//!
//! A date is a period: `2015` is all of 2015. Which seconds that is depends on the zone in which it
//! was meant, and a date carries none; [`Zones`] says which zones to reckon with.

use crate::time::{Period, Timestamp, days_in_month};

/// Why a text is not a FHIR date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Not of the form `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ss[.f](Z|±hh:mm)`.
    #[error("not a FHIR date")]
    Malformed,
    /// A time of day without zone.
    #[error("a time of day without a zone: which instant it is cannot be known")]
    NoZone,
    /// No such day or time of day.
    #[error("no such day or time")]
    Impossible,
    /// The period ends before it begins.
    #[error("the period ends before it begins")]
    Reversed,
}

/// A FHIR `date`, `dateTime` or `instant`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartialDate {
    /// A whole year, month (day is `None`) or day: civil, without zone.
    Civil {
        /// 1 to 9999.
        year: i32,
        /// 1 to 12.
        month: Option<u32>,
        /// 1 to 31.
        day: Option<u32>,
    },
    /// An instant, truncated to the second.
    Instant(Timestamp),
}

/// The zones a date without zone may have been meant in, as offsets from UTC in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zones {
    west: i32,
    east: i32,
}

impl Zones {
    /// Days are days of UTC.
    pub const UTC: Self = Self { west: 0, east: 0 };
    /// Unknown: from UTC-12:00 to UTC+14:00.
    pub const ANY: Self = Self { west: -12 * 60, east: 14 * 60 };
    /// Pakistan: UTC+05:00.
    pub const PAKISTAN: Self = Self { west: 300, east: 300 };

    /// One zone, as its offset from UTC in minutes; none outside ±14 hours.
    #[must_use]
    pub const fn fixed(minutes: i32) -> Option<Self> {
        if minutes.abs() <= 14 * 60 { Some(Self { west: minutes, east: minutes }) } else { None }
    }

    /// One zone as an operator writes it: `Z`, `+05:00`, `-03:30`; none outside the zones in use,
    /// -12:00 to +14:00.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (sign, rest) = match text.as_bytes() {
            b"Z" => return Some(Self::UTC),
            [b'+', rest @ ..] => (1, rest),
            [b'-', rest @ ..] => (-1, rest),
            _ => return None,
        };
        let (hours, minutes) = (number(rest, 0, 2).ok()?, number(rest, 3, 2).ok()?);
        separator(rest, 2, b':').ok()?;
        if rest.len() != 5 || minutes > 59 {
            return None;
        }
        let offset = sign * i32::try_from(hours * 60 + minutes).ok()?;
        (Self::ANY.west..=Self::ANY.east).contains(&offset).then_some(Self { west: offset, east: offset })
    }
}

impl PartialDate {
    /// Reads a date.
    ///
    /// # Errors
    /// [`DateError`] if the text is not a FHIR date, has a time without zone, or names no real day.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let b = text.as_bytes();
        let year = number(b, 0, 4)?;
        let date = |month: Option<u32>, day: Option<u32>| {
            let year = i32::try_from(year).map_err(|_| DateError::Malformed)?;
            let exists = year > 0
                && month.is_none_or(|m| {
                    days_in_month(year, m).is_some_and(|days| day.is_none_or(|d| (1..=days).contains(&d)))
                });
            if exists { Ok(Self::Civil { year, month, day }) } else { Err(DateError::Impossible) }
        };
        if b.len() == 4 {
            return date(None, None);
        }
        separator(b, 4, b'-')?;
        let month = number(b, 5, 2)?;
        if b.len() == 7 {
            return date(Some(month), None);
        }
        separator(b, 7, b'-')?;
        let day = number(b, 8, 2)?;
        let civil = date(Some(month), Some(day))?;
        if b.len() == 10 {
            return Ok(civil);
        }
        separator(b, 10, b'T')?;
        let (hour, minute, second) = (number(b, 11, 2)?, number(b, 14, 2)?, number(b, 17, 2)?);
        separator(b, 13, b':')?;
        separator(b, 16, b':')?;
        // 60 is a leap second; it counts as the second after.
        if hour > 23 || minute > 59 || second > 60 {
            return Err(DateError::Impossible);
        }
        let mut zone = 19;
        if b.get(zone) == Some(&b'.') {
            let digits = b[zone + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return Err(DateError::Malformed);
            }
            zone += 1 + digits;
        }
        let offset = match b.get(zone..) {
            Some([]) => return Err(DateError::NoZone),
            Some([b'Z']) => 0,
            Some([sign @ (b'+' | b'-'), rest @ ..]) if rest.len() == 5 => {
                let (hours, minutes) = (number(rest, 0, 2)?, number(rest, 3, 2)?);
                separator(rest, 2, b':')?;
                if minutes > 59 || hours * 60 + minutes > 14 * 60 {
                    return Err(DateError::Impossible);
                }
                let seconds = i64::from(hours * 60 + minutes) * 60;
                if *sign == b'-' { -seconds } else { seconds }
            }
            _ => return Err(DateError::Malformed),
        };
        let year = i32::try_from(year).map_err(|_| DateError::Malformed)?;
        Timestamp::from_civil(year, month, day, hour * 3600 + minute * 60 + second)
            .and_then(|t| Timestamp::from_unix(t.to_unix() - offset))
            .map(Self::Instant)
            .ok_or(DateError::Impossible)
    }

    /// The period it stands for, civil dates in UTC.
    #[must_use]
    pub fn period(&self) -> Period {
        Period::new(self.start(), self.end()).unwrap_or(Period::at(self.start()))
    }

    /// First second, civil dates in UTC.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        match *self {
            Self::Instant(t) => t,
            Self::Civil { year, month, day } => {
                Timestamp::from_civil(year, month.unwrap_or(1), day.unwrap_or(1), 0).unwrap_or(Timestamp::MIN)
            }
        }
    }

    /// Last second, civil dates in UTC. FHIR: a period that ends on a date includes that date.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        match *self {
            Self::Instant(t) => t,
            Self::Civil { year, month, day } => {
                let month = month.unwrap_or(12);
                let day = day.or_else(|| days_in_month(year, month)).unwrap_or(31);
                Timestamp::from_civil(year, month, day, 86_399).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// The last instant at which it may begin, over the zones it may have been meant in.
    #[must_use]
    pub fn latest_start(&self, zones: Zones) -> Timestamp {
        self.shift(self.start(), zones.west)
    }

    /// The first instant at which it may begin.
    #[must_use]
    pub fn earliest_start(&self, zones: Zones) -> Timestamp {
        self.shift(self.start(), zones.east)
    }

    /// The first instant at which it may end.
    #[must_use]
    pub fn earliest_end(&self, zones: Zones) -> Timestamp {
        self.shift(self.end(), zones.east)
    }

    /// The last instant at which it may end.
    #[must_use]
    pub fn latest_end(&self, zones: Zones) -> Timestamp {
        self.shift(self.end(), zones.west)
    }

    /// A civil time in a zone `minutes` east of UTC comes that much earlier in UTC.
    fn shift(&self, t: Timestamp, minutes: i32) -> Timestamp {
        match self {
            Self::Instant(_) => t,
            Self::Civil { .. } => Timestamp::from_unix(t.to_unix() - i64::from(minutes) * 60)
                .unwrap_or(if minutes > 0 { Timestamp::MIN } else { Timestamp::MAX }),
        }
    }
}

fn number(b: &[u8], at: usize, len: usize) -> Result<u32, DateError> {
    let digits = b.get(at..at + len).ok_or(DateError::Malformed)?;
    digits.iter().try_fold(0, |n, d| {
        if d.is_ascii_digit() { Ok(n * 10 + u32::from(d - b'0')) } else { Err(DateError::Malformed) }
    })
}

fn separator(b: &[u8], at: usize, expected: u8) -> Result<(), DateError> {
    if b.get(at) == Some(&expected) { Ok(()) } else { Err(DateError::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(text: &str) -> (String, String) {
        let p = PartialDate::parse(text).expect("a date").period();
        (p.from().to_string(), p.until().to_string())
    }

    #[test]
    fn a_partial_date_is_the_whole_year_month_or_day() {
        assert_eq!(period("2016"), ("2016-01-01T00:00:00Z".into(), "2016-12-31T23:59:59Z".into()));
        assert_eq!(period("2016-02"), ("2016-02-01T00:00:00Z".into(), "2016-02-29T23:59:59Z".into()));
        assert_eq!(period("1964-05-06"), ("1964-05-06T00:00:00Z".into(), "1964-05-06T23:59:59Z".into()));
    }

    #[test]
    fn an_instant_is_taken_to_utc_and_cut_to_the_second() {
        for (text, utc) in [
            ("2016-06-23T17:02:33+10:00", "2016-06-23T07:02:33Z"),
            ("1958-07-12T23:58:16-04:00", "1958-07-13T03:58:16Z"),
            ("2011-08-22T10:19:35.870+00:00", "2011-08-22T10:19:35Z"),
            ("2015-02-07T13:28:17Z", "2015-02-07T13:28:17Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ] {
            assert_eq!(period(text), (utc.into(), utc.into()), "{text}");
        }
    }

    #[test]
    fn a_time_without_zone_and_other_nonsense_are_refused() {
        assert_eq!(PartialDate::parse("2015-02-07T13:28:17"), Err(DateError::NoZone));
        assert_eq!(PartialDate::parse("2015-02-07T13:28:17.5"), Err(DateError::NoZone));
        for text in [
            "2023-02-29",
            "2023-13",
            "0000",
            "2023-00-01",
            "2023-01-32",
            "2023-01-01T24:00:00Z",
            "2023-01-01T00:60:00Z",
            "2023-01-01T00:00:61Z",
            "2023-01-01T00:00:00+14:01",
            "2023-01-01T00:00:00+10:60",
            "0001-01-01T00:00:00+05:00",
        ] {
            assert_eq!(PartialDate::parse(text), Err(DateError::Impossible), "{text}");
        }
        for text in [
            "",
            "20",
            "20230101",
            "2023-1-1",
            "2023/01/01",
            "2023-01-01 00:00:00Z",
            "2023-01-01T00:00Z",
            "2023-01-01T00:00:00.Z",
            "2023-01-01T00:00:00+0500",
            "2023-01-01T",
            "+2023",
            "２０２３",
            "2023-01-01Z",
        ] {
            assert_eq!(PartialDate::parse(text), Err(DateError::Malformed), "{text}");
        }
    }

    #[test]
    fn a_zone_is_read_as_an_operator_writes_it() {
        assert_eq!(Zones::parse("Z"), Some(Zones::UTC));
        assert_eq!(Zones::parse("+00:00"), Some(Zones::UTC));
        assert_eq!(Zones::parse("-00:00"), Some(Zones::UTC));
        assert_eq!(Zones::parse("+05:00"), Some(Zones::PAKISTAN));
        assert_eq!(Zones::parse("-03:30"), Zones::fixed(-210));
        assert_eq!(Zones::parse("-12:00"), Zones::fixed(-720));
        assert_eq!(Zones::parse("+14:00"), Zones::fixed(840));
        for bad in [
            "", "z", "+", "5", "+5:00", "05:00", "+05", "+0500", "+05:60", "-12:01", "+14:01", "+05:000",
            "+٠٥:00",
        ] {
            assert_eq!(Zones::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_unknown_zone_makes_a_day_uncertain_by_its_extremes() {
        let day = PartialDate::parse("2026-03-01").expect("a date");
        assert_eq!(day.latest_start(Zones::ANY).to_string(), "2026-03-01T12:00:00Z");
        assert_eq!(day.earliest_start(Zones::ANY).to_string(), "2026-02-28T10:00:00Z");
        assert_eq!(day.earliest_end(Zones::ANY).to_string(), "2026-03-01T09:59:59Z");
        assert_eq!(day.latest_end(Zones::ANY).to_string(), "2026-03-02T11:59:59Z");
        assert_eq!(day.latest_start(Zones::PAKISTAN).to_string(), "2026-02-28T19:00:00Z");
        assert_eq!(day.earliest_end(Zones::PAKISTAN).to_string(), "2026-03-01T18:59:59Z");
        let instant = PartialDate::parse("2026-03-01T00:00:00Z").expect("a date");
        assert_eq!(instant.latest_start(Zones::ANY), instant.earliest_end(Zones::ANY));
        let first = PartialDate::parse("0001").expect("a date");
        assert_eq!(first.earliest_start(Zones::ANY), Timestamp::MIN);
    }
}
