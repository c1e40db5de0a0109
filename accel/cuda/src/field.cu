// Rows, transforms and what stands between them, in the scalar field.
#include "wiped.hpp"

#include <ff/alt_bn128.hpp>

using namespace alt_bn128;

#include <ntt/ntt.cuh>

#include "inner.hpp"

#include <cstring>

static_assert(sizeof(fr_t) == 32, "four limbs");

namespace {

const uint32_t THREADS = 256;
// Of the kernel of powers: each thread raises the shift once, then goes on in steps of all threads.
const uint32_t LOG_RUNNERS = 16;

inline uint32_t blocks(uint32_t n)
{
    return (n + THREADS - 1) / THREADS;
}

inline fr_t* fr(void* p) { return static_cast<fr_t*>(p); }
inline const fr_t* fr(const void* p) { return static_cast<const fr_t*>(p); }

inline fr_t number(const uint8_t bytes[32])
{
    fr_t x;
    std::memcpy(static_cast<void*>(&x), bytes, sizeof(x));
    return x;
}

__global__ void rows_kernel(fr_t* out, const uint32_t* starts, const uint32_t* variables, const fr_t* coefficients,
                            const fr_t* assignment, uint32_t rows, uint32_t n)
{
#ifdef __CUDA_ARCH__
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    fr_t sum;
    sum.zero();
    if (i < rows) {
        uint32_t end = starts[i + 1];
        for (uint32_t t = starts[i]; t < end; t++) {
            fr_t k = coefficients[t];
            fr_t x = assignment[variables[t]];
            k *= x;
            sum += k;
        }
    }
    out[i] = sum;
#endif
}

__global__ void multiply_kernel(fr_t* out, const fr_t* a, const fr_t* b, uint32_t n)
{
#ifdef __CUDA_ARCH__
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    fr_t x = a[i];
    fr_t y = b[i];
    x *= y;
    out[i] = x;
#endif
}

__global__ void differ_kernel(unsigned long long* least, const fr_t* a, const fr_t* b, const fr_t* c, uint32_t n)
{
#ifdef __CUDA_ARCH__
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    fr_t x = a[i];
    fr_t y = b[i];
    fr_t z = c[i];
    x *= y;
    x -= z;
    if (!x.is_zero())
        atomicMin(least, (unsigned long long)i);
#endif
}

__global__ void powers_kernel(fr_t* values, uint32_t n, const fr_t shift, const fr_t step)
{
#ifdef __CUDA_ARCH__
    uint32_t tid = blockIdx.x * blockDim.x + threadIdx.x;
    uint32_t all = gridDim.x * blockDim.x;
    if (tid >= n)
        return;
    fr_t power = shift ^ tid;
    for (uint32_t i = tid;;) {
        fr_t x = values[i];
        x *= power;
        values[i] = x;
        if (n - i <= all)
            break;
        i += all;
        power *= step;
    }
#endif
}

__global__ void finish_kernel(fr_t* a, const fr_t* c, uint32_t n, const fr_t factor)
{
#ifdef __CUDA_ARCH__
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    fr_t x = a[i];
    fr_t y = c[i];
    x -= y;
    x *= factor;
    a[i] = x;
#endif
}

__global__ void scale_kernel(fr_t* out, const fr_t* in, uint32_t n, const fr_t factor)
{
#ifdef __CUDA_ARCH__
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    fr_t x = in[i];
    x *= factor;
    out[i] = x;
#endif
}

__global__ void integers_kernel(fr_t* out, const fr_t* in, uint32_t n, bool to)
{
#ifdef __CUDA_ARCH__
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    fr_t x = in[i];
    if (to)
        x.from();
    else
        x.to();
    out[i] = x;
#endif
}

__global__ void gather_kernel(fr_t* out, const uint32_t* places, uint32_t n, uint32_t first, uint32_t second,
                              const fr_t* assignment, const fr_t* quotient, const fr_t* scaled)
{
#ifdef __CUDA_ARCH__
    uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n)
        return;
    const fr_t* source = i < first ? assignment : i < second ? quotient : scaled;
    fr_t x = source[places[i]];
    out[i] = x;
#endif
}

#define LAUNCHED() CUDA_OK(cudaGetLastError())

} // namespace

namespace amanat {

void field_rows(stream_t& s, void* out, const matrix& m, const void* assignment, uint32_t n)
{
    rows_kernel<<<blocks(n), THREADS, 0, s>>>(fr(out), static_cast<const uint32_t*>(m.starts.get()),
                                              static_cast<const uint32_t*>(m.variables.get()),
                                              fr((const void*)m.coefficients.get()), fr(assignment), m.rows, n);
    LAUNCHED();
}

void field_multiply(stream_t& s, void* out, const void* a, const void* b, uint32_t n)
{
    multiply_kernel<<<blocks(n), THREADS, 0, s>>>(fr(out), fr(a), fr(b), n);
    LAUNCHED();
}

void field_differ(stream_t& s, unsigned long long* least, const void* a, const void* b, const void* c, uint32_t n)
{
    differ_kernel<<<blocks(n), THREADS, 0, s>>>(least, fr(a), fr(b), fr(c), n);
    LAUNCHED();
}

void field_ntt(stream_t& s, void* values, uint32_t log, bool inverse)
{
    NTT::Base_dev_ptr(s, fr(values), log, NTT::InputOutputOrder::NN,
                      inverse ? NTT::Direction::inverse : NTT::Direction::forward, NTT::Type::standard);
}

void field_powers(stream_t& s, void* values, uint32_t n, const uint8_t shift[32])
{
    uint32_t log = 0;
    while (log < LOG_RUNNERS && (1u << log) < n)
        log++;
    // Whole blocks, a power of two of threads, and shift^threads by squaring.
    uint32_t threads = THREADS, runners = 1u << log;
    if (runners < threads)
        runners = threads;
    fr_t step = number(shift);
    for (uint32_t all = 1; all < runners; all <<= 1)
        step = step * step;
    powers_kernel<<<runners / threads, threads, 0, s>>>(fr(values), n, number(shift), step);
    LAUNCHED();
}

void field_finish(stream_t& s, void* a, const void* c, uint32_t n, const uint8_t factor[32])
{
    finish_kernel<<<blocks(n), THREADS, 0, s>>>(fr(a), fr(c), n, number(factor));
    LAUNCHED();
}

void field_scale(stream_t& s, void* out, const void* in, uint32_t n, const uint8_t factor[32])
{
    scale_kernel<<<blocks(n), THREADS, 0, s>>>(fr(out), fr(in), n, number(factor));
    LAUNCHED();
}

void field_to_integers(stream_t& s, void* out, const void* in, uint32_t n)
{
    integers_kernel<<<blocks(n), THREADS, 0, s>>>(fr(out), fr(in), n, true);
    LAUNCHED();
}

void field_from_integers(stream_t& s, void* values, uint32_t n)
{
    integers_kernel<<<blocks(n), THREADS, 0, s>>>(fr(values), fr((const void*)values), n, false);
    LAUNCHED();
}

void field_gather(stream_t& s, void* out, const uint32_t* places, uint32_t n, uint32_t first, uint32_t second,
                  const void* assignment, const void* quotient, const void* scaled)
{
    gather_kernel<<<blocks(n), THREADS, 0, s>>>(fr(out), places, n, first, second, fr(assignment), fr(quotient),
                                                fr(scaled));
    LAUNCHED();
}

} // namespace amanat
