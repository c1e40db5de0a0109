//! The circuits are what they were: rows, wires and digest of each, in `pinned.txt`. A key is bound
//! to a digest, so a change here is a new version of a statement. `AMANAT_REMAKE_PINNED=1 cargo
//! test -p amanat-circuits pinned` writes the file.

use amanat_circuits::circuit;
use amanat_domain::statement::Statement;
use std::fmt::Write as _;

const PINNED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pinned.txt");

fn now() -> String {
    let mut text = String::from("# statement version rows private-wires digest\n");
    for statement in Statement::ALL {
        let r1cs = circuit(statement);
        let digest = r1cs.digest().iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a string grows");
            hex
        });
        let (version, rows, wires) = (statement.version(), r1cs.rows.len(), r1cs.num_private);
        writeln!(text, "{statement} {version} {rows} {wires} {digest}").expect("a string grows");
    }
    text
}

#[test]
fn rows_and_digests_are_the_pinned_ones() {
    if std::env::var_os("AMANAT_REMAKE_PINNED").is_some() {
        std::fs::write(PINNED, now()).expect("the source tree can be written");
    }
    let pinned = std::fs::read_to_string(PINNED).expect("pinned.txt is part of the project");
    assert_eq!(now(), pinned, "a circuit changed: a new version of its statement, or AMANAT_REMAKE_PINNED=1");
}

#[test]
fn access_with_its_public_rows_fits_2_to_the_15() {
    assert!(circuit(Statement::Access).qap_rows() <= 1 << 15);
}
