//! A node at an address. Everything it says is foreign: lengths are bounded before reading,
//! encodings are canonical or refused, and what can be recomputed (chain id, hashes, roots, ids) is
//! recomputed.

use super::tls as client;
use super::{AccessError, Acknowledged, InstalledKey, LedgerAccess, ProofScan, SealedBundle};
use amanat_api::problem::{Envelope, tame};
use amanat_api::tls::ClientTls;
use amanat_api::view::{
    BlocksView, BundleView, ChangeView, EntryView, EpochView, GovernanceView, Hex32, InclusionView,
    IndexedLeafView, KeysView, LeavesView, StatusView, SubmittedView, ViewError,
};
use amanat_api::{MAX_BLOCKS, MAX_LEAVES, MAX_MEMBERS};
use amanat_domain::bundle::{Bundle, BundleHash, Registry};
use amanat_domain::consent::OrgId;
use amanat_domain::field::Fr;
use amanat_domain::mirror::{Leaves, Mirror};
use amanat_domain::tree::IndexedLeaf;
use amanat_domain::tx::{ChainId, KeyDigest, MAX_KEY_BYTES, Transaction, TxId};
use amanat_ledger::{Block, Entry, EntryProof, Genesis, Header, InclusionProof, MAX_GENESIS_BYTES, tx_root};
use amanat_params::VerifyingKey;
use serde::de::DeserializeOwned;
use std::io::{Read as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Most leaves of one registry that a mirror takes from a node.
pub const MAX_MIRROR_LEAVES: u64 = 1 << 24;

const HTTP: &str = "http://";
const HTTPS: &str = "https://";
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);
/// Most bytes of an answer that is neither a block nor a page of leaves nor the genesis.
const SMALL: u64 = 256 * 1024;
const LARGE: u64 = 4 * 1024 * 1024;
/// Most bytes of a snapshot.
const MAX_SNAPSHOT_BYTES: u64 = 64 << 30;
/// Members with all the roles that each may issue.
const MEMBERS: u64 = 32 * 1024 * 1024;
/// Most current and former organisations that are accepted.
const MAX_ORGANISATIONS: usize = 1 << 16;
/// How often pages are read that are of different blocks.
const READINGS: usize = 5;
const GOVERNANCE: &str = "members";
/// Submissions under way at once.
const SUBMITTERS: usize = 32;
const BYTES: &str = "application/octet-stream";
const NEXT_EPOCH: &str = "/v1/dev/epoch";

/// A node at an address.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use amanat_client::ledger::{Http, LedgerAccess};
/// use amanat_ledger::Genesis;
/// // The genesis file says which ledger is meant: the node's word is not taken for it.
/// let genesis = Genesis::read("genesis.json".as_ref())?;
/// let node = Http::connect("http://127.0.0.1:8080", Some(genesis.chain_id()))?;
/// let newest = node.bundle(None)?.ok_or("no bundle is sealed yet")?;
/// println!("the newest bundle is of epoch {}", newest.bundle.epoch);
/// # Ok(()) }
/// ```
pub struct Http {
    agent: ureq::Agent,
    node: String,
    genesis: Arc<Genesis>,
}

/// Asks a node whether it takes transactions, and waits no longer than this.
///
/// # Errors
/// [`AccessError`]: why not, in the node's words where it answers.
pub fn ready(address: &str, patience: Duration, tls: &ClientTls) -> Result<(), AccessError> {
    let node = base(address)?;
    get(&agent(&node, patience, tls)?, &node, "/v1/ready", "application/json", SMALL)?.success().map(|_| ())
}

fn agent(node: &str, patience: Duration, tls: &ClientTls) -> Result<ureq::Agent, AccessError> {
    let mut config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_connect(Some(CONNECT.min(patience)))
        .timeout_global(Some(patience))
        .user_agent(concat!("amanat/", env!("CARGO_PKG_VERSION")));
    if node.starts_with(HTTPS) {
        config = client::secured(config, tls)?;
    } else if !tls.is_empty() {
        let why = "certificates are given for an address without TLS, where they would not be used";
        return Err(AccessError::Address { address: tame(node), why });
    }
    Ok(config.build().new_agent())
}

impl Http {
    /// Reaches a node at `http://HOST:PORT` and takes over its genesis, which must be of the chain
    /// expected, if one is.
    ///
    /// Without an expected chain the first node asked says which ledger this is: name one wherever
    /// you know it.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn connect(address: &str, expected: Option<ChainId>) -> Result<Self, AccessError> {
        Self::connect_with(address, expected, &ClientTls::default())
    }

    /// The same, also at `https://HOST:PORT`: the node's certificate must name HOST and be signed
    /// by one of the CAs given. A certificate of one's own is shown to nodes that ask for one.
    ///
    /// # Errors
    /// [`AccessError`]; [`AccessError::Files`] where the files of `tls` are no use, or are given
    /// for an address without TLS.
    pub fn connect_with(
        address: &str,
        expected: Option<ChainId>,
        tls: &ClientTls,
    ) -> Result<Self, AccessError> {
        let node = base(address)?;
        let agent = agent(&node, ANSWER, tls)?;
        let answer = get(&agent, &node, "/v1/genesis", "application/json", MAX_GENESIS_BYTES as u64)?;
        let genesis = Genesis::from_json(&answer.success()?).map_err(|e| untrustworthy("genesis", &e))?;
        let got = genesis.chain_id();
        match expected {
            Some(expected) if expected != got => Err(AccessError::OtherChain { expected, got }),
            _ => Ok(Self { agent, node, genesis: Arc::new(genesis) }),
        }
    }

    /// The node's address.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Fetches a snapshot of the ledger; `progress` hears how many bytes have come. Whether it is
    /// what it says is for [`Chain::restore`](amanat_ledger::Chain::restore) to find.
    ///
    /// # Errors
    /// [`AccessError`]; [`AccessError::Unreachable`] also where it breaks off or cannot be written.
    pub fn snapshot(&self, out: &mut dyn Write, progress: &dyn Fn(u64)) -> Result<u64, AccessError> {
        // However long it takes, as long as something comes.
        let request = self.agent.get(format!("{}/v1/snapshot", self.node)).config().timeout_global(None);
        let request = request.timeout_recv_response(Some(ANSWER)).build();
        let answer = request.call().map_err(|e| failed(&self.node, &e))?;
        if answer.status().as_u16() != 200 {
            Answer::read(&self.node, Ok(answer), LARGE)?.success()?;
            return Err(untrustworthy("snapshot", &"neither one nor an error"));
        }
        let broken = |why: std::io::Error| AccessError::Unreachable {
            node: self.node.clone(),
            why: tame(&format!("the snapshot did not come whole: {why}")),
        };
        let mut body = answer.into_body().into_with_config().limit(MAX_SNAPSHOT_BYTES).reader();
        let (mut piece, mut got) = (vec![0; 128 * 1024], 0);
        loop {
            let n = body.read(&mut piece).map_err(broken)?;
            if n == 0 {
                return Ok(got);
            }
            out.write_all(&piece[..n]).map_err(broken)?;
            got += n as u64;
            progress(got);
        }
    }

    fn chain(&self) -> ChainId {
        self.genesis.chain_id()
    }

    fn json<T: DeserializeOwned>(&self, what: &'static str, path: &str, most: u64) -> Result<T, AccessError> {
        let answer = get(&self.agent, &self.node, path, "application/json", most)?;
        parse(what, &answer.success()?)
    }

    /// `None` if the node itself answers 404; another server's 404 is an error.
    fn json_or_none<T: DeserializeOwned>(
        &self,
        what: &'static str,
        path: &str,
        most: u64,
    ) -> Result<Option<T>, AccessError> {
        let answer = get(&self.agent, &self.node, path, "application/json", most)?;
        answer.success_or_none()?.map(|bytes| parse(what, &bytes)).transpose()
    }

    fn page<V: DeserializeOwned, T>(
        &self,
        bundle: &Bundle,
        registry: Registry,
        from: u64,
        read: &impl Fn(&V) -> Result<T, ViewError>,
    ) -> Result<(Vec<T>, Option<u64>), AccessError> {
        const WHAT: &str = "leaves";
        let epoch = bundle.epoch;
        let path =
            format!("/v1/registries/{}/leaves?epoch={epoch}&from={from}&limit={MAX_LEAVES}", registry.name());
        let view: LeavesView<V> = self.json(WHAT, &path, LARGE)?;
        let fits = view.registry == registry
            && view.epoch == epoch
            && view.bundle == Hex32(bundle.hash().to_bytes())
            && view.from == from
            && view.leaves.len() <= MAX_LEAVES
            && view.next.is_none_or(|next| next > from && next == from + view.leaves.len() as u64);
        if !fits {
            return Err(untrustworthy(WHAT, &"not the page that was asked for"));
        }
        let leaves = view.leaves.iter().map(read).collect::<Result<_, _>>();
        Ok((leaves.map_err(|e| untrustworthy(WHAT, &e))?, view.next))
    }

    /// All leaves of a registry as of a bundle.
    fn leaves<V: DeserializeOwned, T>(
        &self,
        bundle: &Bundle,
        registry: Registry,
        read: impl Fn(&V) -> Result<T, ViewError>,
    ) -> Result<Vec<T>, AccessError> {
        // Of roles the bundle counts the active ones; there may be more leaves.
        let most = match registry {
            Registry::Roles => MAX_MIRROR_LEAVES,
            _ => bundle.registry(registry).count,
        };
        let too_large =
            |got| AccessError::TooLarge { registry: registry.name(), most: MAX_MIRROR_LEAVES, got };
        if most > MAX_MIRROR_LEAVES {
            return Err(too_large(most));
        }
        let (mut all, mut from) = (Vec::new(), Some(0));
        while let Some(at) = from {
            let (page, next) = self.page(bundle, registry, at, &read)?;
            all.extend(page);
            from = next;
            let got = all.len() as u64;
            if got > most {
                return Err(match registry {
                    Registry::Roles => too_large(got),
                    _ => untrustworthy("leaves", &"more than the bundle has"),
                });
            }
        }
        Ok(all)
    }

    fn fetch_mirror(&self) -> Result<Mirror, AccessError> {
        // The epoch is named in every request, so blocks made meanwhile do not matter.
        let bundle = self.bundle(None)?.ok_or_else(|| untrustworthy("bundle", &"there is no newest"))?.bundle;
        let field = |leaf: &Hex32| leaf.field("leaf");
        let dense = |registry| self.leaves::<Hex32, Fr>(&bundle, registry, field);
        let indexed =
            |registry| self.leaves(&bundle, registry, |leaf: &IndexedLeafView| IndexedLeaf::try_from(leaf));
        let leaves = Leaves::read(dense, indexed)?;
        Ok(Mirror::new(bundle, leaves)?)
    }

    fn own_chain(&self, got: ChainId) -> Result<(), AccessError> {
        let expected = self.chain();
        if expected == got { Ok(()) } else { Err(AccessError::OtherChain { expected, got }) }
    }
}

impl LedgerAccess for Http {
    fn genesis(&self) -> Arc<Genesis> {
        self.genesis.clone()
    }

    fn status(&self) -> Result<StatusView, AccessError> {
        let view: StatusView = self.json("status", "/v1/status", SMALL)?;
        self.own_chain(ChainId(view.chain.0))?;
        Ok(view)
    }

    fn submit(&self, tx: &Transaction) -> Result<Acknowledged, AccessError> {
        const WHAT: &str = "receipt";
        self.own_chain(tx.chain())?;
        let url = format!("{}/v1/transactions", self.node);
        let sent = self.agent.post(&url).content_type(BYTES).send(&tx.to_bytes()[..]);
        let view: SubmittedView = parse(WHAT, &Answer::read(&self.node, sent, SMALL)?.success()?)?;
        let receipt = amanat_ledger::ReceiptData::from(&view.receipt);
        if receipt.txid != tx.id() {
            return Err(untrustworthy(WHAT, &"of another transaction"));
        }
        Ok(Acknowledged { receipt, repeated: view.repeated })
    }

    fn submit_all(&self, txs: &[Transaction]) -> Vec<Result<Acknowledged, AccessError>> {
        let next = AtomicUsize::new(0);
        let mut answers: Vec<(usize, Result<Acknowledged, AccessError>)> = std::thread::scope(|scope| {
            let worker = || {
                let mut done = Vec::new();
                while let Some((i, tx)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, txs.get(i)?)))
                {
                    done.push((i, self.submit(tx)));
                }
                done
            };
            let workers: Vec<_> = (0..SUBMITTERS.min(txs.len())).map(|_| scope.spawn(worker)).collect();
            workers
                .into_iter()
                .flat_map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        answers.sort_by_key(|(i, _)| *i);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    fn receipt(&self, txid: &TxId) -> Result<Option<InclusionProof>, AccessError> {
        const WHAT: &str = "receipt";
        let Some(view) = self.json_or_none::<InclusionView>(WHAT, &format!("/v1/receipts/{txid}"), SMALL)?
        else {
            return Ok(None);
        };
        let bytes = hex::decode(&view.proof).map_err(|e| untrustworthy(WHAT, &e))?;
        let proof = InclusionProof::from_bytes(&bytes).map_err(|e| untrustworthy(WHAT, &e))?;
        self.own_chain(proof.header.chain)?;
        if proof.receipt.txid != *txid {
            return Err(untrustworthy(WHAT, &"of another transaction"));
        }
        proof.verify(proof.header.hash()).map_err(|e| untrustworthy(WHAT, &e))?;
        Ok(Some(proof))
    }

    fn entry(&self, entry: Entry) -> Result<EntryProof, AccessError> {
        const WHAT: &str = "entry";
        let (kind, name) = entry.words();
        let view: EntryView = self
            .json_or_none(WHAT, &format!("/v1/entries/{kind}/{name}"), SMALL)?
            .ok_or_else(|| untrustworthy(WHAT, &"not there: the node is of an older version"))?;
        let bytes = hex::decode(&view.proof).map_err(|e| untrustworthy(WHAT, &e))?;
        let proof = EntryProof::from_bytes(&bytes).map_err(|e| untrustworthy(WHAT, &e))?;
        self.own_chain(proof.header.chain)?;
        if proof.entry != entry {
            return Err(untrustworthy(WHAT, &"of another name"));
        }
        proof.verify(proof.header.hash()).map_err(|e| untrustworthy(WHAT, &e))?;
        Ok(proof)
    }

    fn bundle(&self, epoch: Option<u64>) -> Result<Option<SealedBundle>, AccessError> {
        const WHAT: &str = "bundle";
        let path = match epoch {
            Some(epoch) => format!("/v1/bundles/{epoch}"),
            None => "/v1/bundles/latest".to_owned(),
        };
        let Some(view) = self.json_or_none::<BundleView>(WHAT, &path, LARGE)? else { return Ok(None) };
        let bundle = Bundle::try_from(&view).map_err(|e| untrustworthy(WHAT, &e))?;
        if epoch.is_some_and(|epoch| epoch != bundle.epoch) {
            return Err(untrustworthy(WHAT, &"of another epoch"));
        }
        let hash: BundleHash = bundle.hash();
        let active = view.active_credentials().map_err(|e| untrustworthy(WHAT, &e))?;
        Ok(Some(SealedBundle { bundle, hash, superseded: view.superseded, active }))
    }

    fn mirror(&self) -> Result<Mirror, AccessError> {
        match self.fetch_mirror() {
            // A node that was restarted or reopened meanwhile may have answered in part; a second
            // time it is the node.
            Err(AccessError::Mirror(_) | AccessError::Untrustworthy { .. }) => self.fetch_mirror(),
            other => other,
        }
    }

    fn block(&self, height: u64) -> Result<Option<Block>, AccessError> {
        const WHAT: &str = "block";
        let limits = self.genesis.limits();
        // Each transaction is preceded by its length.
        let most = u64::from(limits.bytes) + 4 * u64::from(limits.transactions) + SMALL;
        let answer = get(&self.agent, &self.node, &format!("/v1/blocks/{height}"), BYTES, most)?;
        let Some(bytes) = answer.success_or_none()? else { return Ok(None) };
        let block =
            Block::from_bytes(&bytes, limits.transactions as usize).map_err(|e| untrustworthy(WHAT, &e))?;
        self.own_chain(block.header.chain)?;
        let header = &block.header;
        if header.height != height
            || header.count as usize != block.transactions.len()
            || header.tx_root != tx_root(&block.transactions)
        {
            return Err(untrustworthy(WHAT, &"the header is not that of these transactions"));
        }
        Ok(Some(block))
    }

    fn headers(&self, from: u64) -> Result<Vec<Header>, AccessError> {
        const WHAT: &str = "block headers";
        let view: BlocksView =
            self.json(WHAT, &format!("/v1/blocks?from={from}&limit={MAX_BLOCKS}"), LARGE)?;
        let headers: Result<Vec<Header>, ViewError> =
            view.blocks.iter().map(|b| Header::try_from(&b.header)).collect();
        let headers = headers.map_err(|e| untrustworthy(WHAT, &e))?;
        for (height, header) in (from..).zip(&headers) {
            self.own_chain(header.chain)?;
            if header.height != height {
                return Err(untrustworthy(WHAT, &"not those that were asked for"));
            }
        }
        Ok(headers)
    }

    fn proof_transactions(&self, from_height: u64) -> ProofScan<'_> {
        ProofScan::new(self, from_height)
    }

    fn keys(&self) -> Result<Vec<InstalledKey>, AccessError> {
        const WHAT: &str = "verifying key";
        let view: KeysView = self.json(WHAT, "/v1/keys", LARGE)?;
        let key = |k: &amanat_api::view::KeyView| {
            if k.key.len() > 2 * MAX_KEY_BYTES {
                return Err(untrustworthy(WHAT, &"too long"));
            }
            let bytes = hex::decode(&k.key).map_err(|e| untrustworthy(WHAT, &e))?;
            let key = VerifyingKey::from_bytes(&bytes).map_err(|e| untrustworthy(WHAT, &e))?;
            if key.digest() != k.digest.0 || key.header().statement != k.statement {
                return Err(untrustworthy(WHAT, &"not the key its digest or statement names"));
            }
            let (statement, digest) = (k.statement, KeyDigest(k.digest.0));
            Ok(InstalledKey {
                statement,
                digest,
                key,
                active_from: k.active_from,
                frozen_from: k.frozen_from,
                sunset_from: k.sunset_from,
            })
        };
        view.keys.iter().map(key).collect()
    }

    fn governance(&self) -> Result<GovernanceView, AccessError> {
        for _ in 0..READINGS {
            if let Some(view) = self.members()? {
                return Ok(view);
            }
        }
        Err(untrustworthy(GOVERNANCE, &"each time its pages are of different blocks"))
    }

    fn next_epoch(&self) -> Result<u64, AccessError> {
        // The node takes this type alone, so that no web page can ask.
        let sent =
            self.agent.post(format!("{}{NEXT_EPOCH}", self.node)).content_type("application/json").send("{}");
        match Answer::read(&self.node, sent, SMALL)?.success() {
            Ok(bytes) => Ok(parse::<EpochView>("epoch", &bytes)?.epoch),
            // Only a node that was started for it has the path.
            Err(AccessError::Refused(problem)) if problem.status == 404 => Err(super::not_by_hand()),
            Err(error) => Err(error),
        }
    }
}

impl Http {
    /// All pages of members. `None` if a block was made between them.
    fn members(&self) -> Result<Option<GovernanceView>, AccessError> {
        let mut view: GovernanceView = self.json(GOVERNANCE, "/v1/governance", MEMBERS)?;
        while let Some(after) = view.next {
            if view.organisations.last().is_none_or(|last| last.id != after) {
                return Err(untrustworthy(GOVERNANCE, &"a page goes on where it did not end"));
            }
            let path = format!("/v1/governance?after={}&limit={MAX_MEMBERS}", hex::encode(after.0));
            let page: GovernanceView = self.json(GOVERNANCE, &path, MEMBERS)?;
            if page.height != view.height {
                return Ok(None);
            }
            let got = view.organisations.len() + page.organisations.len();
            if page.organisations.is_empty() || got > MAX_ORGANISATIONS {
                return Err(untrustworthy(GOVERNANCE, &"pages without an end"));
            }
            view.organisations.extend(page.organisations);
            view.next = page.next;
        }
        let mut last = None;
        for organisation in &mut view.organisations {
            let id = OrgId::from_reference(&organisation.reference);
            if id.to_bytes() != organisation.id.0 {
                return Err(untrustworthy(GOVERNANCE, &"an id that is not its reference's"));
            }
            if last.replace(id).is_some_and(|last| last >= id) {
                return Err(untrustworthy(GOVERNANCE, &"organisations that are not in order"));
            }
            organisation.name = tame(&organisation.name);
            organisation.reference = tame(&organisation.reference);
        }
        for proposal in &mut view.proposals {
            if let ChangeView::AddOrganisation { reference, name, .. } = &mut proposal.change {
                (*reference, *name) = (tame(reference), tame(name));
            }
        }
        Ok(Some(view))
    }
}

/// An answer, read within bounds.
struct Answer {
    status: u16,
    bytes: Vec<u8>,
}

impl Answer {
    fn read(
        node: &str,
        sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
        most: u64,
    ) -> Result<Self, AccessError> {
        let mut response = sent.map_err(|e| failed(node, &e))?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(most).read_to_vec();
        Ok(Self { status, bytes: body.map_err(|e| failed(node, &e))? })
    }

    fn success(self) -> Result<Vec<u8>, AccessError> {
        if self.status == 200 { Ok(self.bytes) } else { Err(self.refusal()) }
    }

    /// None for a 404 in the shape of this interface; another server's 404 is an error.
    fn success_or_none(self) -> Result<Option<Vec<u8>>, AccessError> {
        if self.status == 200 {
            return Ok(Some(self.bytes));
        }
        match self.refusal() {
            AccessError::Refused(p) if p.status == 404 && p.code != "no_such_path" => Ok(None),
            other => Err(other),
        }
    }

    fn refusal(self) -> AccessError {
        match serde_json::from_slice::<Envelope>(&self.bytes) {
            Ok(Envelope { error }) => AccessError::Refused(error.tamed(self.status)),
            Err(_) => untrustworthy(
                "answer",
                &format!("status {} without the error this interface has: no Amanat node?", self.status),
            ),
        }
    }
}

fn get(agent: &ureq::Agent, node: &str, path: &str, accept: &str, most: u64) -> Result<Answer, AccessError> {
    Answer::read(node, agent.get(format!("{node}{path}")).header("accept", accept).call(), most)
}

fn failed(node: &str, error: &ureq::Error) -> AccessError {
    let node = node.to_owned();
    if let Some(why) = client::trouble(error) {
        return AccessError::Tls { node, why: tame(&why) };
    }
    match error {
        ureq::Error::Timeout(_) => AccessError::TimedOut { node },
        ureq::Error::Protocol(_) if node.starts_with(HTTP) => {
            untrustworthy("answer", &"no HTTP: a node with TLS is named as https://HOST:PORT")
        }
        ureq::Error::BodyExceedsLimit(most) => untrustworthy("answer", &format!("more than {most} bytes")),
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::TimedOut => AccessError::TimedOut { node },
        other => AccessError::Unreachable { node, why: tame(&other.to_string()) },
    }
}

fn parse<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, AccessError> {
    serde_json::from_slice(bytes).map_err(|e| untrustworthy(what, &e))
}

fn untrustworthy(what: &'static str, why: &dyn ToString) -> AccessError {
    AccessError::Untrustworthy { what, why: tame(&why.to_string()) }
}

/// `http://HOST:PORT` or `https://HOST:PORT` without a path.
fn base(address: &str) -> Result<String, AccessError> {
    let bad = |why| AccessError::Address { address: tame(address), why };
    let (scheme, rest) = match address.strip_prefix(HTTPS) {
        Some(rest) => (HTTPS, rest),
        None => (HTTP, address.strip_prefix(HTTP).unwrap_or(address)),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.is_empty() || rest.contains("://") {
        return Err(bad("not an address of a node"));
    }
    if rest.contains(['/', '?', '#', '@', ' ']) || rest.chars().any(char::is_control) {
        return Err(bad("only a host and a port are expected"));
    }
    Ok(format!("{scheme}{rest}"))
}
