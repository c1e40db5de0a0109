//! Currencies of ISO 4217 and how many digits their minor units have.
//!
//! Source: ISO 4217, list one as amended to 2025, with the codes withdrawn since FHIR R4 (2018)
//! that records of that time carry. Codes without a minor unit of their own (metals, funds, `XXX`)
//! are no currencies of an amount.

/// No minor unit in use.
const NONE: &[&[u8; 3]] = &[
    b"BIF", b"CLP", b"DJF", b"GNF", b"ISK", b"JPY", b"KMF", b"KRW", b"PYG", b"RWF", b"UGX", b"UYI", b"VND",
    b"VUV", b"XAF", b"XOF", b"XPF",
];

/// Minor units of 1/100.
const TWO: &[&[u8; 3]] = &[
    b"AED", b"AFN", b"ALL", b"AMD", b"ANG", b"AOA", b"ARS", b"AUD", b"AWG", b"AZN", b"BAM", b"BBD", b"BDT",
    b"BGN", b"BMD", b"BND", b"BOB", b"BOV", b"BRL", b"BSD", b"BTN", b"BWP", b"BYN", b"BZD", b"CAD", b"CDF",
    b"CHE", b"CHF", b"CHW", b"CNY", b"COP", b"COU", b"CRC", b"CUC", b"CUP", b"CVE", b"CZK", b"DKK", b"DOP",
    b"DZD", b"EGP", b"ERN", b"ETB", b"EUR", b"FJD", b"FKP", b"GBP", b"GEL", b"GHS", b"GIP", b"GMD", b"GTQ",
    b"GYD", b"HKD", b"HNL", b"HRK", b"HTG", b"HUF", b"IDR", b"ILS", b"INR", b"IRR", b"JMD", b"KES", b"KGS",
    b"KHR", b"KPW", b"KYD", b"KZT", b"LAK", b"LBP", b"LKR", b"LRD", b"LSL", b"MAD", b"MDL", b"MGA", b"MKD",
    b"MMK", b"MNT", b"MOP", b"MRU", b"MUR", b"MVR", b"MWK", b"MXN", b"MXV", b"MYR", b"MZN", b"NAD", b"NGN",
    b"NIO", b"NOK", b"NPR", b"NZD", b"PAB", b"PEN", b"PGK", b"PHP", b"PKR", b"PLN", b"QAR", b"RON", b"RSD",
    b"RUB", b"SAR", b"SBD", b"SCR", b"SDG", b"SEK", b"SGD", b"SHP", b"SLE", b"SLL", b"SOS", b"SRD", b"SSP",
    b"STN", b"SVC", b"SYP", b"SZL", b"THB", b"TJS", b"TMT", b"TOP", b"TRY", b"TTD", b"TWD", b"TZS", b"UAH",
    b"USD", b"USN", b"UYU", b"UZS", b"VED", b"VES", b"WST", b"XCD", b"XCG", b"YER", b"ZAR", b"ZMW", b"ZWG",
    b"ZWL",
];

/// Minor units of 1/1000.
const THREE: &[&[u8; 3]] = &[b"BHD", b"IQD", b"JOD", b"KWD", b"LYD", b"OMR", b"TND"];

/// Minor units of 1/10000.
const FOUR: &[&[u8; 3]] = &[b"CLF", b"UYW"];

/// How many decimal digits the minor unit of a currency has; `None` if ISO 4217 has no such
/// currency.
///
/// ```
/// use amanat_domain::currency::minor_digits;
/// assert_eq!((minor_digits(*b"PKR"), minor_digits(*b"JPY")), (Some(2), Some(0)));
/// assert_eq!((minor_digits(*b"KWD"), minor_digits(*b"XXX")), (Some(3), None));
/// ```
#[must_use]
pub fn minor_digits(code: [u8; 3]) -> Option<u32> {
    let digits = [(NONE, 0), (TWO, 2), (THREE, 3), (FOUR, 4)];
    digits.into_iter().find(|(codes, _)| codes.contains(&&code)).map(|(_, digits)| digits)
}

#[cfg(test)]
mod tests {
    use super::{FOUR, NONE, THREE, TWO};
    use std::collections::BTreeSet;

    #[test]
    fn no_currency_has_two_minor_units() {
        let all: Vec<_> = [NONE, TWO, THREE, FOUR].concat();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(all.iter().all(|code| code.iter().all(u8::is_ascii_uppercase)));
    }
}
