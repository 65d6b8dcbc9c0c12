internal import Glibc

/// Sockets that the service manager opened for us (`LISTEN_FDS`, as sd_listen_fds(3) describes it).
package enum InheritedListeners {
    /// Descriptor 3 is the first.
    package static let first: CInt = 3
    /// More than this is nobody's configuration.
    private static let maximum = 256

    /// Name (as `FileDescriptorName=` says, else empty) and socket, in the manager's order. Empty when the variables are meant
    /// for another process; variables should be removed from the environment after this. `first` is another number in tests alone.
    package static func take(
        _ environment: [String: String], processID: Int32, first: CInt = Self.first
    ) throws(ListenFailure) -> [(name: String, listener: BoundListener)] {
        guard environment["LISTEN_PID"].flatMap(Int32.init) == processID,
            let count = environment["LISTEN_FDS"].flatMap(Int.init), (1...Self.maximum).contains(count)
        else { return [] }
        let names = (environment["LISTEN_FDNAMES"] ?? "").split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        var taken: [(name: String, listener: BoundListener)] = []
        for index in 0..<count {
            let listener = try BoundListener(descriptor: first + CInt(index))
            taken.append((index < names.count ? names[index] : "", listener))
        }
        return taken
    }
}
