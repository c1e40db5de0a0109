//! Worlds in which one clause does not hold.
