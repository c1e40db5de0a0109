//! A configuration that is written is read back, and a wrong one is refused by name.

use super::*;

fn read(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node.toml");
    std::fs::write(&path, text).expect("a file");
    let mut config = Config::read(&path)?;
    for path in [&mut config.genesis, &mut config.ledger, &mut config.bft.key, &mut config.bft.folder]
        .into_iter()
        .chain(config.tls.files())
    {
        *path = path.strip_prefix(folder.path()).expect("in the folder").to_owned();
    }
    Ok(config)
}

#[test]
fn the_file_that_is_written_says_what_is_and_names_every_key() {
    let default = Config::default();
    assert_eq!(read("").expect("nothing is fine"), default);
    assert_eq!(read(&default.to_toml()).expect("as written"), default);
    let mut other = Config { consensus: ConsensusName::Bft, log: "warn,audit=info".into(), ..default };
    other.bft.folder = "a \"folder\"\\".into();
    other.http.requests = 7;
    other.tls.certificate = "node.pem".into();
    other.tls.key = "node.key".into();
    other.bft.peers = (1..3)
        .map(|n| PeerConfig {
            name: format!("Hospital \"{n}\""),
            key: "ab".repeat(32),
            consensus: local(n),
            transactions: local(n + 1),
        })
        .collect();
    let text = other.to_toml();
    assert_eq!(read(&text).expect("as written"), other);
    // Whatever the structure has is in the file.
    let table = toml::Table::try_from(&other).expect("a table");
    let written: toml::Table = text.parse().expect("a table");
    assert_eq!(table, written);
}

#[test]
fn what_cannot_be_followed_is_refused_by_name() {
    for (text, words) in [
        ("colour = \"red\"", "colour"),
        ("[http]\nlisten = \"nowhere\"", "listen"),
        ("[http]\nrequests = 0", "http.requests is 0"),
        ("[bft]\nvote_ms = 0", "bft.vote_ms is 0"),
        ("[bft]\nvotems = 1", "votems"),
        ("consensus = \"raft\"", "raft"),
        ("engine = \"bft\"\nconsensus = \"bft\"", "duplicate"),
        ("[[bft.peers]]\nkey = \"ab\"", "consensus"),
        ("[[bft.peers]]\nkey=\"ab\"\nconsensus=\"127.0.0.1:1\"\ntransactions=\"127.0.0.1:2\"", "solo"),
        ("[tls]\nkey = \"k\"", "tls.certificate and tls.key"),
        ("[tls]\nclient_ca = \"k\"", "tls.client_ca"),
        ("[tls]\nrequire_client_certificate = true", "tls.client_ca"),
        ("consensus = ", "node.toml"),
    ] {
        let error = read(text).expect_err(text);
        let cause = std::error::Error::source(&error).map_or(String::new(), ToString::to_string);
        let error = format!("{error}: {cause}");
        assert!(error.contains(words) && error.contains("node.toml"), "{text}: {error}");
    }
}

#[test]
fn the_old_key_for_consensus_is_read_with_a_notice() {
    let old = read("engine = \"bft\"").expect("one version more");
    assert_eq!((old.consensus, &*old.notices), (ConsensusName::Bft, &[ENGINE_IS_CONSENSUS][..]));
    let new = read("consensus = \"bft\"").expect("today's key");
    assert_eq!((new.consensus, new.notices.len()), (ConsensusName::Bft, 0));
}
