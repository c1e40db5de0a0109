#!/usr/bin/env bash
# Checks proofs with snarkjs, a verifier that none of us wrote.
#
#   snarkjs.sh DIR [SNARKJS]
#
# DIR holds one folder for each statement, with verification_key.json, proof.json and public.json (as written by the example
# `export_snarkjs`). SNARKJS is the program, `snarkjs` on the PATH by default. For each statement snarkjs must accept the proof,
# and refuse it after each public input is raised by one, and under another statement's key. Exits 1 at the first surprise.
set -euo pipefail

dir=${1:?usage: snarkjs.sh DIR [SNARKJS]}
snarkjs=${2:-snarkjs}
statements=(grant revoke consent role record access)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# accepts KEY PUBLIC PROOF: snarkjs says OK and exits 0.
accepts() {
  local out
  if out=$("$snarkjs" groth16 verify "$1" "$2" "$3" 2>&1) && grep -q 'OK!' <<<"$out"; then return 0; fi
  # A refusal has its own words; anything else is trouble, not a verdict.
  if ! grep -qiE 'invalid proof|not valid' <<<"$out"; then
    printf 'snarkjs gave no verdict:\n%s\n' "$out" >&2
    exit 1
  fi
  return 1
}

fail() {
  printf 'FAILED: %s\n' "$1" >&2
  exit 1
}

raise() { # raise SLOT FILE: the public input in SLOT plus one, modulo r.
  node -e '
    const [slot, file] = process.argv.slice(1);
    const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
    const inputs = JSON.parse(require("fs").readFileSync(file));
    if (inputs.length !== 8) throw new Error(`8 public inputs expected, got ${inputs.length}`);
    inputs[slot] = String((BigInt(inputs[slot]) + 1n) % r);
    console.log(JSON.stringify(inputs));' "$1" "$2"
}

other=access
for statement in "${statements[@]}"; do
  at=$dir/$statement
  for file in verification_key proof public; do
    [[ -s $at/$file.json ]] || fail "$at/$file.json is missing"
  done
  accepts "$at/verification_key.json" "$at/public.json" "$at/proof.json" || fail "$statement: a good proof is refused"
  for slot in 0 1 2 3 4 5 6 7; do
    raise "$slot" "$at/public.json" >"$work/public.json"
    if accepts "$at/verification_key.json" "$work/public.json" "$at/proof.json"; then
      fail "$statement: accepted with public input $slot changed"
    fi
  done
  if accepts "$dir/$other/verification_key.json" "$at/public.json" "$at/proof.json"; then
    fail "$statement: accepted under the key of $other"
  fi
  other=$statement
  printf '%-8s accepted; refused with each public input changed, and under another key\n' "$statement"
done
