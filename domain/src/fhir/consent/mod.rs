#![doc = include_str!("semantics.md")]

mod compiled;
mod conditions;
mod directory;
mod head;
mod note;
mod refusal;
mod rules;
mod vocabulary;

pub use compiled::{AnotherPatient, Compiled, Origin};
use conditions::Reading;
pub use directory::{Actors, Directory, Organisations};
pub use note::Note;
pub use refusal::{Refusal, RefusalReason, Refusals};
use refusal::{Refused, Sink};
use rules::{Output, merge};
pub use vocabulary::{ACTION_SYSTEM, CATEGORY_SYSTEM, JURISDICTION_EXTENSION, PURPOSE_SYSTEM};

use crate::consent::{ConsentTerms, Effect, Level, MAX_RULES};
use crate::fhir::Zones;
use crate::fhir::json::Json;
use crate::fhir::node::{Log, Node};
use crate::time::Period;

/// Compiles a FHIR R4 Consent. `zones`: where dates without zone may have been meant
/// ([`Zones::ANY`] if not known).
///
/// # Errors
/// [`Refusals`]: every element that stands in the way, with the reason.
///
/// ```
/// use amanat_domain::fhir::consent::{Organisations, compile};
/// use amanat_domain::fhir::{Zones, json::Json};
/// let text = br#"{"resourceType":"Consent","status":"active","patient":{"reference":"Patient/1"},
///   "scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
///   "provision":{"type":"permit","purpose":[
///     {"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"TREAT"}]}}"#;
/// let compiled = compile(&Json::parse(text)?, &Organisations, Zones::ANY)?;
/// assert_eq!(compiled.terms().rules().len(), 1);
/// assert_eq!(compiled.origins()[0].path, "Consent.provision");
/// assert!(compiled.terms_for(|patient| patient.literal.as_deref() == Some("Patient/2")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn compile(consent: &Json<'_>, directory: &dyn Directory, zones: Zones) -> Result<Compiled, Refusals> {
    // What reading remarks is refused here anyway; the log is not kept.
    let log = Log::default();
    let node = Node::root(consent, "Consent", &log);
    let sink = Sink::default();
    let compiled = read(&node, directory, zones, &sink);
    match (compiled, sink.into_refusals()) {
        (Ok(compiled), None) => Ok(compiled),
        (_, refusals) => Err(refusals.expect("only the sink makes a Refused, and it keeps the reason")),
    }
}

/// Reads on after a refusal, so that the sink gets them all; what is returned counts only if it got
/// none.
fn read(
    node: &Node<'_, '_>,
    directory: &dyn Directory,
    zones: Zones,
    sink: &Sink,
) -> Result<Compiled, Refused> {
    head::is_consent(node, sink)?;
    let head = head::head(node, sink);
    let base = head::base(node, sink);
    let limits = head.as_ref().map(|head| head.limits.as_slice()).unwrap_or_default();
    let mut out = Output { rules: Vec::new(), origins: Vec::new(), dropped: Vec::new(), limits, sink };
    let cx = Reading { directory, zones, made: head::made_on(node), sink };
    let base_says = base.as_ref().ok().copied().flatten();
    let mut validity = Period::ALWAYS;
    let mut default = base_says.unwrap_or(Effect::Deny);
    if let Some(root) = node.get("provision") {
        (default, validity) = provisions(&root, base_says, &cx, &mut out);
    } else if base_says.is_none() && base.is_ok() {
        sink.path("Consent.provision".to_owned(), RefusalReason::SaysNothing);
    } else if default == Effect::Permit && !out.limits.is_empty() {
        out.base_permit(Period::ALWAYS, Vec::new());
        default = Effect::Deny;
    }
    let Output { rules, origins, dropped, .. } = out;
    let default_from = match (base?, node.get("policyRule")) {
        (Some(_), _) => "Consent.policyRule",
        (None, Some(_)) => "Consent.policyRule, which says neither OPTIN nor OPTOUT alone",
        (None, None) => "the absence of a base policy",
    };
    let terms = ConsentTerms::new(rules, default, head::policy(node)).map_err(|e| {
        let reason = RefusalReason::TooManyRules { needed: e.0, most: MAX_RULES };
        sink.path("Consent.provision".to_owned(), reason)
    })?;
    Ok(Compiled { terms, origins, dropped, default_from, validity, patient: head?.patient })
}

/// The rules of the root provision and of the provisions nested in it. Returns the default and the
/// period of the whole.
fn provisions(
    root: &Node<'_, '_>,
    base: Option<Effect>,
    cx: &Reading<'_>,
    out: &mut Output<'_>,
) -> (Effect, Period) {
    let sink = cx.sink;
    let mut default = base.unwrap_or(Effect::Deny);
    if root.value().as_array().is_some() {
        let instead = "one root provision, with others nested in it";
        sink.node(root, RefusalReason::OtherVersion { version: "R5", instead });
        return (default, Period::ALWAYS);
    }
    let effect = root_effect(root, base, sink);
    // Read both ways: what is nested inherits the root's conditions as its own effect takes them.
    let (permit_sink, deny_sink) = (Sink::default(), Sink::default());
    let as_permit = conditions::read(root, Effect::Permit, &Reading { sink: &permit_sink, ..*cx });
    let as_deny = conditions::read(root, Effect::Deny, &Reading { sink: &deny_sink, ..*cx });
    let own = if matches!(effect, Ok(Effect::Permit)) {
        sink.take(&permit_sink);
        &as_permit
    } else {
        sink.take(&deny_sink);
        &as_deny
    };
    // The period of the consent as a whole; a deny's may hold no hour that is certain.
    let quiet = Sink::default();
    let mut inward_notes = Vec::new();
    let inward = Reading { sink: &quiet, ..*cx };
    let inward = conditions::period(root, "period", Effect::Permit, &inward, &mut inward_notes);
    let own_validity = own.as_ref().ok().and_then(|own| own.validity);
    let certain = inward.as_ref().ok().copied().flatten();
    let validity = certain.or(own_validity).unwrap_or(Period::ALWAYS);
    default = match (&effect, default) {
        (Ok(Effect::Deny), Effect::Permit) if own_validity.is_some() || !out.limits.is_empty() => {
            if inward.is_ok() {
                out.base_permit(certain.unwrap_or(Period::ALWAYS), inward_notes);
            }
            Effect::Deny
        }
        (Ok(Effect::Permit), _) => Effect::Deny,
        (_, other) => other,
    };
    let mut root_permits = None;
    if let (Ok(effect), Ok(own)) = (&effect, own) {
        root_permits = out.push(root, own, *effect, Level::Root, None).unwrap_or_default();
    }
    for nested in each_nested(root, sink) {
        if nested.get("provision").is_some_and(|p| p.value().as_array().is_none_or(|a| !a.is_empty())) {
            sink.path(format!("{}.provision", nested.path()), RefusalReason::TooDeep);
        }
        let typed = match typed(&nested, sink) {
            Ok(None) => Err(sink.node(&nested, RefusalReason::NoType)),
            Ok(Some(effect)) => Ok(effect),
            Err(refused) => Err(refused),
        };
        let permits = matches!(typed, Ok(Effect::Permit));
        let own = conditions::read(&nested, if permits { Effect::Permit } else { Effect::Deny }, cx);
        let Ok(effect) = typed else { continue };
        sink.take(if permits { &permit_sink } else { &deny_sink });
        let parent = if permits { &as_permit } else { &as_deny };
        let (Ok(own), Ok(parent)) = (own, parent) else { continue };
        match merge(&nested, own, parent, effect, root_permits.is_none(), sink) {
            // A refusal is in the sink.
            Ok(Ok(merged)) => {
                drop(out.push(&nested, &merged, effect, Level::Nested, root_permits.as_deref()))
            }
            Ok(Err(note)) => {
                out.dropped.push(Origin { path: nested.path(), whom: String::new(), notes: vec![note] });
            }
            Err(Refused { .. }) => {}
        }
    }
    (default, validity)
}

/// The nested provisions that are objects; what else is in the list is refused.
fn each_nested<'s, 'a>(root: &'s Node<'s, 'a>, sink: &Sink) -> Vec<Node<'s, 'a>> {
    // A separate list: the nodes must outlive the loop that reads them.
    let Some(list) = root.value().get("provision").filter(|list| !matches!(list, Json::Null)) else {
        return Vec::new();
    };
    let Some(items) = list.as_array() else {
        let reason = RefusalReason::WrongType { expected: "an array", got: list.kind() };
        sink.path(format!("{}.provision", root.path()), reason);
        return Vec::new();
    };
    let nodes = items.iter().enumerate().map(|(i, item)| root.item("provision", i, item));
    nodes.filter(|node| conditions::object(node, sink).is_ok()).collect()
}

/// The type a provision states.
fn typed(node: &Node<'_, '_>, sink: &Sink) -> Result<Option<Effect>, Refused> {
    let Some(at) = node.get("type") else { return Ok(None) };
    match at.value().as_str() {
        Some("permit") => Ok(Some(Effect::Permit)),
        Some("deny") => Ok(Some(Effect::Deny)),
        _ => Err(sink.node(&at, RefusalReason::UnknownCode)),
    }
}

/// The root's effect; refused if it is untyped and may be read both ways.
fn root_effect(root: &Node<'_, '_>, base: Option<Effect>, sink: &Sink) -> Result<Effect, Refused> {
    let members = root.value().as_object().filter(|members| !members.is_empty());
    if let Some(effect) = typed(root, sink)? {
        return Ok(effect);
    }
    let no_type = || sink.path("Consent.provision.type".to_owned(), RefusalReason::NoType);
    let Some(members) = members else {
        // Told where its conditions are read.
        return Ok(Effect::Deny);
    };
    match base {
        Some(Effect::Deny) => Ok(Effect::Deny),
        Some(Effect::Permit) => {
            let no_condition = members.iter().all(|(k, _)| matches!(k, "id" | "provision"));
            let quiet = Sink::default();
            let is_permit = |n: &Node<'_, '_>| typed(n, &quiet).is_ok_and(|t| t != Some(Effect::Deny));
            let nested_permit = each_nested(root, &quiet).iter().any(is_permit);
            if no_condition && !nested_permit { Ok(Effect::Permit) } else { Err(no_type()) }
        }
        None => Err(no_type()),
    }
}
