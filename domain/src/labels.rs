//! What a custodian reads back from its own records: labels and value.

use crate::consent::{Categories, Confidentiality};
use crate::field::{self, Fr};
use crate::preset::CLINICAL;
use crate::record::{Leaf, Micro, Record};

/// The labels of a record: what decides which policies cover it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Labels {
    /// Its categories.
    pub categories: Categories,
    /// Its confidentiality.
    pub confidentiality: Confidentiality,
}

impl Labels {
    /// Whether an ordinary policy for treatment covers the record.
    #[must_use]
    pub fn is_ordinary(&self) -> bool {
        self.categories.is_subset(CLINICAL) && self.confidentiality <= Confidentiality::Normal
    }
}

/// The low 64 bits: leaves of labels and values hold no more.
fn low(x: Fr) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = field::to_bytes(&x);
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

impl Record {
    /// Its labels.
    #[must_use]
    pub fn labels(&self) -> Labels {
        let [categories, level] = self.open(Leaf::Categories).values.map(low);
        let confidentiality = match level {
            0 => Confidentiality::Low,
            1 => Confidentiality::Normal,
            2 => Confidentiality::Restricted,
            _ => Confidentiality::VeryRestricted,
        };
        Labels { categories: Categories(categories), confidentiality }
    }

    /// Its value; `None` if it has none. The inverse of [`value_word`](crate::record::value_word).
    #[must_use]
    pub fn value(&self) -> Option<Micro> {
        let [word, present] = self.open(Leaf::Value).values;
        (present == Fr::from(1u64)).then(|| Micro((low(word) ^ (1 << 63)).cast_signed()))
    }
}

#[cfg(test)]
mod tests {
    use super::Labels;
    use crate::consent::{Categories, Confidentiality};
    use crate::field::Fr;
    use crate::record::{Leaf, Micro, RECORD_LEAVES, Record, value_word};
    use crate::secret::Secret;

    fn record(categories: u64, level: u64, value: Option<Micro>) -> Record {
        let mut values = [[Fr::from(0u64); 2]; RECORD_LEAVES];
        values[Leaf::Categories as usize] = [categories.into(), level.into()];
        if let Some(value) = value {
            values[Leaf::Value as usize] = [value_word(value).into(), 1u64.into()];
        }
        let salts: Vec<_> = (0..RECORD_LEAVES).map(|n| Secret::new((n as u64).into())).collect();
        (1u64..)
            .find_map(|n| Record::from_parts(values, salts.clone(), Secret::new(n.into())))
            .expect("one root salt in six has a revocation id")
    }

    #[test]
    fn labels_and_value_come_back_as_they_were_committed() {
        for value in [None, Some(Micro(0)), Some(Micro(-1)), Some(Micro(i64::MIN)), Some(Micro(i64::MAX))] {
            assert!(record(8, 1, value).value() == value);
        }
        let labels = record(Categories::LABS.0, 2, None).labels();
        let expected = Labels { categories: Categories::LABS, confidentiality: Confidentiality::Restricted };
        assert_eq!(labels, expected);
        assert!(!labels.is_ordinary(), "restricted is not ordinary");
        assert!(record(Categories::LABS.0, 1, None).labels().is_ordinary());
        assert!(!record(Categories::HIV.0, 1, None).labels().is_ordinary());
    }
}
