//! A plugin, loaded: the functions of the table behind safe ones, handles behind owners that free
//! them.

use super::abi::{self, Functions, Handle, Status};
use super::failure::{Failure, FailureKind};
use super::points::{g1_point, g2_point};
use crate::{Fr, G1Affine, G1Projective, G2Affine, G2Projective, QuotientForm};
use ark_ec::AffineRepr;
use ark_ff::{BigInt, PrimeField};
use core::ffi::{CStr, c_void};
use core::ptr;
use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

/// Why a file is not used as a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The system's loader says no.
    #[error("the GPU plugin {path} cannot be loaded: {why}")]
    Library {
        /// The file.
        path: String,
        /// The loader's words.
        why: String,
    },
    /// A symbol is missing.
    #[error("{path} is not a GPU plugin of Amanat: it has no symbol {symbol}")]
    Symbol {
        /// The file.
        path: String,
        /// The symbol.
        symbol: &'static str,
    },
    /// It speaks another version of the interface.
    #[error(
        "{path} has version {got} of the plugin interface, this program needs version {expected}: build the plugin of this version (just gpu-plugin)"
    )]
    Version {
        /// The file.
        path: String,
        /// This program's.
        expected: u32,
        /// The plugin's.
        got: u32,
    },
    /// Its table contradicts its version.
    #[error("{path} has a broken table of functions: {why}")]
    Table {
        /// The file.
        path: String,
        /// What is wrong.
        why: &'static str,
    },
}

/// A loaded plugin: every function of its table is there. Never unloaded.
#[derive(Clone, Copy)]
pub(super) struct Plugin {
    functions: &'static Functions,
}

/// Calls a function of the table, with a status as its last argument.
macro_rules! call {
    ($functions:expr, $entry:ident($($argument:expr),* $(,)?)) => {{
        let mut status = Status { code: abi::OK, text: [0; 252] };
        let code = match $functions.$entry {
            // The caller of this macro is in an unsafe block and argues for the arguments; the
            // status outlives the call.
            Some(entry) => entry($($argument,)* &raw mut status),
            // Never: `Plugin::new` refuses a table that lacks a function.
            None => abi::INVALID,
        };
        answer(code, &status, stringify!($entry))
    }};
}

fn answer(code: i32, status: &Status, entry: &'static str) -> Result<(), Failure> {
    if code == abi::OK {
        return Ok(());
    }
    let words = text(&status.text);
    let words = if words.is_empty() { format!("code {code}, without a word") } else { words };
    Err(Failure { kind: FailureKind::of(code), entry, words })
}

/// Text up to the first zero; what is no UTF-8 or no printable character is replaced.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl Plugin {
    /// Loads a file. This runs the file's initialisers: the path comes from the operator of this
    /// program.
    pub(super) fn load(path: &Path) -> Result<Self, LoadError> {
        let name = path.display().to_string();
        // SAFETY: loading runs the file's initialisers, which is what the operator asked for by
        // naming or placing it; it is trusted as this program's own file is.
        let library = unsafe { libloading::Library::new(path) }
            .map_err(|error| LoadError::Library { path: name.clone(), why: error.to_string() })?;
        // CUDA's own threads and globals do not outlive unloading: the library stays to the end of
        // the process.
        let library: &'static libloading::Library = Box::leak(Box::new(library));
        let missing = |symbol| LoadError::Symbol { path: name.clone(), symbol };
        // SAFETY: the symbol's type is the header's; a file that has a symbol of this name with
        // another meaning is not one an operator would name as our plugin.
        let version = unsafe { library.get::<abi::Version>(b"amanat_gpu_abi_version\0") }
            .map_err(|_| missing("amanat_gpu_abi_version"))?;
        // SAFETY: no arguments; the header says that it may be called at any time.
        let got = unsafe { version() };
        if got != abi::ABI {
            return Err(LoadError::Version { path: name, expected: abi::ABI, got });
        }
        // SAFETY: as above, of a plugin that has said it speaks this version.
        let table = unsafe { library.get::<abi::Table>(b"amanat_gpu_table\0") }
            .map_err(|_| missing("amanat_gpu_table"))?;
        // SAFETY: as above.
        let table = unsafe { table() };
        // SAFETY: null or a constant of the plugin, which is never unloaded; a table of this
        // version begins with its own version and size, looked at below before anything else.
        let functions = unsafe { table.as_ref() };
        Self::new(functions).map_err(|why| LoadError::Table { path: name, why })
    }

    /// A table as it came.
    pub(super) fn new(functions: Option<&'static Functions>) -> Result<Self, &'static str> {
        let functions = functions.ok_or("there is none")?;
        if functions.abi != abi::ABI {
            return Err("it names another version than the plugin");
        }
        if functions.size as usize != size_of::<Functions>() {
            return Err("it has another size than the version's");
        }
        let f = functions;
        let all = f.devices.is_some()
            && f.device.is_some()
            && f.open.is_some()
            && f.close.is_some()
            && f.memory.is_some()
            && f.stream_new.is_some()
            && f.stream_wipe.is_some()
            && f.stream_times.is_some()
            && f.stream_free.is_some()
            && f.circuit_load.is_some()
            && f.circuit_free.is_some()
            && f.key_load.is_some()
            && f.key_free.is_some()
            && f.assign.is_some()
            && f.rows.is_some()
            && f.transform.is_some()
            && f.quotient_read.is_some()
            && f.quotient_write.is_some()
            && f.scalars.is_some()
            && f.sum.is_some()
            && f.msm_g1.is_some()
            && f.msm_g2.is_some()
            && f.ntt.is_some();
        if all { Ok(Self { functions }) } else { Err("a function is missing") }
    }

    /// With what and for what it was built.
    pub(super) fn built(&self) -> String {
        if self.functions.built.is_null() {
            return "not said".to_owned();
        }
        // SAFETY: by the header a constant text that ends with a zero and is never freed.
        let words = unsafe { CStr::from_ptr(self.functions.built) };
        text(words.to_bytes())
    }

    pub(super) fn devices(&self) -> Result<Vec<DeviceInfo>, Failure> {
        let mut count = 0u32;
        // SAFETY: the count outlives the call.
        unsafe { call!(self.functions, devices(&raw mut count)) }?;
        (0..count).map(|index| self.device(index)).collect()
    }

    fn device(&self, index: u32) -> Result<DeviceInfo, Failure> {
        let mut parts = abi::DeviceParts {
            name: [0; 96],
            total_bytes: 0,
            free_bytes: 0,
            bytes_per_second: 0,
            multiprocessors: 0,
            clock_khz: 0,
            compute_major: 0,
            compute_minor: 0,
        };
        // SAFETY: the parts outlive the call; any bytes are valid for them.
        unsafe { call!(self.functions, device(index, &raw mut parts)) }?;
        Ok(DeviceInfo {
            index,
            name: text(&parts.name),
            total_bytes: parts.total_bytes,
            free_bytes: parts.free_bytes,
            bytes_per_second: parts.bytes_per_second,
            multiprocessors: parts.multiprocessors,
            clock_khz: parts.clock_khz,
            compute: (parts.compute_major, parts.compute_minor),
        })
    }
}

/// A device as the plugin describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Its number in the plugin.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// All its memory.
    pub total_bytes: u64,
    /// What of it was free when asked.
    pub free_bytes: u64,
    /// What its memory can move in a second; 0 where not known.
    pub bytes_per_second: u64,
    /// Number of multiprocessors.
    pub multiprocessors: u32,
    /// Their clock.
    pub clock_khz: u32,
    /// Compute capability.
    pub compute: (u32, u32),
}

/// Time spent in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeviceTimes {
    /// To the device.
    pub upload: Duration,
    /// On it.
    pub compute: Duration,
    /// From it.
    pub download: Duration,
}

/// An open device.
pub(super) struct Device {
    plugin: Plugin,
    context: *mut Handle,
    pub(super) info: DeviceInfo,
}

// SAFETY: by the header a context may be used from several threads at once.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

impl Device {
    pub(super) fn open(plugin: Plugin, info: DeviceInfo) -> Result<Arc<Self>, Failure> {
        let mut context = ptr::null_mut();
        // SAFETY: the handle's place outlives the call.
        unsafe { call!(plugin.functions, open(info.index, &raw mut context)) }?;
        Ok(Arc::new(Self { plugin, context: handle(context, "open")?, info }))
    }

    /// Free and total bytes, now.
    pub(super) fn memory(&self) -> Result<(u64, u64), Failure> {
        let (mut free, mut total) = (0, 0);
        // SAFETY: the context is open; both numbers outlive the call.
        unsafe { call!(self.plugin.functions, memory(self.context, &raw mut free, &raw mut total)) }?;
        Ok((free, total))
    }

    pub(super) fn stream(self: &Arc<Self>) -> Result<Stream, Failure> {
        let mut raw = ptr::null_mut();
        // SAFETY: the context is open; the handle's place outlives the call.
        unsafe { call!(self.plugin.functions, stream_new(self.context, &raw mut raw)) }?;
        Ok(Stream { raw: handle(raw, "stream_new")?, device: self.clone() })
    }

    pub(super) fn circuit(self: &Arc<Self>, plan: &CircuitPlan) -> Result<Circuit, Failure> {
        let none = || abi::MatrixParts {
            rows: 0,
            starts: ptr::null(),
            variables: ptr::null(),
            coefficients: ptr::null(),
        };
        let parts = abi::CircuitParts {
            log_domain: plan.log_domain,
            form: match plan.form {
                QuotientForm::Coefficients => abi::COEFFICIENTS,
                QuotientForm::OddCoset => abi::ODD_COSET,
            },
            variables: plan.variables as u64,
            a: plan.a.parts(),
            b: plan.b.parts(),
            c: plan.c.as_ref().map_or_else(none, MatrixPlan::parts),
            shift: plan.shift,
            unshift: plan.unshift,
            factor: plan.factor,
        };
        let (mut raw, mut bytes) = (ptr::null_mut(), 0);
        // SAFETY: the context is open; the parts point into `plan`, whose lists have the lengths
        // that the parts say (`MatrixPlan`), and the plugin keeps nothing of them.
        unsafe {
            call!(
                self.plugin.functions,
                circuit_load(self.context, &raw const parts, &raw mut raw, &raw mut bytes)
            )
        }?;
        Ok(Circuit { raw: handle(raw, "circuit_load")?, bytes, device: self.clone() })
    }

    pub(super) fn key(self: &Arc<Self>, plan: &KeyPlan) -> Result<Key, Failure> {
        let parts = abi::KeyParts {
            variables: plan.variables as u64,
            quotient: plan.quotient as u64,
            a: query(&plan.a, &plan.a_places),
            b: query(&plan.b, &plan.b_places),
            c: query(&plan.c, &plan.c_places),
            c_first: plan.c_ends[0] as u64,
            c_second: plan.c_ends[1] as u64,
        };
        let (mut raw, mut bytes) = (ptr::null_mut(), 0);
        // SAFETY: the context is open; the parts point into `plan` with its lists' own lengths,
        // every place is below what it indexes (`KeyPlan::new`), and the plugin keeps nothing of
        // them.
        unsafe {
            call!(
                self.plugin.functions,
                key_load(self.context, &raw const parts, &raw mut raw, &raw mut bytes)
            )
        }?;
        Ok(Key { raw: handle(raw, "key_load")?, bytes, device: self.clone() })
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if let Some(close) = self.plugin.functions.close {
            // SAFETY: opened by `open`, closed once; circuits, keys and streams hold an `Arc` of
            // this and are gone.
            unsafe { close(self.context) }
        }
    }
}

fn handle(raw: *mut Handle, entry: &'static str) -> Result<*mut Handle, Failure> {
    if raw.is_null() { Err(Failure::malformed(entry, "success without a handle")) } else { Ok(raw) }
}

fn query<T>(bases: &[T], places: &[u32]) -> abi::QueryParts {
    assert_eq!(bases.len(), places.len(), "one place for each base");
    abi::QueryParts {
        bases: bases.as_ptr().cast::<c_void>(),
        stride: size_of::<T>() as u64,
        length: bases.len() as u64,
        places: places.as_ptr(),
    }
}

/// A matrix as the plugin takes it.
pub(super) struct MatrixPlan {
    starts: Vec<u32>,
    variables: Vec<u32>,
    coefficients: Vec<Fr>,
}

impl MatrixPlan {
    pub(super) fn new(matrix: &crate::SparseMatrix) -> Self {
        let (variables, coefficients) = matrix.terms().iter().copied().unzip();
        Self { starts: matrix.starts().to_vec(), variables, coefficients }
    }

    fn parts(&self) -> abi::MatrixParts {
        abi::MatrixParts {
            rows: (self.starts.len() - 1) as u64,
            starts: self.starts.as_ptr(),
            variables: self.variables.as_ptr(),
            coefficients: self.coefficients.as_ptr(),
        }
    }
}

/// A circuit as the plugin takes it. Its matrices have been checked against their description.
pub(super) struct CircuitPlan {
    pub(super) log_domain: u32,
    pub(super) form: QuotientForm,
    pub(super) variables: usize,
    pub(super) a: MatrixPlan,
    pub(super) b: MatrixPlan,
    pub(super) c: Option<MatrixPlan>,
    pub(super) shift: Fr,
    pub(super) unshift: Fr,
    pub(super) factor: Fr,
}

/// A key as the plugin takes it: finite bases, each with the place of its scalar.
pub(super) struct KeyPlan {
    pub(super) variables: usize,
    pub(super) quotient: usize,
    pub(super) a: Vec<G1Affine>,
    pub(super) a_places: Vec<u32>,
    pub(super) b: Vec<G2Affine>,
    pub(super) b_places: Vec<u32>,
    pub(super) c: Vec<G1Affine>,
    pub(super) c_places: Vec<u32>,
    pub(super) c_ends: [usize; 2],
}

/// An owner of a handle, freed on drop; with the bytes that the plugin says it takes.
macro_rules! owner {
    ($name:ident, $free:ident) => {
        pub(super) struct $name {
            raw: *mut Handle,
            pub(super) bytes: u64,
            device: Arc<Device>,
        }

        // SAFETY: by the header circuits and keys may be used from several threads at once.
        unsafe impl Send for $name {}
        // SAFETY: as above.
        unsafe impl Sync for $name {}

        impl Drop for $name {
            fn drop(&mut self) {
                if let Some(free) = self.device.plugin.functions.$free {
                    // SAFETY: made by the plugin, freed once, before its context.
                    unsafe { free(self.raw) }
                }
            }
        }
    };
}
owner!(Circuit, circuit_free);
owner!(Key, key_free);

/// What one proof works in.
pub(super) struct Stream {
    raw: *mut Handle,
    device: Arc<Device>,
}

// SAFETY: a stream is used by one thread at a time, which `&mut` sees to; which one does not
// matter.
unsafe impl Send for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(free) = self.device.plugin.functions.stream_free {
            // SAFETY: made by the plugin, freed once, before its context.
            unsafe { free(self.raw) }
        }
    }
}

impl Stream {
    pub(super) fn wipe(&mut self) -> Result<(), Failure> {
        // SAFETY: the stream is alive, and this thread's alone.
        unsafe { call!(self.device.plugin.functions, stream_wipe(self.raw)) }
    }

    pub(super) fn times(&mut self) -> Result<DeviceTimes, Failure> {
        let mut times = abi::Times::default();
        // SAFETY: as above; the times outlive the call.
        unsafe { call!(self.device.plugin.functions, stream_times(self.raw, &raw mut times)) }?;
        let [upload, compute, download] =
            [times.upload, times.compute, times.download].map(Duration::from_nanos);
        Ok(DeviceTimes { upload, compute, download })
    }

    pub(super) fn assign(&mut self, assignment: &[Fr]) -> Result<(), Failure> {
        // SAFETY: as above; the slice outlives the call and its length is given.
        unsafe {
            call!(
                self.device.plugin.functions,
                assign(self.raw, assignment.as_ptr(), assignment.len() as u64)
            )
        }
    }

    /// The first row of the circuit that does not hold.
    pub(super) fn rows(&mut self, circuit: &Circuit) -> Result<Option<usize>, Failure> {
        let mut row = abi::SATISFIED;
        // SAFETY: as above; circuit and stream belong to one context (both hold the same device).
        unsafe { call!(self.device.plugin.functions, rows(self.raw, circuit.raw, &raw mut row)) }?;
        Ok((row != abi::SATISFIED).then(|| usize::try_from(row).unwrap_or(usize::MAX)))
    }

    pub(super) fn transform(&mut self, circuit: &Circuit) -> Result<(), Failure> {
        // SAFETY: as above.
        unsafe { call!(self.device.plugin.functions, transform(self.raw, circuit.raw)) }
    }

    /// Every number is below r, or the answer is refused.
    pub(super) fn quotient_read(&mut self, out: &mut [BigInt<4>]) -> Result<(), Failure> {
        // SAFETY: as above; a `BigInt<4>` is four limbs, `out.len()` of them are written, any bytes
        // are valid for them.
        unsafe {
            call!(
                self.device.plugin.functions,
                quotient_read(self.raw, out.as_mut_ptr().cast::<c_void>(), out.len() as u64)
            )
        }?;
        if out.iter().any(|number| *number >= Fr::MODULUS) {
            return Err(Failure::malformed("quotient_read", "a number is not below r"));
        }
        Ok(())
    }

    pub(super) fn quotient_write(&mut self, quotient: &[BigInt<4>]) -> Result<(), Failure> {
        // SAFETY: as above; the slice outlives the call and its length is given.
        unsafe {
            call!(
                self.device.plugin.functions,
                quotient_write(self.raw, quotient.as_ptr().cast::<c_void>(), quotient.len() as u64)
            )
        }
    }

    pub(super) fn scalars(&mut self, key: &Key, r: &Fr) -> Result<(), Failure> {
        // SAFETY: as above; key and stream belong to one context.
        unsafe { call!(self.device.plugin.functions, scalars(self.raw, key.raw, ptr::from_ref(r))) }
    }

    pub(super) fn sum_a(&mut self, key: &Key) -> Result<G1Projective, Failure> {
        self.sum(key, abi::SUM_A, g1_point)
    }

    pub(super) fn sum_b(&mut self, key: &Key) -> Result<G2Projective, Failure> {
        self.sum(key, abi::SUM_B, g2_point)
    }

    pub(super) fn sum_c(&mut self, key: &Key) -> Result<G1Projective, Failure> {
        self.sum(key, abi::SUM_C, g1_point)
    }

    fn sum<const LIMBS: usize, P>(
        &mut self,
        key: &Key,
        which: u32,
        read: impl Fn(&[u64; LIMBS]) -> Option<P>,
    ) -> Result<P, Failure> {
        let mut limbs = zeroize::Zeroizing::new([0u64; LIMBS]);
        // SAFETY: as above; A and C are 12 limbs, B is 24, and the callers pair `which` with a
        // reader of as many.
        unsafe {
            call!(
                self.device.plugin.functions,
                sum(self.raw, key.raw, which, limbs.as_mut_ptr().cast::<c_void>())
            )
        }?;
        read(&limbs).ok_or_else(|| Failure::malformed("sum", "no point of the curve"))
    }

    /// One-off. Bases at infinity are left out here, by the header's rule.
    pub(super) fn msm_g1(&mut self, bases: &[G1Affine], scalars: &[Fr]) -> Result<G1Projective, Failure> {
        let (bases, scalars) = finite(bases, scalars, |base| base.is_zero());
        let mut limbs = [0u64; 12];
        // SAFETY: as above; both lists have the given length, bases lie `stride` bytes apart with x
        // and y in front, the sum is 12 limbs.
        unsafe {
            call!(
                self.device.plugin.functions,
                msm_g1(
                    self.raw,
                    bases.as_ptr().cast::<c_void>(),
                    size_of::<G1Affine>() as u64,
                    scalars.as_ptr(),
                    bases.len() as u64,
                    limbs.as_mut_ptr().cast::<c_void>(),
                )
            )
        }?;
        g1_point(&limbs).ok_or_else(|| Failure::malformed("msm_g1", "no point of the curve"))
    }

    /// The same in G2.
    pub(super) fn msm_g2(&mut self, bases: &[G2Affine], scalars: &[Fr]) -> Result<G2Projective, Failure> {
        let (bases, scalars) = finite(bases, scalars, |base| base.is_zero());
        let mut limbs = [0u64; 24];
        // SAFETY: as above; the sum is 24 limbs.
        unsafe {
            call!(
                self.device.plugin.functions,
                msm_g2(
                    self.raw,
                    bases.as_ptr().cast::<c_void>(),
                    size_of::<G2Affine>() as u64,
                    scalars.as_ptr(),
                    bases.len() as u64,
                    limbs.as_mut_ptr().cast::<c_void>(),
                )
            )
        }?;
        g2_point(&limbs).ok_or_else(|| Failure::malformed("msm_g2", "no point of the curve"))
    }

    pub(super) fn ntt(&mut self, values: &mut [Fr], kind: Transform) -> Result<(), Failure> {
        assert!(values.len().is_power_of_two(), "a transform's length is a power of two");
        let log = values.len().ilog2();
        // The plugin's answer goes to a copy of plain limbs first: an `Fr` is below r, which
        // remains to be seen.
        let mut out = zeroize::Zeroizing::new(values.iter().map(|x| x.0).collect::<Vec<BigInt<4>>>());
        // SAFETY: as above; 2^log numbers of four limbs, any bytes are valid for them; `Fr` is
        // `repr(transparent)` in effect (32 bytes, asserted in `abi`), and the plugin sees limbs.
        unsafe {
            call!(
                self.device.plugin.functions,
                ntt(self.raw, out.as_mut_ptr().cast::<Fr>(), log, kind as u32)
            )
        }?;
        for (value, limbs) in values.iter_mut().zip(out.iter()) {
            if *limbs >= Fr::MODULUS {
                return Err(Failure::malformed("ntt", "a number is not below r"));
            }
            *value = Fr::new_unchecked(*limbs);
        }
        Ok(())
    }
}

/// Transforms, numbered as in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transform {
    Ntt = 0,
    Intt = 1,
    CosetNtt = 2,
    CosetIntt = 3,
}

fn finite<B: Copy>(bases: &[B], scalars: &[Fr], infinite: impl Fn(&B) -> bool) -> (Vec<B>, Vec<Fr>) {
    assert_eq!(bases.len(), scalars.len(), "one scalar for each base");
    bases
        .iter()
        .zip(scalars)
        .filter(|(base, _)| !infinite(base))
        .map(|(base, scalar)| (*base, *scalar))
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_the_zero_and_hold_no_control_characters() {
        assert_eq!(text(b"cudaMalloc\nfailed\0rest"), "cudaMalloc failed");
        assert_eq!(text(&[b'a', 0xff, b'b']), "a\u{fffd}b");
        assert_eq!(text(&[]), "");
    }

    #[test]
    fn a_table_that_is_not_there_is_refused() {
        assert_eq!(Plugin::new(None).err(), Some("there is none"));
    }
}
