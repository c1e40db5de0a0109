//! The one canonical encoding: little-endian integers, canonical field elements, lengths before
//! lists, no options left to the writer. Reading is total: every byte string is a value or an
//! error, nothing is allocated before its length is paid for in bytes, and trailing bytes are
//! refused.

use crate::field::{Fr, from_bytes, to_bytes};

/// Why bytes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The bytes end before the value does.
    #[error("{what}: the bytes end {missing} bytes too early")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// How many bytes are missing.
        missing: usize,
    },
    /// Bytes are left over.
    #[error("{0} bytes follow the end of the value")]
    Trailing(usize),
    /// A field element is not below the modulus.
    #[error("{0}: not a canonical field element")]
    NotCanonical(&'static str),
    /// A number has no meaning here.
    #[error("{what}: {got} is not a known value")]
    Unknown {
        /// What was being read.
        what: &'static str,
        /// The number found.
        got: u64,
    },
    /// A list is too long, or empty where it may not be.
    #[error("{what}: {got} entries, expected {least} to {most}")]
    Length {
        /// What was being read.
        what: &'static str,
        /// Its length.
        got: usize,
        /// The least it may have.
        least: usize,
        /// The most it may have.
        most: usize,
    },
    /// The value breaks a rule of its type.
    #[error("{0}")]
    Invalid(&'static str),
}

/// Writes values one after the other.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// One byte.
    pub fn u8(&mut self, n: u8) {
        self.0.push(n);
    }
    /// Two bytes.
    pub fn u16(&mut self, n: u16) {
        self.0.extend(n.to_le_bytes());
    }
    /// Four bytes.
    pub fn u32(&mut self, n: u32) {
        self.0.extend(n.to_le_bytes());
    }
    /// Eight bytes.
    pub fn u64(&mut self, n: u64) {
        self.0.extend(n.to_le_bytes());
    }
    /// A field element, 32 bytes.
    pub fn field(&mut self, x: Fr) {
        self.0.extend(to_bytes(&x));
    }
    /// Bytes of a length known to the reader.
    pub fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }
    /// Bytes with their length (u32) before them.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.u32(u32::try_from(bytes.len()).expect("values on the wire are far below 4 GiB"));
        self.0.extend(bytes);
    }
    /// The bytes written.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads values one after the other.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Over these bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
    /// What `read` reads from exactly these bytes.
    ///
    /// # Errors
    /// Those of `read`; [`WireError::Trailing`] if it leaves bytes.
    pub fn whole<T>(
        bytes: &'a [u8],
        read: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<T, WireError> {
        let mut r = Self::new(bytes);
        let value = read(&mut r)?;
        r.finish()?;
        Ok(value)
    }
    /// The next `n` bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn take(&mut self, n: usize, what: &'static str) -> Result<&'a [u8], WireError> {
        let (head, tail) = self
            .0
            .split_at_checked(n)
            .ok_or_else(|| WireError::Truncated { what, missing: n - self.0.len() })?;
        self.0 = tail;
        Ok(head)
    }
    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], WireError> {
        let mut out = [0u8; N];
        out.copy_from_slice(self.take(N, what)?);
        Ok(out)
    }
    /// One byte.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u8(&mut self, what: &'static str) -> Result<u8, WireError> {
        self.array::<1>(what).map(|[b]| b)
    }
    /// Two bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u16(&mut self, what: &'static str) -> Result<u16, WireError> {
        self.array(what).map(u16::from_le_bytes)
    }
    /// Four bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u32(&mut self, what: &'static str) -> Result<u32, WireError> {
        self.array(what).map(u32::from_le_bytes)
    }
    /// Eight bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u64(&mut self, what: &'static str) -> Result<u64, WireError> {
        self.array(what).map(u64::from_le_bytes)
    }
    /// A canonical field element.
    ///
    /// # Errors
    /// [`WireError::Truncated`], [`WireError::NotCanonical`].
    pub fn field(&mut self, what: &'static str) -> Result<Fr, WireError> {
        from_bytes(&self.array(what)?).map_err(|_| WireError::NotCanonical(what))
    }
    /// Bytes with their length before them, at most `most`.
    ///
    /// # Errors
    /// [`WireError::Truncated`], [`WireError::Length`].
    pub fn bytes(&mut self, most: usize, what: &'static str) -> Result<&'a [u8], WireError> {
        let got = self.u32(what)? as usize;
        if got > most {
            return Err(WireError::Length { what, got, least: 0, most });
        }
        self.take(got, what)
    }
    /// The length of a list (u32), between `least` and `most`.
    ///
    /// # Errors
    /// [`WireError::Truncated`], [`WireError::Length`].
    pub fn count(&mut self, least: usize, most: usize, what: &'static str) -> Result<usize, WireError> {
        let got = self.u32(what)? as usize;
        if (least..=most).contains(&got) {
            Ok(got)
        } else {
            Err(WireError::Length { what, got, least, most })
        }
    }
    /// Nothing may be left.
    ///
    /// # Errors
    /// [`WireError::Trailing`].
    pub const fn finish(self) -> Result<(), WireError> {
        if self.0.is_empty() { Ok(()) } else { Err(WireError::Trailing(self.0.len())) }
    }
}
