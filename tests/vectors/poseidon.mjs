// Makes poseidon.json: known answers of Poseidon from circomlibjs, the JavaScript twin of circomlib.
//
// To remake, in an empty directory:
//
//   npm install circomlibjs@0.1.7
//   cp <this file> make.mjs && node make.mjs > poseidon.json
//
// Each vector is { inputs, capacity, output }, decimal strings. `capacity` is circomlibjs' `initState`: 0 in circomlib's own
// `Poseidon(n)`, the domain tag in Amanat. "Random" inputs are SHA-512 of a label, reduced modulo r, so that the file comes
// out the same every time.

import { createHash } from "node:crypto";
import { buildPoseidon, buildPoseidonReference } from "circomlibjs";

const r = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;

function pseudorandom(label) {
  return BigInt("0x" + createHash("sha512").update(label).digest("hex")) % r;
}

const fast = await buildPoseidon();
const plain = await buildPoseidonReference();

function hash(inputs, capacity) {
  const outputs = [fast, plain].map((p) => p.F.toObject(p(inputs, p.F.e(capacity))));
  if (outputs[0] !== outputs[1]) throw new Error("circomlibjs disagrees with itself");
  return outputs[0];
}

// Tags of the protocol, a record leaf's tag, and two numbers that are no tag.
const capacities = (n) => [0n, 1n, 31n, 100n + BigInt(n - 1), r - 1n, pseudorandom(`capacity ${n}`)];

const vectors = [];
for (let n = 1; n <= 16; n++) {
  const lists = [
    Array(n).fill(0n),
    Array(n).fill(r - 1n),
    Array.from({ length: n }, (_, i) => BigInt(i + 1)),
    Array.from({ length: n }, (_, i) => pseudorandom(`input ${n} ${i}`)),
    Array.from({ length: n }, (_, i) => [0n, r - 1n, pseudorandom(`mixed ${n} ${i}`)][i % 3]),
  ];
  for (const inputs of lists) {
    for (const capacity of capacities(n)) {
      vectors.push({
        inputs: inputs.map(String),
        capacity: String(capacity),
        output: String(hash(inputs, capacity)),
      });
    }
  }
}

const lines = vectors.map((v) => "  " + JSON.stringify(v)).join(",\n");
console.log(`{ "source": "circomlibjs 0.1.7", "made_by": "poseidon.mjs", "vectors": [\n${lines}\n] }`);
