//! JSON schemas of the views, taken from the types themselves.
//!
//! The macro `described!` takes a view's declaration as it is, with its doc comments, and
//! implements [`Schema`] from the same tokens: names, types and explanations stand once. If the
//! document says more than the Rust type, the field names a marker after `as`:
//! `proof: String as HexBytes`, `siblings: Vec<Hex32> as AtMost<Hex32, 32>`.
//!
//! The schemas are those of OpenAPI 3.1, that is JSON Schema 2020-12.

use amanat_domain::bundle::Registry;
use amanat_domain::statement::Statement;
use amanat_ledger::{AllRoles, Profile};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::marker::PhantomData;

/// A type that an OpenAPI document can describe.
pub trait Schema {
    /// Name among the document's components; a schema without a name is written where it is used.
    const NAME: Option<&'static str> = None;
    /// Whether an object that has a field of this type always writes it.
    const REQUIRED: bool = true;

    /// Whether an object that has a field of this type ever writes it.
    const WRITTEN: bool = true;

    /// The schema. Named schemas that it refers to are added to the components.
    fn schema(all: &mut Components) -> Value;
}

/// The named schemas of a document.
#[derive(Debug, Default)]
pub struct Components(Map<String, Value>);

impl Components {
    /// A reference to the schema of `T`, or the schema itself if it has no name.
    pub fn refer<T: Schema>(&mut self) -> Value {
        let Some(name) = T::NAME else { return T::schema(self) };
        if !self.0.contains_key(name) {
            // Taken before its fields are visited, so that a type may contain itself.
            self.0.insert(name.to_owned(), Value::Null);
            let schema = T::schema(self);
            self.0.insert(name.to_owned(), schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    /// All of them by name.
    #[must_use]
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

/// An object's schema while its fields are added.
#[derive(Debug, Default)]
pub struct Object {
    properties: Map<String, Value>,
    required: Vec<&'static str>,
}

impl Object {
    /// A field of type `T`; the lines explain it.
    pub fn field<T: Schema>(&mut self, all: &mut Components, name: &'static str, lines: &[&str]) {
        if !T::WRITTEN {
            return;
        }
        let schema = explained(all.refer::<T>(), lines);
        self.properties.insert(name.to_owned(), schema);
        if T::REQUIRED {
            self.required.push(name);
        }
    }

    /// The schema: these fields and no others.
    #[must_use]
    pub fn schema(self, lines: &[&str]) -> Value {
        let Self { properties, required } = self;
        let object = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        });
        explained(object, lines)
    }
}

/// A schema with the text of doc comments as its description.
fn explained(mut schema: Value, lines: &[&str]) -> Value {
    let text =
        lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    if let Some(object) = schema.as_object_mut().filter(|_| !text.is_empty()) {
        object.insert("description".to_owned(), text.into());
    }
    schema
}

/// A variant as serde writes it: an object with the variant's name as its only field.
#[must_use]
pub fn variant(name: &str, content: Value) -> Value {
    let name = snake_case(name);
    json!({
        "type": "object", "properties": { &name: content }, "required": [name], "additionalProperties": false,
    })
}

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// The text of an attribute if it is a doc comment, and nothing of any other.
macro_rules! doc_line {
    (doc = $line:literal) => {
        $line
    };
    ($($other:tt)*) => {
        ""
    };
}
pub(crate) use doc_line;

/// What the document says of a field: the marker after `as`, or the field's own type.
macro_rules! described_type {
    ($own:ty) => {
        $own
    };
    ($own:ty, $said:ty) => {
        $said
    };
}
pub(crate) use described_type;

/// Declares a view and describes it under a name.
macro_rules! described {
    (
        $title:literal:
        $(#[$($attr:tt)*])*
        pub struct $name:ident $(<$generic:ident>)? {
            $( $(#[$($field_attr:tt)*])* pub $field:ident: $type:ty $(as $said:ty)?, )*
        }
    ) => {
        $(#[$($attr)*])*
        pub struct $name $(<$generic>)? {
            $( $(#[$($field_attr)*])* pub $field: $type, )*
        }

        impl $(<$generic: $crate::schema::Schema>)? $crate::schema::Schema for $name $(<$generic>)? {
            const NAME: Option<&'static str> = Some($title);

            fn schema(all: &mut $crate::schema::Components) -> serde_json::Value {
                let mut object = $crate::schema::Object::default();
                $(
                    object.field::<$crate::schema::described_type!($type $(, $said)?)>(
                        all,
                        stringify!($field),
                        &[$($crate::schema::doc_line!($($field_attr)*)),*],
                    );
                )*
                object.schema(&[$($crate::schema::doc_line!($($attr)*)),*])
            }
        }
    };
    (
        $title:literal:
        $(#[$($attr:tt)*])*
        pub enum $name:ident {
            $( $(#[$($variant_attr:tt)*])* $variant:ident { $($field:ident: $type:ty),* $(,)? }, )*
        }
    ) => {
        $(#[$($attr)*])*
        pub enum $name {
            $( $(#[$($variant_attr)*])* $variant { $($field: $type),* }, )*
        }

        impl $crate::schema::Schema for $name {
            const NAME: Option<&'static str> = Some($title);

            fn schema(all: &mut $crate::schema::Components) -> serde_json::Value {
                let variants = [$({
                    #[allow(unused_mut)] // a variant may have no fields
                    let mut object = $crate::schema::Object::default();
                    $( object.field::<$type>(all, stringify!($field), &[]); )*
                    let lines = [$($crate::schema::doc_line!($($variant_attr)*)),*];
                    $crate::schema::variant(stringify!($variant), object.schema(&lines))
                }),*];
                let lines: &[&str] = &[$($crate::schema::doc_line!($($attr)*)),*];
                let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
                serde_json::json!({
                    "description": format!("{} Exactly one of these.", lines.join(" ").trim()),
                    "oneOf": variants,
                })
            }
        }
    };
}
pub(crate) use described;

/// One of these words.
#[must_use]
pub fn words(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

impl Schema for bool {
    fn schema(_: &mut Components) -> Value {
        json!({ "type": "boolean" })
    }
}

impl Schema for String {
    fn schema(_: &mut Components) -> Value {
        json!({ "type": "string" })
    }
}

impl Schema for Cow<'static, str> {
    fn schema(all: &mut Components) -> Value {
        String::schema(all)
    }
}

impl Schema for Box<str> {
    fn schema(all: &mut Components) -> Value {
        String::schema(all)
    }
}

impl Schema for u32 {
    fn schema(_: &mut Components) -> Value {
        json!({ "type": "integer", "minimum": 0, "maximum": Self::MAX })
    }
}

impl Schema for u64 {
    fn schema(_: &mut Components) -> Value {
        json!({ "type": "integer", "minimum": 0 })
    }
}

impl<T: Schema> Schema for Vec<T> {
    fn schema(all: &mut Components) -> Value {
        json!({ "type": "array", "items": all.refer::<T>() })
    }
}

/// A value or `null`.
impl<T: Schema> Schema for Option<T> {
    fn schema(all: &mut Components) -> Value {
        let mut schema = all.refer::<T>();
        match schema.get_mut("type") {
            Some(kind) if kind.is_string() => *kind = json!([kind.take(), "null"]),
            _ => schema = json!({ "oneOf": [{ "type": "null" }, schema] }),
        }
        schema
    }
}

impl Schema for Registry {
    const NAME: Option<&'static str> = Some("Registry");

    fn schema(_: &mut Components) -> Value {
        words(&Self::ALL.map(Self::name))
    }
}

impl Schema for Statement {
    const NAME: Option<&'static str> = Some("Statement");

    fn schema(_: &mut Components) -> Value {
        words(&Self::ALL.map(Self::name))
    }
}

impl Schema for Profile {
    fn schema(_: &mut Components) -> Value {
        words(&["dev", "production"])
    }
}

impl Schema for AllRoles {
    fn schema(_: &mut Components) -> Value {
        words(&["all"])
    }
}

/// Of a `String`: bytes in hexadecimal.
pub struct HexBytes(());

impl Schema for HexBytes {
    const NAME: Option<&'static str> = Some("HexBytes");

    fn schema(_: &mut Components) -> Value {
        json!({ "type": "string", "pattern": "^([0-9a-f]{2})*$", "description": "Bytes in hexadecimal." })
    }
}

/// Of an `i64`: a time.
pub struct UnixTime(());

impl Schema for UnixTime {
    const NAME: Option<&'static str> = Some("UnixTime");

    fn schema(_: &mut Components) -> Value {
        json!({ "type": "integer", "description": "Seconds since 1970-01-01T00:00:00Z; negative before." })
    }
}

/// Of an `Option`: the field is left out instead of being `null`.
pub struct Absent<T>(PhantomData<T>);

impl<T: Schema> Schema for Absent<T> {
    const REQUIRED: bool = false;

    fn schema(all: &mut Components) -> Value {
        all.refer::<T>()
    }
}

/// Of a field that serde skips.
pub struct Unwritten(());

impl Schema for Unwritten {
    const WRITTEN: bool = false;

    fn schema(_: &mut Components) -> Value {
        Value::Null
    }
}

/// Of a `Vec`: at most `N` elements.
pub struct AtMost<T, const N: usize>(PhantomData<T>);

impl<T: Schema, const N: usize> Schema for AtMost<T, N> {
    fn schema(all: &mut Components) -> Value {
        json!({ "type": "array", "items": all.refer::<T>(), "maxItems": N })
    }
}

/// Of a `Vec`: one element for each registry.
pub struct EachRegistry<T>(PhantomData<T>);

impl<T: Schema> Schema for EachRegistry<T> {
    fn schema(all: &mut Components) -> Value {
        let n = Registry::ALL.len();
        json!({ "type": "array", "items": all.refer::<T>(), "minItems": n, "maxItems": n })
    }
}

/// One of two forms.
pub struct Either<A, B>(PhantomData<(A, B)>);

impl<A: Schema, B: Schema> Schema for Either<A, B> {
    fn schema(all: &mut Components) -> Value {
        json!({ "oneOf": [all.refer::<A>(), all.refer::<B>()] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    described! { "Leaf":
        /// A leaf
        /// of a tree.
        #[derive(Debug)]
        #[allow(dead_code, unreachable_pub)] // only its schema is read
        pub struct Leaf {
            /// Its value.
            pub value: u32,
            pub proof: String as HexBytes,
            /// If there is another.
            pub next: Option<u64>,
            pub bytes: Option<String> as Absent<String>,
            pub inner: Option<Box<str>> as Vec<Leaf>,
        }
    }

    described! { "Change":
        /// What changed.
        #[derive(Debug)]
        #[allow(dead_code, unreachable_pub)] // only its schema is read
        pub enum Change {
            /// Two words.
            KeyFrozen { first: u32, },
            Nothing {},
        }
    }

    #[test]
    fn a_view_is_described_by_its_own_declaration() {
        let mut all = Components::default();
        let reference = all.refer::<Leaf>();
        assert_eq!(reference, json!({ "$ref": "#/components/schemas/Leaf" }));
        let all = all.into_value();
        assert!(all["HexBytes"].is_object(), "what it refers to is there as well");
        assert_eq!(
            all["Leaf"],
            json!({
                "type": "object",
                "description": "A leaf of a tree.",
                "properties": {
                    "value": { "type": "integer", "minimum": 0, "maximum": u32::MAX, "description": "Its value." },
                    "proof": { "$ref": "#/components/schemas/HexBytes" },
                    "next": { "type": ["integer", "null"], "minimum": 0, "description": "If there is another." },
                    "bytes": { "type": "string" },
                    "inner": { "type": "array", "items": reference },
                },
                "required": ["value", "proof", "next", "inner"],
                "additionalProperties": false,
            })
        );
    }

    #[test]
    fn a_variant_is_an_object_with_its_name() {
        let mut all = Components::default();
        let schema = Change::schema(&mut all);
        assert_eq!(schema["description"], "What changed. Exactly one of these.");
        let first = &schema["oneOf"][0];
        assert_eq!(first["required"], json!(["key_frozen"]));
        assert_eq!(first["properties"]["key_frozen"]["description"], "Two words.");
        assert_eq!(schema["oneOf"][1]["properties"]["nothing"]["properties"], json!({}));
    }
}
