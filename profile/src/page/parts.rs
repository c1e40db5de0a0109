//! The parts of a proof: their names and colours.

use crate::draw::colour::Colour;

/// The name and the colour of a part. A part of another version keeps its label and takes the
/// colour of the rest.
pub(super) fn part(label: &str) -> (String, Colour) {
    use Colour::{Digits, Rest, Rows, SumInG2, SumsInG1, Transforms, Witness};
    let (name, colour) = match label {
        "witness" => ("witness", Witness),
        "rows" => ("matrix rows", Rows),
        "inverse-a" => ("NTT of A to coefficients", Transforms),
        "coset-a" => ("NTT of A to the coset", Transforms),
        "inverse-b" => ("NTT of B to coefficients", Transforms),
        "coset-b" => ("NTT of B to the coset", Transforms),
        "inverse-c" => ("NTT of C to coefficients", Transforms),
        "coset-c" => ("NTT of C to the coset", Transforms),
        "inverse-h" => ("NTT of the quotient", Transforms),
        "recode" => ("digits of scalars", Digits),
        "sum-a" => ("MSM of A", SumsInG1),
        "sum-b1" => ("MSM of B in G1", SumsInG1),
        "sum-b2" => ("MSM of B in G2", SumInG2),
        "sum-c" => ("MSM of C (L, H, B)", SumsInG1),
        "sum-l" => ("MSM of L", SumsInG1),
        "sum-h" => ("MSM of H", SumsInG1),
        "rest" => ("blinding, encoding", Rest),
        other => return (other.to_owned(), Rest),
    };
    (name.to_owned(), colour)
}

/// The legend of all plots by part.
pub(super) const LEGEND: [(Colour, &str); 7] = [
    (Colour::Witness, "witness"),
    (Colour::Rows, "matrix rows"),
    (Colour::Transforms, "NTTs"),
    (Colour::Digits, "digits"),
    (Colour::SumsInG1, "MSMs in G1"),
    (Colour::SumInG2, "MSM in G2"),
    (Colour::Rest, "rest"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_of_the_backends_has_a_name_and_a_colour_of_the_legend() {
        for phase in amanat_accel::Phase::ALL {
            let (name, colour) = part(phase.label());
            assert_ne!(name, phase.label(), "{name}");
            assert_ne!(colour, Colour::Rest, "{name}");
            assert!(LEGEND.iter().any(|(known, _)| *known == colour), "{name}");
        }
    }
}
