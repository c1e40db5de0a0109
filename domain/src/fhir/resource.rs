//! A resource as read: its records, its canonical form, and what credentials are issued from.

use std::sync::Arc;

use sha2::{Digest, Sha512};

use super::bundle::{Head, Stored};
use super::canonical;
use super::facts::{Context, Facts, SubjectReference, Version};
use super::json::{Json, JsonError, Object};
use super::node::{Log, Node, Remark, shown};
use super::problem::Reason;
use super::types::is_id;
use super::{Floor, extract, types};
use crate::record::{RecordFields, ResourceType};

/// A FHIR resource as read. Clinical data: no `Debug`.
#[derive(Clone)]
pub struct Resource {
    /// Type.
    pub resource_type: ResourceType,
    /// `id`; entries of a transaction may have none.
    pub id: Option<String>,
    /// `fullUrl` of its Bundle entry.
    pub full_url: Option<String>,
    /// The Bundle it is an entry of.
    pub within: Option<Within>,
    /// Its subject (`subject`, `patient`, `beneficiary`), as given; a Patient has none.
    pub subject: Option<SubjectReference>,
    /// The resource itself, then one for each component of an Observation. Empty where it is
    /// retracted.
    pub records: Vec<RecordFields>,
    /// `meta.versionId` and `meta.lastUpdated`.
    pub version: Version,
    /// The status that takes the resource back (`entered-in-error` ..): it is no fact, and what was
    /// anchored of an earlier version is superseded.
    pub retracted: Option<&'static str>,
    /// Whether one of its times was read from a date without a zone, as a day of
    /// [`Context::zones`].
    pub zoneless: bool,
    /// What credentials are issued from.
    pub facts: Facts,
    /// Canonical form.
    pub canonical: Vec<u8>,
    /// SHA-512 of the canonical form.
    pub digest: [u8; 64],
}

/// The Bundle that a resource is an entry of.
#[derive(Clone)]
pub struct Within {
    /// How many Bundles began before it in the file.
    pub bundle: u64,
    /// In how many Bundles it stands.
    pub depth: u32,
    /// What it says of itself.
    pub head: Arc<Head>,
    /// What the entry asks for.
    pub stored: Stored,
}

impl Resource {
    /// Reads a single resource from its JSON text.
    ///
    /// # Errors
    /// The [`Remark`] that made it unreadable.
    pub fn parse(text: &[u8]) -> Result<(Self, Vec<Remark>), Remark> {
        let json = Json::parse(text).map_err(|e| Remark::refusal(e.path.unwrap_or_default(), e.kind))?;
        Self::from_json(&json, &Context::default())
    }

    /// Reads a resource; remarks tell which elements were read as absent, and why.
    ///
    /// # Errors
    /// The [`Remark`] that made it unreadable: not an object, no or an unsupported type, a bad id,
    /// or a modifier that may change what all else means.
    pub fn from_json(json: &Json<'_>, context: &Context<'_>) -> Result<(Self, Vec<Remark>), Remark> {
        let refuse = |path: &str, reason| Err(Remark::refusal(path, reason));
        let Json::Object(root) = json else {
            return refuse("", Reason::NotAnObject { got: json.kind() });
        };
        let type_name = match root.get("resourceType") {
            None => return refuse("", Reason::NoResourceType),
            Some(Json::String(name)) => name.as_ref(),
            Some(other) => {
                return refuse("resourceType", Reason::WrongType { expected: "a string", got: other.kind() });
            }
        };
        let Some(resource_type) = types::supported(type_name) else {
            let other = || types::of_other_version(type_name);
            let reason = match types::known(type_name) {
                Some(name) => Reason::Unsupported(name),
                None => other().map_or(Reason::UnknownType, |(n, v)| Reason::TypeOfOtherVersion(n, v)),
            };
            return refuse("", reason);
        };
        let name = types::name(resource_type);
        let rules =
            |object: &Object<'_>| ["implicitRules", "_implicitRules"].iter().any(|k| object.get(k).is_some());
        if rules(root) {
            return refuse(&format!("{name}.implicitRules"), Reason::Modifier);
        }
        let contained = root.get("contained").and_then(Json::as_array).unwrap_or_default();
        if contained.iter().filter_map(Json::as_object).any(rules) {
            return refuse(&format!("{name}.contained.implicitRules"), Reason::Modifier);
        }
        if let Some(path) = modifier(root) {
            return refuse(&format!("{name}.{path}"), Reason::Modifier);
        }
        let id = match root.get("id") {
            None => None,
            Some(Json::String(id)) if is_id(id) => Some(id.as_ref().to_owned()),
            Some(_) => return refuse(&format!("{name}.id"), Reason::BadId),
        };
        let canonical = canonical::resource(root);
        let digest = Sha512::digest(&canonical).into();
        let log = Log::new(context.zones);
        let node = Node::root(json, name, &log);
        let source = extract::Source { resource_type, id: id.as_deref(), digest, context };
        let extract::Read { subject, records, facts, version, retracted } = extract::read(&node, &source)?;
        let full_url = context.full_url.map(str::to_owned);
        Ok((
            Self {
                resource_type,
                id,
                full_url,
                within: None,
                subject,
                records,
                version,
                retracted,
                zoneless: log.zoneless(),
                facts,
                canonical,
                digest,
            },
            log.into_remarks(),
        ))
    }

    /// The same, at least as sensitive as what it stood in.
    #[must_use]
    pub fn at_least(mut self, floor: Floor) -> Self {
        for record in &mut self.records {
            record.categories = record.categories.union(floor.categories);
            record.confidentiality = record.confidentiality.max(floor.confidentiality);
        }
        self
    }

    /// `Type/id`, if it has an id.
    #[must_use]
    pub fn reference(&self) -> Option<String> {
        self.id.as_ref().map(|id| format!("{}/{id}", types::name(self.resource_type)))
    }

    /// The canonical form, read again (without narrative and what servers rewrite).
    ///
    /// # Errors
    /// None for a resource as read; its fields are public, and a changed text may be anything.
    pub fn json(&self) -> Result<Json<'_>, JsonError> {
        Json::parse(&self.canonical)
    }
}

/// The first `modifierExtension` anywhere, as an approximate path. An empty one counts too: FHIR
/// has none.
fn modifier(object: &Object<'_>) -> Option<String> {
    fn within(json: &Json<'_>) -> bool {
        match json {
            Json::Object(o) => o.iter().any(|(k, v)| k == "modifierExtension" || within(v)),
            Json::Array(items) => items.iter().any(within),
            _ => false,
        }
    }
    if object.get("modifierExtension").is_some() {
        return Some("modifierExtension".to_owned());
    }
    object.iter().find(|(_, v)| within(v)).map(|(k, _)| format!("{}..modifierExtension", shown(k)))
}
