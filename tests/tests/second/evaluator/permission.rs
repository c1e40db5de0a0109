//! What a consent says and whether it permits a request: `consents.md`.

use super::sheet::{Bit, F, Num, Period, Result, Sheet, TIME_BITS, Tag, Word, all, any, at_most, fits, must};
use crate::plain::Consent;
use ark_ff::{AdditiveGroup, Field};
use ark_r1cs_std::prelude::EqGadget;

/// Purposes, actions, categories, jurisdictions: the masks of a rule and of a request, in this
/// order.
const MASKS: [usize; 4] = [32, 8, 64, 32];
const CONFIDENTIALITY_BITS: usize = 2;
const SCOPE_BITS: usize = 32 + 8 + 64 + 32 + CONFIDENTIALITY_BITS;
const RULE_BITS: usize = SCOPE_BITS + 2;
const LIMIT_BITS: usize = 32;
const USE_BITS: usize = 64;
/// Words of the rules in the inner hash.
const INNER_WORDS: usize = 16;
/// The grantee's word for anyone.
const ANYONE: u64 = 1;

/// Four masks and a confidentiality.
pub(super) struct Scope {
    pub(super) masks: [Vec<Bit>; 4],
    pub(super) confidentiality: Num,
}

impl Scope {
    fn cut(word: &mut Word) -> Result<Self> {
        let masks = MASKS.map(|bits| word.take(bits));
        Ok(Self { masks, confidentiality: word.number(CONFIDENTIALITY_BITS)? })
    }

    /// A request's scope, in one word.
    pub(super) fn of_word(word: &Num) -> Result<Self> {
        Self::cut(&mut Word::new(word, SCOPE_BITS)?)
    }

    /// Each mask names at least one.
    pub(super) fn asks_for_something(&self) -> Result<()> {
        self.masks.iter().try_for_each(|mask| must(&any(mask)?))
    }
}

/// Where the data goes.
pub(super) struct Recipient {
    pub(super) organisation: Num,
    pub(super) role: Num,
    pub(super) holder: Num,
}

/// The request that is evaluated.
pub(super) struct Request<'a> {
    pub(super) scope: &'a Scope,
    pub(super) data: &'a Period,
    pub(super) recipient: &'a Recipient,
    pub(super) now: &'a Num,
}

struct Rule {
    grantee: Num,
    scope: Scope,
    permits: Bit,
    nested: Bit,
    validity: Period,
    data: Period,
}

/// A consent about a subject, opened.
pub(super) struct OpenConsent {
    pub(super) leaf: Num,
    pub(super) nonce: Num,
    subject: Num,
    rules: Vec<Rule>,
    permits_by_default: Bit,
    limit: Num,
}

impl OpenConsent {
    /// Opens the leaf
    /// `H(Consent; H(Rules; w_0 .. w_15), w_16 .. w_23, subject, terms, nonce, policy, salt)`, with
    /// every packed word in range.
    pub(super) fn new(sheet: &Sheet, consent: &Consent, subject: &Num) -> Result<Self> {
        let words = sheet.privates(&consent.words)?;
        let [terms, nonce, policy, salt] =
            sheet.privates(&[consent.terms, consent.nonce, consent.policy, consent.salt])?;
        let rules = words.chunks_exact(3).map(Rule::new).collect::<Result<_>>()?;
        let mut cut = Word::new(&terms, 1 + LIMIT_BITS)?;
        let permits_by_default = cut.take(1).remove(0);
        let limit = cut.number(LIMIT_BITS)?;
        let mut outer = vec![sheet.hash(Tag::Rules, &words[..INNER_WORDS])?];
        outer.extend_from_slice(&words[INNER_WORDS..]);
        outer.extend([subject.clone(), terms, nonce.clone(), policy, salt]);
        let leaf = sheet.hash(Tag::Consent, &outer)?;
        Ok(Self { leaf, nonce, subject: subject.clone(), rules, permits_by_default, limit })
    }

    /// `H(Revoke; nonce, subject)`
    pub(super) fn revocation_id(&self, sheet: &Sheet) -> Result<Num> {
        sheet.hash(Tag::Revoke, &[self.nonce.clone(), self.subject.clone()])
    }

    /// `nf_0 = H(Use; nonce, subject, i)`, `i` below 2^64, and `i < N` where there is a limit.
    pub(super) fn is_used(&self, sheet: &Sheet, index: F) -> Result<()> {
        let index = sheet.private(index)?;
        fits(&index, USE_BITS)?;
        let unlimited = self.limit.is_eq(&Num::Constant(F::ZERO))?;
        let within = at_most(&(&index + F::ONE), &self.limit)?;
        must(&any(&[unlimited, within])?)?;
        let id = sheet.hash(Tag::Use, &[self.nonce.clone(), self.subject.clone(), index])?;
        id.enforce_equal(&sheet.nf[0])
    }

    /// The rules and the default permit the request: nested rules that match decide, else root
    /// rules, else the default; at each level a denial wins.
    pub(super) fn permits(&self, sheet: &Sheet, request: &Request<'_>) -> Result<()> {
        let Recipient { organisation, role, holder } = request.recipient;
        let grantees = [
            Num::Constant(F::from(ANYONE)),
            organisation.clone(),
            sheet.hash(Tag::AnyWithRole, core::slice::from_ref(role))?,
            sheet.hash(Tag::OrgRole, &[organisation.clone(), role.clone()])?,
            holder.clone(),
        ];
        fits(request.now, TIME_BITS)?;
        // By level, then by effect: root denials, root permits, nested denials, nested permits.
        let mut matched: [Vec<Bit>; 4] = Default::default();
        for rule in &self.rules {
            let matches = rule.matches(&grantees, request)?;
            for (kind, list) in matched.iter_mut().enumerate() {
                let (nested, permits) = (kind >= 2, kind % 2 == 1);
                let level = if nested { rule.nested.clone() } else { !&rule.nested };
                let effect = if permits { rule.permits.clone() } else { !&rule.permits };
                list.push(all(&[matches.clone(), level, effect])?);
            }
        }
        let mut verdict = self.permits_by_default.clone();
        for (denials, permits) in [(&matched[0], &matched[1]), (&matched[2], &matched[3])] {
            verdict = (verdict | any(permits)?) & !any(denials)?;
        }
        must(&verdict)
    }
}

impl Rule {
    fn new(words: &[Num]) -> Result<Self> {
        let mut masks = Word::new(&words[1], RULE_BITS)?;
        let scope = Scope::cut(&mut masks)?;
        let (permits, nested) = (masks.take(1).remove(0), masks.take(1).remove(0));
        let mut times = Word::new(&words[2], 4 * TIME_BITS)?;
        let (validity, data) = (times.period()?, times.period()?);
        Ok(Self { grantee: words[0].clone(), scope, permits, nested, validity, data })
    }

    fn matches(&self, grantees: &[Num], request: &Request<'_>) -> Result<Bit> {
        let named = grantees.iter().map(|g| self.grantee.is_eq(g)).collect::<Result<Vec<_>>>()?;
        let contained = self.contains(request)?;
        let touched = self.is_touched_by(request)?;
        let fits = (&self.permits & contained) | (!&self.permits & touched);
        all(&[any(&named)?, self.validity.has(request.now)?, fits])
    }

    /// The request lies wholly inside: what a permit needs.
    fn contains(&self, request: &Request<'_>) -> Result<Bit> {
        let mut parts = vec![
            at_most(&request.scope.confidentiality, &self.scope.confidentiality)?,
            self.data.contains(request.data)?,
        ];
        for (asked, allowed) in request.scope.masks.iter().zip(&self.scope.masks) {
            let outside: Vec<Bit> = asked.iter().zip(allowed).map(|(a, b)| a & !b).collect();
            parts.push(!any(&outside)?);
        }
        all(&parts)
    }

    /// The request touches the rule: what a denial needs.
    fn is_touched_by(&self, request: &Request<'_>) -> Result<Bit> {
        let mut parts = vec![
            at_most(&self.scope.confidentiality, &request.scope.confidentiality)?,
            self.data.overlaps(request.data)?,
        ];
        for (asked, denied) in request.scope.masks.iter().zip(&self.scope.masks) {
            let shared: Vec<Bit> = asked.iter().zip(denied).map(|(a, b)| a & b).collect();
            parts.push(any(&shared)?);
        }
        all(&parts)
    }
}
