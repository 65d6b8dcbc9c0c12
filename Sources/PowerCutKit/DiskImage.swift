/// The files that a machine finds when it starts again after a crash.
package struct DiskImage: Equatable, Sendable {
    package internal(set) var files: [String: [UInt8]] = [:]
    package internal(set) var directories: Set<String> = []

    /// Writes all below `directory`, which must be empty.
    package func write(to directory: String) throws {
        for path in self.directories.sorted() { try DiskFile.makeDirectory("\(directory)/\(path)") }
        for (path, bytes) in self.files { try DiskFile.write(bytes, to: "\(directory)/\(path)") }
    }

    /// What lies in `directory` now.
    package static func of(_ directory: String) throws -> DiskImage {
        var image = DiskImage()
        try image.gather(directory, prefix: "")
        return image
    }

    private mutating func gather(_ directory: String, prefix: String) throws {
        for name in try DiskFile.names(in: directory) {
            let path = prefix + name
            if DiskFile.isDirectory("\(directory)/\(name)") {
                self.directories.insert(path)
                try self.gather("\(directory)/\(name)", prefix: path + "/")
            } else if !Self.isVolatile(path) {
                self.files[path] = try DiskFile.read("\(directory)/\(name)")
            }
        }
    }

    /// SQLite's shared-memory index of a write-ahead log: written through a map, rebuilt by whoever opens first, worthless after a crash.
    static func isVolatile(_ path: String) -> Bool { path.hasSuffix("-shm") }

    /// Names of files and directories in which two images differ.
    package func differences(from other: DiskImage) -> [String] {
        var names = self.directories.symmetricDifference(other.directories).map { "directory \($0)" }
        for path in Set(self.files.keys).union(other.files.keys) where self.files[path] != other.files[path] {
            names.append("\(path) (\(self.files[path]?.count ?? -1) against \(other.files[path]?.count ?? -1) bytes)")
        }
        return names.sorted()
    }
}

extension Disk {
    /// Where a pending change lies.
    enum Pending {
        case content(NodeID, index: Int)
        case names(index: Int)
    }

    /// All changes that a crash now may lose, in the order in which they were made.
    var pending: [Pending] {
        var found: [(Int, Pending)] = []
        for (id, node) in self.nodes.enumerated() {
            guard case .file(let file) = node else { continue }
            for (index, change) in file.changes.enumerated() where change.state != .committed {
                found.append((change.sequence, .content(id, index: index)))
            }
        }
        for (index, change) in self.nameChanges.enumerated() where !change.isCommitted {
            found.append((change.sequence, .names(index: index)))
        }
        return found.sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// The disk after a crash in which each pending change meets its fate of `plan`.
    func image(_ plan: Plan) -> DiskImage {
        var contentFates: [NodeID: [Int: Fate]] = [:]
        var nameFates: [Int: Fate] = [:]
        for (pending, fate) in zip(self.pending, plan.fates) {
            switch pending {
            case .content(let id, let index): contentFates[id, default: [:]][index] = fate
            case .names(let index): nameFates[index] = fate
            }
        }
        var entries: [NodeID: [String: NodeID]] = [:]
        for (id, node) in self.nodes.enumerated() {
            if case .directory(let base, _) = node { entries[id] = base }
        }
        for (index, change) in self.nameChanges.enumerated() where nameFates[index] == nil || nameFates[index] == .kept {
            for edit in change.edits { entries[edit.directory]?[edit.name] = edit.node }
        }
        var image = DiskImage()
        self.gather(Self.root, prefix: "", entries: entries, fates: contentFates, into: &image)
        return image
    }

    /// The disk as the running program saw it.
    package var liveImage: DiskImage { self.image(Plan(name: "all", fates: [Fate](repeating: .kept, count: self.pending.count))) }

    private func gather(
        _ directory: NodeID, prefix: String, entries: [NodeID: [String: NodeID]], fates: [NodeID: [Int: Fate]], into image: inout DiskImage
    ) {
        for (name, id) in entries[directory] ?? [:] {
            let path = prefix + name
            switch self.nodes[id] {
            case .directory:
                image.directories.insert(path)
                self.gather(id, prefix: path + "/", entries: entries, fates: fates, into: &image)
            case .file(let file):
                if !DiskImage.isVolatile(path) { image.files[path] = file.content(fates[id] ?? [:]) }
            }
        }
    }
}

extension Disk.File {
    func content(_ fates: [Int: Fate]) -> [UInt8] {
        var content = self.base
        for (index, change) in self.changes.enumerated() { change.apply(fates[index] ?? .kept, to: &content) }
        return content
    }
}
