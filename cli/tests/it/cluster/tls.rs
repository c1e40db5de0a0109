//! Validators whose interface speaks TLS.

use super::authority::{Authority, Issued};
use super::*;

/// The configuration names a certificate, and whose it asks everybody for.
fn secure(cluster: &Cluster, k: u16, node: &Issued, asked: Option<&Authority>) {
    edit(PathBuf::from(cluster.config(k)), |text| {
        let named = |line: &str, file: &Path| format!("{line} = \"{}\"", file.display());
        let mut text = text
            .replace("\ncertificate = \"\"", &named("\ncertificate", &node.certificate))
            .replace("\nkey = \"\"", &named("\nkey", &node.key));
        if let Some(ca) = asked {
            text = text
                .replace("\nclient_ca = \"\"", &named("\nclient_ca", &ca.file))
                .replace("require_client_certificate = false", "require_client_certificate = true");
        }
        text
    });
}

#[test]
fn the_status_of_a_cluster_is_asked_over_tls_where_a_validator_speaks_it() {
    let cluster = Cluster::found();
    let (ca, stranger) = (Authority::new("everybody's CA"), Authority::new("another"));
    let (all, file) = (cluster.at(""), |path: &Path| path.display().to_string());
    let (believed, other) = (file(&ca.file), file(&stranger.file));
    let words = cluster.fails(&["cluster", "status", &all, "--ca", &believed]);
    assert!(words.contains("no validator there speaks TLS"), "{words}");

    // The first asks for no certificate, the second for one; the others speak plain HTTP.
    let node = ca.node("127.0.0.1");
    secure(&cluster, 1, &node, None);
    secure(&cluster, 2, &node, Some(&ca));
    // It listens everywhere and is asked here.
    edit(PathBuf::from(cluster.config(1)), |text| {
        let port = cluster.port;
        text.replace(&format!("listen = \"127.0.0.1:{port}\""), &format!("listen = \"0.0.0.0:{port}\""))
    });
    let _nodes: Vec<Running> = (1..=4).map(|k| cluster.node(k)).collect();
    let status = |more: &[&str]| {
        let out = cluster.run(&[&["--json", "cluster", "status", &all], more].concat());
        let document: serde_json::Value = serde_json::from_slice(&out.stdout).expect("one JSON document");
        let errors = |v: &serde_json::Value| v["error"].as_str().unwrap_or("").to_owned();
        let errors: Vec<String> =
            document["validators"].as_array().expect("a list").iter().map(errors).collect();
        assert_eq!(errors.len(), 4, "{document}");
        assert_eq!(out.status.code(), Some(i32::from(errors.iter().any(|e| !e.is_empty()))), "{errors:?}");
        (document, errors)
    };
    let (_, errors) = status(&[]);
    assert!(errors[..2].iter().all(|e| e.contains("no CA is named")), "{errors:?}");
    assert_eq!(errors[2..], ["", ""], "those without TLS are asked as before");
    let (_, errors) = status(&["--ca", &other]);
    assert!(errors[..2].iter().all(|e| e.contains("no TLS with the node")), "{errors:?}");
    let (_, errors) = status(&["--ca", &believed]);
    assert_eq!((&*errors[0], &*errors[2], &*errors[3]), ("", "", ""), "{errors:?}");
    assert!(errors[1].contains("no TLS with the node"), "{errors:?}");

    let client = ca.organisation("Organization/operator");
    let (certificate, key) = (file(&client.certificate), file(&client.key));
    let whole = ["--ca", &believed, "--certificate", &certificate, "--certificate-key", &key];
    let (document, errors) = status(&whole);
    assert_eq!(errors, ["", "", "", ""]);
    let https = |k: u16| format!("https://{}", cluster.http(k));
    let at = |k: u16| document["validators"][usize::from(k - 1)]["http"].clone();
    assert_eq!([at(1), at(2), at(3)], [https(1), https(2), cluster.url(3)].map(serde_json::Value::from));
    // A probe takes the same files.
    let second = https(2);
    let probe = [&["probe", &second], &whole[..]].concat();
    assert!(cluster.fails(&probe[..4]).contains("no TLS with the node"), "no certificate, no answer");
    let said = cluster.run(&probe);
    assert!(!String::from_utf8_lossy(&said.stderr).contains("no TLS"), "{said:?}");
}
