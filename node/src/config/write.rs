//! The configuration as a file that says everything.

use super::{Config, LogFormat};
use std::path::Path;

impl Config {
    /// The file: every key with its value and an explanation.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let (http, bft) = (&self.http, &self.bft);
        let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let path = |path: &Path| quoted(&path.to_string_lossy());
        let mut text = format!(
            "# A node of a ledger. A key that is left out has its default value; an unknown key is refused. Paths are relative to this\n\
             # file.\n\n\
             # How blocks are agreed on: \"solo\", by one validator alone, or \"bft\", among several validators.\n\
             consensus = {name}\n\
             # The genesis, and the ledger file. The node creates the ledger file if it does not exist.\n\
             genesis = {genesis}\n\
             ledger = {ledger}\n\
             # The log's filter, in the syntax of tracing-subscriber; the log goes to standard error. AMANAT_LOG, if set, takes precedence.\n\
             log = {log}\n\
             # Its format: \"text\", or \"json\", an object on each line.\n\
             log_format = {log_format}\n\n\
             [http]\n\
             # Where clients and probes reach the node.\n\
             listen = \"{listen}\"\n\
             # Most connections; more wait to be accepted.\n\
             connections = {connections}\n\
             # Most requests at work, submissions at work of one organisation or address, and event streams; more are answered 503.\n\
             requests = {requests}\n\
             requests_per_caller = {per_caller}\n\
             event_streams = {streams}\n\
             # Seconds: for a request's head, for its body, for the answer to be made, without a byte of it taken, and for what is in flight at\n\
             # shutdown.\n\
             header_seconds = {header}\n\
             body_seconds = {body}\n\
             request_seconds = {request}\n\
             stall_seconds = {stall}\n\
             drain_seconds = {drain}\n\n\
             [tls]\n\
             # Certificate and key of the HTTP interface, and the CAs of clients' certificates (PEM); plain HTTP where there is none. They are\n\
             # read again at SIGHUP. With CAs, submitting needs a certificate; where one is required, everything does.\n\
             certificate = {certificate}\n\
             key = {tls_key}\n\
             client_ca = {client_ca}\n\
             require_client_certificate = {require}\n\n\
             [bft]\n\
             # This validator's private key: 64 hexadecimal digits, for the owner's eyes only.\n\
             key = {key}\n\
             # The write-ahead log of consensus. It belongs to the ledger file: keep both, or lose both.\n\
             folder = {folder}\n\
             # Where the other validators reach this one: for consensus, and with transactions.\n\
             consensus = \"{consensus}\"\n\
             transactions = \"{transactions}\"\n\
             # Take part without a vote while the key is not among the validators.\n\
             follow = {follow}\n\
             # Milliseconds: for a round's block (longer with each round), for votes, between two reports of how far this validator is, and\n\
             # without a block while nothing is to be decided.\n\
             propose_ms = {propose}\n\
             vote_ms = {vote}\n\
             status_ms = {status}\n\
             idle_ms = {idle}\n",
            name = quoted(self.consensus.name()),
            genesis = path(&self.genesis),
            ledger = path(&self.ledger),
            log = quoted(&self.log),
            log_format = quoted(if self.log_format == LogFormat::Json { "json" } else { "text" }),
            listen = http.listen,
            connections = http.connections,
            requests = http.requests,
            per_caller = http.requests_per_caller,
            certificate = path(&self.tls.certificate),
            tls_key = path(&self.tls.key),
            client_ca = path(&self.tls.client_ca),
            require = self.tls.require_client_certificate,
            streams = http.event_streams,
            header = http.header_seconds,
            body = http.body_seconds,
            request = http.request_seconds,
            stall = http.stall_seconds,
            drain = http.drain_seconds,
            key = path(&bft.key),
            folder = path(&bft.folder),
            consensus = bft.consensus,
            transactions = bft.transactions,
            follow = bft.follow,
            propose = bft.propose_ms,
            vote = bft.vote_ms,
            status = bft.status_ms,
            idle = bft.idle_ms,
        );
        if !bft.peers.is_empty() {
            text.push_str("\n# Every other validator. Nobody else is spoken to.\n");
        }
        for peer in &bft.peers {
            text.push_str(&format!(
                "[[bft.peers]]\nname = {}\nkey = {}\nconsensus = \"{}\"\ntransactions = \"{}\"\n",
                quoted(&peer.name),
                quoted(&peer.key),
                peer.consensus,
                peer.transactions
            ));
        }
        text
    }
}
