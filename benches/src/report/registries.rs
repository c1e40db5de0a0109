//! Whether the size of the registries matters, and what filling them takes.

use super::measure::{Samples, Work, in_turn, repeated, seconds, thread_counts};
use super::verification::{Claim, spread};
use super::world::{NO_CHAIN, plan, prove, random_leaves, rng, world};
use super::{Bound, Options, Outcome, Row};
use amanat_circuits::world::{Registries, World};
use amanat_domain::field;
use amanat_domain::statement::Statement;
use amanat_domain::tree::{IndexedLeaf, IndexedTree, RevocationId, Tree};
use amanat_profile::draw::words::plural;
use amanat_profile::threads::pool;
use amanat_prover::groth16::no_progress;
use amanat_prover::keys::Keys;
use rand::CryptoRng;
use std::hint::black_box;

pub(super) fn rows(options: &Options, keys: &Keys, say: &dyn Fn(&str)) -> Outcome<Vec<Row>> {
    let mut rng = rng(1);
    let world = world(&mut rng)?;
    let sizes = [4, options.largest.midpoint(4), options.largest];
    say(&format!("a tree of 2^{} leaves", options.largest));
    let leaves = random_leaves(1 << options.largest, &mut rng);
    let mut rows = appending(&leaves, options)?;
    let mut all = Vec::new();
    for size in sizes {
        let mut tree = Tree::new();
        tree.extend(&leaves[..1 << size]);
        all.push(Registries::over(&world, tree, random_revocations(1 << size, &mut rng)?)?);
    }
    let mut largest = Tree::new();
    largest.extend(&leaves);
    rows.extend(small_changes(largest, options)?);
    for statement in [Statement::Role, Statement::Access] {
        say(&format!("`{statement}` against registries of three sizes"));
        rows.extend(against(statement, &world, &sizes, &all, keys, options)?);
    }
    Ok(rows)
}

/// A set of `n - 1` random revocation ids: `n` leaves.
fn random_revocations(n: usize, rng: &mut impl CryptoRng) -> Outcome<IndexedTree> {
    let mut values = Vec::with_capacity(n - 1);
    while values.len() < n - 1 {
        values.extend(RevocationId::new(field::random(rng)).map(RevocationId::to_field));
    }
    values.sort_unstable();
    values.dedup();
    let mut leaves = vec![IndexedLeaf::initial()];
    for value in values {
        let last = leaves.last_mut().ok_or("never empty")?;
        let next = core::mem::replace(&mut last.next, value);
        leaves.push(IndexedLeaf { value, next });
    }
    Ok(IndexedTree::from_leaves(leaves)?)
}

fn appending(leaves: &[field::Fr], options: &Options) -> Outcome<Vec<Row>> {
    let group = "Registry trees";
    let mut rows = Vec::new();
    for threads in thread_counts() {
        let pool = pool(threads)?;
        // Seconds each: no run that is not counted.
        let samples = (0..options.runs.min(3))
            .map(|_| {
                seconds(&mut || {
                    let mut tree = Tree::new();
                    pool.install(|| tree.extend(leaves));
                    black_box(tree.root());
                    Ok(())
                })
            })
            .collect::<Outcome<_>>()?;
        let name =
            format!("append 2^{} leaves in bulk, {threads} thread{}", options.largest, plural(threads));
        rows.push(Row::samples(group, name, &Samples::new(samples), |s| s, "s").bound(Bound::AtMost(60.0)));
    }
    Ok(rows)
}

fn small_changes(mut tree: Tree, options: &Options) -> Outcome<Vec<Row>> {
    let group = "Registry trees";
    let more = random_leaves(1024, &mut rng(3));
    let mut index = 0;
    let one = repeated(options.many(), &mut || {
        index = tree.append(more[index as usize % more.len()]);
        Ok(())
    })?;
    let bulk = repeated(options.runs * 4, &mut || {
        tree.extend(&more);
        Ok(())
    })?;
    let path = repeated(options.many(), &mut || {
        black_box(tree.path(index)).map(|_| ()).ok_or_else(|| "a leaf of the tree has a path".into())
    })?;
    let size = options.largest;
    Ok(vec![
        Row::time(group, format!("append one leaf to 2^{size}"), &one),
        Row::time(group, format!("append 1,024 leaves to 2^{size}"), &bulk).note("all threads"),
        Row::time(group, format!("path of a leaf among 2^{size}"), &path),
    ])
}

fn against(
    statement: Statement,
    world: &World,
    sizes: &[u32],
    all: &[Registries],
    keys: &Keys,
    options: &Options,
) -> Outcome<Vec<Row>> {
    let group = &format!("`{statement}` against registries of three sizes");
    let mut claims = Vec::new();
    let mut proofs: Vec<Work<'_>> = Vec::new();
    for registries in all {
        claims.push(Claim::of(&prove(statement, world, registries, keys, &mut rng(5))?, keys)?);
        // Finding the leaf in the list is not the prover's work: planned before the clock starts.
        let mut plans = (0..=options.runs as u64)
            .map(|i| plan(statement, world, registries, (NO_CHAIN, keys), &mut rng(i)))
            .collect::<Outcome<Vec<_>>>()?;
        proofs.push(Box::new(move || {
            plans.pop().ok_or("a plan for each run")?.prove_any(keys, &no_progress)?;
            Ok(())
        }));
    }
    let proving = in_turn(options.runs, &mut proofs)?;
    drop(proofs);
    let mut works: Vec<Work<'_>> = Vec::new();
    for claim in &claims {
        works.push(Box::new(|| claim.verify()));
    }
    let verifying = pool(1)?.install(|| in_turn(options.many() * 2, &mut works))?;
    drop(works);

    let mut rows = Vec::new();
    for (what, samples, note) in [
        ("proof", &proving, "all threads, verified before it leaves"),
        ("verification", &verifying, "one thread"),
    ] {
        for (size, samples) in sizes.iter().zip(samples) {
            rows.push(Row::time(group, format!("{what}, 2^{size} leaves"), samples).note(note));
        }
        rows.push(spread(group, &format!("{what}, spread of medians"), samples));
    }
    Ok(rows)
}
