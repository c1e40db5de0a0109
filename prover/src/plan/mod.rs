//! Plans: everything decided, nothing proved yet.
//!
//! A plan draws all randomness (request nonce, use index, blinding), finds the paths, and runs the
//! native check: it either knows that a proof will come out, or says no and names the clause. After
//! that everything is a pure function of the plan.
//!
//! The plan of each statement is in a file of its name, beside this one.

use crate::groth16::Blinding;
use amanat_circuits::{Denied, Relation};
use amanat_domain::bundle::BundleHash;
use amanat_domain::mirror::Mirror;
use amanat_domain::proof::{GROTH16_PROOF_BYTES, ProofBytes};
use amanat_domain::statement::{PublicVector, Statement};
use amanat_domain::tx::{ChainId, Context, KeyDigest, PolicyField, ProofTx};
use rand::CryptoRng;

macro_rules! modules {
    ([] $($(#[doc = $doc:literal])* $variant:ident $module:ident,)*) => {
        $(mod $module;
        pub use $module::*;)*
    };
}

amanat_domain::for_each_statement!(modules);

/// Where a transaction goes: which ledger, under which key, for whom.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The ledger.
    pub chain: ChainId,
    /// The verifying key.
    pub key: KeyDigest,
    /// The audience: 32 bytes agreed with it.
    pub audience: [u8; 32],
    /// The audience's request nonce; none draws one.
    pub nonce: Option<[u8; 32]>,
}

/// A plan for one statement.
pub struct Plan<R: Relation> {
    pub(crate) tx: ProofTx,
    pub(crate) public: PublicVector,
    pub(crate) witness: R,
    pub(crate) blinding: Blinding,
}

impl<R: Relation> Plan<R> {
    /// Fixes context and outputs, runs the native check.
    ///
    /// # Errors
    /// [`Denied`] naming the clause that does not hold.
    pub fn new(
        target: &Target,
        epoch: u64,
        bundle: BundleHash,
        policy: PolicyField,
        witness: R,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, Denied> {
        let nonce = target.nonce.unwrap_or_else(|| {
            let mut nonce = [0u8; 32];
            rng.fill_bytes(&mut nonce);
            nonce
        });
        let context = Context {
            chain: target.chain,
            statement: R::STATEMENT,
            key: target.key,
            epoch,
            audience: target.audience,
            nonce,
            policy,
        };
        let ctx = context.ctx();
        let [nf_0, nf_1, out_0, out_1] = witness.outputs(ctx);
        let Context { chain, statement, key, audience, policy, .. } = context;
        let tx = ProofTx {
            chain,
            statement,
            key,
            epoch,
            bundle,
            audience,
            nonce,
            policy,
            nf: [nf_0, nf_1],
            out: [out_0, out_1],
            proof: ProofBytes::Groth16([0; GROTH16_PROOF_BYTES]),
        };
        let public = tx.public_vector();
        witness.check(&public)?;
        Ok(Self { tx, public, witness, blinding: Blinding::draw(rng) })
    }

    /// The statement.
    #[must_use]
    pub fn statement(&self) -> Statement {
        R::STATEMENT
    }

    /// The policy that the transaction will carry.
    #[must_use]
    pub const fn policy(&self) -> &PolicyField {
        &self.tx.policy
    }

    /// The public vector the proof will verify against.
    #[must_use]
    pub const fn public(&self) -> &PublicVector {
        &self.public
    }
}

fn on<R: Relation>(
    target: &Target,
    mirror: &Mirror,
    policy: PolicyField,
    witness: R,
    rng: &mut impl CryptoRng,
) -> Result<Plan<R>, Denied> {
    let bundle = mirror.bundle();
    Plan::new(target, bundle.epoch, bundle.hash(), policy, witness, rng)
}

fn missing(clause: &'static str, what: &str, mirror: &Mirror) -> Denied {
    Denied {
        clause,
        reason: format!(
            "{what} as of epoch {}; what was submitted since appears in the next epoch",
            mirror.bundle().epoch
        ),
    }
}
