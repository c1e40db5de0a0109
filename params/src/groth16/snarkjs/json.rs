//! What a file has before it means anything: lists whose length is counted but whose memory
//! is bounded, and numbers that may turn out to be something else, so that the code that knows an
//! element's name can say what is wrong with it.

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// An element: text, or something that is none. (What, serde cannot be asked: under its feature of
/// arbitrary precision a number is an object.)
pub(super) enum Raw {
    Text(String),
    NotText,
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Raw;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw::Text(text.to_owned()))
            }
            fn visit_u64<E: Error>(self, _: u64) -> Result<Raw, E> {
                Ok(Raw::NotText)
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Raw, E> {
                Ok(Raw::NotText)
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Raw, E> {
                Ok(Raw::NotText)
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Raw, E> {
                Ok(Raw::NotText)
            }
            fn visit_unit<E: Error>(self) -> Result<Raw, E> {
                Ok(Raw::NotText)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Raw::NotText)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Raw, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Raw::NotText)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// A list of which no more than `MAX` elements are kept.
pub(super) struct List<T, const MAX: usize> {
    pub kept: Vec<T>,
    /// How many there are in the file.
    pub length: usize,
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T, const MAX: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Elements<T, MAX> {
            type Value = List<T, MAX>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            // Without this the file's own text, of any length, would be in the error.
            fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
                Err(E::custom("text where a list belongs"))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut kept = Vec::new();
                while kept.len() < MAX {
                    match list.next_element()? {
                        Some(element) => kept.push(element),
                        None => return Ok(List { length: kept.len(), kept }),
                    }
                }
                let mut length = kept.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    length += 1;
                }
                Ok(List { kept, length })
            }
        }
        deserializer.deserialize_any(Elements(PhantomData))
    }
}
