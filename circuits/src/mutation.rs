//! Mutation (being built).
