#include "wiped.hpp"

#include <mutex>
#include <unordered_map>

// The real ones.
#undef cudaMallocAsync
#undef cudaFreeAsync

namespace amanat {

namespace {
struct book {
    std::mutex lock;
    std::unordered_map<void*, size_t> sizes;
};
// Never destroyed: sppark's own globals may free after ours would have gone.
book& pages()
{
    static book* all = new book;
    return *all;
}
thread_local allocation last = {nullptr, 0};
} // namespace

cudaError_t wiped_malloc(void** ptr, size_t bytes, cudaStream_t stream) noexcept
{
    *ptr = nullptr;
    cudaError_t code = ::cudaMallocAsync(ptr, bytes, stream);
    if (code != cudaSuccess)
        return code;
    try {
        std::lock_guard<std::mutex> hold(pages().lock);
        pages().sizes[*ptr] = bytes;
    } catch (...) {
        (void)::cudaFreeAsync(*ptr, stream);
        *ptr = nullptr;
        return cudaErrorMemoryAllocation;
    }
    last = {*ptr, bytes};
    return cudaSuccess;
}

cudaError_t wiped_free(void* ptr, cudaStream_t stream) noexcept
{
    size_t bytes = 0;
    try {
        std::lock_guard<std::mutex> hold(pages().lock);
        auto found = pages().sizes.find(ptr);
        if (found != pages().sizes.end()) {
            bytes = found->second;
            pages().sizes.erase(found);
        }
    } catch (...) {
    }
    if (bytes)
        (void)cudaMemsetAsync(ptr, 0, bytes, stream);
    return ::cudaFreeAsync(ptr, stream);
}

allocation wiped_last() noexcept
{
    return last;
}

} // namespace amanat
