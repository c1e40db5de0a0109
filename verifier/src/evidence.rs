//! Evidence as a type.

/// A value whose proof this crate has verified.
///
/// There is no other way to make one: the constructor is private to the crate, and nothing here
/// implements `Default`, `From` or deserialisation for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "evidence is made to be handed on"]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// Called where a verification has just succeeded, and nowhere else.
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    /// The value.
    #[must_use]
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The value, without its evidence.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}
