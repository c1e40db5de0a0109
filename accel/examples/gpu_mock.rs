//! The mock plugin as a shared object, `libgpu_mock.so` among the built examples: for tests of
//! programs. See `accel/src/backend/gpu/mock.rs`.
#![allow(unsafe_code, reason = "the two symbols of accel/cuda/amanat_gpu.h")]

use amanat_accel::gpu::mock;
use core::ffi::c_void;

// SAFETY: no other symbol of this name is linked into this library.
#[unsafe(no_mangle)]
extern "C" fn amanat_gpu_abi_version() -> u32 {
    mock::version()
}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn amanat_gpu_table() -> *const c_void {
    mock::table()
}
