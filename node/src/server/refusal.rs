//! A problem as an HTTP answer.

use amanat_api::problem::{Envelope, Problem};
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A problem as the answer of a request.
pub(super) struct HttpRefusal(Problem);

impl From<Problem> for HttpRefusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for HttpRefusal {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(Envelope { error: problem })).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
