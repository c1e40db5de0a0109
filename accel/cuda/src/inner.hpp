// What the translation units of the plugin share: no field type, so that host code needs no CUDA compiler.
#ifndef AMANAT_GPU_INNER_HPP
#define AMANAT_GPU_INNER_HPP

#include "wiped.hpp"

#include <util/gpu_t.cuh>

#include "../amanat_gpu.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace amanat {

// A rule of the interface that the caller broke.
struct invalid : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void require(bool holds, const char* what)
{
    if (!holds)
        throw invalid(what);
}

// Device memory that is zeroed before it is given back. Never throws where it ends: a lost device keeps it.
class buffer {
    void* ptr = nullptr;
    size_t size = 0;

public:
    buffer() = default;
    explicit buffer(size_t bytes) { reserve(bytes); }
    buffer(const buffer&) = delete;
    buffer& operator=(const buffer&) = delete;
    ~buffer() { release(); }

    // At least so many bytes. What was there is zeroed and given back, where it was too small.
    void reserve(size_t bytes)
    {
        if (bytes <= size)
            return;
        release();
        CUDA_OK(cudaMalloc(&ptr, bytes));
        size = bytes;
    }
    void release() noexcept
    {
        if (ptr) {
            (void)cudaMemset(ptr, 0, size);
            (void)cudaFree(ptr);
        }
        ptr = nullptr;
        size = 0;
    }
    void wipe(cudaStream_t stream) const
    {
        if (ptr)
            CUDA_OK(cudaMemsetAsync(ptr, 0, size, stream));
    }
    void* get() const { return ptr; }
    size_t bytes() const { return size; }
};

// Page-locked host memory, wiped before it is given back: copies from it pass through no buffer of the driver's.
class staging {
    void* ptr = nullptr;
    size_t size = 0;
    size_t dirty = 0;

public:
    staging() = default;
    staging(const staging&) = delete;
    staging& operator=(const staging&) = delete;
    ~staging() { release(); }

    void* reserve(size_t bytes)
    {
        if (bytes > size) {
            release();
            CUDA_OK(cudaHostAlloc(&ptr, bytes, cudaHostAllocDefault));
            size = bytes;
        }
        if (bytes > dirty)
            dirty = bytes;
        return ptr;
    }
    void wipe() noexcept;
    void release() noexcept
    {
        wipe();
        if (ptr)
            (void)cudaFreeHost(ptr);
        ptr = nullptr;
        size = 0;
    }
};

// One query's bases, resident. `sum` takes scalars on the device, Montgomery.
class bases {
public:
    virtual ~bases() = default;
    virtual void sum(const void* d_scalars, size_t length, void* out) = 0;
    virtual size_t bytes() const = 0;
};
std::unique_ptr<bases> bases_g1(const gpu_t&, const void* points, size_t length, size_t stride);
std::unique_ptr<bases> bases_g2(const gpu_t&, const void* points, size_t length, size_t stride);

// Field work, all on one stream; vectors are of Fr on the device, Montgomery unless said otherwise.
struct matrix {
    uint32_t rows = 0;
    buffer starts, variables, coefficients;
    bool present = false;
};
void field_rows(stream_t&, void* out, const matrix&, const void* assignment, uint32_t n);
void field_multiply(stream_t&, void* out, const void* a, const void* b, uint32_t n);
// The least row where a b differs from c, into *least (which begins as all ones).
void field_differ(stream_t&, unsigned long long* least, const void* a, const void* b, const void* c, uint32_t n);
void field_ntt(stream_t&, void* values, uint32_t log, bool inverse);
// values[i] *= shift^i
void field_powers(stream_t&, void* values, uint32_t n, const uint8_t shift[32]);
// a = (a - c) factor
void field_finish(stream_t&, void* a, const void* c, uint32_t n, const uint8_t factor[32]);
void field_scale(stream_t&, void* out, const void* in, uint32_t n, const uint8_t factor[32]);
void field_to_integers(stream_t&, void* out, const void* in, uint32_t n);
void field_from_integers(stream_t&, void* values, uint32_t n);
void field_gather(stream_t&, void* out, const uint32_t* places, uint32_t n, uint32_t first, uint32_t second,
                  const void* assignment, const void* quotient, const void* scaled);

} // namespace amanat

#endif
