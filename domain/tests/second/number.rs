//! Decimals and dates from their text, by counting: no arithmetic is shared with the library.

/// Years are counted from year 1, as the library counts them.
const DAY: u64 = 86_400;
/// Days of a common year before each month.
const BEFORE_MONTH: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const DAYS_IN_MONTH: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/// The open end of a period: 40 bits of seconds.
pub(crate) const OPEN_END: u64 = (1 << 40) - 1;

/// First and last second.
pub(crate) type Seconds = (u64, u64);
/// All time.
pub(crate) const ALWAYS: Seconds = (0, OPEN_END);

/// A JSON number in units of 10^-`places`, half to even; `None` where `i64` cannot say it.
pub(crate) fn fixed(text: &str, places: i64) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<i128> = format!("{whole}{fraction}").bytes().map(|b| i128::from(b - b'0')).collect();
    // How many of the digits lie before the new point.
    let kept = i64::try_from(whole.len()).ok()? + exponent + places;
    let mut number: i128 = 0;
    for at in 0..kept {
        let digit = usize::try_from(at).ok().and_then(|at| digits.get(at)).copied().unwrap_or(0);
        number = number * 10 + digit;
        if number > i128::from(u64::MAX) {
            return None;
        }
    }
    // What was cut off, against one half: 5000...
    let digit = |at: i64| usize::try_from(at).ok().and_then(|at| digits.get(at)).copied().unwrap_or(0);
    let first = digit(kept);
    let rest = digits.iter().enumerate().any(|(at, d)| at as i64 > kept && *d > 0);
    if first > 5 || first == 5 && (rest || number % 2 == 1) {
        number += 1;
    }
    i64::try_from(if negative { -number } else { number }).ok()
}

/// A FHIR date, dateTime or instant as its first and last second, in UTC; `None` where it is none.
pub(crate) fn date(text: &str) -> Option<Seconds> {
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let parts: Vec<&str> = day.split('-').collect();
    let widths: Vec<usize> = parts.iter().map(|p| p.len()).collect();
    if ![&[4][..], &[4, 2], &[4, 2, 2]].contains(&&widths[..]) {
        return None;
    }
    let numbers = parts.iter().map(|p| digits(p)).collect::<Option<Vec<u64>>>()?;
    let year = numbers[0];
    let month = numbers.get(1).copied();
    let day = numbers.get(2).copied();
    if year == 0 || month.is_some_and(|m| !(1..=12).contains(&m)) {
        return None;
    }
    if let (Some(month), Some(day)) = (month, day)
        && !(1..=length(year, month)).contains(&day)
    {
        return None;
    }
    let Some(time) = time else {
        let first = days(year, month.unwrap_or(1), day.unwrap_or(1));
        let after = match (month, day) {
            (None, _) => days(year + 1, 1, 1),
            (Some(12), None) => days(year + 1, 1, 1),
            (Some(month), None) => days(year, month + 1, 1),
            (Some(_), Some(_)) => first + 1,
        };
        return Some((first * DAY, after * DAY - 1));
    };
    // hh:mm:ss, a fraction that is dropped, a zone that must be there.
    let midnight = days(year, month?, day?) * DAY;
    let (clock, zone) = match time.find(['Z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => return None,
    };
    let clock: Vec<&str> = clock.split('.').next()?.split(':').collect();
    let [h, m, s] = clock[..] else { return None };
    let (h, m, s) = (digits(h)?, digits(m)?, digits(s)?);
    // 60 is a leap second, which is counted as the second after it.
    if h > 23 || m > 59 || s > 60 {
        return None;
    }
    let local = midnight + h * 3600 + m * 60 + s;
    if zone == "Z" {
        return Some((local, local));
    }
    let (hours, minutes) = zone[1..].split_once(':')?;
    let shift = digits(hours)? * 3600 + digits(minutes)? * 60;
    // East of Greenwich the same instant comes earlier in UTC.
    let utc = if zone.starts_with('+') { local.checked_sub(shift)? } else { local + shift };
    Some((utc, utc))
}

/// An instant as its second and the billionths of it; what is finer is cut.
pub(crate) fn instant(text: &str) -> Option<(u64, u32)> {
    let (second, _) = date(text)?;
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
    let fraction: String =
        fraction.chars().take_while(char::is_ascii_digit).chain("000000000".chars()).take(9).collect();
    Some((second, fraction.parse().ok()?))
}

/// Days from 1 January of year 1.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let past = year - 1;
    let leap_day = u64::from(month > 2 && leap(year));
    past * 365 + past / 4 - past / 100 + past / 400 + BEFORE_MONTH[month as usize - 1] + leap_day + day - 1
}

fn length(year: u64, month: u64) -> u64 {
    DAYS_IN_MONTH[month as usize - 1] + u64::from(month == 2 && leap(year))
}

fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[test]
fn decimals_are_rounded_half_to_even() {
    for (text, micro) in [
        ("0", 0),
        ("-0.0", 0),
        ("1.0000005", 1_000_000),
        ("1.0000015", 1_000_002),
        ("1.00000050000001", 1_000_001),
        ("-2.4", -2_400_000),
        ("1.5e2", 150_000_000),
        ("5e-7", 0),
        ("6E-7", 1),
        ("4e-30", 0),
        ("175.5609952863145", 175_560_995),
    ] {
        assert_eq!(fixed(text, 6), Some(micro), "{text}");
    }
    assert_eq!(fixed("1e15", 6), None);
    assert_eq!(fixed("9223372036854.775807", 6), Some(i64::MAX));
    assert_eq!(fixed("9223372036854.775808", 6), None);
    assert_eq!(fixed("129.16", 2), Some(12_916));
}

#[test]
fn dates_are_counted_from_year_one() {
    const EPOCH: u64 = 62_135_596_800;
    for (text, seconds) in [
        ("0001", (0, 365 * DAY - 1)),
        ("1970-01-01", (EPOCH, EPOCH + DAY - 1)),
        ("1970-01-01T00:00:00Z", (EPOCH, EPOCH)),
        ("1970-01-01T05:00:00.999+05:00", (EPOCH, EPOCH)),
        ("1969-12-31T19:30:00-04:30", (EPOCH, EPOCH)),
        ("2000-02-29T00:00:00Z", (EPOCH + 951_782_400, EPOCH + 951_782_400)),
        ("2000-02", (EPOCH + 949_363_200, EPOCH + 949_363_200 + 29 * DAY - 1)),
    ] {
        assert_eq!(date(text), Some(seconds), "{text}");
    }
    for bad in [
        "",
        "1970-1-1",
        "2023-02-29",
        "2023-13",
        "0000",
        "2023-01-01T10:00:00",
        "2023-01-01T24:00:00Z",
        "19x0",
    ] {
        assert_eq!(date(bad), None, "{bad}");
    }
}
