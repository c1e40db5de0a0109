//! Reading FHIR R4 as it really comes.
