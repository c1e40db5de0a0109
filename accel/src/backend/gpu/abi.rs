//! `accel/cuda/amanat_gpu.h`, mirrored: types only. The rules between the two sides are there.

use crate::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use core::ffi::{c_char, c_void};
use core::mem::{align_of, offset_of, size_of};

/// Version of the interface.
pub(super) const ABI: u32 = 1;

pub(super) const OK: i32 = 0;
pub(super) const NO_DEVICE: i32 = 1;
pub(super) const OUT_OF_MEMORY: i32 = 2;
pub(super) const DEVICE_LOST: i32 = 3;
pub(super) const INVALID: i32 = 4;
#[cfg(any(test, feature = "mock-gpu"))]
pub(super) const INTERNAL: i32 = 5;

pub(super) const COEFFICIENTS: u32 = 0;
pub(super) const ODD_COSET: u32 = 1;
pub(super) const SATISFIED: u64 = u64::MAX;

pub(super) const SUM_A: u32 = 0;
pub(super) const SUM_B: u32 = 1;
pub(super) const SUM_C: u32 = 2;

#[repr(C)]
pub(super) struct Status {
    pub(super) code: i32,
    pub(super) text: [u8; 252],
}

#[repr(C)]
pub(super) struct DeviceParts {
    pub(super) name: [u8; 96],
    pub(super) total_bytes: u64,
    pub(super) free_bytes: u64,
    pub(super) bytes_per_second: u64,
    pub(super) multiprocessors: u32,
    pub(super) clock_khz: u32,
    pub(super) compute_major: u32,
    pub(super) compute_minor: u32,
}

#[repr(C)]
pub(super) struct MatrixParts {
    pub(super) rows: u64,
    pub(super) starts: *const u32,
    pub(super) variables: *const u32,
    pub(super) coefficients: *const Fr,
}

#[repr(C)]
pub(super) struct CircuitParts {
    pub(super) log_domain: u32,
    pub(super) form: u32,
    pub(super) variables: u64,
    pub(super) a: MatrixParts,
    pub(super) b: MatrixParts,
    pub(super) c: MatrixParts,
    pub(super) shift: Fr,
    pub(super) unshift: Fr,
    pub(super) factor: Fr,
}

#[repr(C)]
pub(super) struct QueryParts {
    pub(super) bases: *const c_void,
    pub(super) stride: u64,
    pub(super) length: u64,
    pub(super) places: *const u32,
}

#[repr(C)]
pub(super) struct KeyParts {
    pub(super) variables: u64,
    pub(super) quotient: u64,
    pub(super) a: QueryParts,
    pub(super) b: QueryParts,
    pub(super) c: QueryParts,
    pub(super) c_first: u64,
    pub(super) c_second: u64,
}

#[repr(C)]
#[derive(Default)]
pub(super) struct Times {
    pub(super) upload: u64,
    pub(super) compute: u64,
    pub(super) download: u64,
}

/// Handles are the plugin's: never looked into here.
pub(super) type Handle = c_void;

type Entry<A> = Option<A>;

/// The table. A field is none only in a plugin that breaks the rules, and is refused when it is
/// loaded.
#[repr(C)]
pub(super) struct Functions {
    pub(super) abi: u32,
    pub(super) size: u32,
    pub(super) built: *const c_char,
    pub(super) devices: Entry<unsafe extern "C" fn(*mut u32, *mut Status) -> i32>,
    pub(super) device: Entry<unsafe extern "C" fn(u32, *mut DeviceParts, *mut Status) -> i32>,
    pub(super) open: Entry<unsafe extern "C" fn(u32, *mut *mut Handle, *mut Status) -> i32>,
    pub(super) close: Entry<unsafe extern "C" fn(*mut Handle)>,
    pub(super) memory: Entry<unsafe extern "C" fn(*mut Handle, *mut u64, *mut u64, *mut Status) -> i32>,
    pub(super) stream_new: Entry<unsafe extern "C" fn(*mut Handle, *mut *mut Handle, *mut Status) -> i32>,
    pub(super) stream_wipe: Entry<unsafe extern "C" fn(*mut Handle, *mut Status) -> i32>,
    pub(super) stream_times: Entry<unsafe extern "C" fn(*mut Handle, *mut Times, *mut Status) -> i32>,
    pub(super) stream_free: Entry<unsafe extern "C" fn(*mut Handle)>,
    #[allow(clippy::type_complexity, reason = "as in the header")]
    pub(super) circuit_load: Entry<
        unsafe extern "C" fn(
            *mut Handle,
            *const CircuitParts,
            *mut *mut Handle,
            *mut u64,
            *mut Status,
        ) -> i32,
    >,
    pub(super) circuit_free: Entry<unsafe extern "C" fn(*mut Handle)>,
    #[allow(clippy::type_complexity, reason = "as in the header")]
    pub(super) key_load: Entry<
        unsafe extern "C" fn(*mut Handle, *const KeyParts, *mut *mut Handle, *mut u64, *mut Status) -> i32,
    >,
    pub(super) key_free: Entry<unsafe extern "C" fn(*mut Handle)>,
    pub(super) assign: Entry<unsafe extern "C" fn(*mut Handle, *const Fr, u64, *mut Status) -> i32>,
    pub(super) rows: Entry<unsafe extern "C" fn(*mut Handle, *const Handle, *mut u64, *mut Status) -> i32>,
    pub(super) transform: Entry<unsafe extern "C" fn(*mut Handle, *const Handle, *mut Status) -> i32>,
    pub(super) quotient_read: Entry<unsafe extern "C" fn(*mut Handle, *mut c_void, u64, *mut Status) -> i32>,
    pub(super) quotient_write:
        Entry<unsafe extern "C" fn(*mut Handle, *const c_void, u64, *mut Status) -> i32>,
    pub(super) scalars:
        Entry<unsafe extern "C" fn(*mut Handle, *const Handle, *const Fr, *mut Status) -> i32>,
    pub(super) sum:
        Entry<unsafe extern "C" fn(*mut Handle, *const Handle, u32, *mut c_void, *mut Status) -> i32>,
    pub(super) msm_g1: Entry<OneOff>,
    pub(super) msm_g2: Entry<OneOff>,
    pub(super) ntt: Entry<unsafe extern "C" fn(*mut Handle, *mut Fr, u32, u32, *mut Status) -> i32>,
}

/// Bases, their stride, scalars, how many, the sum.
pub(super) type OneOff =
    unsafe extern "C" fn(*mut Handle, *const c_void, u64, *const Fr, u64, *mut c_void, *mut Status) -> i32;

// SAFETY: the table is constant data of a plugin that is never unloaded: functions, two numbers and
// a constant text.
unsafe impl Send for Functions {}
// SAFETY: as above; the functions' own rules for threads are in the header.
unsafe impl Sync for Functions {}

/// `uint32_t amanat_gpu_abi_version(void)`
pub(super) type Version = unsafe extern "C" fn() -> u32;
/// `const amanat_gpu_functions *amanat_gpu_table(void)`
pub(super) type Table = unsafe extern "C" fn() -> *const Functions;

// The header's structures on machines with 64-bit pointers.
const _: () = {
    assert!(size_of::<Status>() == 256);
    assert!(size_of::<DeviceParts>() == 136 && offset_of!(DeviceParts, multiprocessors) == 120);
    assert!(size_of::<MatrixParts>() == 32 && offset_of!(MatrixParts, coefficients) == 24);
    assert!(size_of::<CircuitParts>() == 208 && offset_of!(CircuitParts, a) == 16);
    assert!(offset_of!(CircuitParts, shift) == 112 && offset_of!(CircuitParts, factor) == 176);
    assert!(size_of::<QueryParts>() == 32 && size_of::<KeyParts>() == 128);
    assert!(offset_of!(KeyParts, c_first) == 112);
    assert!(size_of::<Times>() == 24);
    assert!(size_of::<Functions>() == 8 + 24 * size_of::<usize>());
};

// What the header says of numbers and points, of arkworks' types as this compiler lays them out.
// `repr(Rust)` promises nothing: if this fails, points must be copied into a layout of our own
// first.
const _: () = {
    assert!(size_of::<Fr>() == 32 && align_of::<Fr>() == 8);
    assert!(offset_of!(G1Affine, x) == 0 && offset_of!(G1Affine, y) == 32 && size_of::<G1Affine>() == 64);
    assert!(offset_of!(G2Affine, x) == 0 && offset_of!(G2Affine, y) == 64 && size_of::<G2Affine>() == 128);
    assert!(
        size_of::<crate::Fq>() == 32 && offset_of!(crate::Fq2, c0) == 0 && offset_of!(crate::Fq2, c1) == 32
    );
    // Sums come back as bytes and are read limb by limb; these are for the mock, which writes them
    // so.
    assert!(size_of::<G1Projective>() == 96 && size_of::<G2Projective>() == 192);
};

#[cfg(test)]
mod tests {
    /// Names of the functions of a table, in order: what is between `before` and `after` on a
    /// line.
    fn names(text: &str, before: &str, after: &str) -> Vec<String> {
        let name = |line: &str| {
            let (_, rest) = line.split_once(before)?;
            let (name, _) = rest.split_once(after)?;
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                .then(|| name.to_owned())
        };
        text.lines().filter_map(name).collect()
    }

    #[test]
    fn the_header_and_its_mirror_name_the_same_functions_in_order_and_the_same_version() {
        let (header, mirror) = (include_str!("../../../cuda/amanat_gpu.h"), include_str!("abi.rs"));
        let (_, table) = mirror.split_once("struct Functions {").expect("the mirror");
        let (table, _) = table.split_once("\n}").expect("its end");
        // Rustfmt breaks some lines after the colon.
        let table = table.replace(":\n        Entry<", ": Entry<");
        let (here, there) = (names(&table, "pub(super) ", ": Entry<"), names(header, " (*", ")("));
        assert_eq!(here, there);
        assert_eq!(here.len(), 23);
        assert!(header.contains(&format!("#define AMANAT_GPU_ABI {}u", super::ABI)));
    }
}
