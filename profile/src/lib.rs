//! The prover profiler: what a proof costs, phase by phase.
