//! Attacks, each really made against each system, and what it lost by it. Nothing here is a matter
//! of words: an outcome is what happened in this run, and if the outcome is not the promised one,
//! the run fails.

use super::central::{self, Central, LOG, RULES, Request, national_id, patients};
use super::embedded::now;
use super::file::{Attack, AttackOutcome, Kind, Verdict};
use super::fixture::Fixture;
use super::open::open;
use super::system::{Done, System};
use crate::report::Outcome;
use crate::report::chain::{genesis_of, reference, sign_by};
use crate::report::world::{rng, world};
use amanat_domain::bundle::Registry;
use amanat_domain::consent::OrgId;
use amanat_domain::field::{Fr, to_bytes};
use amanat_domain::tx::Transaction;
use amanat_ledger::{State, Storage, Store, check_tx, decode, tx_root};
use redb::{Database, ReadableTable, TableDefinition};
use std::fs;
use std::path::{Path, PathBuf};

/// Tables of the ledger's file, as an attacker with the file finds them.
const RECEIPTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("receipts");
const TRANSACTIONS: TableDefinition<'_, &[u8; 32], (u64, u32)> = TableDefinition::new("transactions");
const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
const NODES: TableDefinition<'_, (u8, u8, u32), &[u8; 32]> = TableDefinition::new("nodes");

/// The systems that are attacked. A validator by blocks is left out: it has the same file and the
/// same rules as the ledger with proofs.
const ATTACKED: [Kind; 3] = [Kind::Central, Kind::Signed, Kind::Proofs];
/// Requests on each when the attacks begin.
const ACCESSES: usize = 24;

/// What is attacked: a ledger or server after some accesses.
struct Field<'a> {
    fixture: &'a Fixture,
    work: &'a Path,
}

/// What came of one.
type Came = (Verdict, String);

/// All of them.
pub(super) fn attacks(fixture: &Fixture, work: &Path) -> Outcome<Vec<Attack>> {
    if fixture.proofs() <= ACCESSES {
        return Err("too few proofs for the attacks".into());
    }
    let field = Field { fixture, work };
    let attack = |name: &str, tried: &str, came: &dyn Fn(Kind) -> Outcome<Came>| -> Outcome<Attack> {
        let outcome = |kind: Kind| -> Outcome<AttackOutcome> {
            let (verdict, what) = came(kind).map_err(|e| format!("{name}, {}: {e}", kind.name()))?;
            Ok(AttackOutcome { kind, verdict, what })
        };
        let outcomes = ATTACKED.into_iter().map(outcome).collect::<Outcome<_>>()?;
        Ok(Attack { name: name.to_owned(), tried: tried.to_owned(), outcomes })
    };
    Ok(vec![
        attack(
            "The file is stolen: who are the patients?",
            "the bytes of the file were searched for a patient's name and national id",
            &|kind| field.identity(kind),
        )?,
        attack(
            "A member reads the record: who looked at whose data?",
            "what is stored of the accesses was searched for the organisation, the patient, the consent, the credential and the medical record, as text, number or commitment, and for values that two accesses share",
            &|kind| field.linked(kind),
        )?,
        attack(
            "An insider changes an entry of the audit record offline",
            "a byte of a stored entry was changed in the file, and the file opened again",
            &|kind| field.changed(kind),
        )?,
        attack(
            "An insider removes an entry of the audit record offline",
            "the newest entry was removed from the file, and the file opened again",
            &|kind| field.removed(kind),
        )?,
        attack(
            "An insider changes the stored body of a request",
            "a byte of what was once handed in was changed where it is kept, and the file opened again",
            &|kind| field.body(kind),
        )?,
        attack(
            "The operator writes the whole history again without one access",
            "a second history without the access was made by the rules and put in place of the first",
            &|kind| field.rewritten(kind),
        )?,
        attack("An authorised request is replayed", "the same bytes were handed in again", &|kind| {
            field.replayed(kind)
        })?,
        attack(
            "An authorised request is replayed elsewhere",
            "the same bytes were handed in to another operator whose members and keys are the same",
            &|kind| field.elsewhere(kind),
        )?,
        attack(
            "Access without consent, by a member with good keys",
            "an organisation with its real key asked for a patient who has permitted nothing",
            &|kind| field.unpermitted(kind),
        )?,
        attack(
            "An administrator grants access that no patient gave",
            "a permission was written into the file by hand, the file opened again and the access made",
            &|kind| field.granted(kind),
        )?,
        attack(
            "A request is changed on its way",
            "each of its last 128 bytes, its proof or its signature and what precedes it, was changed in turn",
            &|kind| field.mutated(kind),
        )?,
        attack(
            "One permission is used twice",
            "a second, well-formed request was made from the same permission: of a proof, the same use of the same consent under another nonce",
            &|kind| field.twice(kind),
        )?,
    ])
}

impl Field<'_> {
    /// A new copy with accesses on it, and these.
    fn filled(&self, kind: Kind) -> Outcome<(PathBuf, Vec<Vec<u8>>)> {
        let path = self.work.join("attacked.redb");
        self.fixture.copy(kind, &path)?;
        let requests = self.fixture.requests(kind, ACCESSES);
        let system = open(kind, &path)?;
        // In blocks of a few, so that there is a history.
        for some in requests.chunks(4) {
            let batch: Vec<&[u8]> = some.iter().map(Vec::as_slice).collect();
            expect(&system.submit(&batch), |a| *a == Ok(Done::Now), "a good request is taken")?;
        }
        Ok((path, requests))
    }

    fn identity(&self, kind: Kind) -> Outcome<Came> {
        let (path, _) = self.filled(kind)?;
        let bytes = fs::read(path)?;
        let id = national_id(3);
        let clues: [(&str, Vec<u8>); 3] = [
            ("name", central::name(3).into_bytes()),
            ("national id", id.to_string().into_bytes()),
            ("national id as a number", id.to_le_bytes().to_vec()),
        ];
        let found: Vec<&str> =
            clues.iter().filter(|(_, clue)| contains(&bytes, clue)).map(|(what, _)| *what).collect();
        match (kind, found.is_empty()) {
            (Kind::Central, false) => {
                let people = patients(self.fixture.organisations());
                Ok((Verdict::Lost, format!("{} of each of {people} patients", found.join(" and "))))
            }
            (Kind::Signed | Kind::Proofs, true) => {
                Ok((Verdict::Held, "nothing found: it was never there".to_owned()))
            }
            _ => Err(format!("found {found:?}").into()),
        }
    }

    fn linked(&self, kind: Kind) -> Outcome<Came> {
        let (_, requests) = self.filled(kind)?;
        let world = world(&mut rng(1))?;
        let organisation = to_bytes(&OrgId::from_reference(&reference(0)).to_field());
        let clues = [
            ("the organisation", organisation.to_vec()),
            ("the patient", to_bytes(&world.wallet().subject().commitment().to_field()).to_vec()),
            ("the consent", to_bytes(&world.consent().leaf().to_field()).to_vec()),
            ("the credential", to_bytes(&world.credential.leaf().to_field()).to_vec()),
            ("the record", to_bytes(&world.record().root().to_field()).to_vec()),
            ("the patient", national_id(0).to_le_bytes().to_vec()),
        ];
        let found: Vec<&str> = clues
            .iter()
            .filter(|(_, clue)| requests.iter().any(|r| contains(r, clue)))
            .map(|(what, _)| *what)
            .collect();
        match kind {
            Kind::Central if found == ["the organisation", "the patient"] => {
                Ok((Verdict::Lost, "who, whom, which record and when, of every access".to_owned()))
            }
            Kind::Signed if found == ["the organisation"] => {
                Ok((Verdict::Partly, "which organisation, and when; not whom".to_owned()))
            }
            Kind::Proofs if found == ["the organisation"] => {
                // The only match is in the policy: the set that the accessor belongs to.
                let shared = shared(&requests)?;
                if shared > 0 {
                    return Err(format!("{shared} values are shared").into());
                }
                Ok((
                    Verdict::Partly,
                    "the policy, so the set of organisations and roles that the accessor is one of (here one), purpose, time, and a pseudonym for one shift; not who and not whom: nothing links the accesses of one patient".to_owned(),
                ))
            }
            _ => Err(format!("found {found:?}").into()),
        }
    }

    fn changed(&self, kind: Kind) -> Outcome<Came> {
        let (path, _) = self.filled(kind)?;
        if kind == Kind::Central {
            change(&path, LOG, |bytes| bytes[40] ^= 1)?;
        } else {
            // The epoch of the first receipt: no index is at odds with it.
            change(&path, RECEIPTS, |bytes| bytes[4 + 32 + 8 + 4] ^= 1)?;
        }
        reopened(kind, &path, "the log now says that another looked, and nothing shows it")
    }

    fn removed(&self, kind: Kind) -> Outcome<Came> {
        let (path, requests) = self.filled(kind)?;
        if kind == Kind::Central {
            remove_newest(&path, LOG)?;
            let last = requests.last().ok_or("some requests")?;
            if Central::open(&path)?.holds(last)? {
                return Err("it is still there".into());
            }
        } else {
            let height = remove_newest(&path, RECEIPTS)?;
            // Nor is anything left that points to it.
            let db = Database::open(&path)?;
            let tx = db.begin_write()?;
            tx.open_table(TRANSACTIONS)?.retain(|_, (at, _)| at != height)?;
            tx.commit()?;
        }
        reopened(kind, &path, "the access is gone from the log, and nothing shows it")
    }

    fn body(&self, kind: Kind) -> Outcome<Came> {
        let (path, _) = self.filled(kind)?;
        if kind == Kind::Central {
            // The log is the body.
            change(&path, LOG, flip_last)?;
            return reopened(kind, &path, "the log holds a signature that fails, and nobody checks it");
        }
        change(&path, BLOCKS, flip_last)?;
        let (store, state) = match Store::open(Storage::File(path)) {
            Err(fault) => return Ok((Verdict::Held, short(&fault.to_string()))),
            Ok(opened) => opened,
        };
        // Bodies are not read at opening. Reading a body compares it with its header.
        let height = state.tip().height;
        let header = store.header(height)?.ok_or("the tip has a header")?;
        match store.block(height) {
            Ok(Some(block)) if tx_root(&block.transactions) == header.tx_root => {
                Err("a changed block fits its header".into())
            }
            _ => Ok((
                Verdict::Partly,
                "not seen at opening, which reads no bodies; seen by anyone who reads the block: it does not fit its header".to_owned(),
            )),
        }
    }

    fn rewritten(&self, kind: Kind) -> Outcome<Came> {
        let (path, requests) = self.filled(kind)?;
        let (victim, rest) = requests.split_first().ok_or("some requests")?;
        let other = self.work.join("rewritten.redb");
        self.fixture.copy(kind, &other)?;
        let system = open(kind, &other)?;
        for some in rest.chunks(4) {
            let batch: Vec<&[u8]> = some.iter().map(Vec::as_slice).collect();
            expect(&system.submit(&batch), |a| *a == Ok(Done::Now), "the rules permit the other history")?;
        }
        if system.holds(victim)? {
            return Err("the access is still there".into());
        }
        drop(system);
        if kind == Kind::Central {
            return Ok((
                Verdict::Lost,
                "the access never was; nobody holds anything to compare with".to_owned(),
            ));
        }
        let (kept, state) = Store::open(Storage::File(path))?;
        let (rewritten, _) = Store::open(Storage::File(other))?;
        let txid = decode(victim)?.id();
        let proof = kept.inclusion(&txid)?.ok_or("it is on the ledger")?;
        let height = proof.receipt.height;
        let told = kept.header(height)?.ok_or("its block")?.hash();
        let now_told = rewritten.header(height)?.ok_or("the other block")?.hash();
        if proof.verify(told).is_err() || proof.verify(now_told).is_ok() || state.tip().height < height {
            return Err("a receipt does not tell the histories apart".into());
        }
        Ok((
            Verdict::Partly,
            "opens without complaint: one validator can do this; anyone who kept a receipt or a block hash can show it, nobody else".to_owned(),
        ))
    }

    fn replayed(&self, kind: Kind) -> Outcome<Came> {
        let (path, requests) = self.filled(kind)?;
        let system = open(kind, &path)?;
        let height = system.height();
        expect(&system.submit(&[&requests[0]]), |a| *a == Ok(Done::Before), "a replay finds its receipt")?;
        if system.height() != height {
            return Err("a replay was recorded again".into());
        }
        Ok((Verdict::Held, "answered with the first receipt; nothing was recorded again".to_owned()))
    }

    fn elsewhere(&self, kind: Kind) -> Outcome<Came> {
        let (_, requests) = self.filled(kind)?;
        if kind == Kind::Central {
            let path = self.work.join("elsewhere.redb");
            self.fixture.copy(kind, &path)?;
            let taken = open(kind, &path)?.submit(&[&requests[0]]);
            expect(&taken, |a| *a == Ok(Done::Now), "another server knows nothing of it")?;
            return Ok((Verdict::Lost, "taken: nothing in a request says whom it is for".to_owned()));
        }
        // The same members; one more of them makes it another ledger.
        let other = State::genesis(genesis_of(self.fixture.organisations() + 1)?);
        match check_tx(&other, &requests[0], now(0)?) {
            Ok(_) => Err("another ledger takes it".into()),
            Err(refusal) => Ok((Verdict::Held, short(&refusal.to_string()))),
        }
    }

    fn unpermitted(&self, kind: Kind) -> Outcome<Came> {
        let (path, requests) = self.filled(kind)?;
        let system = open(kind, &path)?;
        match kind {
            Kind::Central => {
                let organisations = self.fixture.organisations();
                let request = Request::of(1 << 32, 0, patients(organisations) - 1).to_bytes();
                let said = refused(&system.submit(&[&request]))?;
                Ok((Verdict::Held, format!("{said}, says the operator, who must be believed")))
            }
            Kind::Signed => {
                let request = self.fixture.signed(1 << 32).to_bytes();
                expect(&system.submit(&[&request]), |a| *a == Ok(Done::Now), "a signature is all it asks")?;
                Ok((
                    Verdict::Lost,
                    "taken: a signature shows who, not that anybody permitted it; it is on record".to_owned(),
                ))
            }
            Kind::Proofs | Kind::Blocks => {
                // A good proof of another access is the best there is without a consent.
                let Transaction::Proof(mut forged) = decode(&requests[0])? else {
                    return Err("an access is a proof".into());
                };
                forged.nonce[0] ^= 1;
                forged.nf[0] += Fr::from(1u64);
                let said = refused(&system.submit(&[&Transaction::Proof(forged).to_bytes()]))?;
                Ok((Verdict::Held, short(&said)))
            }
        }
    }

    fn granted(&self, kind: Kind) -> Outcome<Came> {
        let (path, _) = self.filled(kind)?;
        let stranger = patients(self.fixture.organisations()) - 1;
        if kind == Kind::Central {
            let db = Database::open(&path)?;
            let tx = db.begin_write()?;
            tx.open_table(RULES)?.insert((national_id(stranger), &central::account(0)), 1)?;
            tx.commit()?;
            drop(db);
            let request = Request::of(1 << 33, 0, stranger).to_bytes();
            let taken = open(kind, &path)?.submit(&[&request]);
            expect(&taken, |a| *a == Ok(Done::Now), "the server believes its file")?;
            return Ok((Verdict::Lost, "taken, and logged as permitted".to_owned()));
        }
        let db = Database::open(&path)?;
        let tx = db.begin_write()?;
        let leaf = to_bytes(&Fr::from(42u64));
        tx.open_table(NODES)?.insert((Registry::Consents as u8, 0, 1), &leaf)?;
        tx.commit()?;
        drop(db);
        reopened(kind, &path, "a consent that nobody gave is on the ledger")
    }

    fn mutated(&self, kind: Kind) -> Outcome<Came> {
        let path = self.work.join("attacked.redb");
        self.fixture.copy(kind, &path)?;
        let system = open(kind, &path)?;
        let good = &self.fixture.requests(kind, 1)[0];
        for i in good.len().saturating_sub(128)..good.len() {
            for bit in [1, 0x80] {
                let mut bad = good.clone();
                bad[i] ^= bit;
                refused(&system.submit(&[&bad]))?;
            }
        }
        expect(&system.submit(&[good]), |a| *a == Ok(Done::Now), "the request itself is good")?;
        Ok((Verdict::Held, "all 256 refused; the unchanged one taken".to_owned()))
    }

    fn twice(&self, kind: Kind) -> Outcome<Came> {
        let (path, requests) = self.filled(kind)?;
        let system = open(kind, &path)?;
        let second = match kind {
            // As request number 0, of another record.
            Kind::Central => Request::of(1 << 34, 0, 0).to_bytes(),
            Kind::Signed => {
                let Transaction::Signed(first) = decode(&requests[0])? else {
                    return Err("an access is signed".into());
                };
                sign_by(self.fixture.genesis(), 0, 1 << 34, first.action.clone()).to_bytes()
            }
            Kind::Proofs | Kind::Blocks => self.fixture.twin()?,
        };
        let answers = system.submit(&[&second]);
        if kind == Kind::Proofs {
            let said = refused(&answers)?;
            if !said.contains("nullifier") {
                return Err(format!("refused for another reason: {said}").into());
            }
            return Ok((Verdict::Held, short(&said)));
        }
        expect(&answers, |a| *a == Ok(Done::Now), "nothing counts uses")?;
        Ok((Verdict::Lost, "taken: nothing counts how often a permission is used".to_owned()))
    }
}

/// Whether a file that was changed is opened again: the server's must, the ledger's must not.
fn reopened(kind: Kind, path: &Path, lost: &str) -> Outcome<Came> {
    match (kind, open(kind, path)) {
        (Kind::Central, Ok(_)) => Ok((Verdict::Lost, lost.to_owned())),
        (Kind::Central, Err(e)) => Err(e),
        (_, Ok(_)) => Err("the ledger opens a file that was changed".into()),
        (_, Err(fault)) => Ok((Verdict::Held, format!("refused at opening: {}", short(&fault.to_string())))),
    }
}

fn change(path: &Path, table: TableDefinition<'_, u64, &[u8]>, how: impl Fn(&mut [u8])) -> Outcome<()> {
    let db = Database::open(path)?;
    let tx = db.begin_write()?;
    {
        let mut table = tx.open_table(table)?;
        let (key, mut bytes) = {
            let last = table.last()?.ok_or("the table has rows")?;
            (last.0.value(), last.1.value().to_vec())
        };
        how(&mut bytes);
        table.insert(key, bytes.as_slice())?;
    }
    Ok(tx.commit()?)
}

fn flip_last(bytes: &mut [u8]) {
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
}

/// Removes the last row and gives its key.
fn remove_newest(path: &Path, table: TableDefinition<'_, u64, &[u8]>) -> Outcome<u64> {
    let db = Database::open(path)?;
    let tx = db.begin_write()?;
    let key = {
        let mut table = tx.open_table(table)?;
        let last = table.pop_last()?.ok_or("the table has rows")?;
        last.0.value()
    };
    tx.commit()?;
    Ok(key)
}

fn expect(
    answers: &[Result<Done, String>],
    good: impl Fn(&Result<Done, String>) -> bool,
    what: &str,
) -> Outcome<()> {
    match answers.iter().find(|a| !good(a)) {
        None => Ok(()),
        Some(other) => Err(format!("expected that {what}, got {other:?}").into()),
    }
}

fn refused(answers: &[Result<Done, String>]) -> Outcome<String> {
    match answers {
        [Err(why)] => Ok(why.clone()),
        other => Err(format!("expected a refusal, got {other:?}").into()),
    }
}

/// Values in common that neither the policy, the epoch nor the accessor's shift fixes.
fn shared(requests: &[Vec<u8>]) -> Outcome<usize> {
    let mut values = Vec::new();
    for bytes in requests {
        let Transaction::Proof(tx) = decode(bytes)? else { return Err("an access is a proof".into()) };
        // nf_1 is the clinician's pseudonym of this shift, the same in all by design.
        let own = [tx.nf[0], tx.out[0], tx.out[1], tx.ctx()];
        values.extend(own.iter().map(to_bytes).chain([tx.nonce]));
        values.extend(tx.proof.as_bytes().chunks_exact(32).filter_map(|c| <[u8; 32]>::try_from(c).ok()));
    }
    let all = values.len();
    values.sort_unstable();
    values.dedup();
    Ok(all - values.len())
}

fn contains(bytes: &[u8], clue: &[u8]) -> bool {
    bytes.windows(clue.len()).any(|window| window == clue)
}

/// The first words, without hashes.
fn short(words: &str) -> String {
    let cut = |word: &str| {
        let (hash, rest) = word.split_at(word.trim_end_matches([',', ')', '.']).len());
        if hash.len() >= 32 && hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            format!("{}..{rest}", &hash[..8])
        } else {
            word.to_owned()
        }
    };
    let all: Vec<String> = words.split(' ').map(cut).collect();
    let words = all.join(" ");
    // What an operator is told to do is not what happened.
    words.split(". Do not").next().unwrap_or(&words).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_cut_and_advice_is_left_out() {
        let hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let words = format!("app hash {hash} is not {hash}). Do not write to it: restore");
        assert_eq!(short(&words), "app hash 01234567.. is not 01234567..)");
        assert_eq!(short("no rule permits this"), "no rule permits this");
    }

    type Try<'f> = fn(&Field<'f>, Kind) -> Outcome<Came>;

    #[test]
    fn attacks_end_as_promised_where_no_proofs_are_needed() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let fixture = Fixture::bare(folder.path(), 1)?;
        let field = Field { fixture: &fixture, work: folder.path() };
        use Verdict::{Held, Lost, Partly};
        let tries: [(&str, Try<'_>, [Verdict; 2]); 12] = [
            ("identity", Field::identity, [Lost, Held]),
            ("linked", Field::linked, [Lost, Partly]),
            ("changed", Field::changed, [Lost, Held]),
            ("removed", Field::removed, [Lost, Held]),
            ("body", Field::body, [Lost, Partly]),
            ("rewritten", Field::rewritten, [Lost, Partly]),
            ("replayed", Field::replayed, [Held, Held]),
            ("elsewhere", Field::elsewhere, [Lost, Held]),
            ("unpermitted", Field::unpermitted, [Held, Lost]),
            ("granted", Field::granted, [Lost, Held]),
            ("mutated", Field::mutated, [Held, Held]),
            ("twice", Field::twice, [Lost, Lost]),
        ];
        for (name, of, expected) in tries {
            for (kind, expected) in [Kind::Central, Kind::Signed].into_iter().zip(expected) {
                let (verdict, what) = of(&field, kind).map_err(|e| format!("{name}, {kind:?}: {e}"))?;
                assert_eq!(verdict, expected, "{name}, {kind:?}: {what}");
            }
        }
        Ok(())
    }

    #[test]
    fn a_clue_is_found_wherever_it_stands() {
        assert!(contains(b"abcdef", b"cde") && contains(b"abc", b"abc"));
        assert!(!contains(b"ab", b"abc") && !contains(b"abdc", b"abc"));
    }
}
