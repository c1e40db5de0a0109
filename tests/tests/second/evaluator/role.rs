//! `role.md` (S2): I hold an active credential: role in class, organisation in set, licence valid.

use super::sheet::{F, Num, Registry, Result, Sheet, TIME_BITS, Tag, Word, fits, must, one_of};
use crate::plain::{Credential, Role};
use ark_r1cs_std::prelude::EqGadget;

/// Seconds of a shift.
const SHIFT_SECONDS: u64 = 28_800;
/// Bits of a shift's number.
const SHIFT_BITS: usize = 26;
/// Bits of a second within a shift.
const SECOND_BITS: usize = 15;

/// A credential, opened with the secret of its holder.
pub(super) struct OpenCredential {
    secret: Num,
    pub(super) holder: Num,
    pub(super) role: Num,
    pub(super) organisation: Num,
    licence: Num,
    pub(super) leaf: Num,
}

impl OpenCredential {
    /// `H(Role; role, organisation, H(RoleInner; holder key, licence, salt))`, the holder key being
    /// `H(HolderKey; s_h)`
    pub(super) fn new(sheet: &Sheet, credential: &Credential) -> Result<Self> {
        let Credential { s_h, role, organisation, licence, salt } = *credential;
        let [secret, role, organisation, licence, salt] =
            sheet.privates(&[s_h, role, organisation, licence, salt])?;
        let holder = sheet.hash(Tag::HolderKey, core::slice::from_ref(&secret))?;
        let inner = sheet.hash(Tag::RoleInner, &[holder.clone(), licence.clone(), salt])?;
        let leaf = sheet.hash(Tag::Role, &[role.clone(), organisation.clone(), inner])?;
        Ok(Self { secret, holder, role, organisation, licence, leaf })
    }

    /// The licence period contains the bundle's time.
    pub(super) fn is_licensed(&self, now: &Num) -> Result<()> {
        fits(now, TIME_BITS)?;
        let licence = Word::new(&self.licence, 2 * TIME_BITS)?.period()?;
        must(&licence.has(now)?)
    }

    /// The slot is `H(Session; s_h, shift)`, `shift = floor(now / 28800)`.
    pub(super) fn session(&self, sheet: &Sheet, now: &Num, shift: F, slot: &Num) -> Result<()> {
        let shift = sheet.private(shift)?;
        fits(&shift, SHIFT_BITS)?;
        let second = now - &shift * F::from(SHIFT_SECONDS);
        fits(&second, SECOND_BITS)?;
        fits(&(Num::Constant(F::from(SHIFT_SECONDS - 1)) - second), SECOND_BITS)?;
        sheet.hash(Tag::Session, &[self.secret.clone(), shift])?.enforce_equal(slot)
    }

    /// Role in class, organisation in set.
    pub(super) fn qualifies(&self, roles: &[Num], organisations: &[Num]) -> Result<()> {
        one_of(&self.role, roles)?;
        one_of(&self.organisation, organisations)
    }
}

pub(super) fn constrain(sheet: &Sheet, w: &Role) -> Result<()> {
    // ROL-2
    let credential = OpenCredential::new(sheet, &w.credential)?;
    // ROL-3
    let roles_root = sheet.root(&credential.leaf, &w.path)?;
    // ROL-1
    let now = sheet.open_bundle(&w.bundle, &[(Registry::Roles, &roles_root)])?;
    // ROL-4
    let (roles, organisations) = (sheet.privates(&w.roles)?, sheet.privates(&w.organisations)?);
    let listed: Vec<Num> = roles.iter().chain(&organisations).cloned().collect();
    sheet.hash(Tag::PolicyRole, &listed)?.enforce_equal(&sheet.policy)?;
    // ROL-5
    credential.qualifies(&roles, &organisations)?;
    // ROL-6
    credential.is_licensed(&now)?;
    // ROL-7
    credential.session(sheet, &now, w.shift, &sheet.nf[0])?;
    // ROL-8: no hash takes the context, so a row squares it.
    let _square = &sheet.ctx * &sheet.ctx;
    sheet.unused(&[&sheet.nf[1], &sheet.out[0], &sheet.out[1]])
}
