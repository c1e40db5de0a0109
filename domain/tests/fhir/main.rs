//! Reading FHIR and compiling consents: published example data (where it is at hand), hostile
//! input, generated data.

#![allow(clippy::print_stderr)]

mod archive;
mod consent_damage;
mod consent_examples;
mod consent_reference;
mod consent_refusals;
mod consent_rules;
mod fsh;
mod generated;
mod hostile;
mod identity;
mod modifiers;
mod published;
mod reading;
mod references;
mod sensitivity;
mod single;
mod times;
mod versions;
