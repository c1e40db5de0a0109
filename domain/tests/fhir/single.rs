//! One resource read from its text.

use amanat_domain::fhir::json::Json;
use amanat_domain::fhir::{Context, Reason, Remark, Resource, Zones};
use amanat_domain::record::RecordFields;

/// The resource and its remarks, or the one that refuses it.
pub(crate) fn read(text: &str) -> Result<(Resource, Vec<Remark>), Remark> {
    Resource::parse(text.as_bytes())
}

/// The resource's own record and the remarks.
pub(crate) fn record(text: &str) -> (RecordFields, Vec<(String, Reason)>) {
    record_in(text, Zones::UTC)
}

/// The same where dates without zone are of these zones.
pub(crate) fn record_in(text: &str, zones: Zones) -> (RecordFields, Vec<(String, Reason)>) {
    let json = Json::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{e}: {text}"));
    let (resource, remarks) = Resource::from_json(&json, &Context { zones, ..Context::default() })
        .unwrap_or_else(|e| panic!("{}: {}: {text}", e.path, e.reason));
    let remarks = remarks.into_iter().map(|r| (r.path, r.reason)).collect();
    (resource.records[0].clone(), remarks)
}

/// Path and reason of the refusal.
pub(crate) fn refusal(text: &str) -> (String, Reason) {
    match read(text) {
        Err(remark) => (remark.path, remark.reason),
        Ok(_) => panic!("read: {text}"),
    }
}
