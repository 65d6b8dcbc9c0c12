internal import Glibc

/// A workload that ran under the recorder: what the tester needs of it.
package struct Recording: Sendable {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        package init(description: String) { self.description = description }
    }

    package let events: [DiskEvent]
    package let before: Disk
    package let seed: UInt64

    /// Reads the log and proves that it is complete: replayed to its end it must give the directory as it is now.
    package init(log: String, directory: String, before: Disk = Disk(), seed: UInt64) throws {
        self.events = try LogReader.events(ofLog: log, root: directory)
        self.seed = seed
        self.before = before
        var disk = before
        for event in self.events {
            if case .mapped(let path) = event, !DiskImage.isVolatile(path) {
                throw Failure(description: "\(path) is written through a memory map: no log can carry that")
            }
            try disk.apply(event)
        }
        let differences = disk.liveImage.differences(from: try DiskImage.of(directory))
        guard differences.isEmpty else {
            throw Failure(description: "the log does not lead to the directory: \(differences.prefix(5).joined(separator: ", "))")
        }
    }

    package var syncs: Int { self.events.count { if case .synced = $0 { true } else { false } } }
    package var marks: Int { self.events.count { $0.isMark } }
}
