//! A node in this process, its organisations and a client that holds every answer against the
//! OpenAPI document.

use crate::schema;
use amanat_api::clock::Clock;
use amanat_client::ledger::{Embedded, Http};
use amanat_domain::consent::{OrgId, RoleCode};
use amanat_domain::field::Fr;
use amanat_domain::identity::{RoleInner, SubjectCommitment};
use amanat_domain::record::{RecordRoot, SupersessionHandle};
use amanat_domain::time::Timestamp;
use amanat_domain::tx::{Action, ChainId, SignedTx, Transaction};
use amanat_ledger::{
    AllRoles, CapabilitiesSpec, Genesis, GenesisSpec, Limits, OrganisationSpec, Profile, RolesSpec, Solo,
    Windows,
};
use amanat_node::server::{Consensus, Node, NodeConfig};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

/// So that a test that hangs ends. No verdict depends on it: a slow machine needs a fraction of it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);
pub(crate) const EPOCH: u64 = 60;
const START: i64 = 1_767_225_600;
pub(crate) const HOSPITAL: &str = "Organization/hospital";
pub(crate) const VISITOR: &str = "Organization/visitor";

/// A clock that a test sets.
pub(crate) struct ManualClock(watch::Sender<Timestamp>);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }
    fn reached<'a>(&'a self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            let _ = now.wait_for(|now| *now >= time).await;
        })
    }
}

/// A running node.
pub(crate) struct World {
    pub(crate) solo: Arc<Solo>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) address: SocketAddr,
    pub(crate) folder: Option<tempfile::TempDir>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<tokio::task::JoinHandle<std::io::Result<()>>>,
    runtime: Option<tokio::runtime::Runtime>,
    agent: ureq::Agent,
}

impl ManualClock {
    pub(crate) fn at(time: Timestamp) -> Self {
        Self(watch::Sender::new(time))
    }
}

/// A node over any consensus.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
    runtime: tokio::runtime::Runtime,
}

pub(crate) fn serve(consensus: Arc<dyn Consensus>, clock: Arc<ManualClock>, config: NodeConfig) -> Serving {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a local port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let served = runtime.spawn(Node::new(consensus, clock, config).serve(listener, async {
        let _ = stopped.await;
    }));
    Serving { address, stop, served, runtime }
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) json: Value,
    pub(crate) bytes: Vec<u8>,
    pub(crate) allow: Option<String>,
}

pub(crate) fn key(reference: &str) -> SigningKey {
    let mut seed = [0u8; 32];
    seed[..reference.len().min(32)].copy_from_slice(&reference.as_bytes()[..reference.len().min(32)]);
    SigningKey::from_bytes(&seed)
}

pub(crate) fn genesis(name: &str) -> Genesis {
    let organisation = |id: &str, capabilities| OrganisationSpec {
        id: id.into(),
        name: id.into(),
        key: hex::encode(key(id).verifying_key().to_bytes()),
        capabilities,
    };
    let all = CapabilitiesSpec {
        enrol: true,
        anchor: true,
        govern: true,
        issue_roles: RolesSpec::All(AllRoles::All),
    };
    Genesis::new(GenesisSpec {
        chain: name.into(),
        profile: Profile::Dev,
        time: START,
        epoch_seconds: EPOCH as u32,
        windows: Windows::default(),
        floors: None,
        limits: Limits::default(),
        organisations: vec![organisation(HOSPITAL, all), organisation(VISITOR, CapabilitiesSpec::default())],
        validators: Vec::new(),
    })
    .expect("a valid genesis")
}

pub(crate) fn sign(chain: ChainId, reference: &str, action: Action) -> SignedTx {
    static NONCE: AtomicU64 = AtomicU64::new(0);
    let mut nonce = [0u8; 16];
    nonce[..8].copy_from_slice(&NONCE.fetch_add(1, Ordering::Relaxed).to_le_bytes());
    let organisation = OrgId::from_reference(reference);
    let mut tx = SignedTx { chain, organisation, nonce, action, signature: [0; 64] };
    tx.signature = key(reference).sign(&tx.signing_bytes()).to_bytes();
    tx
}

pub(crate) fn enrol(subjects: impl IntoIterator<Item = u64>) -> Action {
    Action::Enrol(subjects.into_iter().map(|n| SubjectCommitment::new(Fr::from(n))).collect())
}

pub(crate) fn anchor(records: impl IntoIterator<Item = u64>, superseded: &[u64]) -> Action {
    // About one handle in six gives a revocation id; a record's salts are drawn until its does.
    let handle = |n: &u64| {
        let mut all = (n * 1000..).map(|n| SupersessionHandle::new(Fr::from(n)));
        all.find(|handle| handle.revocation_id().is_some()).expect("there are many")
    };
    Action::Anchor {
        records: records.into_iter().map(|n| RecordRoot::new(Fr::from(n))).collect(),
        superseded: superseded.iter().map(handle).collect(),
    }
}

pub(crate) fn issue(n: u64) -> Action {
    Action::IssueRole { role: RoleCode::new(Fr::from(5u64)), inner: RoleInner::new(Fr::from(n)) }
}

/// Signed by the hospital for this ledger.
pub(crate) fn signed_for(solo: &Solo, action: Action) -> Transaction {
    Transaction::Signed(Box::new(sign(solo.genesis().chain_id(), HOSPITAL, action)))
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(NodeConfig::default())
    }

    pub(crate) fn with(config: NodeConfig) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut world = Self::at(folder.path(), config);
        world.folder = Some(folder);
        world
    }

    pub(crate) fn at(folder: &Path, config: NodeConfig) -> Self {
        let genesis = Arc::new(genesis("test"));
        let solo = Solo::open_or_create(&folder.join("ledger.redb"), genesis).expect("a ledger");
        Self::over(solo, config)
    }

    pub(crate) fn over(solo: Solo, config: NodeConfig) -> Self {
        let time = Timestamp::from_unix(START + 5).expect("a time").max(solo.state().tip().time);
        let (clock, solo) = (Arc::new(ManualClock::at(time)), Arc::new(solo));
        let Serving { address, stop, served, runtime } = serve(solo.clone(), clock.clone(), config);
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .build()
            .new_agent();
        Self {
            solo,
            clock,
            address,
            folder: None,
            stop: Some(stop),
            served: Some(served),
            runtime: Some(runtime),
            agent,
        }
    }

    /// Begins to stop; [`World::ended`] waits for it.
    pub(crate) fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until the node has stopped, and drops the ledger.
    pub(crate) fn ended(mut self) -> Option<tempfile::TempDir> {
        self.begin_stop();
        let (runtime, served) = (self.runtime.take().expect("running"), self.served.take().expect("served"));
        let ended = runtime.block_on(async { tokio::time::timeout(PATIENCE, served).await });
        ended.expect("in time").expect("no panic").expect("no error");
        self.folder.take()
    }

    pub(crate) fn chain(&self) -> ChainId {
        self.solo.genesis().chain_id()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn http(&self) -> Http {
        Http::connect(&self.url(), Some(self.chain())).expect("a node")
    }

    pub(crate) fn embedded(&self) -> Embedded {
        Embedded::new(self.solo.clone(), self.clock.clone())
    }

    pub(crate) fn height(&self) -> u64 {
        self.solo.state().tip().height
    }

    /// Sets the clock to the next epoch and sees to it that its bundle is sealed.
    pub(crate) fn next_epoch(&self) {
        self.set_next_epoch();
        self.solo.tick(self.clock.now()).expect("a block");
    }

    pub(crate) fn set_next_epoch(&self) {
        self.clock.0.send_modify(|now| *now = Timestamp::new(now.seconds() + EPOCH).expect("a time"));
    }

    pub(crate) fn signed(&self, action: Action) -> Transaction {
        signed_for(&self.solo, action)
    }

    /// Signs, submits and expects a receipt.
    pub(crate) fn commit(&self, action: Action) -> Value {
        let reply = self.post(&self.signed(action).to_bytes());
        assert_eq!(reply.status, 200, "{}", reply.json);
        reply.json["receipt"].clone()
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        let sent = self.agent.get(format!("{}{path}", self.url())).call();
        self.reply("get", path, sent)
    }

    pub(crate) fn get_bytes(&self, path: &str) -> Reply {
        let request = self.agent.get(format!("{}{path}", self.url()));
        let sent = request.header("accept", "application/octet-stream").call();
        self.reply("get", path, sent)
    }

    pub(crate) fn post(&self, bytes: &[u8]) -> Reply {
        self.post_as("application/octet-stream", bytes)
    }

    pub(crate) fn post_as(&self, kind: &str, bytes: &[u8]) -> Reply {
        let path = "/v1/transactions";
        let sent = self.agent.post(format!("{}{path}", self.url())).content_type(kind).send(bytes);
        self.reply("post", path, sent)
    }

    pub(crate) fn post_to(&self, path: &str) -> Reply {
        let sent = self.agent.post(format!("{}{path}", self.url())).send(&b""[..]);
        self.reply("post", path, sent)
    }

    fn reply(
        &self,
        method: &str,
        path: &str,
        sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Reply {
        let mut response = sent.unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        let text = |name: &str| {
            let value = response.headers().get(name)?;
            Some(value.to_str().expect("plain text").to_owned())
        };
        let (allow, kind) = (text("allow"), text("content-type"));
        assert_eq!(text("x-content-type-options").as_deref(), Some("nosniff"));
        let status = response.status().as_u16();
        let bytes = response.body_mut().with_config().limit(64 << 20).read_to_vec().expect("a body");
        let kind = kind.unwrap_or_default();
        let json = if kind.starts_with("application/json") {
            serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
        } else {
            Value::Null
        };
        schema::check(method, path, status, &kind, &json);
        Reply { status, json, bytes, allow }
    }

    /// A bare connection, for clients that do not keep to the rules.
    pub(crate) fn raw(&self, text: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(text.as_bytes()).expect("written");
        stream
    }
}

impl Reply {
    /// Expects a refusal with this status and code, and gives it.
    pub(crate) fn refused(&self, status: u16, code: &str) -> &Value {
        let error = &self.json["error"];
        assert_eq!((self.status, error["code"].as_str()), (status, Some(code)), "{}", self.json);
        assert!(!error["message"].as_str().unwrap_or("").is_empty(), "{error}");
        assert!(!error["next"].as_str().unwrap_or("").is_empty(), "{error}");
        error
    }
}

/// Reads to the end; a reset counts as the end.
pub(crate) fn to_end(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let mut buffer = [0u8; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => all.extend_from_slice(&buffer[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(e) => panic!("the connection stayed open: {e}"),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}
