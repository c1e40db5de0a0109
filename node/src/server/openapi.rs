//! The OpenAPI document, generated: paths from the table of routes, schemas from the types that are
//! answered.

use super::operation::shared_answers;
use super::routes::table;
use amanat_api::schema::Components;
use amanat_api::view::BlockEvent;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// The description of the interface that the node serves at `/openapi.json`.
pub static OPENAPI: LazyLock<String> = LazyLock::new(|| format!("{:#}\n", document()));

const ABOUT: &str = "Submit transactions; read receipts, bundles, leaves, blocks. The ledger holds commitments, roots, nullifiers \
    and proofs, never a name or a value, so nothing here is secret; what a reader asks for may be, so readers fetch whole \
    registries and whole blocks. Every answer that is no success has one shape, `Error`. Any path may answer 404 or 405 in that \
    shape. A node may speak TLS, and may ask for a client's certificate: then submitting needs one, and everything else where the \
    operator says so.";

fn document() -> Value {
    let mut all = Components::default();
    let mut paths = Map::new();
    for route in table() {
        let (method, operation) = (route.method.as_str().to_lowercase(), route.operation.document(&mut all));
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[method] = operation;
    }
    // Told in a stream's description, and in no answer: a stream is text.
    all.refer::<BlockEvent>();
    let responses = shared_answers(&mut all);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Amanat node",
            "version": "1",
            "summary": "A validator of a permissioned ledger of access proofs for healthcare.",
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": { "responses": responses, "schemas": all.into_value() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The document as it was last released. `AMANAT_REMAKE=1 cargo test -p amanat-node openapi`
    /// writes it again.
    #[test]
    fn the_document_is_the_one_that_is_pinned() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi.json");
        if std::env::var_os("AMANAT_REMAKE").is_some() {
            std::fs::write(&path, OPENAPI.as_bytes()).expect("the pinned file is written");
        }
        let pinned = std::fs::read_to_string(&path).expect("the pinned file");
        let pinned: Value = serde_json::from_str(&pinned).expect("JSON");
        assert_eq!(document(), pinned, "the interface changed: remake the file and say so in the change log");
    }
}
