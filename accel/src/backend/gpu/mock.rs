//! A plugin in Rust, over the portable backend, that misbehaves as its script says: for tests, in
//! this process by [`gpu`], or as a shared object (`--example gpu_mock`) by [`SCRIPT_VARIABLE`].

use super::abi::{
    self, CircuitParts, DeviceParts, Functions, Handle, KeyParts, MatrixParts, QueryParts, Status, Times,
};
use super::backend::Gpu;
use super::plugin::Plugin;
use super::shared::Settings;
use crate::backend::processor;
use crate::{
    Backend, Fr, G1Affine, G1Projective, G2Affine, G2Projective, LoadedCircuit, Matrices, Portable, Proving,
    QuotientError, QuotientForm, SparseMatrix,
};
use ark_ec::{AffineRepr, PrimeGroup};
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};
use core::ffi::c_void;
use core::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

mod script;

use script::lock;
pub use script::{ENTRIES, Fault, PATIENCE, Script, until};

/// What the shared object does, see [`Script::parse`].
pub const SCRIPT_VARIABLE: &str = "AMANAT_GPU_MOCK";

/// A backend over a mock device that follows this script.
///
/// # Panics
/// If the script lets the device not even be opened.
#[must_use]
pub fn gpu(script: &Arc<Script>, settings: Settings) -> Gpu {
    try_gpu(script, settings).expect("the mock opens")
}

/// The same, or why it does not open.
///
/// # Errors
/// In words.
pub fn try_gpu(script: &Arc<Script>, settings: Settings) -> Result<Gpu, String> {
    let index = {
        let mut scripts = lock(&SCRIPTS);
        scripts.push(script.clone());
        scripts.len() - 1
    };
    let plugin = Plugin::new(Some(&FUNCTIONS)).map_err(str::to_owned)?;
    let mut devices = plugin.devices().map_err(|failure| failure.to_string())?;
    Gpu::open(plugin, devices.swap_remove(index), processor(), settings)
        .map_err(|failure| failure.to_string())
}

/// One device for each.
static SCRIPTS: Mutex<Vec<Arc<Script>>> = Mutex::new(Vec::new());

/// The table; the mock's own version of it.
pub(super) static FUNCTIONS: Functions = Functions {
    abi: abi::ABI,
    size: size_of::<Functions>() as u32,
    built: c"a mock over the portable backend".as_ptr(),
    devices: Some(devices),
    device: Some(device),
    open: Some(open),
    close: Some(close),
    memory: Some(memory),
    stream_new: Some(stream_new),
    stream_wipe: Some(stream_wipe),
    stream_times: Some(stream_times),
    stream_free: Some(stream_free),
    circuit_load: Some(circuit_load),
    circuit_free: Some(circuit_free),
    key_load: Some(key_load),
    key_free: Some(key_free),
    assign: Some(assign),
    rows: Some(rows),
    transform: Some(transform),
    quotient_read: Some(quotient_read),
    quotient_write: Some(quotient_write),
    scalars: Some(scalars),
    sum: Some(sum),
    msm_g1: Some(msm_g1),
    msm_g2: Some(msm_g2),
    ntt: Some(ntt),
};

/// The shared object's `amanat_gpu_abi_version`: this version, or the script's `abi=N`.
#[must_use]
pub fn version() -> u32 {
    let words = std::env::var(SCRIPT_VARIABLE).unwrap_or_default();
    words.split(',').find_map(|word| word.trim().strip_prefix("abi=")?.parse().ok()).unwrap_or(abi::ABI)
}

/// What the shared object's `amanat_gpu_table` answers, after one device was made that follows
/// [`SCRIPT_VARIABLE`]; `none` in the script is no device.
#[must_use]
pub fn table() -> *const c_void {
    let words = std::env::var(SCRIPT_VARIABLE).unwrap_or_default();
    if !words.split(',').any(|word| word.trim() == "none") {
        lock(&SCRIPTS).push(Arc::new(Script::parse(&words)));
    }
    (&raw const FUNCTIONS).cast()
}

type Answer<T> = Result<T, (i32, String)>;

struct Context {
    script: Arc<Script>,
}

struct Circuit {
    script: Arc<Script>,
    loaded: Box<dyn LoadedCircuit>,
    variables: usize,
    numbers: usize,
    bytes: u64,
}

struct Query<A> {
    bases: Vec<A>,
    places: Vec<u32>,
}

struct Key {
    script: Arc<Script>,
    variables: usize,
    quotient: usize,
    a: Query<G1Affine>,
    b: Query<G2Affine>,
    c: Query<G1Affine>,
    ends: [usize; 2],
    bytes: u64,
}

struct Stream {
    script: Arc<Script>,
    assignment: Vec<Fr>,
    /// What `rows` found out, for `transform`.
    rows: Option<Vec<Fr>>,
    quotient: Option<Vec<Fr>>,
    r: Fr,
    dirty: bool,
}

/// Runs an entry: no panic leaves it, and its words go to the status.
fn guarded(status: *mut Status, work: impl FnOnce() -> Answer<()>) -> i32 {
    let (code, words) = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => (abi::OK, String::new()),
        Ok(Err(error)) => error,
        Err(_) => (abi::INTERNAL, "an exception of no known type".to_owned()),
    };
    // SAFETY: null or the caller's own status, alive during the call.
    if let Some(status) = unsafe { status.as_mut() } {
        status.code = code;
        status.text.fill(0);
        let end = words.len().min(status.text.len());
        status.text[..end].copy_from_slice(&words.as_bytes()[..end]);
    }
    code
}

fn invalid(words: &str) -> (i32, String) {
    (abi::INVALID, words.to_owned())
}

fn holds(condition: bool, words: &str) -> Answer<()> {
    if condition { Ok(()) } else { Err(invalid(words)) }
}

/// A handle of ours, from its number.
///
/// # Safety
/// Made by this mock as a `T`, not freed, and not used mutably by anybody meanwhile.
unsafe fn shared<'a, T>(handle: *const Handle) -> &'a T {
    // SAFETY: the caller's.
    unsafe { &*handle.cast::<T>() }
}

/// # Safety
/// As of [`shared`], and used by nobody else meanwhile.
unsafe fn exclusive<'a, T>(handle: *mut Handle) -> &'a mut T {
    // SAFETY: the caller's.
    unsafe { &mut *handle.cast::<T>() }
}

/// # Safety
/// `length` of them at `data`, or none.
unsafe fn list<T: Clone>(data: *const T, length: u64) -> Vec<T> {
    if length == 0 {
        return Vec::new();
    }
    // SAFETY: the caller's.
    unsafe { core::slice::from_raw_parts(data, length as usize) }.to_vec()
}

fn boxed<T>(value: T) -> *mut Handle {
    Box::into_raw(Box::new(value)).cast()
}

unsafe extern "C" fn devices(count: *mut u32, status: *mut Status) -> i32 {
    guarded(status, || {
        // SAFETY: the caller's own number.
        unsafe { *count = lock(&SCRIPTS).len() as u32 };
        Ok(())
    })
}

unsafe extern "C" fn device(index: u32, out: *mut DeviceParts, status: *mut Status) -> i32 {
    guarded(status, || {
        let mut parts = DeviceParts {
            name: [0; 96],
            total_bytes: 8 << 30,
            free_bytes: 7 << 30,
            bytes_per_second: 1 << 40,
            multiprocessors: 4,
            clock_khz: 1_000_000,
            compute_major: 9,
            compute_minor: 0,
        };
        let name = format!("mock {index}");
        parts.name[..name.len()].copy_from_slice(name.as_bytes());
        // SAFETY: the caller's own parts.
        unsafe { *out = parts };
        Ok(())
    })
}

unsafe extern "C" fn open(index: u32, out: *mut *mut Handle, status: *mut Status) -> i32 {
    guarded(status, || {
        let script = lock(&SCRIPTS).get(index as usize).cloned();
        let script = script.ok_or((abi::NO_DEVICE, "there is no such device".to_owned()))?;
        script.enter("open")?;
        // SAFETY: the caller's own place for a handle.
        unsafe { *out = boxed(Context { script }) };
        Ok(())
    })
}

unsafe extern "C" fn close(context: *mut Handle) {
    // SAFETY: a context of `open`, ended once.
    drop(unsafe { Box::from_raw(context.cast::<Context>()) });
}

unsafe extern "C" fn memory(_: *mut Handle, free: *mut u64, total: *mut u64, status: *mut Status) -> i32 {
    guarded(status, || {
        // SAFETY: the caller's own numbers.
        unsafe { (*free, *total) = (7 << 30, 8 << 30) };
        Ok(())
    })
}

unsafe extern "C" fn stream_new(context: *mut Handle, out: *mut *mut Handle, status: *mut Status) -> i32 {
    guarded(status, || {
        // SAFETY: a context of `open`.
        let context = unsafe { shared::<Context>(context) };
        let script = context.script.clone();
        script.enter("stream_new")?;
        script.streams.fetch_add(1, Ordering::SeqCst);
        let stream =
            Stream { script, assignment: Vec::new(), rows: None, quotient: None, r: Fr::ZERO, dirty: false };
        // SAFETY: the caller's own place for a handle.
        unsafe { *out = boxed(stream) };
        Ok(())
    })
}

unsafe extern "C" fn stream_wipe(stream: *mut Handle, status: *mut Status) -> i32 {
    guarded(status, || {
        // SAFETY: a stream of `stream_new`, one thread at a time.
        let stream = unsafe { exclusive::<Stream>(stream) };
        (stream.assignment, stream.rows, stream.quotient) = (Vec::new(), None, None);
        (stream.r, stream.dirty) = (Fr::ZERO, false);
        stream.script.enter("stream_wipe").map(drop)
    })
}

unsafe extern "C" fn stream_times(_: *mut Handle, out: *mut Times, status: *mut Status) -> i32 {
    guarded(status, || {
        // SAFETY: the caller's own times.
        unsafe { *out = Times { upload: 1, compute: 2, download: 3 } };
        Ok(())
    })
}

unsafe extern "C" fn stream_free(stream: *mut Handle) {
    // SAFETY: a stream of `stream_new`, ended once.
    let stream = unsafe { Box::from_raw(stream.cast::<Stream>()) };
    stream.script.streams.fetch_sub(1, Ordering::SeqCst);
    if stream.dirty {
        stream.script.unwiped.fetch_add(1, Ordering::SeqCst);
    }
}

/// # Safety
/// As the header says of a matrix.
unsafe fn matrix(parts: &MatrixParts) -> SparseMatrix {
    // SAFETY: the caller's: `rows + 1` starts, and as many terms as the last one says.
    unsafe {
        let starts = list(parts.starts, parts.rows + 1);
        let terms = u64::from(*starts.last().expect("one more than rows"));
        let variables = list(parts.variables, terms);
        let coefficients = list(parts.coefficients, terms);
        SparseMatrix::new(starts, variables.into_iter().zip(coefficients).collect())
    }
}

unsafe extern "C" fn circuit_load(
    context: *mut Handle,
    parts: *const CircuitParts,
    out: *mut *mut Handle,
    bytes: *mut u64,
    status: *mut Status,
) -> i32 {
    guarded(status, || {
        // SAFETY: a context of `open`; parts as the header says.
        let (context, parts) = unsafe { (shared::<Context>(context), &*parts) };
        let script = context.script.clone();
        script.enter("circuit_load")?;
        let form = match parts.form {
            abi::COEFFICIENTS => QuotientForm::Coefficients,
            abi::ODD_COSET => QuotientForm::OddCoset,
            _ => return Err(invalid("an unknown form of quotient")),
        };
        let n = 1usize << parts.log_domain;
        // A device computes with the caller's numbers; the mock computes its own and compares.
        let (shift, factor) = match form {
            QuotientForm::Coefficients => {
                let shift = Fr::from(5u64);
                (shift, (shift.pow([n as u64]) - Fr::ONE).inverse())
            }
            QuotientForm::OddCoset => {
                (ark_ff::FftField::get_root_of_unity(2 * n as u64).unwrap_or(Fr::ZERO), Some(Fr::ONE))
            }
        };
        holds(parts.shift == shift && parts.unshift * shift == Fr::ONE, "the shift is the form's")?;
        holds(Some(parts.factor) == factor, "the factor is the form's")?;
        // SAFETY: matrices as the header says.
        let matrices = unsafe {
            Matrices {
                num_variables: parts.variables as usize,
                domain_size: n,
                a: matrix(&parts.a),
                b: matrix(&parts.b),
                c: (!parts.c.starts.is_null()).then(|| matrix(&parts.c)),
            }
        };
        matrices.check(form).map_err(invalid)?;
        let (variables, numbers) = (matrices.num_variables, form.len(n));
        let loaded = Portable.load_circuit(matrices, form);
        let size = loaded.bytes() as u64;
        script.take(size)?;
        script.circuits.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller's own places.
        unsafe {
            *bytes = size;
            *out = boxed(Circuit { script, loaded, variables, numbers, bytes: size });
        }
        Ok(())
    })
}

unsafe extern "C" fn circuit_free(circuit: *mut Handle) {
    // SAFETY: a circuit of `circuit_load`, ended once.
    let circuit = unsafe { Box::from_raw(circuit.cast::<Circuit>()) };
    circuit.script.circuits.fetch_sub(1, Ordering::SeqCst);
    circuit.script.bytes.fetch_sub(circuit.bytes, Ordering::SeqCst);
}

/// # Safety
/// As the header says of bases, of this type of arkworks'.
unsafe fn points<A: Copy>(bases: *const c_void, stride: u64, length: u64) -> Answer<Vec<A>> {
    holds(stride == size_of::<A>() as u64, "bases as arkworks lays them out")?;
    // SAFETY: the caller's.
    Ok(unsafe { list(bases.cast::<A>(), length) })
}

/// # Safety
/// As the header says of a query.
unsafe fn query<A: Copy>(parts: &QueryParts, infinite: impl Fn(&A) -> bool) -> Answer<Query<A>> {
    // SAFETY: the caller's.
    let (bases, places) =
        unsafe { (points::<A>(parts.bases, parts.stride, parts.length)?, list(parts.places, parts.length)) };
    holds(!bases.iter().any(infinite), "no base is infinity")?;
    Ok(Query { bases, places })
}

unsafe extern "C" fn key_load(
    context: *mut Handle,
    parts: *const KeyParts,
    out: *mut *mut Handle,
    bytes: *mut u64,
    status: *mut Status,
) -> i32 {
    guarded(status, || {
        // SAFETY: a context of `open`; parts as the header says.
        let (context, parts) = unsafe { (shared::<Context>(context), &*parts) };
        let script = context.script.clone();
        script.enter("key_load")?;
        // SAFETY: queries as the header says.
        let (a, b, c) = unsafe {
            let infinite = |base: &G1Affine| base.is_zero();
            (
                query(&parts.a, infinite)?,
                query(&parts.b, |b: &G2Affine| b.is_zero())?,
                query(&parts.c, infinite)?,
            )
        };
        let ends = [parts.c_first as usize, parts.c_second as usize];
        let (variables, quotient) = (parts.variables as usize, parts.quotient as usize);
        holds(ends[0] <= ends[1] && ends[1] <= c.bases.len(), "C's parts follow each other")?;
        let below = |places: &[u32], bound: usize| places.iter().all(|place| (*place as usize) < bound);
        let placed = below(&a.places, variables)
            && below(&b.places, variables)
            && below(&c.places[..ends[0]], variables)
            && below(&c.places[ends[0]..ends[1]], quotient)
            && below(&c.places[ends[1]..], variables);
        holds(placed, "every place is below what it indexes")?;
        let size = (size_of_val(a.bases.as_slice())
            + size_of_val(b.bases.as_slice())
            + size_of_val(c.bases.as_slice())) as u64;
        script.take(size)?;
        script.keys.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller's own places.
        unsafe {
            *bytes = size;
            *out = boxed(Key { script, variables, quotient, a, b, c, ends, bytes: size });
        }
        Ok(())
    })
}

unsafe extern "C" fn key_free(key: *mut Handle) {
    // SAFETY: a key of `key_load`, ended once.
    let key = unsafe { Box::from_raw(key.cast::<Key>()) };
    key.script.keys.fetch_sub(1, Ordering::SeqCst);
    key.script.bytes.fetch_sub(key.bytes, Ordering::SeqCst);
}

unsafe extern "C" fn assign(
    stream: *mut Handle,
    assignment: *const Fr,
    length: u64,
    status: *mut Status,
) -> i32 {
    guarded(status, || {
        // SAFETY: a stream of `stream_new`, one thread at a time; as many numbers as it says.
        let (stream, assignment) = unsafe { (exclusive::<Stream>(stream), list(assignment, length)) };
        stream.script.enter("assign")?;
        holds(!assignment.is_empty(), "one value at least")?;
        if stream.dirty {
            stream.script.unwiped.fetch_add(1, Ordering::SeqCst);
        }
        stream.dirty = true;
        (stream.assignment, stream.rows, stream.quotient) = (assignment, None, None);
        Ok(())
    })
}

unsafe extern "C" fn rows(
    stream: *mut Handle,
    circuit: *const Handle,
    unsatisfied: *mut u64,
    status: *mut Status,
) -> i32 {
    guarded(status, || {
        // SAFETY: handles of ours, the stream by one thread at a time.
        let (stream, circuit) = unsafe { (exclusive::<Stream>(stream), shared::<Circuit>(circuit)) };
        let fault = stream.script.enter("rows")?;
        holds(stream.assignment.len() == circuit.variables, "one value for each variable")?;
        let quotient = circuit.loaded.quotient(&stream.assignment, &|_| ControlFlow::Continue(()));
        let row = match quotient {
            Ok(h) => {
                stream.rows = Some(h.iter().map(|number| Fr::from(*number)).collect());
                if fault == Some(Fault::Wrong) { 3 } else { abi::SATISFIED }
            }
            Err(QuotientError::Unsatisfied { row }) if fault.is_none() => row as u64,
            Err(_) => abi::SATISFIED,
        };
        // SAFETY: the caller's own number.
        unsafe { *unsatisfied = row };
        Ok(())
    })
}

unsafe extern "C" fn transform(stream: *mut Handle, circuit: *const Handle, status: *mut Status) -> i32 {
    guarded(status, || {
        // SAFETY: as above.
        let (stream, circuit) = unsafe { (exclusive::<Stream>(stream), shared::<Circuit>(circuit)) };
        let fault = stream.script.enter("transform")?;
        let mut h = stream.rows.take().ok_or_else(|| invalid("rows come before their transform"))?;
        holds(h.len() == circuit.numbers, "rows of this circuit")?;
        if fault.is_some() {
            h[0] += Fr::ONE;
        }
        stream.quotient = Some(h);
        Ok(())
    })
}

unsafe extern "C" fn quotient_read(
    stream: *mut Handle,
    out: *mut c_void,
    length: u64,
    status: *mut Status,
) -> i32 {
    guarded(status, || {
        // SAFETY: as above; room for as many numbers as it says.
        let (stream, out) = unsafe {
            let out = core::slice::from_raw_parts_mut(out.cast::<BigInt<4>>(), length as usize);
            (exclusive::<Stream>(stream), out)
        };
        let fault = stream.script.enter("quotient_read")?;
        let h = stream.quotient.as_ref().ok_or_else(|| invalid("no quotient"))?;
        holds(h.len() == out.len(), "as many numbers as the quotient has")?;
        for (out, number) in out.iter_mut().zip(h) {
            *out = number.into_bigint();
        }
        match fault {
            Some(Fault::Garbage) => out[0] = BigInt([u64::MAX; 4]),
            Some(_) => out[0] = (Fr::from(out[0]) + Fr::ONE).into_bigint(),
            None => {}
        }
        Ok(())
    })
}

unsafe extern "C" fn quotient_write(
    stream: *mut Handle,
    quotient: *const c_void,
    length: u64,
    status: *mut Status,
) -> i32 {
    guarded(status, || {
        // SAFETY: as above; as many numbers as it says.
        let (stream, quotient) =
            unsafe { (exclusive::<Stream>(stream), list(quotient.cast::<BigInt<4>>(), length)) };
        stream.rows = None;
        stream.quotient = Some(quotient.into_iter().map(Fr::from).collect());
        Ok(())
    })
}

unsafe extern "C" fn scalars(
    stream: *mut Handle,
    key: *const Handle,
    r: *const Fr,
    status: *mut Status,
) -> i32 {
    guarded(status, || {
        // SAFETY: as above; one number.
        let (stream, key, r) = unsafe { (exclusive::<Stream>(stream), shared::<Key>(key), *r) };
        holds(stream.assignment.len() == key.variables, "one value for each variable")?;
        let numbers = stream.quotient.as_ref().map(Vec::len);
        holds(numbers == Some(key.quotient), "one number of the quotient for each H point")?;
        stream.r = r;
        Ok(())
    })
}

fn gather<A>(query: &Query<A>, mut scalar: impl FnMut(usize, usize) -> Fr) -> Vec<Fr> {
    query.places.iter().enumerate().map(|(i, place)| scalar(i, *place as usize)).collect()
}

fn spoil_g1(point: &mut G1Projective, fault: Option<&Fault>) {
    match fault {
        Some(Fault::Garbage) => (point.x, point.z) = (point.y, crate::Fq::ONE),
        Some(_) => *point += G1Projective::generator(),
        None => {}
    }
}

fn spoil_g2(point: &mut G2Projective, fault: Option<&Fault>) {
    match fault {
        Some(Fault::Garbage) => (point.x, point.z) = (point.y, crate::Fq2::ONE),
        Some(_) => *point += G2Projective::generator(),
        None => {}
    }
}

unsafe extern "C" fn sum(
    stream: *mut Handle,
    key: *const Handle,
    which: u32,
    out: *mut c_void,
    status: *mut Status,
) -> i32 {
    guarded(status, || {
        // SAFETY: as above.
        let (stream, key) = unsafe { (exclusive::<Stream>(stream), shared::<Key>(key)) };
        let fault = stream.script.enter("sum")?;
        stream.script.pass_gate();
        let w = &stream.assignment;
        let h = stream.quotient.as_ref().ok_or_else(|| invalid("no quotient"))?;
        match which {
            abi::SUM_B => {
                let mut point = Portable.msm_g2(&key.b.bases, &gather(&key.b, |_, place| w[place]));
                spoil_g2(&mut point, fault.as_ref());
                // SAFETY: room for a point of G2 as the header has it, arkworks' way (see `abi`).
                unsafe { out.cast::<G2Projective>().write_unaligned(point) };
            }
            abi::SUM_A | abi::SUM_C => {
                let mut point = if which == abi::SUM_A {
                    Portable.msm_g1(&key.a.bases, &gather(&key.a, |_, place| w[place]))
                } else {
                    let scalar = |i: usize, place: usize| match i {
                        i if i < key.ends[0] => w[place],
                        i if i < key.ends[1] => h[place],
                        _ => w[place] * stream.r,
                    };
                    Portable.msm_g1(&key.c.bases, &gather(&key.c, scalar))
                };
                spoil_g1(&mut point, fault.as_ref());
                // SAFETY: as above, of G1.
                unsafe { out.cast::<G1Projective>().write_unaligned(point) };
            }
            _ => return Err(invalid("an unknown sum")),
        }
        Ok(())
    })
}

unsafe extern "C" fn msm_g1(
    stream: *mut Handle,
    bases: *const c_void,
    stride: u64,
    scalars: *const Fr,
    length: u64,
    out: *mut c_void,
    status: *mut Status,
) -> i32 {
    guarded(status, || {
        // SAFETY: as above; as many bases and scalars as it says.
        let (stream, bases, scalars) = unsafe {
            (exclusive::<Stream>(stream), points::<G1Affine>(bases, stride, length)?, list(scalars, length))
        };
        let fault = stream.script.enter("msm")?;
        let mut point = Portable.msm_g1(&bases, &scalars);
        spoil_g1(&mut point, fault.as_ref());
        // SAFETY: room for a point of G1.
        unsafe { out.cast::<G1Projective>().write_unaligned(point) };
        Ok(())
    })
}

unsafe extern "C" fn msm_g2(
    stream: *mut Handle,
    bases: *const c_void,
    stride: u64,
    scalars: *const Fr,
    length: u64,
    out: *mut c_void,
    status: *mut Status,
) -> i32 {
    guarded(status, || {
        // SAFETY: as above.
        let (stream, bases, scalars) = unsafe {
            (exclusive::<Stream>(stream), points::<G2Affine>(bases, stride, length)?, list(scalars, length))
        };
        let fault = stream.script.enter("msm")?;
        let mut point = Portable.msm_g2(&bases, &scalars);
        spoil_g2(&mut point, fault.as_ref());
        // SAFETY: room for a point of G2.
        unsafe { out.cast::<G2Projective>().write_unaligned(point) };
        Ok(())
    })
}

unsafe extern "C" fn ntt(
    stream: *mut Handle,
    values: *mut Fr,
    log: u32,
    kind: u32,
    status: *mut Status,
) -> i32 {
    guarded(status, || {
        holds((1..=28).contains(&log), "a transform of 2 to 2^28 values")?;
        // SAFETY: as above; 2^log numbers.
        let (stream, out) =
            unsafe { (exclusive::<Stream>(stream), core::slice::from_raw_parts_mut(values, 1 << log)) };
        let fault = stream.script.enter("ntt")?;
        let mut values = out.to_vec();
        match kind {
            0 => Portable.ntt(&mut values),
            1 => Portable.intt(&mut values),
            2 => Portable.coset_ntt(&mut values),
            3 => Portable.coset_intt(&mut values),
            _ => return Err(invalid("an unknown transform")),
        }
        match fault {
            Some(Fault::Garbage) => values[0] = Fr::new_unchecked(BigInt([u64::MAX; 4])),
            Some(_) => values[0] += Fr::ONE,
            None => {}
        }
        out.copy_from_slice(&values);
        Ok(())
    })
}
