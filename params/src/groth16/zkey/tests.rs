//! Files as they should be, and files damaged in every way we could think of.

use super::*;
use crate::insecure_dev_zkey;
use crate::testing::{rng, sections, small_circuit, unsections};
use std::io::Cursor;

fn key(public: usize, private: usize, rows: usize) -> Zkey {
    insecure_dev_zkey(&small_circuit(public, private, rows).0, &mut rng(rows as u64)).expect("a key")
}

fn bytes(key: &Zkey) -> Vec<u8> {
    let mut out = Vec::new();
    key.write(&mut out).expect("a vector takes every write");
    out
}

fn read(bytes: &[u8]) -> Result<Zkey, ZkeyError> {
    Zkey::read(Cursor::new(bytes), &|_, _| ControlFlow::Continue(()))
}

fn error(bytes: &[u8]) -> ZkeyError {
    read(bytes).err().expect("refused")
}

/// The file with one section's content changed.
fn with(number: u32, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut all = sections(&bytes(&key(2, 3, 6)));
    change(&mut all.iter_mut().find(|(n, _)| *n == number).expect("all sections are there").1);
    unsections(b"zkey", 1, &all)
}

fn put(content: &mut [u8], at: usize, number: u32) {
    content[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

/// The place of the counts in section 2.
const COUNTS: usize = 72;

#[test]
fn a_key_comes_back_from_its_file_for_any_number_of_public_inputs() {
    for (public, private, rows) in [(0, 1, 1), (1, 1, 1), (1, 6, 2), (3, 20, 12), (8, 30, 55), (40, 3, 9)] {
        let key = key(public, private, rows);
        let back = read(&bytes(&key)).expect("own bytes");
        assert!(back == key, "{public} public, {private} private, {rows} rows");
        assert!(back.has_contributions());
    }
}

#[test]
fn sections_may_stand_in_any_order_and_others_among_them() {
    let key = key(2, 3, 6);
    let mut all = sections(&bytes(&key));
    all.reverse();
    all.insert(3, (77, vec![1, 2, 3]));
    all.push((u32::MAX, Vec::new()));
    assert!(read(&unsections(b"zkey", 1, &all)).expect("the same key") == key);
}

#[test]
fn a_section_that_is_missing_or_there_twice_is_named() {
    let all = sections(&bytes(&key(2, 3, 6)));
    for (i, (number, content)) in all.iter().enumerate() {
        let mut fewer = all.clone();
        fewer.remove(i);
        let mut more = all.clone();
        more.push((*number, content.clone()));
        let (fewer, more) = (read(&unsections(b"zkey", 1, &fewer)), read(&unsections(b"zkey", 1, &more)));
        let twice = more.err().expect("refused").to_string();
        assert!(
            twice.starts_with(&format!("section {number} (")) && twice.contains("occurs twice"),
            "{twice}"
        );
        match number {
            // Of the ceremony the prover needs nothing.
            10 => assert!(fewer.is_ok()),
            _ => {
                let missing = fewer.err().expect("refused").to_string();
                assert!(missing.starts_with(&format!("section {number} (")), "{missing}");
                assert!(missing.contains("is missing"), "{missing}");
            }
        }
    }
}

#[test]
fn a_section_of_another_length_is_refused_with_both_lengths() {
    for number in 1..=9 {
        for more in [false, true] {
            let bytes =
                with(
                    number,
                    |content| {
                        if more { content.push(0) } else { content.truncate(content.len() - 1) }
                    },
                );
            let error = error(&bytes);
            assert!(matches!(error, ZkeyError::File(BinaryError::Length { .. })), "{number}: {error}");
            assert!(error.to_string().starts_with(&format!("section {number} (")), "{error}");
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_truncated_and_one_continued_has_trailing_bytes() {
    let bytes = bytes(&key(1, 2, 2));
    for end in 0..bytes.len() {
        let error = error(&bytes[..end]);
        assert!(matches!(error, ZkeyError::File(BinaryError::Truncated { .. })), "cut at {end}: {error}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    let error = error(&longer);
    assert!(matches!(error, ZkeyError::File(BinaryError::Trailing { extra: 1, .. })), "{error}");
}

#[test]
fn other_files_versions_systems_and_curves_are_told_apart() {
    let good = bytes(&key(1, 2, 2));
    let text = error(b"r1cs\x01\0\0\0\0\0\0\0").to_string();
    assert_eq!(text, "not a .zkey file: it begins with \"r1cs\", not with \"zkey\"");
    for version in [0, 3, u32::MAX] {
        let mut bytes = good.clone();
        put(&mut bytes, 4, version);
        assert!(matches!(error(&bytes), ZkeyError::File(BinaryError::Version { .. })));
    }
    for (number, name) in [(0, "number 0"), (2, "PLONK"), (10, "FFLONK"), (77, "number 77")] {
        let text = error(&with(1, |content| put(content, 0, number))).to_string();
        assert!(text.contains(name) && text.contains("not for Groth16"), "{text}");
    }
    for (at, which) in
        [(0, "base field"), (4, "base field"), (35, "base field"), (36, "scalar"), (50, "scalar")]
    {
        let error = error(&with(2, |content| content[at] ^= 1));
        assert!(matches!(&error, ZkeyError::Field { which: w, .. } if w.starts_with(which)), "{error}");
    }
}

#[test]
fn counts_no_circuit_has_are_refused_before_anything_is_allocated() {
    let counts = |variables, public, domain| {
        let bytes = with(2, |content| {
            put(content, COUNTS, variables);
            put(content, COUNTS + 4, public);
            put(content, COUNTS + 8, domain);
        });
        error(&bytes)
    };
    for (variables, public, domain) in [
        (0, 0, 16),
        (2, 2, 16),
        (6, u32::MAX, 16),
        (6, 2, 0),
        (6, 2, 1),
        (6, 2, 15),
        (6, 2, 1 << 28),
        (u32::MAX, 2, 1 << 31),
        (6, 2, 2),
        (40, 30, 16),
    ] {
        let error = counts(variables, public, domain);
        assert!(matches!(error, ZkeyError::Counts { .. }), "{variables} {public} {domain}: {error}");
    }
    // Possible, but not what the sections hold.
    for (variables, public, domain) in
        [(u32::MAX, 2, 16), (6, 2, 1 << 27), (6, 1, 16), (7, 2, 16), (6, 2, 32)]
    {
        let error = counts(variables, public, domain);
        assert!(matches!(error, ZkeyError::File(BinaryError::Length { .. })), "{error}");
    }
    for claimed in [0, 1, u32::MAX] {
        let error = error(&with(4, |content| put(content, 0, claimed)));
        assert!(matches!(error, ZkeyError::File(BinaryError::Length { .. })), "{error}");
    }
    // A list of four billion sections, and sections longer than any file.
    let mut bytes = bytes(&key(2, 3, 6));
    put(&mut bytes, 8, u32::MAX);
    assert!(matches!(error(&bytes), ZkeyError::File(BinaryError::Truncated { .. })));
    put(&mut bytes, 8, 10);
    for length in [u64::MAX, i64::MAX as u64, 1 << 40] {
        bytes[16..24].copy_from_slice(&length.to_le_bytes());
        assert!(matches!(error(&bytes), ZkeyError::File(BinaryError::Truncated { .. })));
    }
}

#[test]
fn coefficients_outside_the_circuit_are_refused_with_their_place() {
    let third = 4 + 2 * 44;
    for (at, number, reason) in [
        (0, 2, "neither A nor B"),
        (4, 16, "row is outside"),
        (4, u32::MAX, "row is outside"),
        (8, 6, "variable does not exist"),
        (8, u32::MAX, "variable does not exist"),
        (40, u32::MAX, "not below"),
    ] {
        let bytes = with(4, |content| put(content, third + at, number));
        let error = error(&bytes);
        let ZkeyError::Coefficient { offset, index: 2, .. } = error else { panic!("{error}") };
        let stands = &bytes[offset as usize + at..][..4];
        assert_eq!(stands, number.to_le_bytes(), "the offset says where in the file");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn coefficients_of_one_row_add_up_in_any_order() {
    let key = key(2, 3, 6);
    let mut all = sections(&bytes(&key));
    let content = &mut all.iter_mut().find(|(n, _)| *n == 4).expect("there").1;
    let mut coefficients: Vec<Vec<u8>> = content[4..].chunks(44).map(<[u8]>::to_vec).collect();
    coefficients.reverse();
    content.truncate(4);
    coefficients.iter().for_each(|c| content.extend_from_slice(c));
    let back = read(&unsections(b"zkey", 1, &all)).expect("the same circuit").matrices;
    for (mine, theirs) in [(&key.matrices.a, &back.a), (&key.matrices.b, &back.b)] {
        assert_eq!(mine.rows(), theirs.rows());
        for row in 0..mine.rows() {
            let (mut mine, mut theirs) = (mine.row(row).to_vec(), theirs.row(row).to_vec());
            mine.sort_by_key(|term| term.0);
            theirs.sort_by_key(|term| term.0);
            assert_eq!(mine, theirs);
        }
    }
}

#[test]
fn points_off_their_curve_out_of_their_group_or_not_canonical_are_refused_with_their_place() {
    let raw = |q: &G2Affine| {
        let mut out = Vec::new();
        Raw::encode(q, &mut out);
        out
    };
    let all = sections(&bytes(&key(2, 3, 6)));
    for (number, size) in [(3, 64), (5, 64), (6, 64), (7, 128), (8, 64), (9, 64)] {
        // The last point that is not infinity.
        let content = &all.iter().find(|(n, _)| *n == number).expect("there").1;
        let index = content.chunks(size).rposition(|point| point.iter().any(|x| *x != 0)).expect("some");
        let refused = |change: &dyn Fn(&mut [u8])| {
            let bytes = with(number, |content| change(&mut content[index * size..][..size]));
            let error = error(&bytes);
            let ZkeyError::Point { what, offset, index: i, reason } = error else { panic!("{error}") };
            assert_eq!((what.number, i), (number, index));
            let mut changed = bytes.clone();
            change(&mut changed[offset as usize..][..size]);
            assert!(
                changed == bytes || reason == PointError::NotOnCurve,
                "the offset says where in the file"
            );
            reason
        };
        let canonical = refused(&|point| point[..32].fill(0xff));
        assert_eq!(canonical, PointError::NotCanonical);
        let modulus = Fq::MODULUS.to_bytes_le();
        assert_eq!(refused(&|point| point[size - 32..].copy_from_slice(&modulus)), PointError::NotCanonical);
        assert_eq!(refused(&|point| point[0] ^= 1), PointError::NotOnCurve);
        assert_eq!(refused(&|point| point[..32].fill(0)), PointError::NotOnCurve);
        if size == 128 {
            let stranger = crate::testing::g2_outside_the_subgroup().next().expect("most");
            let outside = refused(&|point| point.copy_from_slice(&raw(&stranger)));
            assert_eq!(outside, PointError::NotInSubgroup);
        }
        // Infinity: no trouble in a query, where variables without use have it, but no public input
        // may be free.
        let infinite = with(number, |content| content[index * size..][..size].fill(0));
        match (number, read(&infinite)) {
            (3, Err(ZkeyError::Point { reason: PointError::Infinity, index: i, .. })) if i == index => {}
            (3, other) => panic!("{:?}", other.err()),
            (_, other) => assert!(other.is_ok(), "section {number}: {:?}", other.err()),
        }
    }
    // The header's points, none of which may be infinity: alpha, beta (G1, G2), gamma, delta (G1,
    // G2).
    for (index, (at, size)) in
        [(84, 64), (148, 64), (212, 128), (340, 128), (468, 64), (532, 128)].iter().enumerate()
    {
        let refused = |change: &dyn Fn(&mut [u8])| {
            let error = error(&with(2, |content| change(&mut content[*at..][..*size])));
            let ZkeyError::Point { index: i, reason, .. } = error else { panic!("{error}") };
            assert_eq!(i, index);
            reason
        };
        assert_eq!(refused(&|point| point.fill(0)), PointError::Infinity);
        assert_eq!(refused(&|point| point.fill(0xff)), PointError::NotCanonical);
        assert_eq!(refused(&|point| point[1] ^= 4), PointError::NotOnCurve);
        if *size == 128 {
            let stranger = crate::testing::g2_outside_the_subgroup().next().expect("most");
            assert_eq!(refused(&|point| point.copy_from_slice(&raw(&stranger))), PointError::NotInSubgroup);
        }
    }
}

#[test]
fn a_file_with_any_byte_changed_is_refused_or_the_same_key_but_for_a_coefficient() {
    let key = key(1, 2, 2);
    let bytes = bytes(&key);
    // Section 4 begins after its number and length; a value changed there is another circuit's, and
    // as good.
    let all = sections(&bytes);
    let mut at = 12;
    let mut values = 0..0;
    for (number, content) in &all {
        if *number == 4 {
            values = at + 12..at + 12 + content.len();
        }
        at += 12 + content.len();
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at * 5 % 8);
        if let Ok(back) = read(&changed) {
            assert!(back == key || values.contains(&at), "byte {at}");
            assert!(back.queries == key.queries && back.vk == key.vk, "byte {at}");
        }
    }
}

#[test]
fn reading_tells_how_far_it_is_and_can_be_stopped() {
    let bytes = bytes(&key(2, 3, 6));
    let seen = core::cell::RefCell::new(Vec::new());
    let hear = |done, total| {
        seen.borrow_mut().push((done, total));
        ControlFlow::Continue(())
    };
    Zkey::read(Cursor::new(&bytes), &hear).expect("own bytes");
    let seen = seen.into_inner();
    assert!(seen.len() >= 7 && seen.is_sorted());
    assert!(seen.iter().all(|(done, total)| done <= total));
    for stop in 0..seen.len() {
        let heard = core::cell::Cell::new(0);
        let hear = |_, _| {
            heard.set(heard.get() + 1);
            if heard.get() > stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        assert!(matches!(Zkey::read(Cursor::new(&bytes), &hear), Err(ZkeyError::Cancelled)));
    }
}

#[test]
fn a_key_nobody_contributed_to_is_recognised() {
    let mut key = key(1, 2, 2);
    key.vk.delta_g2 = G2Affine::generator();
    assert!(!key.has_contributions());
}

#[test]
fn a_key_with_products_cannot_be_written() {
    let mut key = key(1, 2, 2);
    key.matrices.c = Some(key.matrices.a.clone());
    assert_eq!(key.write(&mut Vec::new()).map_err(|e| e.kind()), Err(io::ErrorKind::InvalidInput));
}
