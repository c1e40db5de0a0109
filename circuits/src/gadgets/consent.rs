//! A consent's leaf and its evaluation: the native function, [`permits`], and the same in
//! constraints.

use crate::cs::{Bit, Cs, Num};
use crate::gadgets::bits::{self, Word, word};
use crate::gadgets::poseidon;
use amanat_domain::consent::{
    CONSENT_WORDS, ConsentTerms, ConsentWords, Effect, FIRST_WORDS, Level, RULE_WORDS, Rule,
};
use amanat_domain::field::Fr;
use amanat_domain::policy::{Recipient, Scope};
use amanat_domain::poseidon::Tag;
use amanat_domain::time::{Period, TIME_BITS, Timestamp};

/// Whether the terms permit the request now.
///
/// Nested rules that match decide first, deny before permit; then root rules, deny before permit;
/// then the default. A permit matches a request that lies wholly inside it, a deny one that it
/// touches.
#[must_use]
pub fn permits(
    terms: &ConsentTerms,
    scope: &Scope,
    data: &Period,
    recipient: &Recipient,
    now: Timestamp,
) -> bool {
    let matching: Vec<&Rule> =
        terms.rules().iter().filter(|rule| rule_matches(rule, scope, data, recipient, now)).collect();
    for level in [Level::Nested, Level::Root] {
        for effect in [Effect::Deny, Effect::Permit] {
            if matching.iter().any(|r| r.level == level && r.effect == effect) {
                return effect == Effect::Permit;
            }
        }
    }
    terms.default_effect() == Effect::Permit
}

/// Whether one rule matches.
#[must_use]
pub fn rule_matches(
    rule: &Rule,
    scope: &Scope,
    data: &Period,
    recipient: &Recipient,
    now: Timestamp,
) -> bool {
    let grantee = rule.grantee.to_field();
    let about_recipient = candidates(recipient).contains(&grantee);
    let masks = match rule.effect {
        Effect::Permit => {
            scope.purposes.is_subset(rule.purposes)
                && scope.actions.is_subset(rule.actions)
                && scope.categories.is_subset(rule.categories)
                && scope.jurisdictions.is_subset(rule.jurisdictions)
                && scope.confidentiality <= rule.confidentiality
                && rule.data_period.contains(data)
        }
        Effect::Deny => {
            scope.purposes.intersects(rule.purposes)
                && scope.actions.intersects(rule.actions)
                && scope.categories.intersects(rule.categories)
                && scope.jurisdictions.intersects(rule.jurisdictions)
                && rule.confidentiality <= scope.confidentiality
                && rule.data_period.overlaps(data)
        }
    };
    about_recipient && masks && rule.validity.contains(&Period::at(now))
}

/// The grantee words that name a recipient: anyone, the organisation, the role, both, the person.
fn candidates(recipient: &Recipient) -> [Fr; 5] {
    use amanat_domain::consent::Grantee;
    [
        Grantee::Any,
        Grantee::Organisation(recipient.organisation),
        Grantee::Role(recipient.role),
        Grantee::OrganisationRole(recipient.organisation, recipient.role),
        Grantee::Holder(recipient.holder),
    ]
    .map(Grantee::to_field)
}

/// A rule's words as bits.
struct RuleVar {
    grantee: Num,
    purposes: Vec<Bit>,
    actions: Vec<Bit>,
    categories: Vec<Bit>,
    jurisdictions: Vec<Bit>,
    confidentiality: Num,
    effect: Bit,
    level: Bit,
    masks: Num,
    /// Validity from, until, data from, until.
    times: [Num; 4],
    periods: Num,
}

/// Widths of the masks word's fields, in order: purposes, actions, categories, jurisdictions,
/// confidentiality, effect, level.
const MASK_BITS: u32 = 32 + 8 + 64 + 32 + 2 + 1 + 1;

/// A scope's word as bits.
pub struct ScopeVar {
    purposes: Vec<Bit>,
    actions: Vec<Bit>,
    categories: Vec<Bit>,
    jurisdictions: Vec<Bit>,
    confidentiality: Num,
    /// The packed word.
    pub num: Num,
}

fn split_masks(w: &Word) -> (Vec<Bit>, Vec<Bit>, Vec<Bit>, Vec<Bit>, Num) {
    let bits = &w.bits;
    (
        bits[..32].to_vec(),
        bits[32..40].to_vec(),
        bits[40..104].to_vec(),
        bits[104..136].to_vec(),
        bits::weighted_sum(&bits[136..138]),
    )
}

impl ScopeVar {
    /// From the packed word.
    pub fn new(cs: &mut Cs, value: Fr) -> Self {
        cs.gadget("scope", |cs| {
            let w = word(cs, value, 138);
            let (purposes, actions, categories, jurisdictions, confidentiality) = split_masks(&w);
            Self { purposes, actions, categories, jurisdictions, confidentiality, num: w.num }
        })
    }

    /// Enforces that each of the four masks names something: an empty one would lie inside every
    /// permit.
    pub fn assert_not_empty(&self, cs: &mut Cs) {
        for mask in [&self.purposes, &self.actions, &self.categories, &self.jurisdictions] {
            bits::assert_nonzero(cs, &count(mask));
        }
    }

    /// The categories asked for.
    #[must_use]
    pub fn categories(&self) -> &[Bit] {
        &self.categories
    }

    /// The confidentiality asked for; two bits.
    #[must_use]
    pub fn confidentiality(&self) -> &Num {
        &self.confidentiality
    }
}

fn count(mask: &[Bit]) -> Num {
    Num::sum(mask.iter().map(Bit::num))
}

impl RuleVar {
    fn new(cs: &mut Cs, words: &[Fr]) -> Self {
        let grantee = cs.hint(words[0]);
        let masks = word(cs, words[1], MASK_BITS);
        let periods = word(cs, words[2], 4 * TIME_BITS);
        let (purposes, actions, categories, jurisdictions, confidentiality) = split_masks(&masks);
        let times = core::array::from_fn(|i| {
            let width = TIME_BITS as usize;
            bits::weighted_sum(&periods.bits[i * width..(i + 1) * width])
        });
        Self {
            grantee,
            purposes,
            actions,
            categories,
            jurisdictions,
            confidentiality,
            effect: masks.bits[138].clone(),
            level: masks.bits[139].clone(),
            masks: masks.num,
            times,
            periods: periods.num,
        }
    }

    fn words(&self) -> [&Num; RULE_WORDS] {
        [&self.grantee, &self.masks, &self.periods]
    }
}

/// A consent's opening in constraints.
pub struct ConsentVar {
    rules: Vec<RuleVar>,
    default: Bit,
    limit: Num,
    terms: Num,
    /// Nonce.
    pub nonce: Num,
    policy: Num,
    salt: Num,
}

impl ConsentVar {
    /// Allocates the opening; every packed word is in range by construction.
    pub fn new(cs: &mut Cs, words: &ConsentWords) -> Self {
        cs.gadget("consent words", |cs| {
            let rules = words.rules.chunks_exact(RULE_WORDS).map(|w| RuleVar::new(cs, w)).collect();
            let terms = word(cs, words.terms, 33);
            Self {
                rules,
                default: terms.bits[0].clone(),
                limit: bits::weighted_sum(&terms.bits[1..]),
                terms: terms.num,
                nonce: cs.hint(words.nonce),
                policy: cs.hint(words.policy),
                salt: cs.hint(words.salt),
            }
        })
    }

    /// The leaf of the `consents` registry for a subject commitment.
    pub fn leaf(&self, cs: &mut Cs, subject: &Num) -> Num {
        cs.gadget("consent leaf", |cs| {
            let words: Vec<&Num> = self.rules.iter().flat_map(RuleVar::words).collect();
            debug_assert_eq!(words.len(), CONSENT_WORDS);
            let first = poseidon::hash(cs, Tag::Rules, &words[..FIRST_WORDS]);
            let mut inputs = vec![&first];
            inputs.extend(&words[FIRST_WORDS..]);
            inputs.extend([subject, &self.terms, &self.nonce, &self.policy, &self.salt]);
            poseidon::hash(cs, Tag::Consent, &inputs)
        })
    }

    /// Use limit; 32 bits, 0 is unlimited.
    #[must_use]
    pub fn limit(&self) -> &Num {
        &self.limit
    }

    /// Whether the consent permits; the same as [`permits`].
    pub fn permits(&self, cs: &mut Cs, request: &RequestVar<'_>) -> Bit {
        cs.gadget("rules", |cs| {
            let (mut nested_permits, mut nested, mut permits, mut matches) =
                (Num::zero(), Num::zero(), Num::zero(), Num::zero());
            for rule in &self.rules {
                let m = request.matches(cs, rule);
                let permit = bits::and(cs, &m, &rule.effect);
                let in_nested = bits::and(cs, &m, &rule.level);
                let nested_permit = bits::and(cs, &permit, &rule.level);
                matches = &matches + m.num();
                permits = &permits + permit.num();
                nested = &nested + in_nested.num();
                nested_permits = &nested_permits + nested_permit.num();
            }
            // Counts of at most eight: no wrap. denies = matches - permits.
            let nested_denies = &nested - &nested_permits;
            let root_permits = &permits - &nested_permits;
            let root_denies = &(&matches - &permits) - &nested_denies;
            let mut verdict = self.default.num().clone();
            // From the last to decide to the first.
            for (matching, effect) in
                [(root_permits, 1u64), (root_denies, 0), (nested_permits, 1), (nested_denies, 0)]
            {
                let none = bits::is_zero(cs, &matching);
                verdict = bits::select(cs, &none, &verdict, &Num::from_u64(effect));
            }
            Bit::new_unchecked(verdict, "chosen among bits")
        })
    }
}

/// A request in constraints.
pub struct RequestVar<'a> {
    /// What, where, why.
    pub scope: &'a ScopeVar,
    /// First second of the data; 40 bits.
    pub data_from: Num,
    /// Last second of the data; 40 bits.
    pub data_until: Num,
    /// Now; 40 bits.
    pub now: Num,
    /// The grantee words that name the recipient.
    pub candidates: [Num; 5],
}

/// The grantee words that name a recipient.
pub fn candidate_vars(cs: &mut Cs, organisation: &Num, role: &Num, holder: &Num) -> [Num; 5] {
    let anywhere = poseidon::hash(cs, Tag::AnyWithRole, &[role]);
    let both = poseidon::hash(cs, Tag::OrgRole, &[organisation, role]);
    [Num::from_u64(1), organisation.clone(), anywhere, both, holder.clone()]
}

impl RequestVar<'_> {
    fn matches(&self, cs: &mut Cs, rule: &RuleVar) -> Bit {
        let scope = self.scope;
        // q r for each bit of each mask.
        let mut met = Vec::with_capacity(4);
        for (asked, has) in [
            (&scope.purposes, &rule.purposes),
            (&scope.actions, &rule.actions),
            (&scope.categories, &rule.categories),
            (&scope.jurisdictions, &rule.jurisdictions),
        ] {
            let products: Vec<Num> = asked.iter().zip(has).map(|(q, r)| cs.mul(q.num(), r.num())).collect();
            met.push((count(asked), Num::sum(&products)));
        }
        // Inside: nothing asked for is missing. The count is at most 136: no wrap.
        let missing = met.iter().fold(Num::zero(), |sum, (asked, has)| &(&sum + asked) - has);
        let inside = bits::is_zero(cs, &missing);
        // Touched: in every mask something is met. The product of four counts is below 2^22: no
        // wrap.
        let a = cs.mul(&met[0].1, &met[1].1);
        let b = cs.mul(&met[2].1, &met[3].1);
        let all_met = cs.mul(&a, &b);
        let touched = bits::is_zero(cs, &all_met).not();
        let masks = bits::select(cs, &rule.effect, inside.num(), touched.num());

        // Permit: asked <= rule. Deny: rule <= asked.
        let lesser = bits::select(cs, &rule.effect, &scope.confidentiality, &rule.confidentiality);
        let greater = &(&scope.confidentiality + &rule.confidentiality) - &lesser;
        let level = bits::less_or_equal(cs, &lesser, &greater, 2);

        let [from, until, data_from, data_until] = &rule.times;
        let begun = bits::less_or_equal(cs, from, &self.now, TIME_BITS);
        let not_ended = bits::less_or_equal(cs, &self.now, until, TIME_BITS);

        // Permit: rule.from <= from, until <= rule.until. Deny: rule.from <= until, from <=
        // rule.until.
        let first = bits::select(cs, &rule.effect, &self.data_from, &self.data_until);
        let last = &(&self.data_from + &self.data_until) - &first;
        let data_begun = bits::less_or_equal(cs, data_from, &first, TIME_BITS);
        let data_not_ended = bits::less_or_equal(cs, &last, data_until, TIME_BITS);

        let mut distance = Num::from_u64(1);
        for candidate in &self.candidates {
            distance = cs.mul(&distance, &(&rule.grantee - candidate));
        }
        let about_recipient = bits::is_zero(cs, &distance);

        let masks = Bit::new_unchecked(masks, "chosen among bits");
        bits::all(cs, &[&masks, &level, &begun, &not_ended, &data_begun, &data_not_ended, &about_recipient])
    }
}

#[cfg(test)]
mod tests;
