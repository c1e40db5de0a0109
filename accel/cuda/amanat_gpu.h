/*
 * The C interface between Amanat and a GPU plugin, version 1.
 *
 * A plugin is a shared object that exports two symbols, amanat_gpu_abi_version and amanat_gpu_table. The first answers the
 * version and is asked before anything else is touched; the second answers a table of functions. accel/src/backend/gpu/abi.rs mirrors
 * this file and asserts sizes and offsets when it is compiled. Any change of a structure, of a function's meaning or of the
 * table is a new version.
 *
 * Rules, for both sides:
 *
 * - No entry throws, prints, exits or calls back. Each returns its code and, where that is not AMANAT_GPU_OK, leaves words in the
 *   status, which belongs to the caller: no memory is freed by the other side.
 * - A handle is made by one entry and ended by one entry. Circuits, keys and streams belong to a context and are ended before
 *   it. Freeing always succeeds, also on a lost device (what cannot be freed there is given up).
 * - Contexts, circuits and keys may be used from several threads at once; a stream by one thread at a time. Calls on one
 *   context may wait for each other.
 * - Numbers are little-endian limbs of 64 bits. "Montgomery" is the form x * 2^256 of arkworks. An Fr is 32 bytes. A G1 base
 *   lies in `stride` bytes and begins with x and y (32 bytes each), a G2 base with x.c0, x.c1, y.c0, y.c1, all Montgomery. No base
 *   is the point at infinity: the caller leaves those out. A sum is Jacobian x, y, z, Montgomery; z = 0 means infinity, and x and y
 *   mean nothing then.
 * - What the caller sends may be a secret: assignments, quotients and r are. A plugin copies them to memory that it wipes
 *   before it is freed or given to another stream, on the host and on the device, and writes them nowhere else.
 * - The caller trusts no answer. It checks field elements and points for their form, and proves nothing to anybody before the
 *   proof has been verified on the processor.
 */
#ifndef AMANAT_GPU_H
#define AMANAT_GPU_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AMANAT_GPU_ABI 1u

/* Codes. */
#define AMANAT_GPU_OK 0            /* done */
#define AMANAT_GPU_NO_DEVICE 1     /* no driver, no device, or not this one */
#define AMANAT_GPU_OUT_OF_MEMORY 2 /* the device or pinned host memory is full; nothing else is wrong */
#define AMANAT_GPU_DEVICE_LOST 3   /* the device cannot be used in this process any more */
#define AMANAT_GPU_INVALID 4       /* the caller broke a rule of this file */
#define AMANAT_GPU_INTERNAL 5      /* anything else */

typedef struct {
    int32_t code;
    char text[252]; /* UTF-8, ended by a zero */
} amanat_gpu_status;

typedef struct {
    char name[96];
    uint64_t total_bytes;
    uint64_t free_bytes;
    uint64_t bytes_per_second; /* of the device's memory, by its clock and bus; 0 where not known */
    uint32_t multiprocessors;
    uint32_t clock_khz;
    uint32_t compute_major;
    uint32_t compute_minor;
} amanat_gpu_device;

/* One sparse matrix: row i is terms[starts[i] .. starts[i + 1]]. */
typedef struct {
    uint64_t rows;
    const uint32_t *starts;    /* rows + 1 of them */
    const uint32_t *variables; /* one for each term */
    const void *coefficients;  /* one Fr for each term, Montgomery */
} amanat_gpu_matrix;

#define AMANAT_GPU_COEFFICIENTS 0u /* h = (a b - c) / Z, its n - 1 coefficients */
#define AMANAT_GPU_ODD_COSET 1u    /* the n values of a b - c at w, w^3, w^5, .., w of order 2 n */

typedef struct {
    uint32_t log_domain; /* n = 2^log_domain, from 1 on */
    uint32_t form;
    uint64_t variables;
    amanat_gpu_matrix a;
    amanat_gpu_matrix b;
    amanat_gpu_matrix c; /* starts is null: c is a * b, row by row */
    uint8_t shift[32];   /* of the coset: 5, or w; Montgomery, as are the two below */
    uint8_t unshift[32]; /* its inverse */
    uint8_t factor[32];  /* what a b - c is multiplied by: 1 / (5^n - 1), or one */
} amanat_gpu_circuit_parts;

/* Bases of one sum, with the place of each one's scalar. */
typedef struct {
    const void *bases;
    uint64_t stride;
    uint64_t length;
    const uint32_t *places; /* length of them */
} amanat_gpu_query;

typedef struct {
    uint64_t variables;
    uint64_t quotient;   /* numbers of the quotient */
    amanat_gpu_query a;  /* G1, places in the assignment */
    amanat_gpu_query b;  /* G2, places in the assignment */
    amanat_gpu_query c;  /* G1: */
    uint64_t c_first;    /*  places below this index are in the assignment, */
    uint64_t c_second;   /*  from there to this index in the quotient, from there on in r times the assignment */
} amanat_gpu_key_parts;

/* Nanoseconds since the stream was made or last asked, by the host's clock. */
typedef struct {
    uint64_t upload;
    uint64_t compute;
    uint64_t download;
} amanat_gpu_times;

#define AMANAT_GPU_NTT 0u
#define AMANAT_GPU_INTT 1u
#define AMANAT_GPU_COSET_NTT 2u  /* coset 5 * subgroup */
#define AMANAT_GPU_COSET_INTT 3u

#define AMANAT_GPU_SUM_A 0u /* 96 bytes, G1 */
#define AMANAT_GPU_SUM_B 1u /* 192 bytes, G2 */
#define AMANAT_GPU_SUM_C 2u /* 96 bytes, G1 */

#define AMANAT_GPU_SATISFIED UINT64_MAX

typedef struct amanat_gpu_context amanat_gpu_context;
typedef struct amanat_gpu_stream amanat_gpu_stream;
typedef struct amanat_gpu_circuit amanat_gpu_circuit;
typedef struct amanat_gpu_key amanat_gpu_key;

typedef struct {
    uint32_t abi;     /* AMANAT_GPU_ABI, once more */
    uint32_t size;    /* of this table */
    const char *built; /* with what and for what, in words, for reports; never freed */

    /* How many devices there are. None is no error. */
    int32_t (*devices)(uint32_t *count, amanat_gpu_status *);
    int32_t (*device)(uint32_t index, amanat_gpu_device *out, amanat_gpu_status *);

    int32_t (*open)(uint32_t index, amanat_gpu_context **out, amanat_gpu_status *);
    void (*close)(amanat_gpu_context *);
    int32_t (*memory)(amanat_gpu_context *, uint64_t *free_bytes, uint64_t *total_bytes, amanat_gpu_status *);

    /* What one proof works in: staging, scratch and a queue of its own. */
    int32_t (*stream_new)(amanat_gpu_context *, amanat_gpu_stream **out, amanat_gpu_status *);
    /* Overwrites all that the stream holds. The caller does so after each proof. */
    int32_t (*stream_wipe)(amanat_gpu_stream *, amanat_gpu_status *);
    int32_t (*stream_times)(amanat_gpu_stream *, amanat_gpu_times *out, amanat_gpu_status *);
    void (*stream_free)(amanat_gpu_stream *);

    int32_t (*circuit_load)(amanat_gpu_context *, const amanat_gpu_circuit_parts *, amanat_gpu_circuit **out,
                            uint64_t *bytes, amanat_gpu_status *);
    void (*circuit_free)(amanat_gpu_circuit *);
    /* Lays out the bases once; nothing of the arguments is kept. */
    int32_t (*key_load)(amanat_gpu_context *, const amanat_gpu_key_parts *, amanat_gpu_key **out, uint64_t *bytes,
                        amanat_gpu_status *);
    void (*key_free)(amanat_gpu_key *);

    /* A proof, step by step, all data staying in the stream: */

    /* 1. The assignment, Montgomery. */
    int32_t (*assign)(amanat_gpu_stream *, const void *assignment, uint64_t length, amanat_gpu_status *);
    /* 2. The rows' values; the first row that does not hold, or AMANAT_GPU_SATISFIED. */
    int32_t (*rows)(amanat_gpu_stream *, const amanat_gpu_circuit *, uint64_t *unsatisfied, amanat_gpu_status *);
    /* 3. From the rows' values to the quotient. */
    int32_t (*transform)(amanat_gpu_stream *, const amanat_gpu_circuit *, amanat_gpu_status *);
    /* The quotient as canonical integers (not Montgomery), for a caller who wants it; 32 bytes each. */
    int32_t (*quotient_read)(amanat_gpu_stream *, void *out, uint64_t length, amanat_gpu_status *);
    /* Instead of 2 and 3: a quotient from elsewhere, as canonical integers. */
    int32_t (*quotient_write)(amanat_gpu_stream *, const void *quotient, uint64_t length, amanat_gpu_status *);
    /* 4. r, Montgomery: scales the assignment, gathers the scalars. */
    int32_t (*scalars)(amanat_gpu_stream *, const amanat_gpu_key *, const void *r, amanat_gpu_status *);
    /* 5. Each sum, in any order. */
    int32_t (*sum)(amanat_gpu_stream *, const amanat_gpu_key *, uint32_t which, void *out, amanat_gpu_status *);

    /* One-off work, nothing resident. Scalars and values Montgomery. */
    int32_t (*msm_g1)(amanat_gpu_stream *, const void *bases, uint64_t stride, const void *scalars, uint64_t length,
                      void *out, amanat_gpu_status *);
    int32_t (*msm_g2)(amanat_gpu_stream *, const void *bases, uint64_t stride, const void *scalars, uint64_t length,
                      void *out, amanat_gpu_status *);
    int32_t (*ntt)(amanat_gpu_stream *, void *values, uint32_t log_length, uint32_t kind, amanat_gpu_status *);
} amanat_gpu_functions;

/* The two symbols. */
uint32_t amanat_gpu_abi_version(void);
const amanat_gpu_functions *amanat_gpu_table(void);

#ifdef __cplusplus
}
#endif
#endif
