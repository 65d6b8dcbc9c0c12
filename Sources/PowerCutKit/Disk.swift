// The disk as a crash may leave it: what was synced, and the changes that were not.

/// Replays the log. Contents and names are kept apart, as on a disk: a file that was synced has no name before its directory was synced.
package struct Disk {
    package struct Inconsistency: Error, CustomStringConvertible {
        package let description: String
    }

    typealias NodeID = Int

    /// One change of a file's content, in the order in which the program made them.
    struct Change {
        enum Kind {
            case write(offset: Int, bytes: ArraySlice<UInt8>)
            case resize(Int)
            /// Growth by fallocate: zeros from the old end to `size`.
            case grow(size: Int)
        }
        /// After a failed sync the kernel takes pages for clean that never reached the disk: no later sync helps them (`limbo`).
        enum State { case pending, committed, limbo }
        let sequence: Int
        let kind: Kind
        var state = State.pending
    }

    struct File {
        /// Content on stable storage, up to the first change that is not.
        var base: [UInt8] = []
        var changes: [Change] = []

        mutating func sync(failed: Bool) {
            for index in self.changes.indices where self.changes[index].state == .pending {
                self.changes[index].state = failed ? .limbo : .committed
            }
            let settled = self.changes.prefix { $0.state == .committed }
            for change in settled { change.apply(to: &self.base) }
            self.changes.removeFirst(settled.count)
        }
    }

    /// Entries that appear or vanish together: a rename is one change, never half of it.
    struct NameChange {
        struct Edit {
            let directory: NodeID
            let name: String
            let node: NodeID?
        }
        let sequence: Int
        let edits: [Edit]
        var isCommitted = false
    }

    enum Node {
        case file(File)
        /// Entries on stable storage, and entries as the running program sees them.
        case directory(base: [String: NodeID], live: [String: NodeID])
    }

    static let root: NodeID = 0
    private(set) var nodes: [Node] = [.directory(base: [:], live: [:])]
    private(set) var nameChanges: [NameChange] = []
    private var numbers: [UInt64: NodeID] = [:]
    private var sequence = 0

    package init() {}

    /// Starts from what lies in `directory`, all of it on stable storage.
    package init(snapshotOf directory: String) throws {
        try self.load(directory, into: Self.root)
    }

    private mutating func load(_ path: String, into directory: NodeID) throws {
        var entries: [String: NodeID] = [:]
        for name in try DiskFile.names(in: path) {
            let whole = "\(path)/\(name)"
            let id = self.nodes.count
            entries[name] = id
            if DiskFile.isDirectory(whole) {
                self.nodes.append(.directory(base: [:], live: [:]))
                try self.load(whole, into: id)
            } else {
                self.nodes.append(.file(File(base: try DiskFile.read(whole))))
            }
        }
        self.nodes[directory] = .directory(base: entries, live: entries)
    }

    // MARK: Events

    package mutating func apply(_ event: DiskEvent) throws(Inconsistency) {
        self.sequence += 1
        switch event {
        case .opened(let node, let path, let created, let truncated):
            if created {
                try self.create(.file(File()), number: node, path: path)
            } else {
                self.numbers[node] = try self.resolve(path)
                if truncated { try self.change(node, .resize(0)) }
            }
        case .wrote(let node, let offset, let bytes): try self.change(node, .write(offset: offset, bytes: bytes))
        case .resized(let node, let size): try self.change(node, .resize(size))
        case .allocated(let node, let offset, let length, let keepsSize):
            if !keepsSize { try self.change(node, .grow(size: offset + length)) }
        case .madeDirectory(let node, let path): try self.create(.directory(base: [:], live: [:]), number: node, path: path)
        case .renamed(let path, let target):
            let id = try self.resolve(path)
            try self.edit([(path, nil), (target, id)])
        case .linked(let path, let target): try self.edit([(target, try self.resolve(path))])
        case .unlinked(let path), .removedDirectory(let path): try self.edit([(path, nil)])
        case .synced(let node, let error): try self.sync(node, failed: error != 0)
        case .syncedAll: self.syncAll()
        case .mark, .mapped: break
        case .unknown(let call): throw Inconsistency(description: "the log cannot carry \(call)")
        }
    }

    private mutating func create(_ node: Node, number: UInt64, path: String) throws(Inconsistency) {
        let id = self.nodes.count
        self.nodes.append(node)
        self.numbers[number] = id
        try self.edit([(path, id)])
    }

    private mutating func change(_ number: UInt64, _ kind: Change.Kind) throws(Inconsistency) {
        guard let id = self.numbers[number], case .file(var file) = self.nodes[id] else {
            throw Inconsistency(description: "change of a file that was not opened (inode \(number))")
        }
        self.nodes[id] = .file(File())  // one reference: appended in place
        file.changes.append(Change(sequence: self.sequence, kind: kind))
        self.nodes[id] = .file(file)
    }

    private mutating func edit(_ entries: [(path: String, node: NodeID?)]) throws(Inconsistency) {
        var edits: [NameChange.Edit] = []
        for entry in entries {
            let (directory, name) = try self.parent(of: entry.path)
            guard case .directory(let base, var live) = self.nodes[directory] else { continue }
            live[name] = entry.node
            self.nodes[directory] = .directory(base: base, live: live)
            edits.append(NameChange.Edit(directory: directory, name: name, node: entry.node))
        }
        self.nameChanges.append(NameChange(sequence: self.sequence, edits: edits))
    }

    private mutating func sync(_ number: UInt64, failed: Bool) throws(Inconsistency) {
        guard let id = self.numbers[number] else { throw Inconsistency(description: "sync of what was not opened (inode \(number))") }
        switch self.nodes[id] {
        case .file(var file):
            self.nodes[id] = .file(File())
            file.sync(failed: failed)
            self.nodes[id] = .file(file)
        case .directory: if !failed { self.commitNames(of: id) }
        }
    }

    private mutating func syncAll() {
        for id in self.nodes.indices {
            if case .file(var file) = self.nodes[id] {
                file.sync(failed: false)
                self.nodes[id] = .file(file)
            } else {
                self.commitNames(of: id)
            }
        }
    }

    /// Syncing a directory commits its entries, and with a rename out of another directory what happened there before.
    private mutating func commitNames(of directory: NodeID) {
        var reached: Set<NodeID> = [directory]
        for index in self.nameChanges.indices.reversed() where !self.nameChanges[index].isCommitted {
            let touched = self.nameChanges[index].edits.map(\.directory)
            guard !reached.isDisjoint(with: touched) else { continue }
            reached.formUnion(touched)
            self.nameChanges[index].isCommitted = true
        }
        let settled = self.nameChanges.prefix(while: \.isCommitted)
        for edit in settled.flatMap(\.edits) {
            guard case .directory(var base, let live) = self.nodes[edit.directory] else { continue }
            base[edit.name] = edit.node
            self.nodes[edit.directory] = .directory(base: base, live: live)
        }
        self.nameChanges.removeFirst(settled.count)
    }

    // MARK: Paths

    private func resolve(_ path: String) throws(Inconsistency) -> NodeID {
        var id = Self.root
        for part in path.split(separator: "/") {
            guard case .directory(_, let live) = self.nodes[id], let next = live[String(part)] else {
                throw Inconsistency(description: "the log speaks of \(path), which it never made")
            }
            id = next
        }
        return id
    }

    private func parent(of path: String) throws(Inconsistency) -> (NodeID, String) {
        let parts = path.split(separator: "/")
        guard let name = parts.last else { throw Inconsistency(description: "the root itself cannot be changed") }
        return (try self.resolve(parts.dropLast().joined(separator: "/")), String(name))
    }
}

extension Disk.Change {
    /// The change as the program meant it.
    func apply(to content: inout [UInt8]) {
        switch self.kind {
        case .write(let offset, let bytes):
            if content.count < offset + bytes.count {
                content.append(contentsOf: repeatElement(0, count: offset + bytes.count - content.count))
            }
            content.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        case .resize(let size):
            if content.count > size { content.removeLast(content.count - size) }
            if content.count < size { content.append(contentsOf: repeatElement(0, count: size - content.count)) }
        case .grow(let size):
            if content.count < size { content.append(contentsOf: repeatElement(0, count: size - content.count)) }
        }
    }
}
