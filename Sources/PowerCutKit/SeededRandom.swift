/// SplitMix64: small, fast, the same on every machine, so that a printed seed repeats a failure.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(_ seed: UInt64) { self.state = seed }

    /// A stream of its own for each combination of `parts`.
    package init(_ parts: UInt64...) {
        var mixed: UInt64 = 0x9E37_79B9_7F4A_7C15
        for part in parts {
            var step = SeededRandom(mixed ^ part)
            mixed = step.next()
        }
        self.state = mixed
    }

    package mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    package mutating func chance(_ probability: Double) -> Bool {
        Double(self.next() >> 11) / Double(1 << 53) < probability
    }
}
