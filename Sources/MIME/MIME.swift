// Invariants of this target:
// 1. Bytes in, values out; clock and randomness are given in.
// 2. Every loop moves forward: time is linear in the bytes, whatever they are.
// 3. What is not understood is passed on byte for byte, never repaired by guess.
