//! The container of snarkjs' binary files: four letters, a version, and numbered sections in any
//! order.
//!
//! ```text
//! magic [4] | version u32 | count u32 | count times: number u32, length u64, content [length]     (little-endian)
//! ```
//!
//! Lengths are claims. Before anything is read, every section is found to lie within the file;
//! the reader of a section compares its length with what its content must have, so that no memory
//! is taken that the file does not back.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Why bytes are not a file of snarkjs.
#[derive(Debug, thiserror::Error)]
pub enum BinaryError {
    /// The system cannot read.
    #[error("cannot read: {0}")]
    Read(#[from] io::Error),
    /// The first four letters differ.
    #[error("not a .{kind} file: it begins with {}, not with \"{kind}\"", shown(got))]
    Magic {
        /// The letters of this kind of file.
        kind: &'static str,
        /// Found.
        got: [u8; 4],
    },
    /// A version nobody has defined yet.
    #[error(
        "version {got} of .{kind} files is unknown (the newest known is {newest}): make the file with an older tool"
    )]
    Version {
        /// The letters of this kind of file.
        kind: &'static str,
        /// The newest known.
        newest: u32,
        /// Found.
        got: u32,
    },
    /// The file ends within a section, or before its list of sections does.
    #[error(
        "the file is truncated: {what} at offset {offset} needs {needed} bytes, {left} are left; fetch or make it again"
    )]
    Truncated {
        /// What is cut off.
        what: SectionId,
        /// Where it begins.
        offset: u64,
        /// Bytes it claims.
        needed: u64,
        /// Bytes there are.
        left: u64,
    },
    /// Bytes after the last section.
    #[error(
        "{extra} bytes follow the last section, at offset {offset}: the file is damaged; fetch or make it again"
    )]
    Trailing {
        /// Where they begin.
        offset: u64,
        /// How many.
        extra: u64,
    },
    /// A section that must be there is not.
    #[error("{what} is missing: the file is incomplete; fetch or make it again")]
    Missing {
        /// Which.
        what: SectionId,
    },
    /// A section is there twice.
    #[error(
        "{what} occurs twice, at offsets {first} and {second}: the file is damaged; fetch or make it again"
    )]
    Twice {
        /// Which.
        what: SectionId,
        /// Offset of the first.
        first: u64,
        /// Offset of the second.
        second: u64,
    },
    /// A section's length is not what its content needs.
    #[error("{what}, at offset {offset}, has {got} bytes where {expected} are needed{why}")]
    Length {
        /// Which.
        what: SectionId,
        /// Where its content begins.
        offset: u64,
        /// By the counts in the header.
        expected: u64,
        /// Found.
        got: u64,
        /// What the expectation rests on.
        why: &'static str,
    },
}

fn shown(bytes: &[u8; 4]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

/// A section, by number and meaning; number zero is the list of sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionId {
    /// Its number.
    pub number: u32,
    /// What it holds.
    pub name: &'static str,
}

impl core::fmt::Display for SectionId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.number {
            0 => f.write_str(self.name),
            number => write!(f, "section {number} ({})", self.name),
        }
    }
}

const HEAD: SectionId = SectionId { number: 0, name: "the file's head" };
const LIST: SectionId = SectionId { number: 0, name: "the list of sections" };

/// A file whose sections have been found.
pub(crate) struct Container<S> {
    source: S,
    length: u64,
    sections: BTreeMap<u32, Extent>,
}

#[derive(Clone, Copy)]
struct Extent {
    offset: u64,
    length: u64,
}

impl<S: Read + Seek> Container<S> {
    /// Finds the sections. Sections that are not in `parts` are skipped: snarkjs may add some.
    pub(crate) fn open(
        mut source: S,
        kind: &'static str,
        newest: u32,
        parts: &[SectionId],
    ) -> Result<Self, BinaryError> {
        let length = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        let mut file = Self { source, length, sections: BTreeMap::new() };
        let mut at = 0;
        let magic: [u8; 4] = file.next(HEAD, &mut at)?;
        if magic != kind.as_bytes() {
            return Err(BinaryError::Magic { kind, got: magic });
        }
        let version = u32::from_le_bytes(file.next(HEAD, &mut at)?);
        if !(1..=newest).contains(&version) {
            return Err(BinaryError::Version { kind, newest, got: version });
        }
        let count = u32::from_le_bytes(file.next(HEAD, &mut at)?);
        // A count beyond what the file holds ends at its end: each round takes twelve bytes or
        // more.
        for _ in 0..count {
            let number = u32::from_le_bytes(file.next(LIST, &mut at)?);
            let length = u64::from_le_bytes(file.next(LIST, &mut at)?);
            let what = parts.iter().find(|part| part.number == number).copied();
            let left = file.length - at;
            if length > left {
                let what = what.unwrap_or(SectionId { number, name: "of no known meaning" });
                return Err(BinaryError::Truncated { what, offset: at, needed: length, left });
            }
            let extent = Extent { offset: at, length };
            at = file.source.seek(SeekFrom::Start(at + length))?;
            let Some(what) = what else { continue };
            if let Some(first) = file.sections.insert(number, extent) {
                return Err(BinaryError::Twice { what, first: first.offset, second: extent.offset });
            }
        }
        if at != file.length {
            return Err(BinaryError::Trailing { offset: at, extra: file.length - at });
        }
        Ok(file)
    }

    /// The next bytes of the head or the list, at `at`.
    fn next<const N: usize>(&mut self, what: SectionId, at: &mut u64) -> Result<[u8; N], BinaryError> {
        let (offset, left) = (*at, self.length - *at);
        if left < N as u64 {
            return Err(BinaryError::Truncated { what, offset, needed: N as u64, left });
        }
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes)?;
        *at += N as u64;
        Ok(bytes)
    }

    /// A section from its beginning.
    pub(crate) fn section(&mut self, what: SectionId) -> Result<Section<'_, S>, BinaryError> {
        let extent = *self.sections.get(&what.number).ok_or(BinaryError::Missing { what })?;
        self.source.seek(SeekFrom::Start(extent.offset))?;
        Ok(Section { source: &mut self.source, what, offset: extent.offset, length: extent.length, read: 0 })
    }

    /// A section that must have this length; `why` says what that rests on.
    pub(crate) fn section_of(
        &mut self,
        what: SectionId,
        expected: u64,
        why: &'static str,
    ) -> Result<Section<'_, S>, BinaryError> {
        let section = self.section(what)?;
        if section.length == expected { Ok(section) } else { Err(section.wrong_length(expected, why)) }
    }

    /// Sum of the lengths of all known sections.
    pub(crate) fn total(&self) -> u64 {
        self.sections.values().map(|extent| extent.length).sum()
    }
}

/// A section while it is read.
pub(crate) struct Section<'a, S> {
    source: &'a mut S,
    what: SectionId,
    offset: u64,
    length: u64,
    read: u64,
}

impl<S: Read> Section<'_, S> {
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Where in the file the next byte is.
    pub(crate) fn offset(&self) -> u64 {
        self.offset + self.read
    }

    pub(crate) fn wrong_length(&self, expected: u64, why: &'static str) -> BinaryError {
        BinaryError::Length { what: self.what, offset: self.offset, expected, got: self.length, why }
    }

    /// Fills the buffer, if the section has that much left.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<(), BinaryError> {
        let (needed, left) = (buffer.len() as u64, self.length - self.read);
        if needed > left {
            return Err(BinaryError::Truncated { what: self.what, offset: self.offset(), needed, left });
        }
        self.source.read_exact(buffer)?;
        self.read += needed;
        Ok(())
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], BinaryError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn number(&mut self) -> Result<u32, BinaryError> {
        Ok(u32::from_le_bytes(self.array()?))
    }
}

/// Writes the head of a file with this many sections.
pub(crate) fn write_head(out: &mut impl Write, kind: &str, version: u32, sections: u32) -> io::Result<()> {
    out.write_all(kind.as_bytes())?;
    out.write_all(&version.to_le_bytes())?;
    out.write_all(&sections.to_le_bytes())
}

/// Writes the head of a section; `length` bytes must follow.
pub(crate) fn write_section(out: &mut impl Write, part: SectionId, length: u64) -> io::Result<()> {
    out.write_all(&part.number.to_le_bytes())?;
    out.write_all(&length.to_le_bytes())
}
