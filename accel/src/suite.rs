//! One suite for every backend: `mount!(backend)` inside a test module gives it the same laws.

pub(crate) mod circuits;
pub(crate) mod keys;
pub(crate) mod msm;
pub(crate) mod pairings;
pub(crate) mod weights;

use crate::{Backend, Cancelled, Fr, Phase, Progress};
use ark_ff::{FftField, Field, One, UniformRand, Zero};
use core::cell::RefCell;
use core::ops::ControlFlow;

/// Mounts the suite on a backend: an `Option<&'static dyn Backend>`, `None` if this machine cannot
/// run it (the tests then pass without a word; `all()` and its own tests say what there is). Laws
/// after a comma are tests too, such as `found_by_name` for a backend that has a name to be found
/// by.
macro_rules! mount {
    ($backend:expr $(, $test:ident: $($law:ident)::+)*) => {
        $crate::suite::mount! { $backend =>
            msm_agrees_with_naive_sums_on_random_edge_and_odd_inputs: msm::agrees,
            transforms_agree_with_evaluation_and_invert_each_other: transforms_agree,
            pairings_are_those_of_arkworks_and_bilinear: pairings::agree,
            points_lift_from_their_x_and_strangers_do_not: pairings::lifts_agree,
            points_outside_the_subgroup_are_told_from_those_inside: pairings::subgroup_checks_agree,
            miller_loops_in_groups_are_those_of_arkworks: pairings::groups_agree,
            miller_loops_tell_points_outside_the_subgroup: pairings::strangers_are_told,
            sums_over_fixed_bases_are_those_of_naive_products: weights::fixed_bases_agree,
            weighing_points_is_multiplication: weights::agree,
            weighted_sums_meet_equal_opposite_and_infinite_points: weights::degenerate_points_agree,
            coefficients_of_the_quotient_are_those_of_the_polynomial: circuits::coefficients_agree,
            values_on_the_odd_coset_are_those_of_the_polynomial: circuits::odd_cosets_agree,
            the_first_row_that_does_not_hold_is_named: circuits::unsatisfied_rows_are_named,
            a_quotient_can_be_cancelled_before_each_phase: circuits::cancels,
            sums_agree_with_the_logarithms_of_the_bases: keys::agree,
            sums_agree_on_bases_duplicated_opposite_and_infinite: keys::degenerate_bases_agree,
            sums_can_be_cancelled_before_each_phase: keys::cancels,
            a_circuit_and_a_key_serve_many_proofs_from_many_threads: keys::loaded_once_used_often,
            $($test: $($law)::+,)*
        }
    };
    ($backend:expr => $($test:ident: $($law:ident)::+,)+) => {
        $(
            #[test]
            fn $test() {
                let backend: Option<&'static dyn $crate::Backend> = $backend;
                if let Some(backend) = backend {
                    $crate::suite::$($law)::+(backend);
                }
            }
        )+
    };
}
pub(crate) use mount;

pub(crate) fn found_by_name(backend: &dyn Backend) {
    assert_eq!(crate::by_name(backend.name()).map(Backend::name), Some(backend.name()));
    assert!(crate::by_name("no such backend").is_none());
}

/// Runs `work` to its end, then once for each phase it reports, cancelled there: it must stop at
/// once, and say so.
fn cancels_everywhere<T, E: PartialEq + From<Cancelled> + core::fmt::Debug>(
    work: &dyn Fn(Progress<'_>) -> Result<T, E>,
) -> Vec<Phase> {
    let seen = RefCell::new(Vec::new());
    let listen = |phase| {
        seen.borrow_mut().push(phase);
        ControlFlow::Continue(())
    };
    assert!(work(&listen).is_ok(), "runs to its end");
    let phases = seen.into_inner();
    assert!(!phases.is_empty() && phases.windows(2).all(|two| two[0] < two[1]), "in order: {phases:?}");
    for (i, stop) in phases.iter().enumerate() {
        let seen = RefCell::new(Vec::new());
        let progress = |phase| {
            seen.borrow_mut().push(phase);
            if phase == *stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        assert_eq!(work(&progress).err(), Some(E::from(Cancelled)), "at {stop:?}");
        assert_eq!(seen.into_inner(), phases[..=i], "nothing after {stop:?}");
    }
    phases
}

fn go(_: Phase) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn edge_scalars() -> Vec<Fr> {
    let one = Fr::one();
    let half = (-one) * Fr::from(2u64).inverse().expect("2 is not zero");
    vec![
        Fr::zero(),
        one,
        -one,
        Fr::from(2u64),
        -Fr::from(2u64),
        half,
        half + one,
        Fr::from(u64::MAX),
        Fr::from(u128::MAX),
        -Fr::from(u64::MAX),
    ]
}

pub(crate) fn transforms_agree(backend: &dyn Backend) {
    let mut rng = ark_std::test_rng();
    let g = Fr::GENERATOR;
    for log in 0..=9u32 {
        let n = 1usize << log;
        let coefficients: Vec<Fr> = match log % 3 {
            0 => (0..n).map(|_| Fr::rand(&mut rng)).collect(),
            1 => (0..n).map(|i| if i == 0 { Fr::zero() } else { -Fr::one() }).collect(),
            _ => (0..n).map(|i| if i % 2 == 0 { Fr::zero() } else { Fr::rand(&mut rng) }).collect(),
        };
        let root = Fr::get_root_of_unity(n as u64).expect("2^9 divides r - 1");
        let evaluate = |x: Fr| coefficients.iter().rev().fold(Fr::zero(), |sum, c| sum * x + c);
        let mut values = coefficients.clone();
        backend.ntt(&mut values);
        let mut on_coset = coefficients.clone();
        backend.coset_ntt(&mut on_coset);
        let mut x = Fr::one();
        for i in 0..n {
            assert_eq!(values[i], evaluate(x), "n = {n}");
            assert_eq!(on_coset[i], evaluate(g * x), "coset, n = {n}");
            x *= root;
        }
        backend.intt(&mut values);
        backend.coset_intt(&mut on_coset);
        assert_eq!(values, coefficients);
        assert_eq!(on_coset, coefficients);
    }
    for log in [12u32, 13] {
        let coefficients: Vec<Fr> = (0..1usize << log).map(|_| Fr::rand(&mut rng)).collect();
        let mut values = coefficients.clone();
        backend.ntt(&mut values);
        backend.intt(&mut values);
        backend.coset_ntt(&mut values);
        backend.coset_intt(&mut values);
        assert_eq!(values, coefficients);
    }
}
