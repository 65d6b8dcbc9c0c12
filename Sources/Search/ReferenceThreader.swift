/// REFERENCES: who answers whom, by identifiers and then by subjects. The numbers are the steps of the RFC. [RFC5256-3]
struct ReferenceThreader: Sendable {
    private var messages: [ThreadMessage] = []
    /// Of each node its message, -1 for a dummy; the node it is a child of, -1 for none; whether it may have children.
    private var message: [Int32] = []
    private var parent: [Int32] = []
    private var mayHaveChildren: [Bool] = []
    /// The node of an identifier.
    private var nodes: [String: Int32] = [:]
    private var forest = LinkedForest()

    // MARK: (1) Links

    /// - Parameters:
    ///   - id: normalised; empty without one.
    ///   - references: normalised, oldest first.
    mutating func add(_ message: ThreadMessage, id: String, references: [String]) {
        let number = Int32(self.messages.count)
        self.messages.append(message)
        let node = self.node(of: number, id)
        // (A) each reference is the parent of the next
        var last: Int32 = -1
        for reference in references {
            let next = self.node(referred: reference)
            // A link that is there stays.
            if last >= 0, next != last, self.parent[Int(next)] < 0, !self.isAbove(next, last) { self.link(next, to: last) }
            last = next
        }
        // (B) the last of them is the parent of the message, whatever was thought before
        if self.parent[Int(node)] >= 0, self.parent[Int(node)] != last { self.unlink(node) }
        if last >= 0, last != node, self.parent[Int(node)] < 0, !self.isAbove(node, last) { self.link(node, to: last) }
    }

    /// The second message with an identifier gets one of its own, as does one without.
    private mutating func node(of number: Int32, _ id: String) -> Int32 {
        if !id.isEmpty, let known = self.nodes[id] {
            if self.message[Int(known)] < 0 {
                self.message[Int(known)] = number
                return known
            }
            return self.newNode(number)
        }
        let node = self.newNode(number)
        if !id.isEmpty { self.nodes[id] = node }
        return node
    }

    private mutating func node(referred id: String) -> Int32 {
        if let known = self.nodes[id] { return known }
        let node = self.newNode(-1)
        self.nodes[id] = node
        return node
    }

    private mutating func newNode(_ message: Int32) -> Int32 {
        self.message.append(message)
        self.parent.append(-1)
        self.mayHaveChildren.append(false)
        return self.forest.add()
    }

    /// `node` is an ancestor of `other`. A node with a parent that could be one never is asked for here: then its tree's root decides.
    private mutating func isAbove(_ node: Int32, _ other: Int32) -> Bool {
        // Without children nothing is below it, and what has no parent is below nothing.
        guard self.mayHaveChildren[Int(node)], self.parent[Int(other)] >= 0 else { return false }
        return self.forest.root(of: other) == node
    }

    private mutating func link(_ child: Int32, to parent: Int32) {
        self.parent[Int(child)] = parent
        self.mayHaveChildren[Int(parent)] = true
        self.forest.link(child, to: parent)
    }

    private mutating func unlink(_ child: Int32) {
        self.parent[Int(child)] = -1
        self.forest.cut(child)
    }

    // MARK: The rest

    func threads() -> MessageThreads {
        var tree = ThreadTree(messages: self.messages, message: self.message, parent: self.parent)
        tree.prune()
        tree.sortRoots()
        tree.mergeSubjects()
        return tree.written()
    }
}
