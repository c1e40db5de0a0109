//! Reading FHIR R4 as it really comes.
//!
//! [`Reader`] streams one file ([`Layout`]: a Bundle, a resource, newline-delimited JSON) and gives
//! a [`Resource`] or a [`Problem`] at a time. A [`Resource`] has its typed
//! [`RecordFields`](crate::record::RecordFields) (the module [`extract`] has the table), its
//! [canonical form](canonical) with digest, and the [`Facts`] credentials are issued from. A
//! Consent's terms come from [`consent`]. [`generate`] makes data of our own.
//!
//! JSON is read [strictly](json): no key twice, numbers as text. Problems name place, path and
//! reason, never a value.

mod bundle;
pub mod canonical;
mod category;
pub mod consent;
mod date;
mod decimal;
pub mod extract;
mod facts;
mod frame;
pub mod generate;
pub mod identity;
pub mod json;
pub(crate) mod node;
mod problem;
mod reader;
mod resource;
pub mod survey;
mod types;

pub use bundle::{BundleKind, Head, Stored};
pub(crate) use category::{ACT_CODE, ACT_REASON, CARRIERS, CLASSES, CONFIDENTIALITY, SENSITIVITIES, System};
pub use category::{CompositionFloors, Floor, composition_floors};
pub(crate) use category::{carried_by, confidentiality, of_labels, sensitivity, sensitivity_of_coding};
pub use date::{DateError, PartialDate, Zones};
pub use decimal::DecimalError;
pub use facts::{
    Context, DeviceFacts, Facts, OrganisationFacts, PatientFacts, PractitionerFacts, Qualification,
    RoleFacts, SubjectReference, Version,
};
pub use node::Remark;
pub use problem::{Lost, Place, Problem, Reason};
pub use reader::{Deletion, Item, Layout, Limits, Reader, Unread};
pub use resource::{Resource, Within};
pub(crate) use types::known as known_type;
pub use types::{name as type_name, supported as supported_type};
