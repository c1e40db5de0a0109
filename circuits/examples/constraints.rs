//! Prints the constraints of each statement, by clause and by gadget: `cargo run -p amanat-circuits
//! --example constraints`.
#![allow(clippy::print_stdout)]

use amanat_circuits::built;
use amanat_domain::statement::Statement;
use std::collections::BTreeMap;

fn main() {
    for statement in Statement::ALL {
        let (r1cs, shape) = built(statement);
        println!(
            "{statement}: {} rows, {} with public rows, domain 2^{}, {} private wires, {} terms",
            r1cs.rows.len(),
            r1cs.qap_rows(),
            r1cs.domain_size().ilog2(),
            r1cs.num_private,
            r1cs.rows.iter().map(|r| r.a.len() + r.b.len() + r.c.len()).sum::<usize>(),
        );
        let (mut clauses, mut gadgets) = (BTreeMap::new(), BTreeMap::new());
        for label in &shape.labels {
            *clauses.entry(label.clause).or_insert(0usize) += 1;
            *gadgets.entry(label.gadget).or_insert(0usize) += 1;
        }
        println!("  {clauses:?}\n  {gadgets:?}");
    }
}
