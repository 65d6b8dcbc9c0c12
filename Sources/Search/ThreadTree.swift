/// The threads of REFERENCES once the links are made: steps 2 to 6. Walks without recursion, in time that depth does not change. [RFC5256-3]
struct ThreadTree {
    private let messages: [ThreadMessage]
    /// -1 for a dummy.
    private var message: [Int32]
    private var children: [[Int32]]
    /// (2) Those without a parent, children of a root that is in nobody's list.
    private var roots: [Int32] = []

    init(messages: [ThreadMessage], message: [Int32], parent: [Int32]) {
        self.messages = messages
        self.message = message
        self.children = Array(repeating: [], count: message.count)
        for (node, parent) in parent.enumerated() {
            if parent >= 0 { self.children[Int(parent)].append(Int32(node)) } else { self.roots.append(Int32(node)) }
        }
    }

    private func isDummy(_ node: Int32) -> Bool { self.message[Int(node)] < 0 }

    /// Every node before those below it.
    private func downwards() -> [Int32] {
        var order: [Int32] = []
        order.reserveCapacity(self.message.count)
        var open = self.roots
        while let node = open.popLast() {
            order.append(node)
            open += self.children[Int(node)]
        }
        return order
    }

    // MARK: (3) Dummies

    mutating func prune() {
        for node in self.downwards().reversed() { self.children[Int(node)] = self.promoted(self.children[Int(node)], atRoot: false) }
        self.roots = self.promoted(self.roots, atRoot: true)
    }

    /// The list with its dummies replaced by their children: nothing is left of one without any; under the root only an only child goes up.
    private mutating func promoted(_ list: [Int32], atRoot: Bool) -> [Int32] {
        guard list.contains(where: self.isDummy) else { return list }
        var out: [Int32] = []
        for node in list {
            guard self.isDummy(node), !atRoot || self.children[Int(node)].count <= 1 else {
                out.append(node)
                continue
            }
            var below: [Int32] = []
            swap(&below, &self.children[Int(node)])
            // The shorter list is moved: a chain of dummies shall not move one long list again and again. Order comes later.
            if below.count > out.count { swap(&below, &out) }
            out += below
        }
        return out
    }

    // MARK: (4) Order of the roots

    mutating func sortRoots() {
        for node in self.roots where self.isDummy(node) { self.sortChildren(of: node) }
        self.roots = self.sorted(self.roots)
    }

    private mutating func sortChildren(of node: Int32) {
        guard self.children[Int(node)].count > 1 else { return }
        self.children[Int(node)] = self.sorted(self.children[Int(node)])
    }

    private func sorted(_ list: [Int32]) -> [Int32] {
        guard list.count > 1 else { return list }
        return list.map { (self.face($0), $0) }.sorted { a, b in
            // Mailbox order decides between equal dates.
            let (x, y) = (a.0 < 0 ? Int64.min : self.messages[Int(a.0)].date, b.0 < 0 ? Int64.min : self.messages[Int(b.0)].date)
            return (x, a.0) < (y, b.0)
        }.map(\.1)
    }

    /// The message that stands for a node: its own, or that of a dummy's first child. A dummy has real children only, and their lists are sorted.
    private func face(_ node: Int32) -> Int32 {
        let own = self.message[Int(node)]
        if own >= 0 { return own }
        return self.children[Int(node)].first.map { self.message[Int($0)] } ?? -1
    }

    // MARK: (5) Subjects

    mutating func mergeSubjects() {
        var table: [[UInt8]: Int32] = [:]
        for node in self.roots {
            let subject = self.subject(node)
            guard !subject.isEmpty else { continue }
            guard let known = table[subject] else {
                table[subject] = node
                continue
            }
            if !self.isDummy(known), self.isDummy(node) || (self.isReply(known) && !self.isReply(node)) { table[subject] = node }
        }
        var isGone = [Bool](repeating: false, count: self.message.count)
        var added: [Int32] = []
        for node in self.roots {
            let subject = self.subject(node)
            guard !subject.isEmpty, let known = table[subject], known != node else { continue }
            isGone[Int(node)] = true
            if self.isDummy(known), self.isDummy(node) {
                let below = self.children[Int(node)]
                self.children[Int(known)] += below
                self.children[Int(node)] = []
            } else if self.isDummy(known) || (self.isReply(node) && !self.isReply(known)) {
                self.children[Int(known)].append(node)
            } else {
                let dummy = self.newDummy([known, node])
                isGone[Int(known)] = true
                added.append(dummy)
                isGone.append(false)
                table[subject] = dummy
            }
        }
        self.roots = (self.roots + added).filter { !isGone[Int($0)] }
    }

    private func subject(_ node: Int32) -> [UInt8] {
        let face = self.face(node)
        return face >= 0 ? self.messages[Int(face)].subject : []
    }

    private func isReply(_ node: Int32) -> Bool {
        let own = self.message[Int(node)]
        return own >= 0 && self.messages[Int(own)].isReply
    }

    private mutating func newDummy(_ children: [Int32]) -> Int32 {
        self.message.append(-1)
        self.children.append(children)
        return Int32(self.message.count - 1)
    }

    // MARK: (6) Order of all, and output

    mutating func written() -> MessageThreads {
        for node in self.downwards().reversed() { self.sortChildren(of: node) }
        self.roots = self.sorted(self.roots)
        var out = MessageThreads()
        out.items.reserveCapacity(2 * self.messages.count)
        for root in self.roots { self.write(root, &out) }
        return out
    }

    // RFC 5256 5:  thread-list = "(" (thread-members / thread-nested) ")";  thread-members = nz-number *(SP nz-number) [SP thread-nested];
    //              thread-nested = 2*thread-list
    private func write(_ root: Int32, _ out: inout MessageThreads) {
        enum Step {
            case list(Int32), close
        }
        var steps = [Step.list(root)]
        while let step = steps.popLast() {
            guard case .list(let first) = step else {
                out.items.append(.close)
                continue
            }
            out.items.append(.open)
            steps.append(.close)
            var node = first
            while true {
                let own = self.message[Int(node)]
                if own >= 0 { out.items.append(.message(self.messages[Int(own)].uid)) }
                let below = self.children[Int(node)]
                guard below.count == 1, let only = below.first else {
                    for child in below.reversed() { steps.append(.list(child)) }
                    break
                }
                node = only
            }
        }
    }
}
