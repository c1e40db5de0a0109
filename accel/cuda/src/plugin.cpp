// The table of amanat_gpu.h: what each entry does, in order, and nothing of how numbers are made.
#include "inner.hpp"

#include <chrono>
#include <cstdio>
#include <cstring>
#include <new>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

using namespace amanat;

// As accel/src/backend/gpu/abi.rs asserts them of its mirror.
static_assert(sizeof(void*) == 8 && sizeof(amanat_gpu_status) == 256 && sizeof(amanat_gpu_device) == 136);
static_assert(sizeof(amanat_gpu_matrix) == 32 && sizeof(amanat_gpu_circuit_parts) == 208);
static_assert(offsetof(amanat_gpu_circuit_parts, shift) == 112 && sizeof(amanat_gpu_query) == 32);
static_assert(sizeof(amanat_gpu_key_parts) == 128 && offsetof(amanat_gpu_key_parts, c_first) == 112);
static_assert(sizeof(amanat_gpu_times) == 24 && sizeof(amanat_gpu_functions) == 8 + 24 * sizeof(void*));

struct amanat_gpu_context {
    const gpu_t& gpu;
    // sppark's kernels count their work in variables of the device, one set for all: one sum at a time.
    std::mutex summing;
};

struct amanat_gpu_circuit {
    amanat_gpu_context& context;
    uint32_t log, form;
    uint64_t variables;
    matrix a, b, c;
    uint8_t shift[32], unshift[32], factor[32];
};

struct amanat_gpu_key {
    amanat_gpu_context& context;
    uint64_t variables, quotient;
    struct query {
        size_t length = 0;
        std::unique_ptr<bases> points;
        buffer places;
    } a, b, c;
    uint64_t c_first, c_second;
};

struct amanat_gpu_stream {
    amanat_gpu_context& context;
    stream_t queue;
    staging host;
    buffer assignment, scaled, gathered, a, b, c, least;
    uint64_t variables = 0;
    uint64_t quotient = 0;
    uint32_t rows_log = 0; // of the rows' values in a, b, c; 0 where there are none
    amanat_gpu_times times = {};

    explicit amanat_gpu_stream(amanat_gpu_context& c) : context(c), queue(c.gpu.id()) {}
};

namespace {

const size_t FR = 32;

void say(amanat_gpu_status* status, int32_t code, const char* text) noexcept
{
    if (!status)
        return;
    status->code = code;
    std::snprintf(status->text, sizeof(status->text), "%s", text);
}

// sppark's codes are CUDA's, negated.
int32_t code_of(int error) noexcept
{
    switch (error < 0 ? -error : error) {
        case cudaErrorMemoryAllocation:
            return AMANAT_GPU_OUT_OF_MEMORY;
        case cudaErrorNoDevice:
        case cudaErrorInsufficientDriver:
        case cudaErrorInvalidDevice:
        case cudaErrorDevicesUnavailable:
        case cudaErrorInitializationError:
            return AMANAT_GPU_NO_DEVICE;
        default:
            // What stays after a call that does nothing stays for good.
            return cudaDeviceSynchronize() == cudaSuccess ? AMANAT_GPU_INTERNAL : AMANAT_GPU_DEVICE_LOST;
    }
}

template<class F>
int32_t guarded(amanat_gpu_status* status, F&& work) noexcept
{
    int32_t code = AMANAT_GPU_OK;
    try {
        work();
        say(status, code, "");
    } catch (const invalid& e) {
        say(status, code = AMANAT_GPU_INVALID, e.what());
    } catch (const cuda_error& e) {
        say(status, code = code_of(e.code()), e.what());
    } catch (const std::bad_alloc&) {
        say(status, code = AMANAT_GPU_OUT_OF_MEMORY, "host memory");
    } catch (const std::exception& e) {
        say(status, code = AMANAT_GPU_INTERNAL, e.what());
    } catch (...) {
        say(status, code = AMANAT_GPU_INTERNAL, "an exception of no known type");
    }
    // So that the next kernel's check does not find this call's error.
    if (code != AMANAT_GPU_OK)
        (void)cudaGetLastError();
    return code;
}

template<class F>
void quietly(F&& work) noexcept
{
    (void)guarded(nullptr, work);
}

class stopwatch {
    uint64_t& total;
    std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();

public:
    explicit stopwatch(uint64_t& t) : total(t) {}
    ~stopwatch()
    {
        auto spent = std::chrono::steady_clock::now() - began;
        total += uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count());
    }
};

const gpu_t& device_at(uint32_t index)
{
    // Before any global of sppark's is made: they throw where there is no device.
    int count = 0;
    cudaError_t code = cudaGetDeviceCount(&count);
    if (code != cudaSuccess)
        throw cuda_error(-int(code), std::string("cudaGetDeviceCount: ") + cudaGetErrorString(code));
    const auto& all = all_gpus();
    if (index >= all.size())
        throw cuda_error(-int(cudaErrorNoDevice), std::string("there is no such device that can be used"));
    return *all[index];
}

void to_device(amanat_gpu_stream& s, void* device, const void* host, size_t bytes)
{
    stopwatch watch(s.times.upload);
    void* page = s.host.reserve(bytes);
    std::memcpy(page, host, bytes);
    CUDA_OK(cudaMemcpyAsync(device, page, bytes, cudaMemcpyHostToDevice, s.queue));
    s.queue.sync();
}

void from_device(amanat_gpu_stream& s, void* host, const void* device, size_t bytes)
{
    stopwatch watch(s.times.download);
    void* page = s.host.reserve(bytes);
    CUDA_OK(cudaMemcpyAsync(page, device, bytes, cudaMemcpyDeviceToHost, s.queue));
    s.queue.sync();
    std::memcpy(host, page, bytes);
}

// Public data, once: no staging of ours. Streams do not wait for the default one, and a copy from pageable memory may return before
// it has arrived: this does not.
void publish(buffer& to, const void* from, size_t bytes)
{
    to.reserve(bytes ? bytes : 1);
    if (bytes) {
        CUDA_OK(cudaMemcpy(to.get(), from, bytes, cudaMemcpyHostToDevice));
        CUDA_OK(cudaStreamSynchronize(nullptr));
    }
}

// The assembly of sppark's host arithmetic is built for ADX, which servers have had since 2015.
bool processor_will_do()
{
#if defined(__x86_64__)
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 19)) && (b & (1u << 8));
#else
    return true;
#endif
}

// Scratch is allocated and freed in a stream's order, from a pool: kept between sums, given back when a key goes.
void keep_pool(const gpu_t& gpu)
{
    cudaMemPool_t pool;
    uint64_t all = UINT64_MAX;
    CUDA_OK(cudaDeviceGetDefaultMemPool(&pool, gpu.cid()));
    CUDA_OK(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &all));
}

void trim_pool(const gpu_t& gpu)
{
    cudaMemPool_t pool;
    CUDA_OK(cudaDeviceGetDefaultMemPool(&pool, gpu.cid()));
    CUDA_OK(cudaMemPoolTrimTo(pool, 0));
}

size_t load(matrix& to, const amanat_gpu_matrix& from, uint64_t domain)
{
    require(from.rows <= domain, "more rows than the domain");
    const uint64_t terms = from.starts[from.rows];
    publish(to.starts, from.starts, (from.rows + 1) * sizeof(uint32_t));
    publish(to.variables, from.variables, terms * sizeof(uint32_t));
    publish(to.coefficients, from.coefficients, terms * FR);
    to.rows = uint32_t(from.rows);
    to.present = true;
    return to.starts.bytes() + to.variables.bytes() + to.coefficients.bytes();
}

size_t load(amanat_gpu_key::query& to, const amanat_gpu_query& from, const gpu_t& gpu, bool g2)
{
    to.length = from.length;
    if (!from.length)
        return 0;
    require(from.length < (uint64_t(1) << 31), "at most 2^31 bases");
    to.points = (g2 ? bases_g2 : bases_g1)(gpu, from.bases, from.length, from.stride);
    publish(to.places, from.places, from.length * sizeof(uint32_t));
    return to.points->bytes() + to.places.bytes();
}

void one_off(amanat_gpu_stream& s, const void* points, uint64_t stride, const void* scalars, uint64_t n, void* out,
             bool g2)
{
    s.context.gpu.select();
    std::memset(out, 0, g2 ? 192 : 96);
    if (!n)
        return;
    require(n < (uint64_t(1) << 31), "at most 2^31 bases");
    std::lock_guard<std::mutex> hold(s.context.summing);
    std::unique_ptr<bases> resident;
    {
        stopwatch watch(s.times.upload);
        resident = (g2 ? bases_g2 : bases_g1)(s.context.gpu, points, n, stride);
    }
    s.gathered.reserve(n * FR);
    to_device(s, s.gathered.get(), scalars, n * FR);
    stopwatch watch(s.times.compute);
    resident->sum(s.gathered.get(), n, out);
}

// The coset 5 * subgroup: 5 and 1/5, Montgomery.
const uint64_t FIVE[4] = {0x1b0d0ef99fffffe6, 0xeaba68a3a32a913f, 0x47d8eb76d8dd0689, 0x15d0085520f5bbc3};
const uint64_t FIFTH[4] = {0xd745397409999999, 0xb4ada7d483c3efa8, 0xc49ca2f8e57f3161, 0x162a3754ac156cb3};

const uint8_t* bytes_of(const uint64_t limbs[4])
{
    return reinterpret_cast<const uint8_t*>(limbs);
}

// --- the entries, in the table's order ---

int32_t devices(uint32_t* count, amanat_gpu_status* status)
{
    *count = 0;
    return guarded(status, [&] {
        int n = 0;
        if (!processor_will_do())
            throw std::runtime_error("the plugin needs a processor with ADX and BMI2");
        cudaError_t code = cudaGetDeviceCount(&n);
        // A machine without a device is an answer, not a failure.
        if (code == cudaErrorNoDevice) {
            (void)cudaGetLastError();
            return;
        }
        if (code != cudaSuccess)
            throw cuda_error(-int(code), std::string("cudaGetDeviceCount: ") + cudaGetErrorString(code));
        *count = uint32_t(all_gpus().size());
    });
}

int32_t device(uint32_t index, amanat_gpu_device* out, amanat_gpu_status* status)
{
    std::memset(out, 0, sizeof(*out));
    return guarded(status, [&] {
        const gpu_t& gpu = device_at(index);
        gpu.select();
        const auto& p = gpu.props();
        size_t available = 0, total = 0;
        CUDA_OK(cudaMemGetInfo(&available, &total));
        std::snprintf(out->name, sizeof(out->name), "%s", p.name);
        out->free_bytes = available;
        out->total_bytes = total;
        out->multiprocessors = uint32_t(p.multiProcessorCount);
        out->compute_major = uint32_t(p.major);
        out->compute_minor = uint32_t(p.minor);
        int clock = 0, memory_clock = 0, bus = 0;
        if (cudaDeviceGetAttribute(&clock, cudaDevAttrClockRate, gpu.cid()) == cudaSuccess)
            out->clock_khz = uint32_t(clock);
        if (cudaDeviceGetAttribute(&memory_clock, cudaDevAttrMemoryClockRate, gpu.cid()) == cudaSuccess
            && cudaDeviceGetAttribute(&bus, cudaDevAttrGlobalMemoryBusWidth, gpu.cid()) == cudaSuccess)
            out->bytes_per_second = uint64_t(memory_clock) * 1000 * 2 * uint64_t(bus) / 8;
        (void)cudaGetLastError();
    });
}

int32_t open(uint32_t index, amanat_gpu_context** out, amanat_gpu_status* status)
{
    *out = nullptr;
    return guarded(status, [&] {
        const gpu_t& gpu = device_at(index);
        gpu.select();
        // Makes the context and says now what would be said at the first kernel.
        CUDA_OK(cudaFree(nullptr));
        keep_pool(gpu);
        *out = new amanat_gpu_context{gpu, {}};
    });
}

void close(amanat_gpu_context* context)
{
    delete context;
}

int32_t memory(amanat_gpu_context* context, uint64_t* available, uint64_t* total, amanat_gpu_status* status)
{
    return guarded(status, [&] {
        context->gpu.select();
        size_t a = 0, t = 0;
        CUDA_OK(cudaMemGetInfo(&a, &t));
        *available = a;
        *total = t;
    });
}

int32_t stream_new(amanat_gpu_context* context, amanat_gpu_stream** out, amanat_gpu_status* status)
{
    *out = nullptr;
    return guarded(status, [&] {
        context->gpu.select();
        *out = new amanat_gpu_stream(*context);
    });
}

int32_t stream_wipe(amanat_gpu_stream* s, amanat_gpu_status* status)
{
    s->host.wipe();
    s->variables = s->quotient = s->rows_log = 0;
    return guarded(status, [&] {
        s->context.gpu.select();
        for (const buffer* b : {&s->assignment, &s->scaled, &s->gathered, &s->a, &s->b, &s->c, &s->least})
            b->wipe(s->queue);
        s->queue.sync();
    });
}

int32_t stream_times(amanat_gpu_stream* s, amanat_gpu_times* out, amanat_gpu_status* status)
{
    *out = s->times;
    s->times = {};
    say(status, AMANAT_GPU_OK, "");
    return AMANAT_GPU_OK;
}

void stream_free(amanat_gpu_stream* s)
{
    quietly([&] { s->context.gpu.select(); });
    delete s;
}

int32_t circuit_load(amanat_gpu_context* context, const amanat_gpu_circuit_parts* parts, amanat_gpu_circuit** out,
                     uint64_t* bytes, amanat_gpu_status* status)
{
    *out = nullptr;
    return guarded(status, [&] {
        context->gpu.select();
        const uint32_t most = parts->form == AMANAT_GPU_ODD_COSET ? 27 : 28;
        require(parts->form <= AMANAT_GPU_ODD_COSET, "an unknown form of quotient");
        require(parts->log_domain >= 1 && parts->log_domain <= most, "a domain beyond the form's bounds");
        require(parts->variables < (uint64_t(1) << 32), "fewer than 2^32 variables");
        const uint64_t n = uint64_t(1) << parts->log_domain;
        std::unique_ptr<amanat_gpu_circuit> c(
            new amanat_gpu_circuit{*context, parts->log_domain, parts->form, parts->variables, {}, {}, {}, {}, {}, {}});
        *bytes = load(c->a, parts->a, n) + load(c->b, parts->b, n);
        if (parts->c.starts)
            *bytes += load(c->c, parts->c, n);
        std::memcpy(c->shift, parts->shift, FR);
        std::memcpy(c->unshift, parts->unshift, FR);
        std::memcpy(c->factor, parts->factor, FR);
        *out = c.release();
    });
}

void circuit_free(amanat_gpu_circuit* circuit)
{
    quietly([&] { circuit->context.gpu.select(); });
    delete circuit;
}

int32_t key_load(amanat_gpu_context* context, const amanat_gpu_key_parts* parts, amanat_gpu_key** out, uint64_t* bytes,
                 amanat_gpu_status* status)
{
    *out = nullptr;
    return guarded(status, [&] {
        context->gpu.select();
        require(parts->c_first <= parts->c_second && parts->c_second <= parts->c.length, "C's parts follow each other");
        std::lock_guard<std::mutex> hold(context->summing);
        std::unique_ptr<amanat_gpu_key> key(
            new amanat_gpu_key{*context, parts->variables, parts->quotient, {}, {}, {}, parts->c_first, parts->c_second});
        *bytes = load(key->a, parts->a, context->gpu, false) + load(key->b, parts->b, context->gpu, true)
               + load(key->c, parts->c, context->gpu, false);
        *out = key.release();
    });
}

void key_free(amanat_gpu_key* key)
{
    amanat_gpu_context& context = key->context;
    std::lock_guard<std::mutex> hold(context.summing);
    quietly([&] { context.gpu.select(); });
    delete key;
    quietly([&] { trim_pool(context.gpu); });
}

int32_t assign(amanat_gpu_stream* s, const void* assignment, uint64_t length, amanat_gpu_status* status)
{
    return guarded(status, [&] {
        require(length && length < (uint64_t(1) << 32), "fewer than 2^32 variables, and one at least");
        s->context.gpu.select();
        s->variables = s->quotient = s->rows_log = 0;
        s->assignment.reserve(length * FR);
        to_device(*s, s->assignment.get(), assignment, length * FR);
        s->variables = length;
    });
}

int32_t rows(amanat_gpu_stream* s, const amanat_gpu_circuit* circuit, uint64_t* unsatisfied, amanat_gpu_status* status)
{
    *unsatisfied = AMANAT_GPU_SATISFIED;
    return guarded(status, [&] {
        require(s->variables == circuit->variables, "one value for each variable");
        s->context.gpu.select();
        const uint32_t n = uint32_t(1) << circuit->log;
        s->quotient = s->rows_log = 0;
        for (buffer* b : {&s->a, &s->b, &s->c})
            b->reserve(size_t(n) * FR);
        s->least.reserve(sizeof(unsigned long long));
        stopwatch watch(s->times.compute);
        field_rows(s->queue, s->a.get(), circuit->a, s->assignment.get(), n);
        field_rows(s->queue, s->b.get(), circuit->b, s->assignment.get(), n);
        unsigned long long least = ~0ull;
        if (circuit->c.present) {
            field_rows(s->queue, s->c.get(), circuit->c, s->assignment.get(), n);
            auto* d_least = static_cast<unsigned long long*>(s->least.get());
            CUDA_OK(cudaMemsetAsync(d_least, 0xff, sizeof(least), s->queue));
            field_differ(s->queue, d_least, s->a.get(), s->b.get(), s->c.get(), n);
            CUDA_OK(cudaMemcpyAsync(&least, d_least, sizeof(least), cudaMemcpyDeviceToHost, s->queue));
        } else {
            // No C, as in snarkjs' form: its values are the products, and every row holds.
            field_multiply(s->queue, s->c.get(), s->a.get(), s->b.get(), n);
        }
        s->queue.sync();
        *unsatisfied = least;
        s->rows_log = circuit->log;
    });
}

int32_t transform(amanat_gpu_stream* s, const amanat_gpu_circuit* circuit, amanat_gpu_status* status)
{
    return guarded(status, [&] {
        require(s->rows_log == circuit->log, "the rows of this circuit come before its transform");
        s->context.gpu.select();
        const uint32_t log = circuit->log, n = uint32_t(1) << log;
        // The rows' values are overwritten from here on: a second transform needs new ones.
        s->rows_log = 0;
        stopwatch watch(s->times.compute);
        for (buffer* b : {&s->a, &s->b}) {
            field_ntt(s->queue, b->get(), log, true);
            field_powers(s->queue, b->get(), n, circuit->shift);
            field_ntt(s->queue, b->get(), log, false);
        }
        field_multiply(s->queue, s->a.get(), s->a.get(), s->b.get(), n);
        field_ntt(s->queue, s->c.get(), log, true);
        if (circuit->form == AMANAT_GPU_COEFFICIENTS) {
            // (icoset(a b) - c) / (g^n - 1), c in coefficients: one transform saved.
            field_ntt(s->queue, s->a.get(), log, true);
            field_powers(s->queue, s->a.get(), n, circuit->unshift);
        } else {
            field_powers(s->queue, s->c.get(), n, circuit->shift);
            field_ntt(s->queue, s->c.get(), log, false);
        }
        field_finish(s->queue, s->a.get(), s->c.get(), n, circuit->factor);
        s->queue.sync();
        s->quotient = circuit->form == AMANAT_GPU_COEFFICIENTS ? n - 1 : n;
    });
}

int32_t quotient_read(amanat_gpu_stream* s, void* out, uint64_t length, amanat_gpu_status* status)
{
    return guarded(status, [&] {
        require(s->quotient && length == s->quotient, "as many numbers as the quotient has");
        s->context.gpu.select();
        s->b.reserve(length * FR);
        field_to_integers(s->queue, s->b.get(), s->a.get(), uint32_t(length));
        from_device(*s, out, s->b.get(), length * FR);
    });
}

int32_t quotient_write(amanat_gpu_stream* s, const void* quotient, uint64_t length, amanat_gpu_status* status)
{
    return guarded(status, [&] {
        require(length < (uint64_t(1) << 32), "fewer than 2^32 numbers");
        s->context.gpu.select();
        s->rows_log = 0;
        s->a.reserve(length ? length * FR : 1);
        if (length) {
            to_device(*s, s->a.get(), quotient, length * FR);
            field_from_integers(s->queue, s->a.get(), uint32_t(length));
        }
        s->queue.sync();
        s->quotient = length;
    });
}

int32_t scalars(amanat_gpu_stream* s, const amanat_gpu_key* key, const void* r, amanat_gpu_status* status)
{
    return guarded(status, [&] {
        require(s->variables == key->variables, "one value for each variable");
        require(s->quotient == key->quotient, "one number of the quotient for each H point");
        s->context.gpu.select();
        s->scaled.reserve(s->variables * FR);
        stopwatch watch(s->times.compute);
        field_scale(s->queue, s->scaled.get(), s->assignment.get(), uint32_t(s->variables),
                    static_cast<const uint8_t*>(r));
        s->queue.sync();
    });
}

int32_t sum(amanat_gpu_stream* s, const amanat_gpu_key* key, uint32_t which, void* out, amanat_gpu_status* status)
{
    return guarded(status, [&] {
        require(which <= AMANAT_GPU_SUM_C, "an unknown sum");
        require(s->variables == key->variables && s->quotient == key->quotient, "the scalars come before the sums");
        s->context.gpu.select();
        const auto& query = which == AMANAT_GPU_SUM_A ? key->a : which == AMANAT_GPU_SUM_B ? key->b : key->c;
        std::memset(out, 0, which == AMANAT_GPU_SUM_B ? 192 : 96);
        if (!query.length)
            return;
        const uint32_t n = uint32_t(query.length);
        const bool c = which == AMANAT_GPU_SUM_C;
        stopwatch watch(s->times.compute);
        s->gathered.reserve(size_t(n) * FR);
        field_gather(s->queue, s->gathered.get(), static_cast<const uint32_t*>(query.places.get()), n,
                     c ? uint32_t(key->c_first) : n, c ? uint32_t(key->c_second) : n, s->assignment.get(), s->a.get(),
                     s->scaled.get());
        s->queue.sync();
        std::lock_guard<std::mutex> hold(s->context.summing);
        query.points->sum(s->gathered.get(), n, out);
    });
}

int32_t msm_g1(amanat_gpu_stream* s, const void* points, uint64_t stride, const void* scalars, uint64_t n, void* out,
               amanat_gpu_status* status)
{
    return guarded(status, [&] { one_off(*s, points, stride, scalars, n, out, false); });
}

int32_t msm_g2(amanat_gpu_stream* s, const void* points, uint64_t stride, const void* scalars, uint64_t n, void* out,
               amanat_gpu_status* status)
{
    return guarded(status, [&] { one_off(*s, points, stride, scalars, n, out, true); });
}

int32_t ntt(amanat_gpu_stream* s, void* values, uint32_t log, uint32_t kind, amanat_gpu_status* status)
{
    return guarded(status, [&] {
        require(log >= 1 && log <= 28 && kind <= AMANAT_GPU_COSET_INTT, "a transform of 2 to 2^28 values");
        s->context.gpu.select();
        const uint32_t n = uint32_t(1) << log;
        s->quotient = s->rows_log = 0;
        s->a.reserve(size_t(n) * FR);
        to_device(*s, s->a.get(), values, size_t(n) * FR);
        {
            stopwatch watch(s->times.compute);
            const bool inverse = kind == AMANAT_GPU_INTT || kind == AMANAT_GPU_COSET_INTT;
            if (kind == AMANAT_GPU_COSET_NTT)
                field_powers(s->queue, s->a.get(), n, bytes_of(FIVE));
            field_ntt(s->queue, s->a.get(), log, inverse);
            if (kind == AMANAT_GPU_COSET_INTT)
                field_powers(s->queue, s->a.get(), n, bytes_of(FIFTH));
            s->queue.sync();
        }
        from_device(*s, values, s->a.get(), size_t(n) * FR);
    });
}

const amanat_gpu_functions TABLE = {
    AMANAT_GPU_ABI,
    sizeof(amanat_gpu_functions),
    "sppark 0.1.16, " AMANAT_GPU_BUILT,
    devices,
    device,
    open,
    close,
    memory,
    stream_new,
    stream_wipe,
    stream_times,
    stream_free,
    circuit_load,
    circuit_free,
    key_load,
    key_free,
    assign,
    rows,
    transform,
    quotient_read,
    quotient_write,
    scalars,
    sum,
    msm_g1,
    msm_g2,
    ntt,
};

} // namespace

// A plain memset before a free may be left out by a compiler; a write through a volatile pointer may not.
void amanat::staging::wipe() noexcept
{
    if (!ptr || !dirty)
        return;
    static void* (*const volatile overwrite)(void*, int, size_t) = std::memset;
    overwrite(ptr, 0, dirty);
    dirty = 0;
}

extern "C" __attribute__((visibility("default"))) uint32_t amanat_gpu_abi_version(void)
{
    return AMANAT_GPU_ABI;
}

extern "C" __attribute__((visibility("default"))) const amanat_gpu_functions* amanat_gpu_table(void)
{
    return &TABLE;
}
