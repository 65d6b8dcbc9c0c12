import CPlatform
import Directory
import Glibc

/// `postoffice-deliver`: started before root is given up, and the only part that keeps it. It is two processes that follow a killed one with
/// another. Nobody starts it again where both have ended: what needs it then waits for the next start of the server.
struct DeliverProcess: Sendable {
    /// Our end of the pair, for every mta in turn; nothing is ever read or written here.
    let socket: Int32
    let services: Set<SystemDelivery.Service>

    static let name = "postoffice-deliver"

    /// As root, before it is given up. `.success(nil)` can not happen: the state says why it is absent.
    static func start(_ start: StartConfiguration) -> Result<DeliverProcess, Absent> {
        guard let wanted = start.systemDelivery, !wanted.services.isEmpty else { return .failure(Absent(reason: .notWanted)) }
        guard geteuid() == 0 else { return .failure(Absent(reason: .noRoot)) }
        guard let user = start.user, let identity = ServiceIdentity.look(user: user, group: start.group) else {
            return .failure(Absent(reason: .noRoot))
        }
        guard !identity.isRoot else { return .failure(Absent(reason: .serviceIsRoot)) }
        guard let path = Self.program else { return .failure(Absent(reason: .failed("the program is not beside postoffice"))) }
        var ends: [Int32] = [-1, -1]
        guard po_packet_pair(&ends) == 0 else { return .failure(Absent(reason: .failed("socketpair"))) }
        defer { close(ends[1]) }
        let arguments = [
            Self.name, "3", "\(identity.uid)", wanted.maildrops ?? "-", wanted.programs ?? "-", wanted.passwords ? "yes" : "-",
        ]
        guard Self.spawn(path, arguments, ends[1]) else {
            close(ends[0])
            return .failure(Absent(reason: .failed("it cannot be started")))
        }
        return .success(DeliverProcess(socket: ends[0], services: wanted.services))
    }

    struct Absent: Error { let reason: SystemDelivery.Absence }

    /// Beside our own executable, and as well guarded: whoever could change it could be root.
    private static var program: String? {
        guard let own = realpath("/proc/self/exe", nil) else { return nil }
        defer { free(own) }
        let path = String(cString: own)
        guard let slash = path.lastIndex(of: "/") else { return nil }
        let beside = String(path[..<slash]) + "/" + Self.name
        guard Self.isRootsAlone(beside, S_IFREG), Self.isRootsAlone(String(path[..<slash]), S_IFDIR) else { return nil }
        return beside
    }

    private static func isRootsAlone(_ path: String, _ kind: mode_t) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == kind && facts.st_uid == 0 && facts.st_mode & 0o022 == 0
    }

    private static func spawn(_ path: String, _ arguments: [String], _ socket: Int32) -> Bool {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Output goes where ours goes: it says nothing by itself.
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, socket, 3)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pid: pid_t = 0
        return MTAProcess.withCStrings(arguments) { argv in
            MTAProcess.withCStrings(["PATH=/usr/bin:/bin"]) { posix_spawn(&pid, path, &actions, &attributes, argv, $0) == 0 }
        }
    }
}

/// What the dispatcher tells its mta of it, in one variable of the environment: `9:maildrops,passwords`, or `off:no-root`.
enum DeliverHandover {
    static let variable = "POSTOFFICE_DELIVER"

    static func text(_ process: Result<DeliverProcess, DeliverProcess.Absent>) -> String {
        switch process {
        case .success(let process): "\(process.socket):" + process.services.map(\.rawValue).sorted().joined(separator: ",")
        case .failure(let absent): "off:" + self.word(absent.reason)
        }
    }

    static func word(_ absence: SystemDelivery.Absence) -> String {
        switch absence {
        case .notWanted: "not-wanted"
        case .noRoot: "no-root"
        case .serviceIsRoot: "service-is-root"
        case .failed(let why): why
        }
    }

    static func absence(_ word: String) -> SystemDelivery.Absence {
        switch word {
        case "not-wanted": .notWanted
        case "no-root": .noRoot
        case "service-is-root": .serviceIsRoot
        default: .failed(word)
        }
    }

    /// The socket, where there is one, and what is offered.
    static func read(_ text: String?) -> (socket: Int32?, state: SystemDelivery) {
        let parts = (text ?? "off:not-wanted").split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2, let socket = Int32(parts[0]) else {
            let reason = self.absence(parts.last ?? "not-wanted")
            return (nil, SystemDelivery(services: [], absence: reason))
        }
        let services = parts[1].split(separator: ",").compactMap { SystemDelivery.Service(rawValue: String($0)) }
        return (socket, SystemDelivery(services: Set(services)))
    }
}
