/// Trees that are put together and taken apart, and that tell the root of a node in logarithmic time (amortised), whatever their depth: link-cut
/// trees by Sleator and Tarjan. Walking up from parent to parent would make a mailbox of long threads quadratic.
struct LinkedForest: Sendable {
    private struct Node: Sendable {
        var parent: Int32 = -1
        var left: Int32 = -1
        var right: Int32 = -1
    }

    private var nodes: [Node] = []

    /// A new tree of one node; its number.
    mutating func add() -> Int32 {
        self.nodes.append(Node())
        return Int32(self.nodes.count - 1)
    }

    /// The root of the tree that a node is in.
    mutating func root(of node: Int32) -> Int32 {
        self.access(node)
        var top = node
        while self.nodes[Int(top)].left >= 0 { top = self.nodes[Int(top)].left }
        self.splay(top)
        return top
    }

    /// Makes `child`, which is a root, a child of `parent`, which is in another tree.
    mutating func link(_ child: Int32, to parent: Int32) {
        self.access(child)
        self.nodes[Int(child)].parent = parent
    }

    /// Takes a node with all below it off its parent.
    mutating func cut(_ child: Int32) {
        self.access(child)
        let above = self.nodes[Int(child)].left
        guard above >= 0 else { return }
        self.nodes[Int(above)].parent = -1
        self.nodes[Int(child)].left = -1
    }

    // MARK: Splay trees of preferred paths

    private mutating func access(_ node: Int32) {
        var last: Int32 = -1
        var current = node
        while current >= 0 {
            self.splay(current)
            self.nodes[Int(current)].right = last
            last = current
            current = self.nodes[Int(current)].parent
        }
        self.splay(node)
    }

    /// Root of its splay tree: what is above it, if anything, only knows it as a path's parent.
    private func isTop(_ node: Int32) -> Bool {
        let parent = self.nodes[Int(node)].parent
        return parent < 0 || (self.nodes[Int(parent)].left != node && self.nodes[Int(parent)].right != node)
    }

    private mutating func splay(_ node: Int32) {
        while !self.isTop(node) {
            let parent = self.nodes[Int(node)].parent
            if !self.isTop(parent) {
                let grand = self.nodes[Int(parent)].parent
                let isZigZig = (self.nodes[Int(parent)].left == node) == (self.nodes[Int(grand)].left == parent)
                self.rotate(isZigZig ? parent : node)
            }
            self.rotate(node)
        }
    }

    private mutating func rotate(_ node: Int32) {
        let parent = self.nodes[Int(node)].parent
        let grand = self.nodes[Int(parent)].parent
        if !self.isTop(parent) {
            if self.nodes[Int(grand)].left == parent { self.nodes[Int(grand)].left = node } else { self.nodes[Int(grand)].right = node }
        }
        let isLeft = self.nodes[Int(parent)].left == node
        let inner = isLeft ? self.nodes[Int(node)].right : self.nodes[Int(node)].left
        if isLeft {
            self.nodes[Int(parent)].left = inner
            self.nodes[Int(node)].right = parent
        } else {
            self.nodes[Int(parent)].right = inner
            self.nodes[Int(node)].left = parent
        }
        if inner >= 0 { self.nodes[Int(inner)].parent = parent }
        self.nodes[Int(parent)].parent = node
        self.nodes[Int(node)].parent = grand
    }
}
