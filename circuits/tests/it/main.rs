//! What every circuit must hold to, statement by statement. One binary, so that it is linked once.

mod cheats;
mod clauses;
mod differential;
mod gadgets;
mod mutation;
mod pinned;
mod tampered;
mod wires;
mod worlds;

/// A test of each statement: a module named by the sentence, in it a test named by the statement.
#[macro_export]
macro_rules! of_each_statement {
    (
        [$sentence:ident, $check:ident]
        $($(#[doc = $doc:literal])* $variant:ident $module:ident,)*
    ) => {
        mod $sentence {
            $(#[test]
            fn $module() {
                super::$check::<amanat_circuits::statements::$module::Witness>();
            })*
        }
    };
    ($sentence:ident: $check:ident) => {
        amanat_domain::for_each_statement!($crate::of_each_statement, $sentence, $check);
    };
}
