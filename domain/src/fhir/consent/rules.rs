//! Flat rules from conditions: what a provision's masks are, within its parent and what scope and
//! categories leave.

use super::compiled::Origin;
use super::conditions::{Conditions, Labels, anyone};
use super::head::Limit;
use super::refusal::{Refused, Sink};
use super::{Note, RefusalReason};
use crate::consent::{Actions, Categories, Effect, Grantee, Jurisdictions, Level, Purposes, Rule};
use crate::fhir::node::Node;
use crate::fhir::{CLASSES, SENSITIVITIES};
use crate::time::Period;

/// The rules so far.
pub(super) struct Output<'o> {
    pub(super) rules: Vec<Rule>,
    pub(super) origins: Vec<Origin>,
    pub(super) dropped: Vec<Origin>,
    pub(super) limits: &'o [Limit],
    pub(super) sink: &'o Sink,
}

impl Output<'_> {
    fn keep(&mut self, rule: Rule, origin: Origin) {
        // Two labels or actors may come to the same rule.
        if !self.rules.contains(&rule) {
            self.rules.push(rule);
            self.origins.push(origin);
        }
    }

    fn bounded(&self, rule: Rule) -> Rule {
        self.limits.iter().fold(rule, |rule, limit| Rule {
            purposes: rule.purposes.intersection(limit.purposes),
            actions: rule.actions.intersection(limit.actions),
            ..rule
        })
    }

    /// Keeps a permit within the limits; each limit that takes something from it is noted.
    pub(super) fn permit(&mut self, rule: Rule, mut origin: Origin) -> Option<Rule> {
        for &Limit { by, purposes, actions } in self.limits {
            let taken = Purposes(rule.purposes.0 & !purposes.0);
            if !taken.is_empty() {
                origin.notes.push(Note::Purposes { by, left: rule.purposes.intersection(purposes), taken });
            }
            let taken = Actions(rule.actions.0 & !actions.0);
            if !taken.is_empty() {
                origin.notes.push(Note::Actions { by, left: rule.actions.intersection(actions), taken });
            }
        }
        let rule = self.bounded(rule);
        if rule.purposes.is_empty() || rule.actions.is_empty() {
            origin.notes.push(Note::NothingLeft);
            self.dropped.push(origin);
            return None;
        }
        self.keep(rule, origin);
        Some(rule)
    }

    /// The permit of a base policy, bounded.
    pub(super) fn base_permit(&mut self, validity: Period, notes: Vec<Note>) {
        let origin = Origin { path: "Consent.policyRule".to_owned(), whom: anyone().name, notes };
        self.permit(Rule { validity, ..Rule::anything(Effect::Permit, Level::Root) }, origin);
    }

    /// The rules of one provision. Returns the rules of a provision that permits.
    pub(super) fn push(
        &mut self,
        node: &Node<'_, '_>,
        c: &Conditions,
        effect: Effect,
        level: Level,
        root_permits: Option<&[Rule]>,
    ) -> Result<Option<Vec<Rule>>, Refused> {
        let base = Rule {
            purposes: c.purposes.unwrap_or(Purposes::ALL),
            actions: c.actions.unwrap_or(Actions::ALL),
            jurisdictions: c.jurisdictions.unwrap_or(Jurisdictions::ALL),
            validity: c.validity.unwrap_or(Period::ALWAYS),
            data_period: c.data_period.unwrap_or(Period::ALWAYS),
            ..Rule::anything(effect, level)
        };
        let mut permits = Vec::new();
        for named in c.grantees.as_deref().unwrap_or(&[anyone()]) {
            let rule = Rule { grantee: named.grantee, ..base };
            let origin = Origin { path: node.path(), whom: named.name.clone(), notes: c.notes.clone() };
            match effect {
                Effect::Permit => {
                    let (rule, rest) = labelled_permit(rule, c);
                    if let Some(rest) = rest.map(|rest| self.bounded(rest))
                        && !root_permits.is_some_and(|permits| permits.iter().any(|p| covers(p, &rest)))
                    {
                        let path = format!("{}.securityLabel", node.path());
                        return Err(self.sink.path(path, RefusalReason::ClearanceOnly));
                    }
                    permits.extend(self.permit(rule, origin));
                }
                Effect::Deny => {
                    for (rule, note) in labelled_denies(rule, c) {
                        let mut origin = origin.clone();
                        origin.notes.extend(note);
                        self.keep(rule, origin);
                    }
                }
            }
        }
        Ok((effect == Effect::Permit).then_some(permits))
    }
}

/// A permit's masks. The second rule is what it lets through beyond its labels: to be permitted by
/// other means.
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

/// A deny's masks: its labels are alternatives, so one rule for confidentiality and one for
/// sensitivities.
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
pub(super) fn merge(
    node: &Node<'_, '_>,
    own: Conditions,
    parent: &Conditions,
    effect: Effect,
    parent_denies: bool,
    sink: &Sink,
) -> Result<Result<Conditions, Note>, Refused> {
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
    // What changed the parent's conditions changes what is inherited of them.
    let inherited =
        parent.notes.iter().filter(|note| !merged.notes.contains(note)).copied().collect::<Vec<_>>();
    if effect == Effect::Deny {
        // "Up to N" of a permitting parent has no counterpart in a deny, which counts from a level
        // on.
        if !parent_denies {
            merged.labels = own.labels;
        }
        merged.notes.extend(inherited);
        return Ok(Ok(merged));
    }
    if let (Some(mine), Some(theirs)) = (&merged.grantees, &parent.grantees)
        && !mine.iter().all(|g| theirs.iter().any(|t| within(g.grantee, t.grantee)))
    {
        return Err(sink.path(format!("{}.actor", node.path()), RefusalReason::ActorOutsideParent));
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
    merged.notes.extend(inherited);
    Ok(Ok(merged))
}
