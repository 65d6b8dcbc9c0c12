/// What becomes of one change that was not synced when the power went.
enum Fate: Equatable {
    case kept
    case dropped
    /// The file grew, its new blocks were never written: zeros.
    case zeroed
    /// The file grew onto blocks that somebody used before: bytes of another place of this file, or noise.
    case stale(seed: UInt64)
    /// Some blocks of `unit` bytes reached the disk, others not.
    case torn(unit: Int, seed: UInt64)
}

extension Disk.Change {
    func apply(_ fate: Fate, to content: inout [UInt8]) {
        switch (fate, self.kind) {
        case (.kept, _): self.apply(to: &content)
        case (.dropped, _): break
        case (_, .resize), (_, .grow): self.apply(to: &content)
        case (.zeroed, .write(let offset, let bytes)): Self.extend(&content, to: offset + bytes.count)
        case (.stale(let seed), .write(let offset, let bytes)): Self.fillStale(&content, offset: offset, count: bytes.count, seed: seed)
        case (.torn(let unit, let seed), .write(let offset, let bytes)):
            Self.tear(&content, offset: offset, bytes: bytes, unit: unit, seed: seed)
        }
    }

    private static func extend(_ content: inout [UInt8], to size: Int) {
        if content.count < size { content.append(contentsOf: repeatElement(0, count: size - content.count)) }
    }

    private static func fillStale(_ content: inout [UInt8], offset: Int, count: Int, seed: UInt64) {
        var random = SeededRandom(seed)
        let old = content.count
        self.extend(&content, to: offset + count)
        let copies = old > count && random.chance(0.7)
        let source = copies ? Int.random(in: 0..<old - count, using: &random) : 0
        for index in max(old, offset)..<max(old, offset + count) {
            content[index] = copies ? content[source + (index - offset)] : UInt8.random(in: 0...255, using: &random)
        }
    }

    /// Disks write whole sectors, kernels whole pages: borders lie at multiples of `unit` of the file.
    private static func tear(_ content: inout [UInt8], offset: Int, bytes: ArraySlice<UInt8>, unit: Int, seed: UInt64) {
        var random = SeededRandom(seed)
        var begin = offset
        while begin < offset + bytes.count {
            let end = min((begin / unit + 1) * unit, offset + bytes.count)
            if random.next() & 1 == 0 {
                self.extend(&content, to: end)
                let from = bytes.startIndex + (begin - offset)
                content.replaceSubrange(begin..<end, with: bytes[from..<from + (end - begin)])
            }
            begin = end
        }
    }
}

/// A fate for each pending change of a disk, in the order of `Disk.pending`.
struct Plan {
    let name: String
    let fates: [Fate]

    /// All combinations that are tried everywhere: nothing kept, all kept, each single one dropped or kept, each prefix.
    static func systematic(_ count: Int) -> [Plan] {
        let none = [Fate](repeating: .dropped, count: count)
        let all = [Fate](repeating: .kept, count: count)
        guard count > 0 else { return [Plan(name: "all", fates: [])] }
        var plans = [Plan(name: "none", fates: none), Plan(name: "all", fates: all)]
        guard count > 1 else { return plans }
        for index in 0..<count {
            var fates = all
            fates[index] = .dropped
            plans.append(Plan(name: "without \(index)", fates: fates))
            fates = none
            fates[index] = .kept
            plans.append(Plan(name: "only \(index)", fates: fates))
            if index > 1 { plans.append(Plan(name: "first \(index)", fates: Array(all.prefix(index) + none.dropFirst(index)))) }
        }
        return plans
    }

    /// A random subset with torn, zeroed and stale writes.
    static func random(_ count: Int, _ random: inout SeededRandom) -> Plan {
        let bias = [0.1, 0.5, 0.9].randomElement(using: &random) ?? 0.5
        let fates = (0..<count).map { _ -> Fate in
            if random.chance(bias) { return .kept }
            switch random.next() % 6 {
            case 0: return .torn(unit: 512, seed: random.next())
            case 1: return .torn(unit: 4096, seed: random.next())
            case 2: return .zeroed
            case 3: return .stale(seed: random.next())
            default: return .dropped
            }
        }
        return Plan(name: "random", fates: fates)
    }
}
