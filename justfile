# `just` lists the recipes.

_default:
    @just --list --unsorted

# Format, lints, tests: green before a change is sent.
check: fmt-check clippy test

# Modules that a macro makes from the list of statements are named here: `cargo fmt` does not see them.
by_statement := "circuits/src/statements/*/*.rs prover/src/plan/*.rs"

fmt-check:
    cargo fmt --all --check
    rustfmt --edition 2024 --check {{by_statement}}

# Format everything.
fmt:
    cargo fmt --all
    rustfmt --edition 2024 {{by_statement}}

clippy:
    cargo clippy --workspace --all-targets -- -D warnings

# All failures, not the first program's alone.
test:
    cargo test --workspace --no-fail-fast

# The main job from end to end.
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# What a proof costs, part by part, beside arkworks.
profile *ARGS:
    cargo run --release -- bench profile {{ARGS}}

# Every promised figure, and the ledger beside other systems: report, kernels, ledger.
bench *ARGS="report":
    cargo run --release -p amanat-benches -- {{ARGS}}

# What is slow and rarely breaks: the tests with the default features, 10 000 worlds for the second evaluator, every constraint
# deleted in turn, half an hour of failures.
nightly: test worlds mutation (soak "1800")

# The native check, our constraints and a second evaluator agree on WORLDS valid and broken worlds, drawn from SEED.
worlds WORLDS="10000" SEED="1":
    AMANAT_WORLDS={{WORLDS}} AMANAT_SEED={{SEED}} cargo test -p amanat-tests --test second -- --ignored --nocapture

# Four validators under load while everything fails in turn, drawn from SEED, for SECONDS; everything is audited at the end.
soak SECONDS="3600" SEED="1":
    AMANAT_SOAK_SECONDS={{SECONDS}} AMANAT_SOAK_SEED={{SEED}} cargo test -p amanat-bft --features bft --test it -- soak::long --ignored --nocapture

# Criterion benches.
criterion *ARGS:
    cargo bench -p amanat-benches {{ARGS}}

# Constraints by statement, clause and gadget.
constraints:
    cargo run -p amanat-circuits --example constraints

# Delete constraints and ask whether a cheating prover gets through; slow for the big circuits.
mutation *ARGS:
    cargo run --release -p amanat-circuits --example mutation -- {{ARGS}}

# Write the tables in the book anew.
book-tables:
    AMANAT_REMAKE=1 cargo test -p amanat-tests --test it book

# The protocol book as HTML (needs mdbook).
book:
    mdbook build docs/book

# API documentation.
doc:
    cargo doc --workspace --no-deps

# One proof of each statement, checked by snarkjs (needs node).
snarkjs DIR="target/snarkjs":
    cargo run -p amanat-tests --example export_snarkjs -- {{DIR}}/proofs
    npm install --no-fund --no-audit --prefix {{DIR}}/npm snarkjs@0.7.6
    tests/scripts/snarkjs.sh {{DIR}}/proofs {{DIR}}/npm/node_modules/.bin/snarkjs

# The GPU plugin, libamanat_gpu.so, into target/gpu (no GPU needed; fetches nvcc where there is none).
gpu-plugin *ARGS:
    accel/cuda/build.sh {{ARGS}}

# Build, check and time the GPU of this machine; results go to benches/results.
gpu-check *ARGS:
    accel/cuda/check.sh {{ARGS}}

# Advisories, licences, sources (needs cargo-deny).
deny:
    cargo deny check

# All that CI runs; `just ci --times` prints how long each part takes.
ci *ARGS:
    .ci/run {{ARGS}}
