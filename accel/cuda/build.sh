#!/usr/bin/env bash
# Builds the GPU plugin, libamanat_gpu.so:
#
#   accel/cuda/build.sh [OUT]        OUT: a folder, target/gpu without it
#
# Needs a C++17 compiler, cargo (which fetches the sources of sppark and blst, pinned by sources/Cargo.lock) and nvcc 12.8 or newer. Where
# nvcc is neither named by NVCC nor in PATH, it is installed from Python packages into OUT/cuda (Linux x86-64, 0.5 GB, no
# root). No GPU and no driver are needed to build. On x86-64 the plugin runs on processors with ADX and BMI2, and says so elsewhere.
#
#   NVCC=/path/to/nvcc               which compiler
#   AMANAT_GPU_ARCH="90 100"         for which compute capabilities; 80, 90, 100 and 120 without it
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
out=${1:-${CARGO_TARGET_DIR:-$root/target}/gpu}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$out/build
mkdir -p "$work"

say() { printf '%s\n' "$*" >&2; }
fail() { say "gpu-plugin: $*"; exit 1; }

# 1. Sources: by cargo, by the lock file, by digest.
say "gpu-plugin: sources"
cargo vendor --quiet --locked --manifest-path "$here/sources/Cargo.toml" "$work/vendor" >/dev/null
sppark=$work/vendor/sppark/sppark
blst=$work/vendor/blst/blst
[[ -f $sppark/msm/pippenger.cuh && -f $blst/src/blst_t.hpp ]] || fail "the vendored sources lack sppark or blst: remove $work and run again"

# 2. A compiler.
nvcc=${NVCC:-$(command -v nvcc || true)}
libs=()
if [[ -z $nvcc ]]; then
  python=$out/cuda
  if [[ ! -x $python/bin/pip ]]; then
    command -v python3 >/dev/null || fail "no nvcc: set NVCC, or install python3 so that it can be had from Python packages"
    python3 -m venv "$python" || fail "no nvcc, and python3 cannot make a virtual environment (on Debian: apt install python3-venv)"
  fi
  say "gpu-plugin: nvcc from Python packages, into $python"
  "$python/bin/pip" install --quiet --disable-pip-version-check -r "$here/nvcc.txt"
  nvcc=$(echo "$python"/lib/python3*/site-packages/nvidia/cu13/bin/nvcc)
fi
# The Python packages keep the runtime in lib, where their nvcc does not look.
[[ -f $(dirname "$nvcc")/../lib/libcudart_static.a ]] && libs=(-L"$(dirname "$nvcc")/../lib")
[[ -x $nvcc ]] || fail "$nvcc is not a program: set NVCC to nvcc's path"
release=$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\),.*/\1/p')

# 3. Objects. A part is compiled again where it, a header or this script is newer.
archs=()
for arch in ${AMANAT_GPU_ARCH:-80 90 100 120}; do
  archs+=(-gencode "arch=compute_$arch,code=sm_$arch")
  last=$arch
done
archs+=(-gencode "arch=compute_$last,code=compute_$last") # for cards to come
printf '%s\n' "$release ${archs[*]}" >"$work/flags.new"
cmp -s "$work/flags.new" "$work/flags" || { rm -f "$work"/*.o; mv "$work/flags.new" "$work/flags"; }

flags=(-std=c++17 -O3 -DNDEBUG -DFEATURE_BN254 -DTAKE_RESPONSIBILITY_FOR_ERROR_MESSAGE -D__ADX__
  -I"$sppark" -I"$blst/src" -I"$here" "${archs[@]}" -t2
  -Xcompiler=-fPIC,-fvisibility=hidden,-Wno-unused-function,-Wno-subobject-linkage)
[[ $(uname -m) == x86_64 ]] || flags=("${flags[@]/-D__ADX__/-DAMANAT_NO_ADX}")
built="-DAMANAT_GPU_BUILT=\"CUDA $release, compute ${AMANAT_GPU_ARCH:-80 90 100 120}\""

stale() { # stale OBJECT SOURCE
  [[ ! -f $1 || $2 -nt $1 || $here/build.sh -nt $1 || $here/amanat_gpu.h -nt $1 ]] && return 0
  [[ -n $(find "$here/src" -name '*.hpp' -newer "$1" -o -name '*.cuh' -newer "$1") ]]
}
compile() { # compile SOURCE [FLAG..]
  local source=$1 object
  object=$work/$(basename "${source%.*}").o
  shift
  stale "$object" "$source" || return 0
  say "gpu-plugin: $(basename "$source")"
  "$nvcc" "${flags[@]}" "$@" -c "$source" -o "$object"
}
cp -u "$sppark/util/all_gpus.cpp" "$work/all_gpus.cpp"
compile "$work/all_gpus.cpp" -I"$sppark/util" -include "$here/src/wiped.hpp"
compile "$here/src/wiped.cpp"
compile "$here/src/plugin.cpp" "$built"
compile "$here/src/field.cu"
compile "$here/src/sums.cu"
cc=${CC:-cc}
portable=()
[[ $(uname -m) == x86_64 ]] && portable=(-D__ADX__)
[[ -f $work/blst_server.o ]] || "$cc" -O2 -fPIC -fvisibility=hidden "${portable[@]}" -c "$blst/src/server.c" -o "$work/blst_server.o"
[[ -f $work/blst_assembly.o ]] || "$cc" -O2 -fPIC -fvisibility=hidden "${portable[@]}" -c "$blst/build/assembly.S" -o "$work/blst_assembly.o"

# 4. One shared object that exports the two symbols and carries the CUDA runtime: it needs the driver alone, and starts without.
"$nvcc" -shared "${libs[@]}" -cudart static -o "$out/libamanat_gpu.so.new" \
  "$work"/{all_gpus,wiped,plugin,field,sums,blst_server,blst_assembly}.o \
  -Xlinker --version-script="$here/amanat_gpu.map" -Xlinker -z,defs -Xlinker --as-needed -Xcompiler -pthread -ldl -lrt
exports=$(nm -D --defined-only "$out/libamanat_gpu.so.new" | awk '$2 ~ /[TDBR]/ { print $3 }' | sort | tr '\n' ' ')
[[ $exports == "amanat_gpu_abi_version amanat_gpu_table " ]] || fail "the plugin exports [$exports], not the two symbols of amanat_gpu.h"
mv "$out/libamanat_gpu.so.new" "$out/libamanat_gpu.so"
say "gpu-plugin: $out/libamanat_gpu.so, $(stat -c %s "$out/libamanat_gpu.so") bytes, CUDA $release, compute ${AMANAT_GPU_ARCH:-80 90 100 120}"
printf '%s\n' "$out/libamanat_gpu.so"
