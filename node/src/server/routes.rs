//! Every route of the node in one table, from which the router and the OpenAPI document are made.

use super::operation::Operation;
use super::refusal::HttpRefusal;
use super::{Shared, development, events, handlers, operations, snapshot};
use amanat_api::problem::Problem;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use std::sync::Arc;
use tokio::time::timeout;

/// A route.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// What the OpenAPI document says of it.
    pub(super) operation: Operation,
    handler: MethodRouter<Arc<Shared>>,
    /// Whether it counts among the requests at work and must end in time.
    bounded: bool,
}

/// All of them.
pub(super) fn table() -> Vec<Route> {
    let route = |method, path, operation, handler| Route { method, path, operation, handler, bounded: true };
    let read = |path, operation, handler| route(Method::GET, path, operation, handler);
    // Operators and probes are answered however busy the node is; an event stream has no end.
    let free = |path, operation, handler| Route { bounded: false, ..read(path, operation, handler) };
    vec![
        route(Method::POST, "/v1/transactions", operations::submit(), post(handlers::submit)),
        read("/v1/status", operations::status(), get(handlers::status)),
        read("/v1/genesis", operations::genesis(), get(handlers::genesis)),
        read("/v1/bundles/latest", operations::latest_bundle(), get(handlers::latest_bundle)),
        read("/v1/bundles/{epoch}", operations::bundle(), get(handlers::bundle)),
        read("/v1/registries/{name}/leaves", operations::leaves(), get(handlers::leaves)),
        read("/v1/receipts/{txid}", operations::receipt(), get(handlers::receipt)),
        read("/v1/entries/{kind}/{name}", operations::entry(), get(handlers::entry)),
        read("/v1/blocks", operations::blocks(), get(handlers::blocks)),
        read("/v1/blocks/{height}", operations::block(), get(handlers::block)),
        read("/v1/keys", operations::keys(), get(handlers::keys)),
        read("/v1/governance", operations::governance(), get(handlers::governance)),
        free("/v1/health", operations::health(), get(handlers::health)),
        free("/v1/ready", operations::ready(), get(handlers::ready)),
        free("/v1/events", operations::events(), get(events::events)),
        free("/v1/snapshot", operations::snapshot(), get(snapshot::snapshot)),
        free("/metrics", operations::metrics(), get(handlers::metrics)),
        free("/openapi.json", operations::openapi(), get(handlers::openapi)),
    ]
}

/// The paths of a node for development, which the description of the interface leaves out.
fn for_development() -> Vec<Route> {
    let operation = Operation::new("nextEpoch", "Begin the next epoch");
    let handler = post(development::next_epoch);
    vec![Route { method: Method::POST, path: "/v1/dev/epoch", operation, handler, bounded: true }]
}

/// The router.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let mut router = Router::new();
    let more = if shared.by_hand.is_some() { for_development() } else { Vec::new() };
    for Route { method, path, handler, bounded, operation: _ } in table().into_iter().chain(more) {
        tracing::debug!(%method, path, "route");
        let handler =
            if bounded { handler.route_layer(from_fn_with_state(shared.clone(), bound)) } else { handler };
        router = router.route(path, handler);
    }
    router
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(shared.clone(), finish))
        .with_state(shared.clone())
}

/// No more requests at once than there is room for, and none for ever.
async fn bound(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let Ok(_permit) = shared.requests.try_acquire() else {
        return HttpRefusal::from(Problem::busy("overloaded", "the node has too many requests at work"))
            .into_response();
    };
    let time = shared.config.request_timeout;
    timeout(time, next.run(request)).await.unwrap_or_else(|_| {
        let next =
            "a transaction may still be committed: ask for its receipt, or submit the same bytes again";
        let why = format!("no answer within {} s", time.as_secs_f32());
        HttpRefusal::from(Problem::request(504, "timeout", why, next)).into_response()
    })
}

/// What all answers have in common.
async fn finish(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let mut response = next.run(request).await;
    let status = response.status().as_u16();
    shared.metrics.answered(status);
    tracing::debug!(%method, status, "answered");
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn no_such_path(uri: Uri) -> HttpRefusal {
    Problem::request(
        404,
        "no_such_path",
        "there is nothing at this path",
        "see /openapi.json for what there is",
    )
    .disagree("a path of /openapi.json", amanat_api::problem::tame(uri.path()))
    .into()
}

async fn wrong_method(method: Method) -> HttpRefusal {
    let next = "use the method that the header `Allow` names";
    Problem::request(405, "wrong_method", format!("this path does not take {method}"), next).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_openapi_document_has_every_route_and_no_other() {
        let doc: serde_json::Value =
            serde_json::from_str(&super::super::OPENAPI).expect("the document is JSON");
        let ours: BTreeSet<(String, String)> =
            table().iter().map(|r| (r.path.to_owned(), r.method.as_str().to_lowercase())).collect();
        let paths = doc["paths"].as_object().expect("paths");
        let theirs: BTreeSet<(String, String)> = paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().expect("a path item").keys();
                methods.filter(|m| *m != "parameters").map(|m| (path.clone(), m.clone()))
            })
            .collect();
        assert_eq!(ours, theirs);
        assert_eq!(ours.len(), table().len(), "no route twice");
    }

    #[test]
    fn the_openapi_document_names_each_parameter_of_its_paths_and_only_schemas_it_has() {
        let doc: serde_json::Value =
            serde_json::from_str(&super::super::OPENAPI).expect("the document is JSON");
        for (path, item) in doc["paths"].as_object().expect("paths") {
            let named: BTreeSet<&str> = path.split('{').skip(1).filter_map(|p| p.split('}').next()).collect();
            for operation in item.as_object().expect("a path item").values() {
                let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
                let told = parameters.iter().filter(|p| p["in"] == "path");
                let told: BTreeSet<&str> = told.filter_map(|p| p["name"].as_str()).collect();
                assert_eq!(named, told, "{path}");
            }
        }
        let mut open = vec![&doc];
        while let Some(value) = open.pop() {
            match value {
                serde_json::Value::Object(map) => {
                    if let Some(target) = map.get("$ref").and_then(|r| r.as_str()) {
                        let at = target.strip_prefix('#').expect("a reference within the document");
                        assert!(doc.pointer(at).is_some(), "{target}");
                    }
                    open.extend(map.values());
                }
                serde_json::Value::Array(list) => open.extend(list),
                _ => {}
            }
        }
    }
}
