//! `amanat cluster`: a ledger of several validators, founded and run in one place.

use crate::args::{ClusterCommand, Global};
use crate::ui::Ui;
use anyhow::Result;

#[cfg(not(feature = "bft"))]
pub(crate) fn run(_: &ClusterCommand, _: &Global, _: Ui) -> Result<()> {
    super::node::no_bft()
}

#[cfg(feature = "bft")]
pub(crate) fn run(command: &ClusterCommand, _: &Global, ui: Ui) -> Result<()> {
    match command {
        ClusterCommand::Init(args) => many::init(args, ui),
        ClusterCommand::Run { dir } => many::run(dir, ui),
        ClusterCommand::Key { out } => many::key(out, ui),
        ClusterCommand::Check { genesis } => many::check(genesis, ui),
        ClusterCommand::Status { dir, tls } => many::status(dir, &tls.files(), ui),
    }
}

#[cfg(feature = "bft")]
mod many {
    use super::super::node::{Bft, Config, EngineName, NEVER_VOTED, PeerConfig, local, stop};
    use crate::args::ClusterInitArgs;
    use crate::desk::genesis;
    use crate::home::Home;
    use crate::session::{self, now};
    use crate::town;
    use crate::ui::{self, Ui};
    use amanat_api::tls::ClientTls;
    use amanat_bft::ValidatorSecret;
    use amanat_client::ledger::{Http, LedgerAccess as _};
    use amanat_ledger::ValidatorSpec;
    use anyhow::{Context, Result, bail, ensure};
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::path::{Path, PathBuf};
    use std::process::{ExitStatus, Stdio};
    use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
    use tokio::process::{Child, Command};
    use tokio::task::JoinSet;
    use zeroize::Zeroizing;

    const GENESIS: &str = "genesis.json";
    const CONFIG: &str = "node.toml";
    const KEY: &str = "validator.key";
    /// Between the ports of one validator: HTTP, consensus, transactions.
    const APART: u16 = 100;

    struct Place {
        name: String,
        organisation: String,
        secret: ValidatorSecret,
        http: SocketAddr,
        consensus: SocketAddr,
        transactions: SocketAddr,
    }

    /// Founds the ledger. Nothing is left behind where that fails.
    pub(super) fn init(args: &ClusterInitArgs, ui: Ui) -> Result<()> {
        let dir = &args.dir;
        ensure!(!dir.exists(), "{} is there already: give another folder, or remove it", dir.display());
        let n = usize::from(args.validators);
        ensure!(
            args.hosts.is_empty() || args.hosts.len() == n,
            "--hosts gives {} for {}: give one for each, in order",
            ui::count(args.hosts.len(), "address"),
            ui::count(n, "validator")
        );
        let last = u32::from(args.port) + u32::from(2 * APART) + n as u32;
        ensure!(
            args.port > 0 && last <= u32::from(u16::MAX),
            "--port {}: give 1 to {}",
            args.port,
            65_535 - 2 * APART - 32
        );
        ensure!(n <= usize::from(APART), "at most {APART} validators");
        let organisations = town::cluster(n, &mut rand::rng());
        let mut places = Vec::new();
        for (k, organisation) in organisations.iter().take(n).enumerate() {
            let port = args.port + if args.hosts.is_empty() { k as u16 } else { 0 };
            let at = |port| -> SocketAddr {
                args.hosts.get(k).map_or_else(|| local(port), |host: &IpAddr| (*host, port).into())
            };
            places.push(Place {
                name: format!("validator-{}", k + 1),
                organisation: organisation.reference.clone(),
                secret: new_secret(),
                // The HTTP interface is for whoever is on the validator's machine until the operator says otherwise.
                http: local(port),
                consensus: at(port + APART),
                transactions: at(port + 2 * APART),
            });
        }
        let validators = places
            .iter()
            .map(|p| ValidatorSpec { key: p.secret.key().to_string(), organisation: p.organisation.clone() })
            .collect();
        let genesis =
            genesis(&args.chain, now(), session::epoch(args.epoch_seconds)?, &organisations, validators)?;
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let written = || -> Result<()> {
            session::settle(&Home::open(Some(&dir.join("operator")))?, &organisations, &genesis)?;
            write(&dir.join(GENESIS), &genesis.to_json())?;
            for place in &places {
                place.write(dir, &places, &genesis.to_json())?;
            }
            Ok(())
        };
        if let Err(error) = written() {
            let _ = std::fs::remove_dir_all(dir);
            return Err(error);
        }
        ui.say(format!("{}: chain {}, {}", dir.display(), genesis.chain_id(), ui::count(n, "validator")));
        let mut rows = vec![
            ["validator", "organisation", "http", "consensus", "transactions"].map(String::from).to_vec(),
        ];
        for p in &places {
            let address = |address: SocketAddr| address.to_string();
            rows.push(vec![
                p.name.clone(),
                p.organisation.clone(),
                address(p.http),
                address(p.consensus),
                address(p.transactions),
            ]);
        }
        ui.table(&rows);
        ui.say(format!(
            "next: amanat cluster run {0}\nthen, beside it: amanat --home {0}/operator init --node http://{1}",
            dir.display(),
            places[0].http
        ));
        ui.document(&serde_json::json!({
            "folder": dir,
            "chain": genesis.chain_id().to_string(),
            "validators": places.iter().map(|p| serde_json::json!({
                "name": p.name,
                "organisation": p.organisation,
                "key": p.secret.key().to_string(),
                "http": p.http,
            })).collect::<Vec<_>>(),
        }));
        Ok(())
    }

    fn new_secret() -> ValidatorSecret {
        let mut seed = Zeroizing::new([0u8; 32]);
        rand::Rng::fill_bytes(&mut rand::rng(), seed.as_mut());
        ValidatorSecret::from_bytes(&seed)
    }

    /// The key of one validator, made where it is to stay.
    pub(super) fn key(out: &Path, ui: Ui) -> Result<()> {
        ensure!(
            !out.exists(),
            "{} is there already: a key is never written over, give another --out",
            out.display()
        );
        let secret = new_secret();
        secret.write(out)?;
        let key = secret.key().to_string();
        ui.say(format!(
            "the private key is in {}, for its owner alone; the public half:\n{key}",
            out.display()
        ));
        ui.document(&serde_json::json!({ "file": out, "key": key }));
        Ok(())
    }

    /// What a genesis says.
    pub(super) fn check(path: &Path, ui: Ui) -> Result<()> {
        let genesis = session::read_genesis(path)?;
        let spec = genesis.spec();
        let governing = spec.organisations.iter().filter(|o| o.capabilities.govern).count();
        ui.say(format!("chain {}", genesis.chain_id()));
        ui.say(format!(
            "{}, epochs of {} s from {}; {} of {governing} that govern make a change; {}",
            spec.chain,
            spec.epoch_seconds,
            genesis.start(),
            governing * 2 / 3 + 1,
            ui::count(spec.validators.len(), "validator")
        ));
        let mut rows = vec![["organisation", "governs", "key", "validator"].map(String::from).to_vec()];
        for o in &spec.organisations {
            let validators = spec.validators.iter().filter(|v| v.organisation == o.id);
            let validators: Vec<&str> = validators.map(|v| v.key.as_str()).collect();
            let governs = if o.capabilities.govern { "yes" } else { "no" };
            rows.push(vec![o.id.clone(), governs.to_owned(), o.key.clone(), validators.join(" ")]);
        }
        ui.table(&rows);
        ui.document(&serde_json::json!({ "chain": genesis.chain_id().to_string(), "genesis": spec }));
        Ok(())
    }

    impl Place {
        fn write(&self, dir: &Path, all: &[Self], genesis: &[u8]) -> Result<()> {
            let folder = dir.join(&self.name);
            let mut config = Config { engine: EngineName::Bft, ..Config::default() };
            config.http.listen = self.http;
            let others = all.iter().filter(|other| other.name != self.name);
            config.bft = Bft {
                consensus: self.consensus,
                transactions: self.transactions,
                peers: others
                    .map(|p| PeerConfig {
                        name: p.organisation.clone(),
                        key: p.secret.key().to_string(),
                        consensus: p.consensus,
                        transactions: p.transactions,
                    })
                    .collect(),
                ..config.bft
            };
            let log = folder.join(&config.bft.folder);
            std::fs::create_dir_all(&log).with_context(|| format!("cannot make {}", log.display()))?;
            self.secret.write(&folder.join(KEY))?;
            write(&folder.join(GENESIS), genesis)?;
            write(&folder.join(CONFIG), config.to_toml().as_bytes())?;
            let words = "This validator has never voted. The node removes this file when it begins its log: do not bring it back.\n";
            write(&log.join(NEVER_VOTED), words.as_bytes())
        }
    }

    fn write(path: &Path, bytes: &[u8]) -> Result<()> {
        std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The configurations of a cluster's folder, in order.
    fn configurations(dir: &Path) -> Result<Vec<(String, PathBuf)>> {
        let found = (1..).map(|k| format!("validator-{k}")).map(|name| (dir.join(&name).join(CONFIG), name));
        let found: Vec<_> =
            found.take_while(|(path, _)| path.exists()).map(|(path, name)| (name, path)).collect();
        if found.is_empty() {
            bail!("{} has no validator-1/{CONFIG}: make a cluster with `amanat cluster init`", dir.display());
        }
        Ok(found)
    }

    /// Runs every validator in a process of its own.
    pub(super) fn run(dir: &Path, ui: Ui) -> Result<()> {
        let configurations = configurations(dir)?;
        let program = std::env::current_exe().context("cannot find this program")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.context("cannot start the runtime")?.block_on(async {
            let (mut ends, mut ids) = (JoinSet::new(), Vec::new());
            for (name, config) in &configurations {
                let mut child = Command::new(&program)
                    .args(["node".as_ref(), "--config".as_ref(), config.as_os_str()])
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .kill_on_drop(true)
                    .spawn()
                    .with_context(|| format!("cannot start {name}"))?;
                ids.extend(child.id());
                let streams = (child.stdout.take(), child.stderr.take());
                tokio::spawn(tell(name.clone(), streams.0, ui));
                tokio::spawn(tell(name.clone(), streams.1, ui));
                ends.spawn(ended(name.clone(), child));
            }
            let (mut stopping, mut failed) = (false, 0);
            let told = stop();
            tokio::pin!(told);
            loop {
                tokio::select! {
                    () = &mut told, if !stopping => {
                        stopping = true;
                        for id in &ids {
                            terminate(*id);
                        }
                    }
                    end = ends.join_next() => match end {
                        None => break,
                        Some(Ok((name, status))) => {
                            failed += usize::from(!status.is_some_and(|status| status.success()));
                            let how = status.map_or_else(|| "lost".to_owned(), |status| status.to_string());
                            ui.say(format!("{name} has ended ({how})"));
                        }
                        Some(Err(error)) => bail!("a validator was not waited for: {error}"),
                    },
                }
            }
            ensure!(
                failed == 0,
                "{failed} of {} ended badly: see above",
                ui::count(configurations.len(), "validator")
            );
            Ok(())
        })
    }

    async fn ended(name: String, mut child: Child) -> (String, Option<ExitStatus>) {
        (name, child.wait().await.ok())
    }

    async fn tell(name: String, stream: Option<impl AsyncRead + Unpin>, ui: Ui) {
        let Some(stream) = stream else { return };
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            ui.say(format!("{name} | {line}"));
        }
    }

    /// SIGTERM: the node answers what is in flight and stops.
    fn terminate(id: u32) {
        #[cfg(unix)]
        if let Some(pid) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }

    /// Where a node that listens there is reached from its own machine.
    fn reached(config: &Config) -> (String, bool) {
        let mut at = config.http.listen;
        match at.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => at.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => at.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        let tls = !config.tls.certificate.as_os_str().is_empty();
        (format!("{}://{at}", if tls { "https" } else { "http" }), tls)
    }

    /// Asks every validator how it is.
    pub(super) fn status(dir: &Path, tls: &ClientTls, ui: Ui) -> Result<()> {
        let mut rows = vec![
            ["validator", "http", "height", "epoch", "waiting", "tip", "state"].map(String::from).to_vec(),
        ];
        let mut document = Vec::new();
        let configurations =
            configurations(dir)?.into_iter().map(|(name, path)| Ok((name, Config::read(&path)?)));
        let configurations: Vec<(String, Config)> = configurations.collect::<Result<_>>()?;
        ensure!(
            tls.is_empty() || configurations.iter().any(|(_, config)| reached(config).1),
            "certificates are given, but no configuration in {} names one: no validator there speaks TLS",
            dir.display()
        );
        let (mut down, mut all) = (0, 0);
        for (name, config) in configurations {
            let chain = session::read_genesis(&config.genesis)?.chain_id();
            let (address, secured) = reached(&config);
            // Those without TLS have no use for certificates.
            let files = if secured { tls.clone() } else { ClientTls::default() };
            let status = Http::connect_with(&address, Some(chain), &files).and_then(|node| node.status());
            all += 1;
            rows.push(match &status {
                Ok(s) => vec![
                    name.clone(),
                    address.clone(),
                    s.height.to_string(),
                    s.epoch.to_string(),
                    s.mempool.to_string(),
                    hex::encode(&s.tip.0[..6]),
                    if s.ready { "ready" } else { "not ready" }.to_owned(),
                ],
                Err(error) => {
                    down += 1;
                    let dash = || "-".to_owned();
                    vec![name.clone(), address.clone(), dash(), dash(), dash(), dash(), error.to_string()]
                }
            });
            document.push(serde_json::json!({
                "name": name,
                "http": address,
                "status": status.as_ref().ok(),
                "error": status.as_ref().err().map(ToString::to_string),
            }));
        }
        ui.table(&rows);
        ui.document(&serde_json::json!({ "validators": document }));
        ensure!(down == 0, "{down} of {} do not answer", ui::count(all, "validator"));
        Ok(())
    }
}
