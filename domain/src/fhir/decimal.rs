//! Decimals from their text: no binary fraction on the way.
//!
//! FHIR decimals may carry any number of digits (twenty after the point occur in real data). A
//! value becomes an integer in units of 1e-6, and money an integer in units of 1e-2 whatever its
//! currency, rounded half to even from the decimal string.

use crate::record::{Amount, Micro};

/// Fractional digits of a [`Micro`].
const MICRO_DIGITS: u32 = 6;
/// Fractional digits of an [`Amount`], whatever its currency.
const AMOUNT_DIGITS: u32 = 2;
/// Decimal digits that always fit an `i128`.
const I128_DIGITS: i64 = 38;

/// Why a decimal has no fixed-point value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not a decimal number.
    #[error("not a decimal number")]
    Malformed,
    /// Too large.
    #[error("the number is too large for fixed point (64 bits in units of 1e-6, or of 1e-2 for money)")]
    Overflow,
    /// An amount below zero.
    #[error("an amount of money is negative")]
    Negative,
    /// Not an ISO 4217 code.
    #[error("the currency is not three capital letters")]
    Currency,
}

impl Micro {
    /// Reads a decimal (`-?digits(.digits)?([eE][+-]?digits)?`) and rounds it half to even to six
    /// places.
    ///
    /// # Errors
    /// [`DecimalError`] if the text is no decimal or the value does not fit.
    ///
    /// ```
    /// use amanat_domain::record::Micro;
    /// assert!(Micro::parse("7.0000005") == Ok(Micro(7_000_000)));
    /// assert!(Micro::parse("7.0000015") == Ok(Micro(7_000_002)));
    /// ```
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let units = round_half_even(text, MICRO_DIGITS)?;
        i64::try_from(units).map(Self).map_err(|_| DecimalError::Overflow)
    }
}

impl Amount {
    /// Reads an amount and a currency code of three capital letters; rounds half to even to 1/100
    /// of the currency's unit. FHIR also allows codes that ISO 4217 does not list (`GGP`), so no
    /// list of currencies decides whether an amount is kept.
    ///
    /// # Errors
    /// [`DecimalError`] if the text is no decimal, is negative (after rounding) or does not fit, or
    /// the code is not three capital letters.
    ///
    /// ```
    /// use amanat_domain::record::Amount;
    /// let hundredths = |text, currency| Amount::parse(text, currency).map(|a| a.hundredths);
    /// assert_eq!(hundredths("129.16", "PKR"), Ok(12_916));
    /// assert_eq!(hundredths("1500", "JPY"), Ok(150_000));
    /// // The third digit of a dinar is rounded.
    /// assert_eq!(hundredths("1.234", "KWD"), Ok(123));
    /// ```
    pub fn parse(text: &str, currency: &str) -> Result<Self, DecimalError> {
        let currency: [u8; 3] = currency.as_bytes().try_into().map_err(|_| DecimalError::Currency)?;
        if !currency.iter().all(u8::is_ascii_uppercase) {
            return Err(DecimalError::Currency);
        }
        let units = round_half_even(text, AMOUNT_DIGITS)?;
        if units < 0 {
            return Err(DecimalError::Negative);
        }
        Ok(Self { hundredths: u64::try_from(units).map_err(|_| DecimalError::Overflow)?, currency })
    }
}

/// `text * 10^places`, rounded half to even. The work is linear in the text, whatever its exponent.
fn round_half_even(text: &str, places: u32) -> Result<i128, DecimalError> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((m, e)) => (m, parse_exponent(e)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((w, f)) if !f.is_empty() => (w, f),
        Some(_) => return Err(DecimalError::Malformed),
        None => (mantissa, ""),
    };
    let digits = || whole.bytes().chain(fraction.bytes());
    if whole.is_empty() || !digits().all(|b| b.is_ascii_digit()) {
        return Err(DecimalError::Malformed);
    }
    let leading_zeros = digits().take_while(|&b| b == b'0').count();
    let count = whole.len() + fraction.len() - leading_zeros;
    // The value is 0.d1 d2 .. dn times 10^point, d1 not zero; `kept` of its digits lie before the
    // point once scaled. Lengths are below 2^40 and the exponent was clamped, so nothing here
    // overflows.
    let point = whole.len() as i64 - leading_zeros as i64 + exponent;
    let kept = point + i64::from(places);
    if count == 0 || kept < 0 {
        return Ok(0);
    }
    if kept > I128_DIGITS {
        return Err(DecimalError::Overflow);
    }
    let mut rest = digits().skip(leading_zeros).map(|b| i128::from(b - b'0'));
    let mut units: i128 = 0;
    for _ in 0..kept {
        units = units * 10 + rest.next().unwrap_or(0);
    }
    let next = rest.next().unwrap_or(0);
    let exactly_half = next == 5 && rest.all(|d| d == 0);
    if next > 5 || (next == 5 && (!exactly_half || units % 2 == 1)) {
        units += 1;
    }
    Ok(if negative { -units } else { units })
}

/// The exponent, clamped to ±10^12: beyond that every non-zero value overflows or vanishes anyway.
fn parse_exponent(text: &str) -> Result<i64, DecimalError> {
    const CLAMP: i64 = 1_000_000_000_000;
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DecimalError::Malformed);
    }
    let magnitude = digits.bytes().fold(0i64, |n, b| (n * 10 + i64::from(b - b'0')).min(CLAMP));
    Ok(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micro(text: &str) -> Result<i64, DecimalError> {
        Micro::parse(text).map(|m| m.0)
    }

    #[test]
    fn rounding_is_half_to_even_at_the_sixth_place() {
        for (text, expected) in [
            ("0", 0),
            ("-0.0", 0),
            ("6.5", 6_500_000),
            ("0.0000005", 0),
            ("0.0000015", 2),
            ("0.0000025", 2),
            ("0.00000250000000000000000000000000000000001", 3),
            ("-0.0000015", -2),
            ("-2.4", -2_400_000),
            ("175.5609952863145", 175_560_995),
            ("0.00000049999999999999999999", 0),
            ("1e2", 100_000_000),
            ("12E-1", 1_200_000),
            ("0.001e+3", 1_000_000),
            ("5e-7", 0),
            ("15e-7", 2),
            ("1e-999999999999999999999", 0),
            ("0e999999999999999999999", 0),
            ("9223372036854.775807", i64::MAX),
            ("9223372036854.7758074", i64::MAX),
            ("-9223372036854.775808", i64::MIN),
            ("000001.5", 1_500_000),
            ("1234567.1234567890123456789012345678901234567890", 1_234_567_123_457),
        ] {
            assert_eq!(micro(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in
            ["9223372036854.775808", "9223372036854.7758075", "1e13", "1e99999999999999999999", "-1e40"]
        {
            assert_eq!(micro(text), Err(DecimalError::Overflow), "{text}");
        }
        for text in ["", "-", ".", "1.", ".5", "1e", "1e+", "+1", "1,5", "NaN", "1e1.5", "--1", "0x1", "1 "] {
            assert_eq!(micro(text), Err(DecimalError::Malformed), "{text}");
        }
    }

    #[test]
    fn an_amount_is_in_hundredths_whatever_the_minor_unit_of_its_currency() {
        let hundredths = |text, currency| Amount::parse(text, currency).map(|a| a.hundredths);
        assert_eq!(hundredths("129.16", "PKR"), Ok(12_916));
        assert_eq!(hundredths("0.125", "USD"), Ok(12));
        assert_eq!(hundredths("1500", "JPY"), Ok(150_000));
        assert_eq!(hundredths("1500.5", "JPY"), Ok(150_050));
        assert_eq!(hundredths("1.234", "KWD"), Ok(123));
        assert_eq!(hundredths("1.235", "KWD"), Ok(124));
        assert_eq!(hundredths("1.0050", "CLF"), Ok(100));
        assert_eq!(hundredths("-0.001", "USD"), Ok(0));
        // In FHIR's value set of currencies, and no money of a country in ISO 4217.
        assert_eq!(hundredths("5", "XDR"), Ok(500));
        assert_eq!(hundredths("5", "GGP"), Ok(500));
        assert_eq!(hundredths("-1", "USD"), Err(DecimalError::Negative));
        assert_eq!(hundredths("1", "usd"), Err(DecimalError::Currency));
        assert_eq!(hundredths("1", "RUPEE"), Err(DecimalError::Currency));
        assert_eq!(hundredths("184467440737095516.16", "USD"), Err(DecimalError::Overflow));
    }
}
