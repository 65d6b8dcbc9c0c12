// PowerCutKit: proves that "250 means on stable storage".
//
// Invariants:
// 1. The log of the recorder (CFaults) is the only truth about what reached the disk and in which order; a log that cannot be replayed to
//    the directory it was taken from is an error, never a warning.
// 2. What was not synced may be there, gone or torn, in any combination; nothing in here is kinder to a store than a disk is.
// 3. Everything random comes from a printed seed.

/// One change of the disk, or one mark, in the order of the log.
package enum DiskEvent: Equatable, Sendable {
    /// A file was opened; `created` and `truncated` say what that changed. `node` names it until the next creation with this number.
    case opened(node: UInt64, path: String, created: Bool, truncated: Bool)
    case wrote(node: UInt64, offset: Int, bytes: ArraySlice<UInt8>)
    case resized(node: UInt64, size: Int)
    /// fallocate(2); with `keepsSize` only blocks are reserved, which no reader can see.
    case allocated(node: UInt64, offset: Int, length: Int, keepsSize: Bool)
    case renamed(path: String, target: String)
    case linked(path: String, target: String)
    case unlinked(path: String)
    case madeDirectory(node: UInt64, path: String)
    case removedDirectory(path: String)
    /// fsync or fdatasync, of a file or a directory. `error` is 0 when it was done.
    case synced(node: UInt64, error: Int32)
    case syncedAll
    /// Something the program under test said by itself, such as "250 given for message 7".
    case mark(String)
    /// A watched file was mapped shared and writable: what is written through the map is not in the log.
    case mapped(path: String)
    /// A call that the log cannot carry.
    case unknown(call: String)

    /// Marks change nothing on the disk.
    package var isMark: Bool {
        if case .mark = self { return true }
        return false
    }
}
