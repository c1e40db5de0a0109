#![doc = include_str!("semantics.md")]

mod conditions;
mod directory;
mod head;
mod refusal;
mod vocabulary;

use conditions::{Conditions, Labels, refuse};
pub use directory::{Actors, Directory, Organisations};
use head::Ceiling;
pub use refusal::{Note, Refusal, RefusalReason};
pub use vocabulary::{ACTION_SYSTEM, CATEGORY_SYSTEM, JURISDICTION_EXTENSION, PURPOSE_SYSTEM};

use super::{
    Actions, Categories, Confidentiality, ConsentTerms, Effect, Grantee, Jurisdictions, Level, MAX_RULES,
    Purposes, Rule,
};
use crate::fhir::json::Json;
use crate::fhir::node::{Log, Node};
use crate::fhir::{CLASSES, SENSITIVITIES, Zones};
use crate::time::{Period, Timestamp};

/// A compiled consent: its terms, and where each part of them came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiled {
    terms: ConsentTerms,
    origins: Vec<Origin>,
    dropped: Vec<Origin>,
    default_from: &'static str,
    validity: Period,
}

/// The provision something came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its path: `Consent.provision.provision[1]`.
    pub path: String,
    /// How the rule differs from the text, if it does.
    pub notes: Vec<Note>,
}

impl Compiled {
    /// The terms.
    #[must_use]
    pub const fn terms(&self) -> &ConsentTerms {
        &self.terms
    }

    /// The terms, without where they came from.
    #[must_use]
    pub fn into_terms(self) -> ConsentTerms {
        self.terms
    }

    /// The provision each rule came from, in the order of the rules.
    #[must_use]
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// Permits that can never apply, and so became no rule.
    #[must_use]
    pub fn dropped(&self) -> &[Origin] {
        &self.dropped
    }

    /// The root provision's period.
    #[must_use]
    pub const fn validity(&self) -> Period {
        self.validity
    }

    /// Whether the consent's period is over.
    #[must_use]
    pub fn expired_at(&self, time: Timestamp) -> bool {
        self.validity.until() < time
    }

    /// For a person to read: each rule, the provision it came from, and how it differs from the text.
    #[must_use]
    pub fn explain(&self) -> String {
        use core::fmt::Write as _;
        let mut out = String::new();
        let notes = |notes: &[Note]| notes.iter().map(|n| format!("; {n}")).collect::<String>();
        for (n, (rule, origin)) in self.terms.rules().iter().zip(&self.origins).enumerate() {
            let _ =
                writeln!(out, "rule {n} from {}: {}{}", origin.path, describe(rule), notes(&origin.notes));
        }
        for origin in &self.dropped {
            let _ = writeln!(out, "no rule from {}{}", origin.path, notes(&origin.notes));
        }
        let default = if self.terms.default_effect() == Effect::Permit { "permit" } else { "deny" };
        let _ = writeln!(out, "otherwise {default}, from {}", self.default_from);
        out
    }
}

/// Compiles a FHIR R4 Consent. `zones`: where dates without zone may have been meant ([`Zones::ANY`] if not known).
///
/// # Errors
/// [`Refusal`] naming the provision and the reason.
///
/// ```
/// use amanat_domain::consent::compile::{Organisations, compile};
/// use amanat_domain::fhir::{Zones, json::Json};
/// let text = br#"{"resourceType":"Consent","status":"active","patient":{"reference":"Patient/1"},
///   "scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
///   "provision":{"type":"permit","purpose":[
///     {"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}]}}"#;
/// let compiled = compile(&Json::parse(text)?, &Organisations, Zones::ANY)?;
/// assert_eq!(compiled.terms().rules().len(), 1);
/// assert_eq!(compiled.origins()[0].path, "Consent.provision");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compile(consent: &Json<'_>, directory: &dyn Directory, zones: Zones) -> Result<Compiled, Refusal> {
    // What reading remarks is refused here anyway; the log is not kept.
    let log = Log::default();
    let node = Node::root(consent, "Consent", &log);
    let ceiling = head::head(&node)?;
    let base = head::base(&node)?;
    let mut out = Output { rules: Vec::new(), origins: Vec::new(), dropped: Vec::new(), ceiling };
    let mut validity = Period::ALWAYS;
    let mut default = base.unwrap_or(Effect::Deny);
    let default_from = if base.is_some() { "Consent.policyRule" } else { "the absence of a base policy" };
    if let Some(root) = node.get("provision") {
        let effect = root_effect(&root, base)?;
        let read = |effect| conditions::read(&root, effect, directory, zones);
        let (as_permit, as_deny) = (read(Effect::Permit), read(Effect::Deny));
        let own = if effect == Effect::Permit { &as_permit } else { &as_deny };
        let own = own.as_ref().map_err(Clone::clone)?;
        // The period of the consent as a whole; a deny's may hold no hour that is certain.
        let inward = conditions::period(&root, "period", Effect::Permit, zones);
        validity = inward.clone().ok().flatten().or(own.validity).unwrap_or(Period::ALWAYS);
        default = match (effect, default) {
            (Effect::Deny, Effect::Permit) if own.validity.is_some() || ceiling.is_some() => {
                if let Ok(period) = inward {
                    let validity = period.unwrap_or(Period::ALWAYS);
                    let rule = Rule { validity, ..anything(Effect::Permit, Level::Root) };
                    out.permit(rule, "Consent.policyRule".to_owned(), Vec::new());
                }
                Effect::Deny
            }
            (Effect::Deny, other) => other,
            (Effect::Permit, _) => Effect::Deny,
        };
        let root_permits = out.push(&root, own, effect, Level::Root, None)?;
        for nested in each_nested(&root)? {
            let effect = typed(&nested)?.ok_or_else(|| refuse(&nested, RefusalReason::NoType))?;
            if nested.get("provision").is_some_and(|p| p.value().as_array().is_none_or(|a| !a.is_empty())) {
                return Err(Refusal {
                    path: format!("{}.provision", nested.path()),
                    reason: RefusalReason::TooDeep,
                });
            }
            let own = conditions::read(&nested, effect, directory, zones)?;
            let parent = if effect == Effect::Permit { &as_permit } else { &as_deny };
            let parent = parent.as_ref().map_err(Clone::clone)?;
            let parent_denies = root_permits.is_none();
            match merge(&nested, own, parent, effect, parent_denies)? {
                Ok(merged) => {
                    out.push(&nested, &merged, effect, Level::Nested, root_permits.as_deref())?;
                }
                Err(note) => out.dropped.push(Origin { path: nested.path(), notes: vec![note] }),
            }
        }
    } else if base.is_none() {
        return Err(Refusal { path: "Consent.provision".into(), reason: RefusalReason::SaysNothing });
    } else if default == Effect::Permit && ceiling.is_some() {
        out.permit(anything(Effect::Permit, Level::Root), "Consent.policyRule".to_owned(), Vec::new());
        default = Effect::Deny;
    }
    let Output { rules, origins, dropped, .. } = out;
    let terms = ConsentTerms::new(rules, default, head::policy(&node)?).map_err(|e| Refusal {
        path: "Consent.provision".to_owned(),
        reason: RefusalReason::TooManyRules { needed: e.0, most: MAX_RULES },
    })?;
    Ok(Compiled { terms, origins, dropped, default_from, validity })
}

struct Output {
    rules: Vec<Rule>,
    origins: Vec<Origin>,
    dropped: Vec<Origin>,
    ceiling: Option<Ceiling>,
}

/// A rule without any condition.
const fn anything(effect: Effect, level: Level) -> Rule {
    Rule {
        effect,
        level,
        grantee: Grantee::Any,
        purposes: Purposes::ALL,
        actions: Actions::ALL,
        categories: Categories::ALL,
        jurisdictions: Jurisdictions::ALL,
        confidentiality: match effect {
            Effect::Permit => Confidentiality::VeryRestricted,
            Effect::Deny => Confidentiality::Low,
        },
        validity: Period::ALWAYS,
        data_period: Period::ALWAYS,
    }
}

impl Output {
    fn keep(&mut self, rule: Rule, path: String, notes: Vec<Note>) {
        // Two labels or actors may come to the same rule.
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
            self.origins.push(Origin { path, notes });
        }
    }

    fn bounded(&self, rule: Rule) -> Rule {
        let Some(ceiling) = self.ceiling else { return rule };
        let (purposes, actions) = (rule.purposes, rule.actions);
        Rule {
            purposes: purposes.intersection(ceiling.purposes),
            actions: actions.intersection(ceiling.actions),
            ..rule
        }
    }

    fn permit(&mut self, rule: Rule, path: String, mut notes: Vec<Note>) -> Option<Rule> {
        notes.extend(self.ceiling.map(|_| Note::Ceiling));
        let rule = self.bounded(rule);
        if rule.purposes.is_empty() || rule.actions.is_empty() {
            self.dropped.push(Origin { path, notes });
            return None;
        }
        self.keep(rule, path, notes);
        Some(rule)
    }

    /// The rules of one provision. Gives those of a root that permits.
    fn push(
        &mut self,
        node: &Node<'_, '_>,
        c: &Conditions,
        effect: Effect,
        level: Level,
        root_permits: Option<&[Rule]>,
    ) -> Result<Option<Vec<Rule>>, Refusal> {
        let base = Rule {
            purposes: c.purposes.unwrap_or(Purposes::ALL),
            actions: c.actions.unwrap_or(Actions::ALL),
            jurisdictions: c.jurisdictions.unwrap_or(Jurisdictions::ALL),
            validity: c.validity.unwrap_or(Period::ALWAYS),
            data_period: c.data_period.unwrap_or(Period::ALWAYS),
            ..anything(effect, level)
        };
        let mut permits = Vec::new();
        for grantee in c.grantees.as_deref().unwrap_or(&[Grantee::Any]) {
            let rule = Rule { grantee: *grantee, ..base };
            match effect {
                Effect::Permit => {
                    let (rule, rest) = labelled_permit(rule, c);
                    if let Some(rest) = rest.map(|rest| self.bounded(rest))
                        && !root_permits.is_some_and(|permits| permits.iter().any(|p| covers(p, &rest)))
                    {
                        let path = format!("{}.securityLabel", node.path());
                        return Err(Refusal { path, reason: RefusalReason::ClearanceOnly });
                    }
                    permits.extend(self.permit(rule, node.path(), c.notes.clone()));
                }
                Effect::Deny => {
                    for (rule, note) in labelled_denies(rule, c) {
                        let notes = c.notes.iter().copied().chain(note).collect();
                        self.keep(rule, node.path(), notes);
                    }
                }
            }
        }
        Ok((effect == Effect::Permit).then_some(permits))
    }
}

/// A permit's masks. The second rule is what it lets through beyond its labels: to be permitted by other means.
fn labelled_permit(rule: Rule, c: &Conditions) -> (Rule, Option<Rule>) {
    let classes = c.classes.unwrap_or(CLASSES);
    match c.labels {
        None => {
            let all = c.classes.map_or(Categories::ALL, |classes| classes.union(SENSITIVITIES));
            (Rule { categories: all, ..rule }, None)
        }
        Some(Labels { confidentiality: Some(level), sensitivities, .. }) => {
            (Rule { categories: classes.union(sensitivities), confidentiality: level, ..rule }, None)
        }
        Some(Labels { confidentiality: None, sensitivities, cleared_to }) => {
            let rest = Rule {
                confidentiality: cleared_to.unwrap_or(rule.confidentiality),
                categories: classes,
                ..rule
            };
            (Rule { categories: classes.union(sensitivities), ..rest }, Some(rest))
        }
    }
}

/// A deny's masks: its labels are alternatives, so one rule for confidentiality and one for sensitivities.
fn labelled_denies(rule: Rule, c: &Conditions) -> Vec<(Rule, Option<Note>)> {
    let categories = c.classes.unwrap_or(Categories::ALL);
    let Some(labels) = c.labels else { return vec![(Rule { categories, ..rule }, None)] };
    let by_level =
        labels.confidentiality.map(|level| (Rule { categories, confidentiality: level, ..rule }, None));
    let by_sensitivity = (!labels.sensitivities.is_empty()).then(|| {
        let note = c.classes.map(|_| Note::EveryClass);
        (Rule { categories: labels.sensitivities, ..rule }, note)
    });
    by_level.into_iter().chain(by_sensitivity).collect()
}

/// Whether one permit lets through all that another does.
fn covers(wide: &Rule, narrow: &Rule) -> bool {
    within(narrow.grantee, wide.grantee)
        && narrow.purposes.is_subset(wide.purposes)
        && narrow.actions.is_subset(wide.actions)
        && narrow.categories.is_subset(wide.categories)
        && narrow.jurisdictions.is_subset(wide.jurisdictions)
        && narrow.confidentiality <= wide.confidentiality
        && wide.validity.contains(&narrow.validity)
        && wide.data_period.contains(&narrow.data_period)
}

/// Whether all whom `inner` names are certainly named by `outer`.
fn within(inner: Grantee, outer: Grantee) -> bool {
    match (inner, outer) {
        (_, Grantee::Any) => true,
        (Grantee::OrganisationRole(org, _), Grantee::Organisation(other)) => org == other,
        (Grantee::OrganisationRole(_, role), Grantee::Role(other)) => role == other,
        (inner, outer) => inner == outer,
    }
}

/// A nested provision in the context of its parent. `Err` in `Ok`: a permit that can never apply.
fn merge(
    node: &Node<'_, '_>,
    own: Conditions,
    parent: &Conditions,
    effect: Effect,
    parent_denies: bool,
) -> Result<Result<Conditions, Note>, Refusal> {
    let mut merged = Conditions {
        grantees: own.grantees.or_else(|| parent.grantees.clone()),
        purposes: own.purposes.or(parent.purposes),
        actions: own.actions.or(parent.actions),
        classes: own.classes.or(parent.classes),
        labels: own.labels.or(parent.labels),
        validity: own.validity.or(parent.validity),
        data_period: own.data_period.or(parent.data_period),
        jurisdictions: own.jurisdictions.or(parent.jurisdictions),
        notes: own.notes,
    };
    if effect == Effect::Deny {
        // "Up to N" of a permitting parent has no counterpart in a deny, which counts from a level on.
        if !parent_denies {
            merged.labels = own.labels;
        }
        merged.notes.extend(parent.notes.iter().copied());
        return Ok(Ok(merged));
    }
    if let (Some(mine), Some(theirs)) = (&merged.grantees, &parent.grantees)
        && !mine.iter().all(|g| theirs.iter().any(|t| within(*g, *t)))
    {
        let path = format!("{}.actor", node.path());
        return Err(Refusal { path, reason: RefusalReason::ActorOutsideParent });
    }
    if let (Some(mine), Some(theirs)) = (&mut merged.labels, &parent.labels)
        && mine.confidentiality.is_none()
        && theirs.confidentiality.is_some()
    {
        mine.cleared_to = theirs.confidentiality;
        merged.notes.push(Note::ParentConfidentiality);
    }
    let disjoint = Ok(Err(Note::NeverApplies));
    if let (Some(a), Some(b)) = (merged.actions, parent.actions) {
        merged.actions = Some(a.intersection(b));
    }
    if let (Some(a), Some(b)) = (merged.classes, parent.classes) {
        merged.classes = Some(a.intersection(b));
    }
    if let (Some(a), Some(b)) = (merged.jurisdictions, parent.jurisdictions) {
        merged.jurisdictions = Some(a.intersection(b));
    }
    let empty = merged.actions.is_some_and(Actions::is_empty)
        || merged.classes.is_some_and(Categories::is_empty)
        || merged.jurisdictions.is_some_and(Jurisdictions::is_empty);
    if empty {
        return disjoint;
    }
    for (mine, theirs) in
        [(&mut merged.validity, parent.validity), (&mut merged.data_period, parent.data_period)]
    {
        if let (Some(a), Some(b)) = (*mine, theirs) {
            match a.intersection(&b) {
                Some(common) => *mine = Some(common),
                None => return disjoint,
            }
        }
    }
    Ok(Ok(merged))
}

fn each_nested<'s, 'a>(root: &'s Node<'s, 'a>) -> Result<Vec<Node<'s, 'a>>, Refusal> {
    // A list of its own lifetime: the nodes must outlive the loop that reads them.
    let Some(list) = root.value().get("provision") else { return Ok(Vec::new()) };
    let path = || format!("{}.provision", root.path());
    let Some(items) = list.as_array() else {
        return Err(Refusal { path: path(), reason: RefusalReason::Malformed });
    };
    if items.iter().any(|i| i.as_object().is_none()) {
        return Err(Refusal { path: path(), reason: RefusalReason::Malformed });
    }
    Ok(items.iter().enumerate().map(|(i, item)| root.item("provision", i, item)).collect())
}

/// Whether any object in the value has such a key.
fn has_key(json: &Json<'_>, is_it: impl Fn(&str) -> bool + Copy) -> bool {
    match json {
        Json::Object(object) => object.iter().any(|(k, v)| is_it(k) || has_key(v, is_it)),
        Json::Array(items) => items.iter().any(|item| has_key(item, is_it)),
        _ => false,
    }
}

/// The type a provision states.
fn typed(node: &Node<'_, '_>) -> Result<Option<Effect>, Refusal> {
    let Some(at) = node.get("type") else { return Ok(None) };
    match at.value().as_str() {
        Some("permit") => Ok(Some(Effect::Permit)),
        Some("deny") => Ok(Some(Effect::Deny)),
        _ => Err(refuse(&at, RefusalReason::UnknownCode)),
    }
}

/// The root's effect; refused where it is untyped and may be read both ways.
fn root_effect(root: &Node<'_, '_>, base: Option<Effect>) -> Result<Effect, Refusal> {
    let Some(object) = root.value().as_object() else { return Err(refuse(root, RefusalReason::Malformed)) };
    if let Some(effect) = typed(root)? {
        return Ok(effect);
    }
    let no_type = || Refusal { path: "Consent.provision.type".to_owned(), reason: RefusalReason::NoType };
    match base {
        Some(Effect::Deny) => Ok(Effect::Deny),
        Some(Effect::Permit) => {
            let no_condition = object.iter().all(|(k, _)| matches!(k, "id" | "provision"));
            let is_permit = |n: &Node<'_, '_>| typed(n).is_ok_and(|t| t != Some(Effect::Deny));
            let nested_permit = each_nested(root)?.iter().any(is_permit);
            if no_condition && !nested_permit { Ok(Effect::Permit) } else { Err(no_type()) }
        }
        None => Err(no_type()),
    }
}

fn describe(rule: &Rule) -> String {
    let effect = if rule.effect == Effect::Permit { "permit" } else { "deny" };
    let level = if rule.level == Level::Root { "root" } else { "nested" };
    let side = if rule.effect == Effect::Permit { "up to" } else { "from" };
    let who = match rule.grantee {
        Grantee::Any => "anyone",
        Grantee::Organisation(_) => "an organisation",
        Grantee::Role(_) => "a role",
        Grantee::OrganisationRole(..) => "a role at an organisation",
        Grantee::Holder(_) => "a person",
    };
    let Rule { purposes, actions, categories, jurisdictions, .. } = rule;
    format!(
        "{effect} ({level}) to {who}: purposes {purposes}, actions {actions}, categories {categories}, {side} {:?} \
         confidentiality, jurisdictions {jurisdictions}, valid {} to {}, data of {} to {}",
        rule.confidentiality,
        rule.validity.from(),
        rule.validity.until(),
        rule.data_period.from(),
        rule.data_period.until(),
    )
}
