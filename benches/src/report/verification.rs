//! What a proof costs a validator: one, and in batches, beside arkworks.

use super::measure::{Samples, Work, in_turn, thread_counts};
use super::peer::Peer;
use super::world::{prove, rng, small, world};
use super::{Bound, Options, Outcome, Row};
use amanat_domain::field::{self, Fr};
use amanat_domain::proof::ProofBytes;
use amanat_domain::statement::Statement;
use amanat_domain::tx::{ProofTx, Transaction};
use amanat_profile::draw::words::plural;
use amanat_profile::threads::pool;
use amanat_prover::keys::Keys;
use amanat_verifier::{
    Encoded, Item, PUBLIC_BYTES, PreparedVerifyingKey, Proof, Reject, public_inputs, verify_bytes,
    verify_encoded,
};
use std::hint::black_box;

/// A proof with its public inputs, as bytes.
pub struct Claim<'k> {
    /// What it proves.
    pub statement: Statement,
    /// Under which key.
    pub key: &'k PreparedVerifyingKey,
    /// The public inputs.
    pub public: [u8; PUBLIC_BYTES],
    /// The proof.
    pub proof: [u8; 128],
}

impl<'k> Claim<'k> {
    /// Of a transaction.
    ///
    /// # Errors
    /// If it carries no proof, or one under another key.
    pub fn of(tx: &Transaction, keys: &'k Keys) -> Outcome<Self> {
        let Transaction::Proof(tx) = tx else { return Err("not a proof".into()) };
        let ProofTx { statement, proof: ProofBytes::Groth16(proof), .. } = **tx;
        let key = keys.get(statement).ok_or("a key is missing")?.verifying_key();
        let mut public = [0; PUBLIC_BYTES];
        let inputs = tx.public_vector().to_field_elements();
        public.as_chunks_mut::<32>().0.iter_mut().zip(&inputs).for_each(|(b, x)| *b = field::to_bytes(x));
        Ok(Self { statement, key, public, proof })
    }

    /// Decodes and verifies.
    ///
    /// # Errors
    /// If the proof does not hold.
    pub fn verify(&self) -> Outcome<()> {
        let _evidence = black_box(verify_bytes(self.key, &self.public, &self.proof)?);
        Ok(())
    }

    /// Decodes.
    ///
    /// # Errors
    /// If the bytes are malformed.
    pub fn item(&self) -> Outcome<Item<'k>> {
        let public = public_inputs(&self.public)?;
        Ok(Item { key: self.key, public, proof: Proof::from_bytes(&self.proof)? })
    }
}

/// Verifies all in one batch, from bytes, as a block is.
///
/// # Errors
/// If one does not hold, or a public input is no field element.
pub fn verify_all(claims: &[&Claim<'_>]) -> Outcome<()> {
    let mut items = Vec::with_capacity(claims.len());
    for claim in claims {
        items.push(Encoded { key: claim.key, public: public_inputs(&claim.public)?, proof: &claim.proof });
    }
    verify_encoded(&items).into_iter().try_for_each(|verdict| Ok(verdict?))
}

pub(super) fn rows(options: &Options, keys: &Keys, say: &dyn Fn(&str)) -> Outcome<Vec<Row>> {
    let mut rng = rng(1);
    let world = world(&mut rng)?;
    let registries = small(&world)?;
    say("four proofs of each statement");
    let mut claims = Vec::new();
    for _ in 0..4 {
        for statement in Statement::ALL {
            claims.push(Claim::of(&prove(statement, &world, &registries, keys, &mut rng)?, keys)?);
        }
    }
    say("verification beside arkworks");
    let mut rows = single(&claims[..Statement::ALL.len()], keys, options)?;
    for threads in thread_counts() {
        say(&format!("batches, {threads} threads"));
        rows.extend(batches(&claims, threads, options)?);
    }
    Ok(rows)
}

/// Our verification from bytes beside arkworks' of a decoded proof and from bytes; one thread.
fn single(claims: &[Claim<'_>], keys: &Keys, options: &Options) -> Outcome<Vec<Row>> {
    let group = "Verification of one proof, one thread unless it says otherwise";
    let mut works: Vec<Work<'_>> = Vec::new();
    for claim in claims {
        let vk = keys.get(claim.statement).ok_or("a key is missing")?.proving_key().verifying_key();
        let (peer, public) = (std::sync::Arc::new(Peer::new(vk)), claim.item()?.public);
        let decoded = Peer::decode(&claim.proof)?;
        let again = peer.clone();
        let holds = |holds: bool| if holds { Ok(()) } else { Err("arkworks refuses our proof".into()) };
        works.push(Box::new(|| claim.verify()));
        works.push(Box::new(move || holds(again.verify(&public, &decoded)?)));
        works.push(Box::new(move || {
            let public: [Fr; 8] = public_inputs(&claim.public)?;
            holds(peer.verify(&public, &Peer::decode(&claim.proof)?)?)
        }));
    }
    // The last claim with the last input changed: refused, by the same work.
    let mut wrong = *claims.last().map(|c| &c.public).ok_or("some claims")?;
    wrong[PUBLIC_BYTES - 32] ^= 1;
    let last = &claims[claims.len() - 1];
    works.push(Box::new(move || match verify_bytes(last.key, &wrong, &last.proof) {
        Err(Reject::Invalid) => Ok(()),
        Err(other) => Err(other.into()),
        Ok(_) => Err("a false statement verifies".into()),
    }));
    let samples = pool(1)?.install(|| in_turn(options.many() * 2, &mut works))?;

    let mut rows = Vec::new();
    let mut ours = Vec::new();
    for (claim, triple) in claims.iter().zip(samples.chunks_exact(3)) {
        let [own, peer, peer_bytes] = [&triple[0], &triple[1], &triple[2]];
        let name = claim.statement;
        rows.push(Row::time(group, format!("`{name}`, from bytes"), own));
        rows.push(Row::time(group, format!("`{name}`, ark-groth16, decoded before"), peer));
        rows.push(Row::time(group, format!("`{name}`, ark-groth16, from bytes"), peer_bytes));
        let ratio =
            Row::fixed(group, format!("`{name}`, ratio of medians"), own.median() / peer.median(), "x");
        let note = format!(
            "ours decodes and checks the subgroup, arkworks' does not; {:.2} where both do",
            own.median() / peer_bytes.median()
        );
        rows.push(ratio.note(note).bound(Bound::AtMost(1.5)));
        ours.push(own.clone());
    }
    rows.extend(all_threads(group, last, keys, options)?);
    let refused = &samples[samples.len() - 1];
    let name = format!("`{}`, a false statement refused", last.statement);
    rows.push(Row::time(group, name, refused).note("valid or not, the same work"));
    rows.push(spread(group, "spread of medians across statements", &ours));
    Ok(rows)
}

/// arkworks may use all threads for one proof, and so may we.
fn all_threads(group: &str, claim: &Claim<'_>, keys: &Keys, options: &Options) -> Outcome<Vec<Row>> {
    let vk = keys.get(claim.statement).ok_or("a key is missing")?.proving_key().verifying_key();
    let (peer, public) = (Peer::new(vk), claim.item()?.public);
    let decoded = Peer::decode(&claim.proof)?;
    let mut works: Vec<Work<'_>> = vec![
        Box::new(|| claim.verify()),
        Box::new(|| match peer.verify(&public, &decoded)? {
            true => Ok(()),
            false => Err("arkworks refuses our proof".into()),
        }),
    ];
    let samples = in_turn(options.many() * 2, &mut works)?;
    let ratio = samples[0].median() / samples[1].median();
    let row = Row::fixed(group, format!("`{}`, ratio of medians, all threads", claim.statement), ratio, "x");
    Ok(vec![row.bound(Bound::AtMost(1.5))])
}

/// How far apart the medians of things are that should cost the same, in percent of the least,
/// beside their noise.
pub(super) fn spread(group: &str, name: &str, samples: &[Samples]) -> Row {
    let least = samples.iter().map(Samples::median).fold(f64::INFINITY, f64::min);
    let most = samples.iter().map(Samples::median).fold(0.0, f64::max);
    let noise = samples.iter().map(Samples::noise).fold(0.0, f64::max);
    let row = Row::fixed(group, name, 100.0 * (most / least - 1.0), "%");
    // Fewer runs have no middle half.
    if samples.iter().any(|s| s.len() < 4) {
        return row;
    }
    row.note(format!("noise of one of them from run to run (middle half): {:.1} %", 100.0 * noise))
}

fn batches(claims: &[Claim<'_>], threads: usize, options: &Options) -> Outcome<Vec<Row>> {
    let group = &format!("Verification in batches of mixed statements, {threads} thread{}", plural(threads));
    let sizes = [1, 16, 256];
    let cycle = |n: usize| claims.iter().cycle().take(n).collect::<Vec<_>>();
    // The same number of proofs in each work, so that all are as long.
    let of_16 = cycle(16);
    let of_256 = cycle(256);
    let mut works: Vec<Work<'_>> = vec![
        Box::new(|| of_16.iter().try_for_each(|claim| claim.verify())),
        Box::new(|| of_16.iter().try_for_each(|claim| verify_all(&[claim]))),
        Box::new(|| verify_all(&of_16)),
        Box::new(|| verify_all(&of_256)),
    ];
    let samples = pool(threads)?.install(|| in_turn(options.runs * 4, &mut works))?;
    drop(works);
    let single = samples[0].per(16);
    let note = "from bytes, one after the other, whatever the threads";
    let mut rows = vec![Row::time(group, "one by one, per proof", &single).note(note)];
    for ((size, samples), in_run) in sizes.iter().zip(&samples[1..]).zip([16, 16, 256]) {
        let per = samples.per(in_run);
        rows.push(Row::time(group, format!("batch of {size}, per proof"), &per).note("from bytes"));
        let ratio =
            Row::fixed(group, format!("batch of {size}, to one by one"), per.median() / single.median(), "x");
        rows.push(if *size == 256 { ratio.bound(Bound::AtMost(0.45)) } else { ratio });
    }
    Ok(rows)
}
