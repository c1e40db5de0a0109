//! The test binary as one validator in a separate process: it reads commands from its input and
//! writes events to its output.

use crate::cluster::*;
use crate::inside::Hand;
use crate::world::*;
use amanat_bft::Validator;
use amanat_domain::time::Timestamp;
use amanat_domain::tx::TxId;
use amanat_ledger::*;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

/// Index of the validator, its ports, the ports by which it reaches the others, the time, and its
/// folder.
pub(crate) const NODE: &str = "AMANAT_BFT_NODE";

#[test]
fn node() {
    let Ok(args) = std::env::var(NODE) else { return };
    let mut words = args.splitn(5, ' ');
    let mut word = || words.next().expect("five words");
    let list = |text: &str| text.split(',').map(|p| p.parse().expect("a port")).collect::<Vec<u16>>();
    let n: u8 = word().parse().expect("an index");
    let (ports, via) = (list(word()), list(word()));
    let now: u64 = word().parse().expect("a time");
    let folder = Path::new(word());
    let filter = tracing_subscriber::EnvFilter::try_from_env("AMANAT_BFT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(serve(
        n,
        (&ports, &via),
        Timestamp::new(now).expect("a time"),
        folder,
    ));
}

async fn serve(n: u8, (ports, via): (&[u16], &[u16]), now: Timestamp, folder: &Path) {
    let path = folder.join(format!("ledger-{n}.redb"));
    let chain = Chain::open_or_create(&path, validated_genesis(ports.len() as u8 / 2))
        .expect("it opens after every kill");
    let hand = Hand::at(now);
    let settings = settings_via(n, ports, via, folder);
    let validator =
        Validator::start(Arc::new(chain), secret(n), settings, hand.clock()).await.expect("starts");
    let validator = Arc::new(validator);
    let mut tip = validator.tip();
    tip.mark_changed();
    let mut telling = tokio::spawn(async move {
        while tip.changed().await.is_ok() {
            let header = *tip.borrow_and_update();
            say(&format!("tip {} {}", header.height, header.epoch));
        }
    });
    let (lines, mut commands) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    loop {
        let line = tokio::select! {
            line = commands.recv() => line,
            _ = &mut telling => panic!("the validator has stopped without being told to"),
        };
        // The parent has closed our input, or is gone.
        let Some(line) = line else { return };
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let validator = validator.clone();
        match (words[0].as_str(), &words[1..]) {
            ("clock", [now]) => hand.set(Timestamp::new(now.parse().expect("a time")).expect("a time")),
            ("tx", [seq, tx]) => {
                let (seq, tx) = (seq.clone(), hex::decode(tx).expect("hex"));
                // Printed after the acknowledgement: what the parent has read was promised.
                tokio::spawn(async move { answer(&seq, Answer::of(validator.submit(tx).await)) });
            }
            (what, [seq, about]) => {
                let bytes = ask(validator.chain(), what, about);
                say(&format!("reply {seq} {}", bytes.map_or("-".to_owned(), hex::encode)));
            }
            _ => panic!("{line}"),
        }
    }
}

fn ask(chain: &Chain, what: &str, about: &str) -> Option<Vec<u8>> {
    let height = || about.parse().expect("a height");
    let txid = || about.parse::<TxId>().expect("an id");
    match what {
        "block" => chain.block(height()).expect("no fault").map(|b| b.to_bytes()),
        "certificate" => chain.certificate(height()).expect("no fault").map(|c| c.to_bytes()),
        "inclusion" => chain.inclusion(&txid()).expect("no fault").map(|p| p.to_bytes()),
        "prove" => Some(chain.prove(Entry::Transaction(txid())).expect("no fault").to_bytes()),
        other => panic!("{other}"),
    }
}

fn answer(seq: &str, answer: Answer) {
    say(&match answer {
        Answer::Committed { txid, height } => format!("answer {seq} committed {txid} {height}"),
        Answer::Before { txid, height } => format!("answer {seq} before {txid} {height}"),
        Answer::Refused(why) => format!("answer {seq} refused {}", why.replace('\n', " ")),
    });
}

/// One line, whole; the test harness may have left one unfinished.
fn say(line: &str) {
    let _ = std::io::stdout().write_all(format!("\n{line}\n").as_bytes());
}
