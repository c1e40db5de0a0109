//! Ordinary requests: what a treating clinician asks for.

use crate::consent::{Actions, Categories, Confidentiality, Jurisdictions, Purposes};
use crate::policy::Scope;

/// Every ordinary clinical category. A request for the categories of one record alone would tell
/// the ledger what the record holds.
pub const CLINICAL: Categories = Categories::DEMOGRAPHICS
    .union(Categories::ENCOUNTERS)
    .union(Categories::CONDITIONS)
    .union(Categories::LABS)
    .union(Categories::VITALS)
    .union(Categories::MEDICATIONS)
    .union(Categories::PROCEDURES)
    .union(Categories::IMMUNIZATIONS)
    .union(Categories::ALLERGIES)
    .union(Categories::IMAGING)
    .union(Categories::NOTES)
    .union(Categories::CLAIMS)
    .union(Categories::DEVICES)
    .union(Categories::GENOMICS)
    .union(Categories::CARE_PLANS)
    .union(Categories::SOCIAL)
    .union(Categories::SURVEYS);

/// Access for treatment to every ordinary category of normal confidentiality, in Punjab.
pub const TREATMENT: Scope = Scope {
    purposes: Purposes::TREAT,
    actions: Actions::ACCESS,
    categories: CLINICAL,
    jurisdictions: Jurisdictions::PK_PUNJAB,
    confidentiality: Confidentiality::Normal,
};

#[cfg(test)]
mod tests {
    use super::CLINICAL;
    use crate::consent::Categories;

    #[test]
    fn the_ordinary_categories_are_those_below_other_and_the_sensitive() {
        assert_eq!(CLINICAL, Categories((1 << 17) - 1));
        assert!(!Categories::OTHER.intersects(CLINICAL) && !Categories::HIV.intersects(CLINICAL));
    }
}
