//! A statement's public vector and witness as plain numbers, as the "Witness" sections of the book
//! list them.

use ark_bn254::Fr;

/// Leaves of a record.
pub(crate) const LEAVES: usize = 16;
/// Levels of a registry's tree.
pub(crate) const DEPTH: usize = 16;

/// The eight slots of `public.md`.
pub(crate) type Public = [Fr; 8];

/// The bundle, opened. Roots that a statement computes are not read.
#[derive(Clone)]
pub(crate) struct Bundle {
    pub(crate) time: Fr,
    pub(crate) roots: [Fr; 5],
    pub(crate) counts: [Fr; 5],
}

/// A leaf's index and, from the bottom, the other three children of each node above it.
#[derive(Clone)]
pub(crate) struct Path {
    pub(crate) index: Fr,
    pub(crate) siblings: [[Fr; 3]; DEPTH],
}

/// A leaf of the indexed tree, which is to show that an id between its two values is absent.
#[derive(Clone)]
pub(crate) struct Absence {
    pub(crate) value: Fr,
    pub(crate) next: Fr,
    pub(crate) path: Path,
}

/// A consent's full opening.
#[derive(Clone)]
pub(crate) struct Consent {
    pub(crate) words: [Fr; 24],
    pub(crate) terms: Fr,
    pub(crate) nonce: Fr,
    pub(crate) policy: Fr,
    pub(crate) salt: Fr,
}

/// A credential with the secret of its holder.
#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) s_h: Fr,
    pub(crate) role: Fr,
    pub(crate) organisation: Fr,
    pub(crate) licence: Fr,
    pub(crate) salt: Fr,
}

#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) bundle: Bundle,
    pub(crate) s: Fr,
    pub(crate) u: Fr,
    pub(crate) d: Fr,
    pub(crate) path: Path,
    pub(crate) consent: Consent,
}

#[derive(Clone)]
pub(crate) struct Revoke {
    pub(crate) bundle: Bundle,
    pub(crate) s: Fr,
    pub(crate) u: Fr,
    pub(crate) d: Fr,
    /// Digest of the first 16 rule words, and the last 8.
    pub(crate) rules: Fr,
    pub(crate) words: [Fr; 8],
    pub(crate) terms: Fr,
    pub(crate) nonce: Fr,
    pub(crate) policy: Fr,
    pub(crate) salt: Fr,
    pub(crate) path: Path,
}

/// S1: the use of a consent.
#[derive(Clone)]
pub(crate) struct ConsentUse {
    pub(crate) bundle: Bundle,
    pub(crate) patient_key: Fr,
    pub(crate) d: Fr,
    pub(crate) consent: Consent,
    pub(crate) path: Path,
    pub(crate) unrevoked: Absence,
    pub(crate) scope: Fr,
    pub(crate) period: Fr,
    pub(crate) organisation: Fr,
    pub(crate) role: Fr,
    pub(crate) holder: Fr,
    pub(crate) request_salt: Fr,
    pub(crate) use_index: Fr,
}

#[derive(Clone)]
pub(crate) struct Role {
    pub(crate) bundle: Bundle,
    pub(crate) credential: Credential,
    pub(crate) path: Path,
    pub(crate) shift: Fr,
    pub(crate) roles: [Fr; 6],
    pub(crate) organisations: [Fr; 8],
}

/// A leaf of a record: its values and salt where a predicate may ask about it, else its commitment.
#[derive(Clone, Copy)]
pub(crate) enum Leaf {
    Open(Fr, Fr, Fr),
    Closed(Fr),
}

#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) bundle: Bundle,
    pub(crate) patient_key: Fr,
    pub(crate) d: Fr,
    pub(crate) leaves: [Leaf; LEAVES],
    pub(crate) root_salt: Fr,
    pub(crate) custodian: Fr,
    pub(crate) anchored: Fr,
    pub(crate) path: Path,
    pub(crate) current: Absence,
    /// Flags, type, code, unit, status, value range, period, custodian, salt.
    pub(crate) request: [Fr; 9],
}

#[derive(Clone)]
pub(crate) struct Access {
    pub(crate) bundle: Bundle,
    pub(crate) patient_key: Fr,
    pub(crate) d: Fr,
    pub(crate) subject_salt: Fr,
    /// Two values and a salt each.
    pub(crate) categories: [Fr; 3],
    pub(crate) time: [Fr; 3],
    pub(crate) storage: [Fr; 3],
    pub(crate) nodes: [Fr; 3],
    pub(crate) root_salt: Fr,
    pub(crate) custodian: Fr,
    pub(crate) anchored: Fr,
    pub(crate) record_path: Path,
    pub(crate) consent: Consent,
    pub(crate) consent_path: Path,
    pub(crate) unrevoked: Absence,
    pub(crate) credential: Credential,
    pub(crate) role_path: Path,
    pub(crate) shift: Fr,
    pub(crate) scope: Fr,
    pub(crate) roles: [Fr; 6],
    pub(crate) organisations: [Fr; 8],
    pub(crate) use_index: Fr,
}

/// A witness of any statement.
#[derive(Clone)]
pub(crate) enum Witness {
    Grant(Box<Grant>),
    Revoke(Box<Revoke>),
    Consent(Box<ConsentUse>),
    Role(Box<Role>),
    Record(Box<Record>),
    Access(Box<Access>),
}

/// A number that a prover chooses: its name, the bits it is packed into (0: a whole field element),
/// and where it is.
pub(crate) struct Chosen<'a> {
    pub(crate) name: &'static str,
    pub(crate) bits: usize,
    pub(crate) value: &'a mut Fr,
}

fn chosen<'a>(name: &'static str, bits: usize, value: &'a mut Fr) -> Chosen<'a> {
    Chosen { name, bits, value }
}

impl Consent {
    fn chosen(&mut self) -> Vec<Chosen<'_>> {
        let mut list = Vec::new();
        for rule in self.words.chunks_exact_mut(3) {
            let [grantee, masks, times] = rule else { unreachable!("chunks of three") };
            list.push(chosen("grantee", 0, grantee));
            list.push(chosen("masks", 140, masks));
            list.push(chosen("times", 160, times));
        }
        list.push(chosen("terms", 33, &mut self.terms));
        list.push(chosen("nonce", 0, &mut self.nonce));
        list.push(chosen("policy", 0, &mut self.policy));
        list.push(chosen("consent salt", 0, &mut self.salt));
        list
    }
}

impl Credential {
    fn chosen(&mut self) -> [Chosen<'_>; 5] {
        [
            chosen("holder secret", 0, &mut self.s_h),
            chosen("role", 0, &mut self.role),
            chosen("organisation", 0, &mut self.organisation),
            chosen("licence", 80, &mut self.licence),
            chosen("credential salt", 0, &mut self.salt),
        ]
    }
}

impl Witness {
    /// The numbers that a prover chooses, also such as no type of the workspace can hold. What the
    /// ledger wrote is not among them: bundle, paths, neighbours of an absent id, the epoch of an
    /// anchor.
    pub(crate) fn chosen(&mut self) -> Vec<Chosen<'_>> {
        match self {
            Self::Grant(w) => {
                let Grant { s, u, d, consent, .. } = &mut **w;
                let mut list = consent.chosen();
                list.extend([chosen("s", 0, s), chosen("u", 0, u), chosen("d", 0, d)]);
                list
            }
            Self::Revoke(w) => {
                let Revoke { s, u, d, rules, terms, nonce, policy, salt, words, .. } = &mut **w;
                let mut list = vec![chosen("s", 0, s), chosen("u", 0, u), chosen("d", 0, d)];
                list.extend([
                    chosen("rules", 0, rules),
                    chosen("terms", 0, terms),
                    chosen("nonce", 0, nonce),
                ]);
                list.extend([chosen("policy", 0, policy), chosen("consent salt", 0, salt)]);
                list.extend(words.iter_mut().map(|word| chosen("word", 0, word)));
                list
            }
            Self::Consent(w) => {
                let mut list = w.consent.chosen();
                list.extend([
                    chosen("patient key", 0, &mut w.patient_key),
                    chosen("d", 0, &mut w.d),
                    chosen("scope", 138, &mut w.scope),
                    chosen("period", 80, &mut w.period),
                    chosen("asked organisation", 0, &mut w.organisation),
                    chosen("asked role", 0, &mut w.role),
                    chosen("asked holder", 0, &mut w.holder),
                    chosen("request salt", 0, &mut w.request_salt),
                    chosen("use", 64, &mut w.use_index),
                ]);
                list
            }
            Self::Role(w) => {
                let Role { credential, shift, roles, organisations, .. } = &mut **w;
                let mut list = Vec::from(credential.chosen());
                list.push(chosen("shift", 26, shift));
                list.extend(roles.iter_mut().map(|role| chosen("listed role", 0, role)));
                list.extend(organisations.iter_mut().map(|o| chosen("listed organisation", 0, o)));
                list
            }
            Self::Record(w) => {
                const WORDS: [(&str, usize); 9] = [
                    ("flags", 87),
                    ("asked type", 0),
                    ("asked code", 0),
                    ("asked unit", 0),
                    ("asked status", 0),
                    ("range", 128),
                    ("asked period", 80),
                    ("asked custodian", 0),
                    ("request salt", 0),
                ];
                let Record { patient_key, d, leaves, root_salt, custodian, request, .. } = &mut **w;
                let mut list = vec![chosen("patient key", 0, patient_key), chosen("d", 0, d)];
                list.extend([chosen("root salt", 0, root_salt), chosen("custodian", 0, custodian)]);
                let words = request.iter_mut().zip(WORDS);
                list.extend(words.map(|(word, (name, bits))| chosen(name, bits, word)));
                for leaf in leaves {
                    match leaf {
                        Leaf::Closed(commitment) => list.push(chosen("closed leaf", 0, commitment)),
                        Leaf::Open(v1, v2, salt) => list.extend([
                            chosen("first value", 0, v1),
                            chosen("second value", 0, v2),
                            chosen("leaf salt", 0, salt),
                        ]),
                    }
                }
                list
            }
            Self::Access(w) => {
                let w = &mut **w;
                let mut list = w.consent.chosen();
                list.extend(w.credential.chosen());
                list.extend(w.roles.iter_mut().map(|role| chosen("listed role", 0, role)));
                list.extend(w.organisations.iter_mut().map(|o| chosen("listed organisation", 0, o)));
                list.extend([
                    chosen("patient key", 0, &mut w.patient_key),
                    chosen("d", 0, &mut w.d),
                    chosen("subject salt", 0, &mut w.subject_salt),
                    chosen("root salt", 0, &mut w.root_salt),
                    chosen("custodian", 0, &mut w.custodian),
                    chosen("shift", 26, &mut w.shift),
                    chosen("scope", 138, &mut w.scope),
                    chosen("use", 64, &mut w.use_index),
                ]);
                // Categories in bits; all other parts of the leaves as they are.
                let [mask, confidentiality, salt] = &mut w.categories;
                list.extend([chosen("categories", 64, mask), chosen("confidentiality", 2, confidentiality)]);
                list.push(chosen("leaf salt", 0, salt));
                let [from, until, salt] = &mut w.time;
                list.extend([
                    chosen("from", 40, from),
                    chosen("until", 40, until),
                    chosen("leaf salt", 0, salt),
                ]);
                list.extend(w.storage.iter_mut().map(|part| chosen("storage", 0, part)));
                list.extend(w.nodes.iter_mut().map(|node| chosen("node", 0, node)));
                list
            }
        }
    }
}
