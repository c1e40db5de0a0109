//! Colours by what they mean. The style sheet gives each meaning its hue, once for light and once
//! for dark pages.

use core::fmt;

/// What a colour means. Two meanings share a hue only if no page shows both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// A curve or bar by its place among its neighbours; from the sixth on all look alike.
    Series(u8),
    /// Part of a proof: computing the witness.
    Witness,
    /// Part of a proof: evaluating the rows of the constraint system.
    Rows,
    /// Part of a proof: number-theoretic transforms.
    Transforms,
    /// Part of a proof: splitting scalars into digits.
    Digits,
    /// Part of a proof: multi-scalar multiplications in G1.
    SumsInG1,
    /// Part of a proof: the multi-scalar multiplication in G2.
    SumInG2,
    /// Part of a proof: all else.
    Rest,
    /// A line to compare with, which nothing was measured for.
    Ideal,
    /// A prover whose parts are not known.
    Peer,
    /// Step of a request: decoding, and the rules that need no proof.
    Rules,
    /// Step of a request: verifying a signature or a proof.
    Evidence,
    /// Step of a request: putting a block together.
    Proposal,
    /// Step of a request: computing new roots.
    Roots,
    /// Step of a request: the durable write.
    Durable,
    /// Step of a request: making the new state the current one.
    Adoption,
    /// Part of an outage: no process is running.
    Away,
    /// Part of an outage: the process reads its file.
    Opening,
    /// Part of an outage: the process works through what waited.
    CatchingUp,
}

impl Colour {
    /// The class in the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Series(0) => "s0",
            Self::Series(1) => "s1",
            Self::Series(2) => "s2",
            Self::Series(3) => "s3",
            Self::Series(4) => "s4",
            Self::Series(_) => "s5",
            Self::Witness => "witness",
            Self::Rows => "rows",
            Self::Transforms => "transforms",
            Self::Digits => "digits",
            Self::SumsInG1 => "sums-g1",
            Self::SumInG2 => "sum-g2",
            Self::Rest => "rest",
            Self::Ideal => "soft",
            Self::Peer => "peer",
            Self::Rules => "rules",
            Self::Evidence => "evidence",
            Self::Proposal => "proposal",
            Self::Roots => "roots",
            Self::Durable => "durable",
            Self::Adoption => "adoption",
            Self::Away => "away",
            Self::Opening => "opening",
            Self::CatchingUp => "catching-up",
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_has_a_rule_in_the_style_sheet() {
        let style = include_str!("style.css");
        let named = [
            Colour::Witness,
            Colour::Rows,
            Colour::Transforms,
            Colour::Digits,
            Colour::SumsInG1,
            Colour::SumInG2,
            Colour::Rest,
            Colour::Ideal,
            Colour::Peer,
            Colour::Rules,
            Colour::Evidence,
            Colour::Proposal,
            Colour::Roots,
            Colour::Durable,
            Colour::Adoption,
            Colour::Away,
            Colour::Opening,
            Colour::CatchingUp,
        ];
        for colour in named.into_iter().chain((0..7).map(Colour::Series)) {
            let class = colour.class();
            assert!(
                [" ", ","].iter().any(|end| style.contains(&format!(".{class}{end}"))),
                "{colour:?}: no rule for .{class}"
            );
        }
    }
}
