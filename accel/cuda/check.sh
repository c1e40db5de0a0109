#!/usr/bin/env bash
# Builds, checks and times the GPU of this machine, and keeps the results:
#
#   accel/cuda/check.sh [OPTION..]        options of `--bin gpu`, e.g. --kernels 20 --proofs 18 --batch 500
#
# Needs a CUDA driver and cargo; the plugin is built as by `just gpu-plugin`, unless AMANAT_GPU_PLUGIN names one. In order: sums,
# transforms, quotients and whole proofs bit for bit as the processor's; the same under compute-sanitizer, where it is installed; times
# by size; access proofs all together; snarkrs' CUDA back-end on the same key and witness, where it builds (AMANAT_GPU_PEER=off: not).
# Results go to benches/results/DATE-gpu.{md,json}. Ends with 1 where anything is wrong; a peer that does not build is only said.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cd "$root"
target=${CARGO_TARGET_DIR:-$root/target}
export AMANAT_BENCH_DIR=${AMANAT_BENCH_DIR:-$target/gpu/bench}
mkdir -p "$AMANAT_BENCH_DIR"

say() { printf '\n=== %s\n' "$*" >&2; }
fail() { printf 'gpu-check: %s\n' "$*" >&2; exit 1; }

say "the card"
command -v nvidia-smi >/dev/null || fail "no nvidia-smi: this machine has no CUDA driver, and the check has not run"
card=$(nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader)
printf '%s\n' "$card" >&2
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -1 | tr -d .)

say "the plugin"
plugin=${AMANAT_GPU_PLUGIN:-}
if [[ -z $plugin ]]; then
  plugin=$(AMANAT_GPU_ARCH=${AMANAT_GPU_ARCH:-$capability} "$here/build.sh")
fi
export AMANAT_GPU_PLUGIN=$plugin

say "the program"
cargo build --release --locked -p amanat-benches --bin gpu
program=$target/release/gpu

sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -1 || true)
sanitized="compute-sanitizer is not installed: not run"
if [[ -n $sanitizer ]]; then
  for tool in memcheck racecheck synccheck; do
    say "compute-sanitizer, $tool"
    "$sanitizer" --tool "$tool" --error-exitcode 9 --leak-check no "$program" --sanitize ||
      fail "compute-sanitizer's $tool found something, or the check failed under it"
  done
  sanitized="compute-sanitizer: memcheck, racecheck and synccheck clean"
fi
printf '%s\n' "$sanitized" >&2

say "check and times"
results=$root/benches/results/$(date -u +%F)-gpu
"$program" --out "$results" "$@"
{ printf '\n%s\n' "$sanitized"; printf '\nDriver: %s\n' "$card"; } >>"$results.md"

peer="snarkrs' CUDA back-end: not asked for"
if [[ ${AMANAT_GPU_PEER:-on} != off ]]; then
  say "snarkrs on the same card"
  tools=$target/gpu/peer
  if cargo install --quiet --locked --root "$tools" --target-dir "$tools/build" snarkrs --version 0.1.0 --no-default-features \
    --features cpu,cuda >"$tools.log" 2>&1; then
    peer="snarkrs 0.1.0, CUDA, the whole process, best of five:"
    for zkey in "$AMANAT_BENCH_DIR"/profile/merkle-1[58]-*.zkey; do
      [[ -f $zkey ]] || continue
      wtns=${zkey%.zkey}.wtns best=
      for _ in 1 2 3 4 5; do
        began=$(date +%s%N)
        "$tools/bin/snarkrs" groth16 prove "$zkey" "$wtns" "$tools/proof.json" "$tools/public.json" --backend cuda \
          >>"$tools.log" 2>&1 || { best="failed, see $tools.log"; break; }
        took=$((($(date +%s%N) - began) / 1000000))
        [[ -z $best || $took -lt $best ]] && best=$took
      done
      peer+=" $(basename "$zkey" | cut -d- -f2): ${best} ms."
    done
  else
    peer="snarkrs' CUDA back-end does not build here (see the end of its log)"
    tail -3 "$tools.log" >&2 || true
  fi
fi
printf '%s\n' "$peer" >&2
printf '\n%s\n' "$peer" >>"$results.md"
say "results: benches/results/$(basename "$results").md and .json"
