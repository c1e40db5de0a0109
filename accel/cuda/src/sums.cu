// Sums in both groups. One translation unit: sppark's header defines a kernel that is no template.
#include "wiped.hpp"

#include <ff/alt_bn128-fp2.hpp>

#include <ec/jacobian_t.hpp>
#include <ec/xyzz_t.hpp>

using namespace alt_bn128;

#define SPPARK_DONT_INSTANTIATE_TEMPLATES
#include <msm/pippenger.cuh>

#include "sums.cuh"

typedef jacobian_t<fp_t> point_g1;
typedef xyzz_t<fp_t> bucket_g1;
typedef bucket_g1::affine_t affine_g1;

typedef jacobian_t<fp2_t> point_g2;
typedef xyzz_t<fp2_t> bucket_g2;
typedef bucket_g2::affine_t affine_g2;

#ifndef __CUDA_ARCH__ // there two lanes share a number of Fp2
static_assert(sizeof(point_g1) == 96 && sizeof(point_g2) == 192, "Jacobian x, y, z");
static_assert(sizeof(affine_g1) == 64 && sizeof(affine_g2) == 128, "x, y");
#endif

std::unique_ptr<amanat::bases> amanat::bases_g1(const gpu_t& gpu, const void* points, size_t n, size_t stride)
{
    return std::make_unique<resident<bucket_g1, point_g1, affine_g1, fr_t>>(gpu, points, n, stride);
}

std::unique_ptr<amanat::bases> amanat::bases_g2(const gpu_t& gpu, const void* points, size_t n, size_t stride)
{
    return std::make_unique<resident<bucket_g2, point_g2, affine_g2, fr_t>>(gpu, points, n, stride);
}
