import Database
import Directory
import Glibc
import Synchronization

/// What takes the time of a password's hash for each of many, over all cores; a running server keeps one for its mail.
enum HashWork {
    /// Blocks; results in the order of the items, or the first failure.
    static func overCores<Item: Sendable, Outcome: Sendable>(
        _ items: [Item], isServerRunning: Bool, _ body: @escaping @Sendable (Item) throws(DirectoryError) -> Outcome
    ) throws(DirectoryError) -> [Outcome] {
        let cores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) - (isServerRunning ? 1 : 0))
        let shared = Shared<Outcome>()
        let threads = (0..<min(cores, items.count)).map { _ in
            Thread("hashes") {
                while true {
                    let index = shared.next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard index < items.count else { return }
                    let result = Result { () throws(DirectoryError) -> Outcome in try body(items[index]) }
                    shared.done.withLock { $0[index] = result }
                }
            }
        }
        for thread in threads { thread.join() }
        var out: [Outcome] = []
        for (_, result) in shared.done.withLock({ $0 }).sorted(by: { $0.key < $1.key }) { out.append(try result.get()) }
        return out
    }

    private final class Shared<Outcome: Sendable>: Sendable {
        let next = Atomic<Int>(0)
        let done = Mutex<[Int: Result<Outcome, DirectoryError>]>([:])
    }
}
