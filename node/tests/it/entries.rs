//! Every kind of entry over HTTP, there and not, held against a block that is known from elsewhere.

use crate::support::{ManualClock, Serving, serve};
use crate::world::*;
use crate::{schema, support};
use amanat_client::ledger::{Http, LedgerAccess};
use amanat_domain::field::to_bytes;
use amanat_domain::governance::Change;
use amanat_domain::quorum::Certificate;
use amanat_domain::statement::Statement;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{KeyDigest, Transaction, TxId};
use amanat_ledger::*;
use amanat_node::server::{Answers, BatchPermit, Consensus, NodeConfig, Work};
use amanat_verifier::light::LightClient;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A ledger that stands still.
struct Still(Chain);

impl Consensus for Still {
    fn chain(&self) -> &Chain {
        &self.0
    }
    fn name(&self) -> &'static str {
        "still"
    }
    fn submit_all(self: Arc<Self>, _: Vec<Vec<u8>>, _: Timestamp, _: BatchPermit) -> Work<Answers> {
        unreachable!("nothing is submitted")
    }
    fn settle(&self, _: Timestamp) -> Result<Option<Header>, String> {
        Ok(None)
    }
}

/// A ledger with an entry of every kind, and what made them.
struct Made {
    state: State,
    certificate: Option<Certificate>,
    issued: Transaction,
    proved: Transaction,
    proposal: Transaction,
    node: Serving,
    _folder: tempfile::TempDir,
}

/// Heights of the blocks.
const INSTALLED: u64 = 1;
const ISSUED: u64 = 2;
const PROVED: u64 = 4;

fn made(genesis: &Arc<Genesis>) -> Made {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ledger.redb");
    let (store, mut state) = Store::create(Storage::File(path.clone()), genesis.clone()).expect("new");
    let mut certificate = None;
    let mut commit = |state: &mut State, time, txs: &[Transaction]| {
        let delta = block(state, time, txs).expect("valid");
        certificate = genesis.validators().map(|_| certify(&delta.block().header, 0, &[0, 1, 2]));
        store.commit(&delta, certificate.as_ref()).expect("written");
        state.commit(delta);
    };
    commit(&mut state, at(1), &[key(Statement::Access).install(genesis, 0)]);
    let issued = issue(genesis, 1);
    commit(&mut state, at(2), std::slice::from_ref(&issued));
    commit(&mut state, epoch(1), &[]);
    let proved = proof(&state, Statement::Access, 1);
    let proposal = proposed(genesis, BOARD, 0, Change::RemoveOrganisation(org(REGISTRAR)));
    commit(&mut state, epoch(1), &[proved.clone(), proposal.clone()]);
    drop(store);
    let chain = Chain::open(Storage::File(path)).expect("a good file");
    let clock = Arc::new(ManualClock::at(state.tip().time));
    let node = serve(Arc::new(Still(chain)), clock, NodeConfig::default());
    Made { state, certificate, issued, proved, proposal, node, _folder: folder }
}

impl Made {
    /// One of each kind: there, and not.
    fn asked(&self) -> (Vec<Entry>, Vec<Entry>) {
        let Transaction::Proof(proved) = &self.proved else { panic!("a proof") };
        let nullifier = proved.spent_nullifier().expect("it spends one");
        let digest = key(Statement::Access).digest;
        let mut there = vec![
            Entry::Nullifier(to_bytes(&nullifier)),
            Entry::Transaction(self.issued.id()),
            Entry::VerifyingKey(Statement::Access, digest),
            Entry::Bundle(1),
            Entry::Context(to_bytes(&proved.ctx())),
            Entry::Credential(0),
            Entry::Organisation(org(REGISTRAR)),
            Entry::Proposal(self.proposal.id()),
        ];
        let mut absent = vec![
            Entry::Nullifier([7; 32]),
            Entry::Transaction(TxId([7; 32])),
            Entry::VerifyingKey(Statement::Role, digest),
            Entry::VerifyingKey(Statement::Access, KeyDigest([7; 32])),
            Entry::Bundle(2),
            Entry::Context([7; 32]),
            Entry::Credential(1),
            Entry::Organisation(org(NOBODY)),
            // A transaction, but none that proposed anything.
            Entry::Proposal(self.issued.id()),
        ];
        let validators = if self.certificate.is_some() { &mut there } else { &mut absent };
        validators.push(Entry::ValidatorSet);
        (there, absent)
    }

    /// Whether the entry says what was done. A kind that is new does not compile until it is here,
    /// and in [`Made::asked`].
    fn says(&self, entry: Entry, content: Content) -> bool {
        match entry {
            Entry::Nullifier(_) => content == Content::SpentAt(PROVED),
            Entry::Transaction(txid) => {
                matches!(content, Content::Receipt(r) if (r.txid, r.height) == (txid, ISSUED))
            }
            Entry::VerifyingKey(..) => {
                let from = INSTALLED + 1;
                content == Content::VerifyingKey { active_from: from, frozen_from: None, sunset_from: None }
            }
            Entry::Bundle(_) => content == Content::Bundle(self.state.latest_bundle().hash),
            Entry::Context(_) => content == Content::UsedBy(self.proved.id()),
            Entry::Credential(_) => matches!(
                content,
                Content::Credential(c)
                    if (c.role, c.organisation, c.issued, c.retired) == (nurse(), org(HOSPITAL), ISSUED, None)
            ),
            Entry::Organisation(_) => {
                matches!(content, Content::Organisation { since: 0, removed: Some(PROVED), .. })
            }
            Entry::ValidatorSet => {
                let genesis = self.state.genesis_block().validators().expect("there are some").set.hash();
                matches!(content, Content::ValidatorSet { set, before, .. } if set == genesis && before == genesis)
            }
            Entry::Proposal(_) => matches!(
                content,
                Content::Proposal { proposer, proposed: PROVED, enacted: Some(PROVED), .. }
                    if proposer == org(BOARD)
            ),
        }
    }

    /// What a proof shows to a client that knows the genesis and, if there are no validators, the
    /// block.
    fn shown(&self, proof: &EntryProof) -> Option<Content> {
        let genesis = self.state.genesis_block();
        assert_eq!(proof.header.app_hash, self.state.tip().app_hash);
        match (&self.certificate, genesis.validators()) {
            (Some(certificate), Some(validators)) => {
                let client = LightClient::new(genesis.chain_id(), validators.set.clone());
                client.entry(proof, certificate).expect("it holds")
            }
            _ => {
                assert_eq!(proof.verify(self.state.tip().hash()), Ok(()), "{:?}", proof.entry);
                proof.content
            }
        }
    }

    /// The document at the path that the command line asks, too.
    fn get(&self, entry: Entry) -> Value {
        let (kind, name) = entry.words();
        assert_eq!(Entry::from_words(kind, &name), Ok(entry));
        let path = format!("/v1/entries/{kind}/{name}");
        let config = ureq::Agent::config_builder().proxy(None).timeout_global(Some(support::PATIENCE));
        let answer = config.build().new_agent().get(format!("http://{}{path}", self.node.address)).call();
        let text = answer.expect("an answer").body_mut().read_to_string().expect("text");
        let json = serde_json::from_str(&text).expect("JSON");
        schema::check("get", &path, 200, "application/json", &json);
        json
    }
}

/// The kinds of these entries; each is there.
fn kinds(entries: &[Entry]) -> BTreeSet<&'static str> {
    entries.iter().map(|entry| entry.words().0).collect()
}

#[test]
fn every_kind_of_entry_is_shown_to_be_there_and_not_to_be_there() {
    let all = BTreeSet::from(Entry::KINDS);
    let (mut present, mut missing) = (BTreeSet::new(), BTreeSet::new());
    // Some validators, or none: what is there of the one is not there of the other.
    for genesis in [genesis(), validated_genesis(4)] {
        let made = made(&genesis);
        let http = Http::connect(&format!("http://{}", made.node.address), Some(genesis.chain_id()));
        let http = http.expect("a node");
        let (there, absent) = made.asked();
        for (entry, expected) in there.iter().map(|e| (*e, true)).chain(absent.iter().map(|e| (*e, false))) {
            let json = made.get(entry);
            assert_eq!(json["present"], json!(expected), "{entry:?}");
            assert_eq!(json["header"]["app_hash"], json!(made.state.tip().app_hash.to_string()));
            let bytes = hex::decode(json["proof"].as_str().expect("hex")).expect("hex");
            let proof = EntryProof::from_bytes(&bytes).expect("a proof");
            assert_eq!(proof.entry, entry);
            let content = made.shown(&proof);
            assert_eq!(content.is_some(), expected, "{entry:?}");
            assert!(content.is_none_or(|content| made.says(entry, content)), "{entry:?}: {content:?}");
            assert_eq!(http.entry(entry).expect("an answer"), proof);
            // A proof with the opposite in it shows nothing.
            let content = if expected { None } else { Some(Content::SpentAt(1)) };
            let turned = EntryProof { content, ..proof };
            assert!(turned.verify(made.state.tip().hash()).is_err(), "{entry:?}");
        }
        present.extend(kinds(&there));
        missing.extend(kinds(&absent));
    }
    assert_eq!((present, missing), (all.clone(), all.clone()), "no kind is left out");
    let document: Value = serde_json::from_str(&amanat_node::server::OPENAPI).expect("JSON");
    let parameters = &document["paths"]["/v1/entries/{kind}/{name}"]["get"]["parameters"];
    let told = parameters[0]["schema"]["enum"].as_array().expect("the kinds");
    assert_eq!(told.iter().filter_map(Value::as_str).collect::<BTreeSet<_>>(), all);
}
