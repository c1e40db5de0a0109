//! Cuts a stream of bytes into JSON values without understanding them.
//!
//! The cut follows brackets and strings only; the strict reader checks what lies between later,
//! value by value. So a bad entry of a Bundle costs that entry, and memory holds one value of at
//! most the caller's limit: of a longer one the rest is read and thrown away.

use std::io::{BufRead, ErrorKind};

use super::json::JsonErrorKind;
use super::problem::Reason;

/// A byte stream with one byte of look-ahead, counting lines.
pub(crate) struct Frames<R> {
    input: R,
    line: u64,
    limit: usize,
}

/// How a value was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// All of it is in the buffer.
    Whole,
    /// It was longer than the limit; the buffer holds less.
    TooLarge,
}

impl<R: BufRead> Frames<R> {
    pub(crate) const fn new(input: R, limit: usize) -> Self {
        Self { input, line: 1, limit }
    }

    /// The line of the next byte, from 1.
    pub(crate) const fn line(&self) -> u64 {
        self.line
    }

    fn chunk(&mut self) -> Result<&[u8], Reason> {
        // Asked twice: the borrow of the first answer cannot leave the loop.
        loop {
            match self.input.fill_buf() {
                Ok(_) => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Reason::Io(e.kind())),
            }
        }
        self.input.fill_buf().map_err(|e| Reason::Io(e.kind()))
    }

    /// The next byte, left in place.
    pub(crate) fn peek(&mut self) -> Result<Option<u8>, Reason> {
        Ok(self.chunk()?.first().copied())
    }

    /// Skips one byte that was peeked.
    pub(crate) fn skip(&mut self) {
        self.input.consume(1);
    }

    /// Skips white space; the next byte, left in place.
    pub(crate) fn next_token(&mut self) -> Result<Option<u8>, Reason> {
        loop {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let space = chunk.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
            let found = chunk.get(space).copied();
            let lines = count_lines(&chunk[..space]);
            self.line += lines;
            self.input.consume(space);
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Takes `{`, `:` or another mark.
    pub(crate) fn expect(&mut self, mark: u8, otherwise: &'static str) -> Result<(), Reason> {
        match self.next_token()? {
            Some(b) if b == mark => {
                self.skip();
                Ok(())
            }
            Some(_) => Err(JsonErrorKind::Syntax(otherwise).into()),
            None => Err(JsonErrorKind::Truncated.into()),
        }
    }

    /// Appends the next value to `buffer`, up to `limit` bytes in the buffer in all.
    pub(crate) fn value(&mut self, buffer: &mut Vec<u8>) -> Result<Taken, Reason> {
        let Some(first) = self.next_token()? else { return Err(JsonErrorKind::Truncated.into()) };
        let mut scan = match first {
            b'{' | b'[' | b'"' => Scan::default(),
            b'-' | b'0'..=b'9' | b'a'..=b'z' => return self.scalar(buffer),
            _ => return Err(JsonErrorKind::Syntax("a value cannot begin so").into()),
        };
        let limit = self.limit;
        let mut taken = Taken::Whole;
        loop {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Err(JsonErrorKind::Truncated.into());
            }
            let (used, done) = scan.run(chunk);
            append(buffer, &chunk[..used], limit, &mut taken);
            let lines = count_lines(&chunk[..used]);
            self.line += lines;
            self.input.consume(used);
            if done {
                return Ok(taken);
            }
        }
    }

    /// Passes over the next value.
    pub(crate) fn pass(&mut self) -> Result<(), Reason> {
        let limit = core::mem::take(&mut self.limit);
        let passed = self.value(&mut Vec::new());
        self.limit = limit;
        passed.map(|_| ())
    }

    /// A number or a word: up to the next mark or white space.
    fn scalar(&mut self, buffer: &mut Vec<u8>) -> Result<Taken, Reason> {
        let limit = self.limit;
        let mut taken = Taken::Whole;
        loop {
            let chunk = self.chunk()?;
            let ends = |b: &u8| matches!(b, b',' | b'}' | b']' | b':' | b' ' | b'\t' | b'\r' | b'\n');
            let end = chunk.iter().position(ends);
            let used = end.unwrap_or(chunk.len());
            append(buffer, &chunk[..used], limit, &mut taken);
            let done = end.is_some() || chunk.is_empty();
            self.input.consume(used);
            if done {
                return Ok(taken);
            }
        }
    }

    /// Takes the rest of the line into `buffer`, without its end; none at the end of the file.
    pub(crate) fn line_into(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Taken>, Reason> {
        buffer.clear();
        let limit = self.limit;
        let mut taken = Taken::Whole;
        let mut any = false;
        loop {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Ok(any.then_some(taken));
            }
            any = true;
            let end = chunk.iter().position(|b| *b == b'\n');
            let used = end.unwrap_or(chunk.len());
            append(buffer, &chunk[..used], limit, &mut taken);
            let consumed = used + usize::from(end.is_some());
            self.input.consume(consumed);
            if end.is_some() {
                self.line += 1;
                return Ok(Some(taken));
            }
        }
    }
}

fn append(buffer: &mut Vec<u8>, bytes: &[u8], limit: usize, taken: &mut Taken) {
    if bytes.len() > limit.saturating_sub(buffer.len()) {
        *taken = Taken::TooLarge;
    }
    if *taken == Taken::Whole {
        buffer.extend_from_slice(bytes);
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    // 255 at a time fit a byte, so that a vector register counts as many bytes as it holds.
    let few = |bytes: &[u8]| bytes.iter().fold(0u8, |n, b| n.wrapping_add(u8::from(*b == b'\n')));
    bytes.chunks(255).map(|bytes| u64::from(few(bytes))).sum()
}

/// Depth of brackets, whether in a string, whether after a backslash.
#[derive(Default)]
struct Scan {
    depth: u64,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Bytes used, and whether the value is complete.
    fn run(&mut self, chunk: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while let Some(&b) = chunk.get(at) {
            at += 1;
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                } else if b == b'\\' {
                    self.escaped = true;
                } else if b == b'"' {
                    self.in_string = false;
                    if self.depth == 0 {
                        return (at, true);
                    }
                }
                continue;
            }
            match b {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                // Never below zero: the value began with a bracket, and ends where the count is
                // back at zero.
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at, true);
                    }
                }
                _ => {}
            }
        }
        (at, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Cursor};

    fn first(text: &str, capacity: usize, limit: usize) -> Result<(Taken, String), Reason> {
        let mut frames = Frames::new(BufReader::with_capacity(capacity, Cursor::new(text.as_bytes())), limit);
        let mut buffer = Vec::new();
        frames.value(&mut buffer).map(|taken| (taken, String::from_utf8(buffer).expect("UTF-8")))
    }

    #[test]
    fn lines_are_counted_past_what_a_byte_holds() {
        for lines in [0, 1, 254, 255, 256, 257, 1000] {
            assert_eq!(count_lines("\n".repeat(lines).as_bytes()), lines as u64);
            assert_eq!(count_lines("a\n".repeat(lines).as_bytes()), lines as u64);
        }
    }

    #[test]
    fn a_value_is_cut_at_its_end_whatever_the_chunks() {
        for capacity in [1, 2, 3, 7, 100] {
            for (text, value) in [
                ("{\"a\":[1,{\"b\":\"}\\\"]\"}]} ,x", "{\"a\":[1,{\"b\":\"}\\\"]\"}]}"),
                ("  \"a\\\\\" : 1", "\"a\\\\\""),
                (" -1.5e3, 2", "-1.5e3"),
                ("true}", "true"),
                ("17", "17"),
            ] {
                assert_eq!(first(text, capacity, 1000), Ok((Taken::Whole, value.to_owned())), "{text}");
            }
            for text in ["{\"a\":", "\"abc", "[[]", ""] {
                assert_eq!(first(text, capacity, 1000), Err(JsonErrorKind::Truncated.into()), "{text}");
            }
        }
    }

    #[test]
    fn a_value_over_the_limit_is_skipped_and_not_kept() {
        let text = format!("[{}]", "1,".repeat(1000));
        let (taken, kept) = first(&text, 64, 100).expect("skipped");
        assert_eq!(taken, Taken::TooLarge);
        assert!(kept.len() <= 100);
        assert_eq!(first("[1,2]", 64, 5), Ok((Taken::Whole, "[1,2]".to_owned())));
        assert_eq!(first("[1,23]", 64, 5).expect("skipped").0, Taken::TooLarge);
    }
}
