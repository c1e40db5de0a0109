#!/usr/bin/env bash
# Proves with keys that snarkjs made, and lets snarkjs judge the proofs.
#
#   zkey.sh DIR SNARKJS AMANAT
#
# DIR holds circuit.r1cs, witness.wtns, broken.wtns and ours.zkey (as written by the example `circom_files`); SNARKJS and AMANAT are
# the programs. snarkjs runs a small ceremony and makes a key for the circuit; `amanat prove` proves under it and under our own
# key; snarkjs and `amanat verify --snarkjs` must accept each proof,
# also those of snarkjs, and refuse it with each public value changed; the broken witness must give no proof, the
# key and the witness of one must be refused as the other, and snarkjs must be able to prove under our key. Exits 1 at the first
# surprise.
set -euo pipefail

dir=${1:?usage: zkey.sh DIR SNARKJS AMANAT}
snarkjs=${2:?}
amanat=${3:?}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  printf 'FAILED: %s\n' "$1" >&2
  exit 1
}

quietly() { # quietly COMMAND..: its output is shown only where it fails.
  "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "$*"; }
}

accepts() { # accepts KEY PUBLIC PROOF
  local out
  if out=$("$snarkjs" groth16 verify "$1" "$2" "$3" 2>&1) && grep -q 'OK!' <<<"$out"; then return 0; fi
  grep -qiE 'invalid proof|not valid' <<<"$out" || { printf 'snarkjs gave no verdict:\n%s\n' "$out" >&2; exit 1; }
  return 1
}

raise() { # raise SLOT FILE
  node -e '
    const [slot, file] = process.argv.slice(1);
    const inputs = JSON.parse(require("fs").readFileSync(file));
    inputs[slot] = String(BigInt(inputs[slot]) + 1n);
    console.log(JSON.stringify(inputs));' "$1" "$2"
}

cd "$work"
quietly "$snarkjs" wtns check "$dir/circuit.r1cs" "$dir/witness.wtns"
quietly "$snarkjs" powersoftau new bn128 7 0.ptau
quietly "$snarkjs" powersoftau contribute 0.ptau 1.ptau --name=test -e=entropy
quietly "$snarkjs" powersoftau prepare phase2 1.ptau 2.ptau
quietly "$snarkjs" groth16 setup "$dir/circuit.r1cs" 2.ptau bare.zkey
quietly "$snarkjs" zkey contribute bare.zkey snarkjs.zkey --name=test -e=entropy
quietly "$snarkjs" zkey verify "$dir/circuit.r1cs" 2.ptau snarkjs.zkey
cp "$dir/ours.zkey" ours.zkey

for key in snarkjs ours; do
  quietly "$snarkjs" zkey export verificationkey "$key.zkey" "$key.json"
  quietly "$amanat" prove --zkey "$key.zkey" --wtns "$dir/witness.wtns" --proof proof.json --public public.json
  accepts "$key.json" public.json proof.json || fail "snarkjs refuses our proof under the key $key"
  for slot in 0 1 2; do
    raise "$slot" public.json >wrong.json
    ! accepts "$key.json" wrong.json proof.json || fail "accepted with public value $slot changed"
  done
  quietly "$snarkjs" groth16 prove "$key.zkey" "$dir/witness.wtns" theirs.json theirs_public.json
  cmp -s <(node -p 'JSON.stringify(require("./public.json"))') <(node -p 'JSON.stringify(require("./theirs_public.json"))') ||
    fail "snarkjs finds other public values"
  accepts "$key.json" theirs_public.json theirs.json || fail "snarkjs refuses its own proof under the key $key"
  status=0
  "$amanat" prove --zkey "$key.zkey" --wtns "$dir/broken.wtns" --proof broken.json >log 2>&1 || status=$?
  [[ $status == 5 && ! -e broken.json ]] || { cat log >&2; fail "a broken witness gave status $status"; }
  mkdir -p "both/$key"
  cp "$key.json" "both/$key/verification_key.json"
  for made in "proof public" "theirs theirs_public"; do
    read -r proof public <<<"$made"
    cp "$proof.json" "both/$key/proof.json"
    cp "$public.json" "both/$key/public.json"
    quietly "$amanat" verify --snarkjs "both/$key"
    for slot in 0 1 2; do
      raise "$slot" "$public.json" >"both/$key/public.json"
      status=0
      "$amanat" verify --snarkjs "both/$key" >log 2>&1 || status=$?
      [[ $status == 5 ]] || { cat log >&2; fail "we gave status $status to $proof with public value $slot changed"; }
    done
  done
  printf '%-8s key: proofs accepted, ours and theirs, here and there; refused with each public value changed; no proof from a broken witness\n' "$key"
done
quietly "$amanat" prove --zkey bare.zkey --wtns "$dir/witness.wtns"
grep -q 'nobody has contributed' log || fail "no warning for a key without contributions"
quietly "$amanat" prove --zkey bare.zkey --wtns "$dir/witness.wtns" --snarkjs bare
quietly "$amanat" verify --snarkjs bare
grep -q 'delta is gamma' log || fail "no warning for a verifying key without contributions"
quietly "$snarkjs" zkey export verificationkey bare.zkey bare.json
accepts bare.json bare/public.json bare/proof.json || fail "snarkjs refuses the proof in our folder"
accepts bare/verification_key.json bare/public.json bare/proof.json || fail "snarkjs refuses the key that we wrote"
! "$amanat" prove --zkey "$dir/witness.wtns" --wtns "$dir/witness.wtns" >log 2>&1 || fail "a witness is no key"
grep -q 'not a .zkey file' log || fail "the refusal of a witness as a key does not say so"
! "$amanat" prove --zkey ours.zkey --wtns ours.zkey >log 2>&1 || fail "a key is no witness"
grep -q 'not a .wtns file' log || fail "the refusal of a key as a witness does not say so"
! AMANAT_BACKEND=abacus "$amanat" prove --zkey ours.zkey --wtns "$dir/witness.wtns" >log 2>&1 || fail "no such backend"
grep -q 'no backend is called' log || fail "the refusal of a backend does not say so"
