//! What the OpenAPI document says of a route.

use amanat_api::problem::Envelope;
use amanat_api::schema::{Components, Schema};
use serde_json::{Map, Value, json};

/// Bytes that are not JSON.
pub(super) const BYTES: &str = "application/octet-stream";

/// A schema that is written where it is used, or a reference to a named schema.
type Described = fn(&mut Components) -> Value;

/// An operation: a method on a path.
pub(super) struct Operation {
    id: &'static str,
    summary: &'static str,
    description: Option<String>,
    parameters: Vec<Parameter>,
    body: Option<Described>,
    answers: Vec<Answer>,
}

struct Parameter {
    name: &'static str,
    place: &'static str,
    description: &'static str,
    schema: Described,
}

enum Answer {
    /// A description, and the schema of each type of content.
    Own(u16, &'static str, Vec<(&'static str, Described)>),
    /// An answer that many operations share, by its name.
    Shared(u16, &'static str),
}

/// A named or written schema of `T`.
fn of<T: Schema>(all: &mut Components) -> Value {
    all.refer::<T>()
}

pub(super) fn count(_: &mut Components) -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

pub(super) fn text(_: &mut Components) -> Value {
    json!({ "type": "string" })
}

pub(super) fn bytes(_: &mut Components) -> Value {
    json!({ "type": "string", "contentMediaType": BYTES })
}

impl Operation {
    /// An operation of this id. Its answers follow.
    pub(super) fn new(id: &'static str, summary: &'static str) -> Self {
        Self { id, summary, description: None, parameters: Vec::new(), body: None, answers: Vec::new() }
    }

    pub(super) fn about(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// A part of the path.
    pub(super) fn path(self, name: &'static str, description: &'static str, schema: Described) -> Self {
        self.parameter(name, "path", description, schema)
    }

    /// A parameter of the query, which may be left out.
    pub(super) fn query(self, name: &'static str, description: &'static str, schema: Described) -> Self {
        self.parameter(name, "query", description, schema)
    }

    pub(super) fn parameter(
        mut self,
        name: &'static str,
        place: &'static str,
        description: &'static str,
        schema: Described,
    ) -> Self {
        self.parameters.push(Parameter { name, place, description, schema });
        self
    }

    /// The body that it takes, of the type [`BYTES`].
    pub(super) fn takes(mut self, schema: Described) -> Self {
        self.body = Some(schema);
        self
    }

    /// 200 with JSON.
    pub(super) fn gives<T: Schema>(self, description: &'static str) -> Self {
        self.content(200, description, vec![("application/json", of::<T>)])
    }

    /// An answer with these types of content.
    pub(super) fn content(
        mut self,
        status: u16,
        description: &'static str,
        content: Vec<(&'static str, Described)>,
    ) -> Self {
        self.answers.push(Answer::Own(status, description, content));
        self
    }

    /// A refusal.
    pub(super) fn refuses(self, status: u16, description: &'static str) -> Self {
        self.content(status, description, vec![("application/json", of::<Envelope>)])
    }

    /// The node's own trouble, which any operation over the ledger may meet.
    pub(super) fn may_fault(mut self) -> Self {
        self.answers.push(Answer::Shared(500, "Fault"));
        self
    }

    /// No room at the moment.
    pub(super) fn may_be_busy(mut self) -> Self {
        self.answers.push(Answer::Shared(503, "Busy"));
        self
    }

    /// What every bounded operation over the ledger may answer: a fault, no room, no answer in
    /// time.
    pub(super) fn bounded(self) -> Self {
        let mut all = self.may_fault().may_be_busy();
        all.answers.push(Answer::Shared(504, "Timeout"));
        all
    }

    /// The operation as the document has it.
    pub(super) fn document(self, all: &mut Components) -> Value {
        let mut operation = Map::new();
        operation.insert("operationId".into(), self.id.into());
        operation.insert("summary".into(), self.summary.into());
        if let Some(description) = self.description {
            operation.insert("description".into(), description.into());
        }
        if !self.parameters.is_empty() {
            let parameters = self.parameters.into_iter().map(|p| p.document(all)).collect::<Vec<_>>();
            operation.insert("parameters".into(), parameters.into());
        }
        if let Some(schema) = self.body {
            let body = json!({ "required": true, "content": { BYTES: { "schema": schema(all) } } });
            operation.insert("requestBody".into(), body);
        }
        let answers = self.answers.into_iter().map(|answer| answer.document(all)).collect::<Map<_, _>>();
        operation.insert("responses".into(), answers.into());
        operation.into()
    }
}

impl Parameter {
    fn document(self, all: &mut Components) -> Value {
        json!({
            "name": self.name,
            "in": self.place,
            "required": self.place == "path",
            "description": self.description,
            "schema": (self.schema)(all),
        })
    }
}

impl Answer {
    fn document(self, all: &mut Components) -> (String, Value) {
        match self {
            Self::Own(status, description, content) => {
                (status.to_string(), answer(description, content, all))
            }
            Self::Shared(status, name) => {
                (status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }))
            }
        }
    }
}

fn answer(description: &str, content: Vec<(&'static str, Described)>, all: &mut Components) -> Value {
    let content: Map<_, _> = content
        .into_iter()
        .map(|(kind, schema)| (kind.to_owned(), json!({ "schema": schema(all) })))
        .collect();
    json!({ "description": description, "content": content })
}

/// The answers that many operations share.
pub(super) fn shared_answers(all: &mut Components) -> Value {
    let mut refusal =
        |description| answer(description, vec![("application/json", of::<Envelope> as Described)], all);
    json!({
        "Busy": refusal(
            "No room at the moment, not ready, or shutting down. Nothing was done, unless a fault says otherwise."
        ),
        "Timeout": refusal("The answer was not made in time."),
        "Fault": refusal("The node's own trouble; its log says more."),
    })
}
