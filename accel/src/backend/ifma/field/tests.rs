use super::*;
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField, UniformRand};

/// 0, 1, -1, 2, (p - 1) / 2, powers of two around limb edges, random ones.
fn samples<F: Prime>() -> Vec<[F::Ark; 8]> {
    let mut rng = ark_std::test_rng();
    let one = F::Ark::ONE;
    let half = one.double().inverse().expect("2 is not zero");
    let mut values = vec![F::Ark::ZERO, one, -one, one.double(), -one.double(), half, -half];
    for power in [51u64, 52, 53, 103, 104, 155, 156, 207, 208, 209, 252, 253, 256, 260] {
        let x = one.double().pow([power]);
        values.extend([x, -x, x - one, x + one]);
    }
    while values.len() < 1024 {
        values.push(F::Ark::rand(&mut rng));
    }
    values.chunks_exact(8).map(|c| c.try_into().expect("eight")).collect()
}

fn agrees<F: Prime>() {
    let Some(isa) = Isa::detect() else { return };
    let samples = samples::<F>();
    for (i, a) in samples.iter().enumerate() {
        let b = &samples[(i * 7 + 3) % samples.len()];
        let zip =
            |op: fn(F::Ark, F::Ark) -> F::Ark| -> [F::Ark; 8] { core::array::from_fn(|i| op(a[i], b[i])) };
        // Each value at several distances from its canonical one.
        for far in 0..4 {
            let reach = |x: &[F::Ark; 8]| {
                let x = Norm::<F>::from_ark(isa, x);
                match far {
                    0 => x,
                    1 => x.canonical(),
                    2 => x.minus::<3>(&Norm::from_ark(isa, &[F::Ark::ZERO; 8])).norm(),
                    _ => x.raw().minus::<5>(&Norm::zero(isa)).red(),
                }
            };
            let (x, y) = (reach(a), reach(b));
            assert_eq!(x.raw().red().to_ark(), *a);
            assert_eq!(mul(&x.lazy(), &y.lazy()).norm().to_ark(), zip(|a, b| a * b));
            assert_eq!(sqr(&x.lazy()).norm().to_ark(), a.map(|a| a.square()));
            assert_eq!(x.plus(&y).red_wide().to_ark(), zip(|a, b| a + b));
            assert_eq!(x.minus::<6>(&y).red_wide().to_ark(), zip(|a, b| a - b));
            assert_eq!(x.negate::<6>().red().to_ark(), a.map(|a| -a));
            let lazily = x.minus::<6>(&y).lazy();
            assert_eq!(mul(&lazily, &lazily).norm().to_ark(), zip(|a, b| (a - b).square()));
            let sum = Columns::product(&x.lazy(), &y.lazy()).plus_product(&y.lazy(), &y.lazy()).reduce();
            assert_eq!(sum.norm().to_ark(), zip(|a, b| a * b + b * b));
            assert_eq!(Norm::select(0b1010_0110, &x, &y).raw().red().to_ark(), {
                let mut c = *b;
                for i in [1, 2, 5, 7] {
                    c[i] = a[i];
                }
                c
            });
            let zeros =
                a.iter().enumerate().filter(|(_, a)| **a == F::Ark::ZERO).fold(0, |m, (i, _)| m | 1 << i);
            assert_eq!(x.raw().red().zero_lanes(), zeros);
            let words = x.raw().red().pack();
            assert_eq!(Norm::<F>::unpack(words, 1.07).to_ark(), *a);
            assert_eq!(x.raw().red().negate_lanes(0x0f).norm().to_ark(), {
                let mut c = *a;
                for i in [0, 1, 2, 3] {
                    c[i] = -a[i];
                }
                c
            });
            assert_eq!(x.to_integer().to_words().map(BigInt), a.map(|a| a.into_bigint()));
        }
    }
}

#[test]
fn lanes_of_the_base_field_agree_with_arkworks() {
    agrees::<Q>();
}

#[test]
fn lanes_of_the_scalar_field_agree_with_arkworks() {
    agrees::<R>();
}

#[test]
fn reductions_hold_at_every_multiple_of_the_modulus_they_accept() {
    let Some(isa) = Isa::detect() else { return };
    // k p + d for small d, as raw limbs: the place where a quotient is off by one if it ever is.
    for k in 0..16u64 {
        for d in [0u64, 1, 2, (1 << 52) - 1] {
            let mut limbs = multiple(Q::P64, k);
            limbs[0] += d;
            let raw =
                Raw::<Q> { limbs: constant(isa, &limbs), bound: Bound::new(k as f64), field: PhantomData };
            let expected = ark_bn254::Fq::from(d);
            let plain =
                |x: Norm<Q>| mul(&x.lazy(), &Norm::constant(isa, &Q::R_SQUARED).lazy()).norm().to_ark()[0];
            if k < 8 {
                let red = raw.red();
                assert_eq!(plain(red), expected, "{k} p + {d}");
                let [.., top] = red.limbs();
                assert!(top.to_array()[0] as f64 / (Q::P[4] as f64) < 1.07);
            }
            let wide = raw.red_wide();
            assert_eq!(plain(wide), expected, "{k} p + {d}");
            assert!(wide.limbs()[4].to_array()[0] as f64 / (Q::P[4] as f64) < 2.2);
        }
    }
}

#[test]
fn wiping_leaves_zeros() {
    let Some(isa) = Isa::detect() else { return };
    let mut values = vec![Norm::<R>::one(isa); 3];
    wipe(&mut values);
    assert!(values.iter().all(|v| v.limbs().iter().all(|l| l.to_array() == [0; 8])));
}
