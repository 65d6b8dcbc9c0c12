import Testing
import Vocabulary

@Suite struct UIDSetTests {
    private static func random(_ dice: inout some RandomNumberGenerator) -> (set: UIDSet, model: Set<UInt32>) {
        let model = Set((0..<Int.random(in: 0...40, using: &dice)).map { _ in UInt32.random(in: 1...60, using: &dice) })
        return (UIDSet(ascending: model.sorted()), model)
    }

    @Test func `agrees with a plain set in all it does`() {
        var dice = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let (a, first) = Self.random(&dice)
            let (b, second) = Self.random(&dice)
            #expect(Array(a).map(\.rawValue) == first.sorted())
            #expect(a.count == first.count)
            #expect(a.union(b) == UIDSet(ascending: first.union(second).sorted()))
            #expect(a.intersection(b) == UIDSet(ascending: first.intersection(second).sorted()))
            #expect(a.subtracting(b) == UIDSet(ascending: first.subtracting(second).sorted()))
            for (place, uid) in first.sorted().enumerated() {
                #expect(a.index(of: UID(rawValue: uid)) == place)
                #expect(a.uid(at: place)?.rawValue == uid)
            }
            for uid in UInt32(0)...61 {
                #expect(a.contains(UID(rawValue: uid)) == first.contains(uid))
                #expect(a.countBelow(UID(rawValue: uid)) == first.count { $0 < uid })
                let run = a.run(from: UID(rawValue: uid))
                #expect(run?.first == first.filter { $0 >= uid }.min())
                #expect(run.map { $0.before } == run.map { run in first.count { $0 < run.first } })
                #expect(run.map { !first.contains($0.last + 1) && (first.intersection($0.first...$0.last).count == $0.count) } ?? true)
            }
            let from = Int.random(in: 0...45, using: &dice)
            let to = Int.random(in: from...50, using: &dice)
            #expect(Array(a.slice(from..<to)).map(\.rawValue) == Array(first.sorted().dropFirst(from).prefix(to - from)))
        }
    }

    @Test func `holds at the ends of the numbers`() {
        var set = UIDSet(UInt32.max - 1...UInt32.max)
        set.append(UInt32.max)
        #expect(set.count == 2)
        #expect(set.subtracting(UIDSet(UInt32.max...UInt32.max)).description == "4294967294")
        #expect(Array(UIDSet(UInt32.max...UInt32.max)).count == 1)
        #expect(UIDSet(0...UInt32.max).count == 1 << 32)
        #expect(UIDSet(ranges: [5...9, 1...3, 4...4, 7...12]).description == "1:12")
        #expect(UIDSet().uid(at: 0) == nil)
    }
}
