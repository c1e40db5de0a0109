//! Four validators with a network namespace each: interfaces that lead nowhere, packets that are
//! lost, machines that vanish; and a full disk. If the machine allows no namespaces, these tests
//! say so and end.

use super::*;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long nothing must happen before a test believes that nothing does.
const LOOK: Duration = Duration::from_secs(2);
/// Set in the process that has namespaces.
const INSIDE: &str = "AMANAT_TEST_INSIDE";
const BRIDGE: &str = "bridge-near";
/// The bridge of the validators that are cut off.
const FAR: &str = "bridge-far";

fn shell(command: &str) -> String {
    let out = Command::new("sh").args(["-c", command]).output().expect("a shell");
    assert!(out.status.success(), "{command}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// Runs a test of this module again in namespaces in which it may change interfaces and mounts.
/// True inside.
#[allow(clippy::print_stdout, reason = "what was measured, and why nothing was")]
fn inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let needed = "ip link add wire0 type veth peer name wire1 && ip link add bridge0 type bridge && tc qdisc add dev wire0 root tbf rate 1mbit burst 2kb limit 3000 \
         && mount -t tmpfs -o size=1m none /tmp";
    let probe = Command::new("unshare").args(["-rnm", "sh", "-c", needed]).output();
    if !probe.as_ref().is_ok_and(|out| out.status.success()) {
        println!("not run: no namespaces here: {probe:?}");
        return false;
    }
    let mut again = Command::new("unshare");
    again.args(["-rnm", "--"]).arg(std::env::current_exe().expect("this binary"));
    again.args(["--exact", &format!("cluster::namespaces::{test}"), "--nocapture", "--test-threads=1"]);
    let out = again.env(INSIDE, "1").output().expect("it ran before");
    let (said, why) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    println!("{said}");
    assert!(out.status.success() && said.contains("1 passed"), "{said}\n{why}");
    false
}

#[allow(clippy::print_stdout, reason = "what was measured; nothing depends on it")]
fn told(what: &str, begun: Instant) {
    println!("{what}: {:.1} s", begun.elapsed().as_secs_f64());
}

/// A cluster whose validators have their own addresses, on one bridge with this process.
struct Net {
    cluster: Cluster,
    /// The bridge's end of each one's wire.
    ports: [String; 4],
    made: u32,
}

impl Net {
    fn found() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let cluster = Cluster { folder, port: 7420, apart: true };
        let hosts = "10.77.0.1,10.77.0.2,10.77.0.3,10.77.0.4";
        cluster.ok(&[
            "cluster",
            "init",
            &cluster.at(""),
            "--hosts",
            hosts,
            "--port",
            "7420",
            "--epoch-seconds",
            "60",
        ]);
        for k in 1..=4 {
            // Clients are let in by the operator.
            let text = std::fs::read_to_string(cluster.config(k)).expect("a configuration");
            let open = text.replace("127.0.0.1:7420", &cluster.http(k).to_string());
            assert_ne!(open, text);
            std::fs::write(cluster.config(k), open).expect("written");
        }
        shell("ip link set lo up");
        for (n, bridge) in [BRIDGE, FAR].iter().enumerate() {
            // Its own address: otherwise it is a wire's, and another one when a wire leaves.
            let address = format!("02:00:00:00:00:0{n}");
            shell(&format!("ip link add {bridge} address {address} type bridge && ip link set {bridge} up"));
        }
        shell(&format!("ip addr add 10.77.0.254/24 dev {BRIDGE}"));
        Self { cluster, ports: Default::default(), made: 0 }
    }

    /// Starts a validator on its own machine and waits until it listens.
    fn node(&mut self, k: u16) -> Running {
        let config = self.cluster.config(k);
        let amanat = self.cluster.command(&["node", "--config", &config]);
        let words = "echo apart; read -r _; ip link set lo up && ip addr add 10.77.0.$0/24 dev eth0 && ip link set eth0 up && exec \"$@\" </dev/null";
        let mut command = Command::new("unshare");
        command
            .args(["-n", "sh", "-c", words, &k.to_string()])
            .arg(amanat.get_program())
            .args(amanat.get_args());
        for (name, value) in amanat.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.current_dir(self.cluster.folder.path()).stdin(Stdio::piped());
        let mut node = Running::start(command);
        node.line("apart");
        self.made += 1;
        let port = format!("wire{k}-{}", self.made);
        shell(&format!("ip link add {port} type veth peer name eth0 netns {}", node.child.id()));
        shell(&format!("ip link set {port} master {BRIDGE} up"));
        self.ports[usize::from(k) - 1] = port;
        writeln!(node.child.stdin.take().expect("piped"), "go").expect("it waits");
        node.line("listens on");
        node
    }

    fn each(&self, validators: &[u16], command: &str) {
        for k in validators {
            shell(&command.replace("PORT", &self.ports[usize::from(*k) - 1]));
        }
    }

    /// Packets between these validators and all others are lost in silence.
    fn part(&self, validators: &[u16]) {
        self.each(validators, &format!("ip link set PORT master {FAR}"));
    }

    fn heal(&self, validators: &[u16]) {
        self.each(validators, &format!("ip link set PORT master {BRIDGE}"));
    }
}

#[test]
fn networks_that_part_lose_packets_and_machines_that_vanish() {
    if !inside("networks_that_part_lose_packets_and_machines_that_vanish") {
        return;
    }
    let mut net = Net::found();
    let mut nodes: Vec<Running> = (1..=4).map(|k| net.node(k)).collect();
    (1..=4).for_each(|k| drop(readiness(net.cluster.http(k), None)));
    net.cluster.ok(&["init", "--node", &net.cluster.url(1)]);
    net.cluster.anchor("1", 2);
    net.cluster.one_tip();

    // Three and one.
    net.part(&[4]);
    let begun = Instant::now();
    net.cluster.anchor("2", 1);
    net.cluster.anchor("3", 2);
    told("three of four, two imports", begun);
    let tip = height(net.cluster.http(1));
    net.heal(&[4]);
    let healed = Instant::now();
    reached(net.cluster.http(4), tip);
    told("one of four, from the heal until it has the others' blocks", healed);
    net.cluster.one_tip();

    // Two and two: neither side is ready, and what is handed in waits.
    net.part(&[3, 4]);
    let data = net.cluster.at("data-waits");
    net.cluster.ok(&["generate", &data, "--patients", "1", "--seed", "4"]);
    readiness(net.cluster.http(1), Some("no_quorum"));
    let before = height(net.cluster.http(2));
    let mut waits = Running::start(net.cluster.command(&[
        "--json",
        "import",
        "--anchor",
        &data,
        "--node",
        &net.cluster.url(1),
    ]));
    assert!(waits.falls_silent(LOOK), "two of four decide nothing: {:?}", waits.said);
    assert!(height(net.cluster.http(2)) <= before + 1);
    net.heal(&[3, 4]);
    let healed = Instant::now();
    let status = waits.end();
    assert!(status.success(), "{}", waits.errors());
    told("two and two, from the heal until what waited is durable", healed);
    (1..=4).for_each(|k| drop(readiness(net.cluster.http(k), None)));
    told("and until all are ready", healed);
    net.cluster.one_tip();

    // Wires that carry little and drop the rest.
    net.each(&[1, 2, 3, 4], "tc qdisc add dev PORT root tbf rate 1mbit burst 2kb limit 3000");
    let begun = Instant::now();
    net.cluster.anchor("5", 2);
    told("one import over wires of 1 Mbit/s that drop what is more", begun);
    let dropped = |k: usize| -> u64 {
        let words = shell(&format!("tc -s qdisc show dev {}", net.ports[k]));
        let number = words.split("dropped ").nth(1).and_then(|rest| rest.split(',').next());
        number.and_then(|number| number.parse().ok()).expect("a number of packets")
    };
    let lost: u64 = (0..4).map(dropped).sum();
    assert!(lost > 0, "no packet was lost");
    net.each(&[1, 2, 3, 4], "tc qdisc del dev PORT root");
    net.cluster.one_tip();

    // A machine that is gone from one moment to the next, and comes back.
    net.part(&[3]);
    nodes[2].signal("-KILL");
    nodes[2].end();
    net.cluster.anchor("6", 4);
    let tip = height(net.cluster.http(4));
    let begun = Instant::now();
    nodes[2] = net.node(3);
    reached(net.cluster.http(3), tip);
    told("one that vanished, from its start until it has the others' blocks", begun);
    net.cluster.one_tip();
    nodes.iter_mut().for_each(Running::terminate);
}

/// Leaves this much of a disk free.
fn fill(folder: &str, left: usize) -> PathBuf {
    let path = Path::new(folder).join("filler");
    let mut file = std::fs::File::create(&path).expect("room for a name");
    let piece = [7; 4096];
    let mut written = 0;
    while file.write_all(&piece).is_ok() {
        written += piece.len();
    }
    file.set_len(written.saturating_sub(left) as u64).expect("shorter");
    path
}

#[test]
fn a_full_disk_stops_a_validator_with_words_and_it_catches_up_when_there_is_room() {
    if !inside("a_full_disk_stops_a_validator_with_words_and_it_catches_up_when_there_is_room") {
        return;
    }
    shell("ip link set lo up");
    let cluster = Cluster::found();
    // A separate disk for the fourth.
    let folder = cluster.at("validator-4");
    shell(&format!("mv {folder} {folder}.was && mkdir {folder}"));
    shell(&format!("mount -t tmpfs -o size=64m none {folder} && cp -a {folder}.was/. {folder}"));
    let mut nodes: Vec<Running> = (1..=4).map(|k| cluster.node(k)).collect();
    (1..=4).for_each(|k| drop(readiness(cluster.http(k), None)));
    cluster.ok(&["init", "--node", &cluster.url(1)]);
    let mut promised = vec![cluster.anchor("1", 4)];
    // With its log on a pipe, and with its log on the same disk.
    for (n, log_too) in (0_usize..).zip([false, true]) {
        if log_too {
            nodes[3].terminate();
            let config = cluster.config(4);
            let mut amanat = cluster.command(&["node", "--config", &config]);
            amanat.env("AMANAT_LOG", "debug");
            let log = std::fs::File::create(cluster.at("validator-4/log")).expect("a log");
            let mut child = amanat.stdout(Stdio::piped()).stderr(log).spawn().expect("it starts");
            let out = child.stdout.take().expect("piped");
            nodes[3] =
                Running { child, lines: lines(out), said: Vec::new(), errors: lines(std::io::empty()) };
            nodes[3].line("listens on");
            readiness(cluster.http(4), None);
        }
        let filler = fill(&folder, 16 * 1024);
        let begun = Instant::now();
        let mut seed = 100 * (n + 1);
        while nodes[3].child.try_wait().expect("a child").is_none() {
            assert!(begun.elapsed() < PATIENCE, "it goes on without room");
            promised.push(cluster.anchor(&seed.to_string(), 1 + (seed % 3) as u16));
            seed += 1;
        }
        let status = nodes[3].end();
        assert_eq!(status.code(), Some(1), "{status}: {}", nodes[3].errors());
        if !log_too {
            let words = nodes[3].errors();
            assert!(words.contains("No space left on device"), "{words}");
            let last = words.split("error: ").last().expect("some words");
            assert!(last.contains("No space left on device") || last.contains("ledger"), "{words}");
        }
        std::fs::remove_file(filler).expect("room again");
        nodes[3] = cluster.node(4);
        readiness(cluster.http(4), None);
        cluster.one_tip();
        promised.push(cluster.anchor(&seed.to_string(), 4));
        for txid in &promised {
            let receipt = get(cluster.http(4), &format!("/v1/receipts/{txid}")).expect("an answer");
            assert_eq!(receipt.0, 200, "{txid}: {}", receipt.1);
        }
    }
    nodes.iter_mut().for_each(Running::terminate);
}
