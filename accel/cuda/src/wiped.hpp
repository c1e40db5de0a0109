// sppark takes its scratch (digits and buckets of secret scalars among it) by cudaMallocAsync and gives it back by cudaFreeAsync.
// This header stands before sppark's and puts ours in their place, which know each allocation's size and zero it before it is
// freed, in the stream's order.
#ifndef AMANAT_GPU_WIPED_HPP
#define AMANAT_GPU_WIPED_HPP

#include <cuda_runtime.h>

#include <cstddef>

namespace amanat {

cudaError_t wiped_malloc(void** ptr, size_t bytes, cudaStream_t stream) noexcept;
cudaError_t wiped_free(void* ptr, cudaStream_t stream) noexcept;

template<typename T>
inline cudaError_t wiped_malloc_of(T** ptr, size_t bytes, cudaStream_t stream) noexcept
{
    return wiped_malloc(reinterpret_cast<void**>(ptr), bytes, stream);
}

// What this thread allocated last.
struct allocation {
    void* ptr;
    size_t bytes;
};
allocation wiped_last() noexcept;

} // namespace amanat

#define cudaMallocAsync(ptr, bytes, stream) amanat::wiped_malloc_of(ptr, bytes, stream)
#define cudaFreeAsync(ptr, stream) amanat::wiped_free(ptr, stream)

#endif
