/// ORDEREDSUBJECT: messages of one base subject are a thread, the first of them its root and all others its children. [RFC5256-3]
struct SubjectThreader: Sendable {
    private var messages: [ThreadMessage] = []

    mutating func add(_ message: ThreadMessage) { self.messages.append(message) }

    func threads() -> MessageThreads {
        // Messages come in mailbox order, so the place is the last to decide.
        let order = self.messages.indices.sorted { a, b in
            let subjects = SortText.comparison(self.messages[a].subject, self.messages[b].subject)
            return subjects != 0 ? subjects < 0 : self.isBefore(a, b)
        }
        var threads: [[Int]] = []
        for index in order {
            if let root = threads.last?.first, self.messages[root].subject == self.messages[index].subject {
                threads[threads.count - 1].append(index)
            } else {
                threads.append([index])
            }
        }
        threads.sort { self.isBefore($0[0], $1[0]) }
        var out = MessageThreads()
        out.items.reserveCapacity(2 * self.messages.count)
        for thread in threads { self.write(thread, &out) }
        return out
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool { (self.messages[a].date, a) < (self.messages[b].date, b) }

    private func write(_ thread: [Int], _ out: inout MessageThreads) {
        out.items.append(.open)
        for (place, index) in thread.enumerated() {
            let isBranch = place > 0 && thread.count > 2
            if isBranch { out.items.append(.open) }
            out.items.append(.message(self.messages[index].uid))
            if isBranch { out.items.append(.close) }
        }
        out.items.append(.close)
    }
}
