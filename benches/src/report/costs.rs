//! What a statement costs its prover.

use super::measure::{Work, in_turn, repeated, thread_counts};
use super::world::{NO_CHAIN, rng, small, target, witness, world};
use super::{Options, Outcome, Row, memory};
use amanat_circuits::world::sample::Sample;
use amanat_circuits::world::{Case, Registries, World};
use amanat_circuits::{circuit, with_relation};
use amanat_domain::field::Fr;
use amanat_domain::proof::GROTH16_PROOF_BYTES;
use amanat_domain::statement::Statement;
use amanat_profile::draw::words::plural;
use amanat_profile::threads::pool;
use amanat_prover::groth16::{Blinding, no_progress, prove};
use amanat_prover::keys::Keys;
use amanat_prover::sample;

/// The most rows access may have, public-input rows included.
const ACCESS_ROWS: f64 = 32_768.0;

pub(super) fn rows(options: &Options, keys: &Keys, say: &dyn Fn(&str)) -> Outcome<Vec<Row>> {
    let world = world(&mut rng(1))?;
    let registries = small(&world)?;
    let mut rows = Vec::new();
    for statement in Statement::ALL {
        say(&format!("costs of `{statement}`"));
        rows.extend(with_relation!(statement, |Witness| of::<Witness>(&world, &registries, keys, options))?);
    }
    Ok(rows)
}

fn of<R: Sample + 'static>(
    world: &World,
    registries: &Registries,
    keys: &Keys,
    options: &Options,
) -> Outcome<Vec<Row>> {
    let statement = R::STATEMENT;
    let group = &format!("Statement `{statement}`");
    let mut rng = rng(2);
    let r1cs = circuit(statement);
    let rows_row = Row::fixed(group, "rows, with those of public inputs", r1cs.qap_rows() as f64, "");
    let mut rows = vec![
        Row::fixed(group, "constraints", r1cs.rows.len() as f64, ""),
        match statement {
            Statement::Access => rows_row.bound(super::Bound::AtMost(ACCESS_ROWS)),
            _ => rows_row,
        },
        Row::fixed(group, "domain", r1cs.domain_size() as f64, "points"),
    ];

    let Case { witness, public } = Case::honest(self::witness::<R>(world, registries, &mut rng)?, world.ctx);
    let many = options.many();
    let checked = repeated(many, &mut || Ok(witness.check(&public)?))?;
    let mut assignment = Vec::new();
    let assigned = repeated(many, &mut || {
        assignment = witness.assign(&public);
        Ok(())
    })?;
    rows.push(Row::time(group, "native check", &checked).note("one thread"));
    rows.push(Row::time(group, "assignment", &assigned).note("one thread"));

    rows.extend(proving(group, statement, keys, &assignment, options)?);
    let mut tx_bytes = 0;
    let target = target(statement, (NO_CHAIN, keys))?;
    // Hashing the world's leaves is not the prover's work: done before the clock starts.
    let mut witnesses = (0..=options.runs)
        .map(|_| self::witness::<R>(world, registries, &mut rng))
        .collect::<Outcome<Vec<_>>>()?;
    let whole = repeated(options.runs, &mut || {
        let plan = sample::plan_of(witnesses.pop().ok_or("a witness for each run")?, &target, &mut rng)?;
        tx_bytes = plan.prove_any(keys, &no_progress)?.to_bytes().len();
        Ok(())
    })?;
    let note = "all threads: native check, assignment, proof, its own verification";
    rows.push(Row::time(group, "from request to transaction", &whole).note(note));

    let peak = memory::peak(&options.dir, statement)?;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let row = Row::fixed(group, "peak memory", peak.map_or(f64::NAN, |p| mib(p.proved)), "MiB");
    rows.push(match peak {
        Some(p) => row.note(format!(
            "a process that loads the key and proves once; {:.0} MiB before it proves",
            mib(p.loaded)
        )),
        None => row.note("this system does not say"),
    });
    rows.push(Row::fixed(group, "proof", GROTH16_PROOF_BYTES as f64, "bytes"));
    rows.push(Row::fixed(group, "transaction", tx_bytes as f64, "bytes"));
    Ok(rows)
}

fn proving(
    group: &str,
    statement: Statement,
    keys: &Keys,
    assignment: &[Fr],
    options: &Options,
) -> Outcome<Vec<Row>> {
    let key = keys.get(statement).ok_or("a key is missing")?;
    let counts = thread_counts();
    let pools = counts.iter().map(|n| pool(*n)).collect::<Outcome<Vec<_>>>()?;
    let mut works: Vec<Work<'_>> = Vec::new();
    for (i, pool) in pools.iter().enumerate() {
        let mut rng = rng(i as u64);
        works.push(Box::new(move || {
            let blinding = Blinding::draw(&mut rng);
            let (pk, circuit) = (key.proving_key(), key.prepared_circuit());
            pool.install(|| prove(pk, circuit, assignment, blinding, &no_progress))?;
            Ok(())
        }));
    }
    let samples = in_turn(options.runs, &mut works)?;
    let name = |n: &usize| format!("proof, {n} thread{}", plural(*n));
    Ok(counts
        .iter()
        .zip(&samples)
        .map(|(n, s)| Row::time(group, name(n), s).note("from the assignment"))
        .collect())
}
