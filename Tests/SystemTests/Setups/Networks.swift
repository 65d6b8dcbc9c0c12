import Glibc
import MailTesting

/// Machines with network namespaces of their own, joined by bridges: a drawing of a manual, come to life. Root alone can draw it.
///
/// A process that sleeps holds each namespace; with it go the namespace and everything in it.
final class Networks {
    struct Failure: Error, CustomStringConvertible { let description: String }

    /// One network card: the name of the network and the address on it, such as 192.0.2.3/24.
    typealias Card = (network: String, address: String)

    static let isPossible: Bool = {
        let words = ["--net", "--mount", "/bin/sh", "-c", "ip link add probe type bridge && ip link add one type veth peer name two"]
        return (try? ChildProcess.run("/usr/bin/unshare", words, seconds: 20).ending) == .exited(0)
    }()

    private let middle: ChildProcess
    private var machines: [ChildProcess] = []

    init(_ names: [String]) throws {
        self.middle = try Self.namespace()
        try self.inside(
            self.middle, "ip link set lo up" + names.map { "; ip link add \($0) type bridge; ip link set \($0) up" }.joined())
    }

    /// Longer than any test; a test that is killed leaves nothing behind for longer.
    private static func namespace() throws -> ChildProcess {
        let child = try ChildProcess("/usr/bin/unshare", ["--net", "--mount", "/bin/sleep", "600"])
        let own = Self.link("/proc/self/ns/net")
        guard
            eventually({
                [own, Self.link("/proc/\(child.id)/ns/mnt")].allSatisfy { !$0.isEmpty } && Self.link("/proc/\(child.id)/ns/net") != own
            })
        else { throw Failure(description: "no namespace") }
        return child
    }

    private static func link(_ path: String) -> String {
        var buffer = [UInt8](repeating: 0, count: 256)
        let length = buffer.withUnsafeMutableBufferPointer { room in room.baseAddress.map { readlink(path, $0, room.count) } ?? -1 }
        return length > 0 ? String(decoding: buffer[..<length], as: UTF8.self) : ""
    }

    /// A machine with these cards. Nothing is forwarded between them.
    func machine(_ cards: [Card]) throws -> ChildProcess {
        let machine = try Self.namespace()
        self.machines.append(machine)
        for (index, card) in cards.enumerated() {
            let port = "v\(self.machines.count)c\(index)"
            try self.inside(
                self.middle,
                "ip link add \(port) type veth peer name card\(index) && ip link set \(port) master \(card.network) up && ip link set card\(index) netns \(machine.id)"
            )
            try self.inside(
                machine, "ip link set lo up && ip addr add \(card.address) dev card\(index) && ip link set card\(index) up")
        }
        return machine
    }

    /// Lays a cable between two networks, and gives its name: they are one until it is pulled.
    func join(_ one: String, _ other: String) throws -> String {
        let (here, there) = ("\(one)-\(other)", "\(other)-\(one)")
        try self.inside(
            self.middle,
            "ip link add \(here) type veth peer name \(there) && ip link set \(here) master \(one) up && ip link set \(there) master \(other) up"
        )
        return here
    }

    /// Pulls the plug of a network or a cable, or puts it back.
    func set(_ network: String, connected: Bool) throws {
        try self.inside(self.middle, "ip link set \(network) \(connected ? "up" : "down")")
    }

    /// Another file in the place of one of the system, for this machine alone.
    func replace(_ path: String, by file: String, on machine: ChildProcess) throws {
        try self.inside(machine, "mount --make-rprivate / && mount --bind '\(file)' \(path)")
    }

    private func inside(_ place: ChildProcess, _ script: String) throws {
        let result = try ChildProcess.run(
            Self.enter(place)[0], Array(Self.enter(place).dropFirst()) + ["/bin/sh", "-c", script], seconds: 30)
        guard result.ending == .exited(0) else { throw Failure(description: "\(script): \(result.output)") }
    }

    /// Words before a program that shall run there.
    static func enter(_ machine: ChildProcess) -> [String] {
        ["/usr/bin/nsenter", "--net=/proc/\(machine.id)/ns/net", "--mount=/proc/\(machine.id)/ns/mnt", "--"]
    }

    deinit { for machine in self.machines + [self.middle] { machine.kill() } }
}
