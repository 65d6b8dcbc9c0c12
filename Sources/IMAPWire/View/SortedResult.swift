internal import Search
internal import Vocabulary

/// The messages of a SORT in its order, as the client has them. [RFC5267-4.3.2]
struct SortedResult: Sendable {
    /// A message, and its position from 1 at the moment when it comes or goes.
    struct Place: Hashable, Sendable {
        var position: Int
        var uid: UID
    }

    let criteria: [SortCriterion]
    private(set) var uids: [UID]

    init(criteria: [SortCriterion], uids: [UID]) {
        self.criteria = criteria
        self.uids = uids
    }

    /// From the end to the beginning, so that no position changes before it is told.
    mutating func remove(_ gone: UIDSet) -> [Place] {
        var places: [Place] = []
        for index in self.uids.indices.reversed() where gone.contains(self.uids[index]) {
            places.append(Place(position: index + 1, uid: self.uids[index]))
        }
        self.uids.removeAll { gone.contains($0) }
        return places
    }

    /// Puts new messages where a newer order of the same messages has them: from the beginning to the end, so that each position is the
    /// message's last. What the newer order does not have any more stays until it is told as gone. nil where the two orders differ otherwise.
    mutating func insert(_ added: UIDSet, from order: [UID]) -> [Place]? {
        let ordered = UIDSet(ranges: order.map { $0.rawValue...$0.rawValue })
        var merged: [UID] = []
        merged.reserveCapacity(self.uids.count + added.count)
        var places: [Place] = []
        var old = self.uids[...]
        for uid in order {
            if added.contains(uid) {
                merged.append(uid)
                places.append(Place(position: merged.count, uid: uid))
                continue
            }
            while let next = old.first, !ordered.contains(next) { merged.append(old.removeFirst()) }
            guard old.first == uid else { return nil }
            merged.append(old.removeFirst())
        }
        guard !old.contains(where: { ordered.contains($0) }) else { return nil }
        self.uids = merged + old
        return places
    }
}
