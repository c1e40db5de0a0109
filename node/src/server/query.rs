//! Strict query strings and path segments: what is not understood is refused, not ignored.

use amanat_api::problem::Problem;
use amanat_domain::bundle::Registry;
use amanat_domain::consent::OrgId;
use amanat_domain::entry::{Entry, EntryNameError};
use amanat_domain::tx::TxId;

/// The decimal parameters named, each at most once, and no others.
pub(super) fn numbers<const N: usize>(
    raw: Option<&str>,
    names: [&'static str; N],
) -> Result<[Option<u64>; N], Problem> {
    let mut values = [None; N];
    for ((value, name), text) in values.iter_mut().zip(names).zip(parameters(raw, names)?) {
        *value = text.map(|text| number(name, text)).transpose()?;
    }
    Ok(values)
}

/// The parameters named as they stand, each at most once, and no others.
pub(super) fn parameters<'r, const N: usize>(
    raw: Option<&'r str>,
    names: [&'static str; N],
) -> Result<[Option<&'r str>; N], Problem> {
    let mut values = [None; N];
    for pair in raw.unwrap_or("").split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(at) = names.iter().position(|known| *known == name) else {
            let next = "leave it out, or see /openapi.json for what this path takes";
            let problem = Problem::request(400, "unknown_parameter", "a query parameter is unknown", next);
            return Err(problem.disagree(names.join(", "), amanat_api::problem::tame(name)));
        };
        if values[at].is_some() {
            let next = "give each parameter once";
            return Err(Problem::request(
                400,
                "repeated_parameter",
                format!("`{name}` is given twice"),
                next,
            ));
        }
        values[at] = Some(value);
    }
    Ok(values)
}

/// A decimal number.
pub(super) fn number(name: &'static str, text: &str) -> Result<u64, Problem> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or_else(|| not_a_number(name, text))
}

pub(super) fn not_a_number(name: &'static str, text: &str) -> Problem {
    let next = "give a whole number in decimal digits";
    let problem = Problem::request(400, "not_a_number", format!("`{name}` is not a number"), next);
    problem.disagree(format!("0 to {}", u64::MAX), amanat_api::problem::tame(text))
}

/// A position behind the end.
pub(super) fn beyond(name: &'static str, end: u64, got: u64) -> Problem {
    let next = "start at or before the end";
    Problem::request(400, "beyond_the_end", format!("`{name}` is beyond the end"), next)
        .disagree(format!("at most {end}"), got)
}

/// A page's length.
pub(super) fn limit(got: Option<u64>, usual: usize, most: usize) -> Result<usize, Problem> {
    match got {
        None => Ok(usual),
        Some(n) if n > 0 && n <= most as u64 => Ok(n as usize),
        Some(n) => {
            let next = "ask for less and go on at `next`";
            let problem = Problem::request(400, "bad_limit", "`limit` is out of bounds", next);
            Err(problem.disagree(format!("1 to {most}"), n))
        }
    }
}

/// A registry's name.
pub(super) fn registry(name: &str) -> Result<Registry, Problem> {
    Registry::by_name(name).ok_or_else(|| {
        let names = Registry::ALL.map(Registry::name).join(", ");
        Problem::request(404, "no_such_registry", "there is no such registry", "name one of those expected")
            .disagree(names, amanat_api::problem::tame(name))
    })
}

/// A transaction id.
pub(super) fn txid(text: &str) -> Result<TxId, Problem> {
    text.parse().map_err(|_| {
        let next = "give the id as 64 hexadecimal digits, as the receipt names it";
        Problem::request(400, "bad_txid", "this is not a transaction id", next)
            .disagree("64 hexadecimal digits", format!("{} characters", text.chars().count()))
    })
}

/// An organisation's id.
pub(super) fn organisation(text: &str) -> Result<OrgId, Problem> {
    let mut bytes = [0; 32];
    let id = hex::decode_to_slice(text, &mut bytes).ok().and_then(|()| OrgId::from_bytes(&bytes).ok());
    id.ok_or_else(|| {
        let next = "give an id as this path lists it, or leave `after` out";
        Problem::request(400, "bad_organisation", "this is not an organisation's id", next)
            .disagree("64 hexadecimal digits of a field element", amanat_api::problem::tame(text))
    })
}

/// A kind of entry and a name.
pub(super) fn entry(kind: &str, name: &str) -> Result<Entry, Problem> {
    Entry::from_words(kind, name).map_err(|error| {
        let next = "see /openapi.json for the kinds of entries and their names";
        let (status, code) = match error {
            EntryNameError::Kind => (404, "no_such_kind"),
            EntryNameError::Name(_) => (400, "bad_entry"),
        };
        let got = if code == "no_such_kind" { kind } else { name };
        Problem::request(status, code, "this names no entry", next)
            .disagree(error, amanat_api::problem::tame(got))
    })
}
