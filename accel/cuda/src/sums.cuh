// Sums over one group, on sppark's Pippenger.
#ifndef AMANAT_GPU_SUMS_CUH
#define AMANAT_GPU_SUMS_CUH

#include "inner.hpp"

#include <cstdlib>
#include <cstring>
#include <string>

namespace amanat {

template<class bucket_t, class point_t, class affine_t, class scalar_t>
class resident final : public bases {
    using msm = msm_t<bucket_t, point_t, affine_t, scalar_t>;

    const gpu_t& gpu;
    msm* sums;
    size_t length, size;
    // sppark's buckets, which stand before the bases in one allocation and hold sums of secret multiples between calls.
    void* buckets;
    size_t buckets_bytes;

public:
    resident(const gpu_t& device, const void* points, size_t n, size_t stride)
        : gpu(device), sums(nullptr), length(n)
    {
        sums = new msm(static_cast<const affine_t*>(points), n, stride, gpu.id());
        const allocation blob = wiped_last();
        gpu.sync();
        const size_t padded = (n + WARP_SZ - 1) & (size_t(0) - WARP_SZ);
        size = blob.bytes;
        buckets = blob.ptr;
        buckets_bytes = blob.bytes - padded * sizeof(typename affine_t::mem_t);
    }

    // sppark's destructor throws on a device that is lost, which would end the process: its memory is given up instead.
    ~resident() override
    {
        gpu.select();
        if (sums && cudaDeviceSynchronize() == cudaSuccess)
            delete sums;
    }

    void sum(const void* d_scalars, size_t n, void* out) override
    {
        require(n == length, "one scalar for each base");
        point_t point;
        dev_ptr_t<scalar_t> scalars(static_cast<scalar_t*>(const_cast<void*>(d_scalars)), n);
        // The bases were loaded before, the scalars are on the device and Montgomery.
        RustError error = sums->invoke(point, static_cast<const affine_t*>(nullptr), n, scalars, true);
        // All that sppark still holds of the scalars. Its streams do not wait for the default one, so this waits itself: the
        // next sum must not meet it.
        cudaError_t wiped = cudaMemsetAsync(buckets, 0, buckets_bytes, gpu);
        if (wiped == cudaSuccess)
            wiped = cudaStreamSynchronize(gpu);
        if (error.code != cudaSuccess) {
            std::string text = error.message ? error.message : "sppark gave no reason";
            free(error.message);
            throw cuda_error(error.code, text);
        }
        CUDA_OK(wiped);
        std::memcpy(out, &point, sizeof(point));
    }

    size_t bytes() const override { return size; }
};

} // namespace amanat

#endif
