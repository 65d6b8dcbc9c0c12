internal import CPlatform
internal import Dispatch
internal import Glibc
package import NIOCore
internal import Routing
internal import Synchronization
package import Vocabulary

// Invariants:
// 1. `plain` can be asked from the first moment; `delivery` answers once it is known how far DNS can be trusted, which takes seconds at most.
// 2. Names of the hosts file never wait for DNS where no name server answers.
// 3. Whoever asked before a change gets an answer: contexts that are replaced live on until their last question is over.

/// DNS for the whole server, as two contexts. `delivery` validates (MX, addresses and TLSA of where mail goes); `plain` does not (names of
/// clients, block lists, SPF), so that a broken signature of somebody's reverse zone costs nothing.
package final class NameService: Sendable {
    package struct Settings: Sendable, Equatable {
        /// Of the operator; empty takes those of the system.
        package var servers: [ResolverSettings.Server] = []
        package var resolvConf = "/etc/resolv.conf"
        package var hostsFile = "/etc/hosts"
        /// The root's keys; empty switches validation off.
        package var anchors: [String] = TrustAnchor.system
        /// Beside the usual ones of private networks.
        package var unsignedDomains: [String] = []
        /// Of the root, when they are not the real ones: for tests.
        package var roots: [ResolverSettings.Server] = []
        /// For the questions that find out how DNS is.
        package var probeDeadline: TimeAmount = .seconds(5)

        package init() {}
    }

    /// How far answers for deliveries can be trusted.
    package enum Validation: Sendable, Hashable {
        /// Not known yet.
        case probing
        /// By signatures that the name servers pass on.
        case forwarded
        /// The name servers strip signatures: we ask the root and whom it names ourselves.
        case direct
        /// Not at all: there is no DANE. Says whether name servers answer.
        case off(answers: Bool)
        /// The operator wants none.
        case unwanted

        /// As in log and control socket.
        package var word: String {
            switch self {
            case .probing: "probing"
            case .forwarded: "forwarded"
            case .direct: "direct"
            case .off(answers: true): "off"
            case .off(answers: false): "silent"
            case .unwanted: "unwanted"
            }
        }
    }

    /// Domains of private networks, which the root knows nothing of (RFC 6762 appendix G, RFC 8375).
    package static let privateDomains = [
        "test", "lan", "local", "localdomain", "home", "home.arpa", "corp", "internal", "intranet", "private", "office",
    ]
    /// Until the next look after one that ended without validation: the name servers may have been away.
    private static let retry: TimeAmount = .seconds(60)
    /// Between looks at the hosts file and at what is to be done.
    private static let turn: TimeAmount = .seconds(5)
    /// Between two times that everything is asked anew.
    private static let renewal: TimeAmount = .seconds(5)
    /// Contexts that were replaced are closed so much later: no question takes longer.
    private static let retirement: TimeAmount = .seconds(60)

    package let delivery: any Resolver
    package let plain: any Resolver
    private let deliverySwitch: SwitchedResolver
    private let plainSwitch: SwitchedResolver

    private struct State {
        var settings: Settings
        var validation = Validation.probing
        var isStopped = false
        var mustProbe = true
        var isChanged = false
        var plain: UnboundResolver?
        var current: [UnboundResolver] = []
        var retired: [(resolver: UnboundResolver, until: NIODeadline)] = []
        var next = NIODeadline.now()
        /// Not asked anew before.
        var mayRenew = NIODeadline.now()
    }
    private let state: Mutex<State>
    private let wakeup: CInt
    private let report: @Sendable (Validation) -> Void

    /// Addresses that the hosts file has for a name; asks nobody.
    package func hostsFileAddresses(of name: String) -> [IPAddress] { self.deliverySwitch.known(name) }

    /// `report` is called on a thread of our own whenever it is found out how DNS is.
    package init(_ settings: Settings, report: @escaping @Sendable (Validation) -> Void = { _ in }) throws(ResolverFailure) {
        self.report = report
        self.deliverySwitch = SwitchedResolver()
        self.plainSwitch = SwitchedResolver()
        self.delivery = self.deliverySwitch
        self.plain = self.plainSwitch
        self.state = Mutex(State(settings: settings))
        self.wakeup = po_eventfd()
        guard self.wakeup >= 0 else { throw ResolverFailure(description: "eventfd: \(String(cString: strerror(errno)))") }
        let plain = try UnboundResolver(Self.plainSettings(settings))
        self.state.withLock { $0.plain = plain }
        self.plainSwitch.use(CachingResolver(plain))
        self.loadHosts(settings)
        self.setSilent(Self.namesNoServer(settings))
        startThread("dns-care") { self.run() }
    }

    package var validation: Validation { self.state.withLock { $0.validation } }

    /// Takes effect a moment later; settings that cannot be used leave things as they are.
    package func change(_ settings: Settings) {
        let isNew = self.state.withLock { state in
            guard settings != state.settings else { return false }
            state.settings = settings
            (state.mustProbe, state.isChanged) = (true, true)
            return true
        }
        if isNew { self.wake() }
    }

    /// Forgets all that was found out of name servers, and which of them did not answer: somebody says that the line is up again. Blocks for
    /// milliseconds; what is asked from now on is asked of the world.
    package func renew() {
        let (settings, validation, isDue) = self.state.withLock { state in
            let isDue = !state.isStopped && state.mayRenew <= .now()
            if isDue { state.mayRenew = .now() + Self.renewal }
            return (state.settings, state.validation, isDue)
        }
        guard isDue else { return }
        self.replacePlain(settings)
        let fresh: ResolverSettings
        switch validation {
        case .probing: return
        case .forwarded: fresh = Self.validatingSettings(settings, .forward)
        case .direct: fresh = Self.validatingSettings(settings, .direct)
        case .off, .unwanted: fresh = Self.plainSettings(settings)
        }
        guard let resolver = try? UnboundResolver(fresh) else { return }
        let old: [UnboundResolver]? = self.state.withLock { state in
            guard !state.isStopped else { return nil }
            if case .off = validation { state.mustProbe = true }
            defer { state.current = [resolver] }
            return state.current
        }
        guard let old else { return resolver.shutDown() }
        self.deliverySwitch.use(CachingResolver(resolver))
        self.retire(old)
        self.wake()
    }

    /// Must be called, since the thread keeps this alive. Open questions become `.cancelled`.
    package func shutDown() {
        self.state.withLock { $0.isStopped = true }
        self.wake()
    }

    private func wake() {
        var one: UInt64 = 1
        write(self.wakeup, &one, MemoryLayout<UInt64>.size)
    }

    // MARK: The thread

    private func run() {
        var hosts = FileStamp()
        while true {
            let (settings, isStopped, wasAsked, isDue, isChanged) = self.state.withLock { state in
                defer { (state.mustProbe, state.isChanged) = (false, false) }
                return (state.settings, state.isStopped, state.mustProbe, state.next <= .now(), state.isChanged)
            }
            if isStopped { break }
            if isChanged { self.replacePlain(settings) }
            if isChanged || hosts.changed(settings.hostsFile) { self.loadHosts(settings) }
            if wasAsked || isDue { self.probe(settings, mayKeep: !wasAsked) }
            self.closeRetired()
            self.sleep()
        }
        self.close()
    }

    private func sleep() {
        var waited = pollfd(fd: self.wakeup, events: Int16(POLLIN), revents: 0)
        poll(&waited, 1, CInt(clamping: Self.turn.nanoseconds / 1_000_000))
        if waited.revents != 0 {
            var count: UInt64 = 0
            read(self.wakeup, &count, MemoryLayout<UInt64>.size)
        }
    }

    private func loadHosts(_ settings: Settings) {
        let hosts = settings.hostsFile.isEmpty ? HostsFile() : HostsFile(SmallFile.text(of: settings.hostsFile) ?? "")
        self.deliverySwitch.use(hosts)
        self.plainSwitch.use(hosts)
    }

    private func replacePlain(_ settings: Settings) {
        guard let fresh = try? UnboundResolver(Self.plainSettings(settings)) else { return }
        let old = self.state.withLock { state in
            defer { state.plain = fresh }
            return state.plain
        }
        self.plainSwitch.use(CachingResolver(fresh))
        if let old { self.retire([old]) }
    }

    private func retire(_ resolvers: [UnboundResolver]) {
        self.state.withLock { $0.retired += resolvers.map { ($0, .now() + Self.retirement) } }
    }

    private func closeRetired() {
        let over = self.state.withLock { state in
            let over = state.retired.filter { $0.until <= .now() }
            state.retired.removeAll { $0.until <= .now() }
            return over
        }
        for (resolver, _) in over { resolver.shutDown() }
    }

    private func close() {
        let all = self.state.withLock { state in
            defer { (state.plain, state.current, state.retired) = (nil, [], []) }
            return state.current + state.retired.map(\.resolver) + (state.plain.map { [$0] } ?? [])
        }
        self.deliverySwitch.use(nil)
        self.plainSwitch.use(nil)
        for resolver in all { resolver.shutDown() }
        Glibc.close(self.wakeup)
    }

    // MARK: How DNS is

    /// - Parameter mayKeep: what was learned may stay in the cache where nothing has changed; not after a change of the settings.
    private func probe(_ settings: Settings, mayKeep: Bool) {
        let before = self.state.withLock { $0.validation }
        guard !settings.anchors.isEmpty else {
            return self.settle(.unwanted, try? UnboundResolver(Self.plainSettings(settings)))
        }
        // All at once: an answer that is good enough ends the waiting.
        let forwarded = Probe(try? UnboundResolver(Self.validatingSettings(settings, .forward)), settings.probeDeadline)
        let direct = Probe(try? UnboundResolver(Self.validatingSettings(settings, .direct)), settings.probeDeadline)
        if forwarded.isSecure {
            direct.drop()
            return self.settle(.forwarded, forwarded.resolver)
        }
        if direct.isSecure {
            forwarded.drop()
            return self.settle(.direct, direct.resolver)
        }
        let answers = forwarded.hasAnswer || direct.hasAnswer
        forwarded.drop()
        direct.drop()
        let validation = Validation.off(answers: answers)
        if before == validation, mayKeep { return self.settle(validation, nil) }
        self.settle(validation, try? UnboundResolver(Self.plainSettings(settings)))
    }

    /// nil keeps the context that is in use.
    private func settle(_ validation: Validation, _ resolver: UnboundResolver?) {
        let old: [UnboundResolver] = self.state.withLock { state in
            state.validation = validation
            state.next = if case .off = validation { .now() + Self.retry } else { .distantFuture }
            guard let resolver else { return [] }
            defer { state.current = [resolver] }
            return state.current
        }
        // First, for what waits for the resolver is asked with it.
        self.setSilent(validation == .off(answers: false))
        if let resolver { self.deliverySwitch.use(CachingResolver(resolver)) }
        self.retire(old)
        self.report(validation)
    }

    private func setSilent(_ isSilent: Bool) {
        self.deliverySwitch.setSilent(isSilent)
        self.plainSwitch.setSilent(isSilent)
    }

    /// No name server is named anywhere: a network of its own, until the first look says otherwise.
    private static func namesNoServer(_ settings: Settings) -> Bool {
        guard settings.servers.isEmpty, settings.roots.isEmpty else { return false }
        let lines = (SmallFile.text(of: settings.resolvConf) ?? "").split(separator: "\n")
        return !lines.contains { $0.hasPrefix("nameserver") }
    }

    // MARK: Settings of the contexts

    private static func plainSettings(_ settings: Settings) -> ResolverSettings {
        var plain = ResolverSettings()
        plain.servers = settings.servers
        plain.resolvConf = settings.resolvConf
        plain.hostsFile = ""
        return plain
    }

    private static func validatingSettings(_ settings: Settings, _ way: ResolverSettings.Way) -> ResolverSettings {
        var validating = self.plainSettings(settings)
        validating.way = way
        validating.roots = settings.roots
        validating.anchors = settings.anchors
        validating.unsignedDomains = Self.privateDomains + settings.unsignedDomains
        return validating
    }
}

/// Asks for the root's keys, and knows after a while whether they came and could be validated.
private final class Probe: Sendable {
    let resolver: UnboundResolver?
    private let result = Mutex<Result<DNSAnswer, DNSFailure>?>(nil)
    private let answered = DispatchSemaphore(value: 0)

    init(_ resolver: UnboundResolver?, _ deadline: TimeAmount) {
        self.resolver = resolver
        guard let resolver else { return }
        _ = resolver.ask(".", .dnskey, within: deadline) { result in
            self.result.withLock { $0 = result }
            self.answered.signal()
        }
    }

    /// Blocks until the answer is there, which its deadline bounds.
    private var answer: Result<DNSAnswer, DNSFailure>? {
        guard self.resolver != nil else { return nil }
        self.answered.wait()
        self.answered.signal()
        return self.result.withLock { $0 }
    }

    var isSecure: Bool { if case .success(let answer)? = self.answer { answer.isSecure } else { false } }

    /// Somebody answers, whatever the answer is worth.
    var hasAnswer: Bool {
        switch self.answer {
        case .success?, .failure(.bogus)?, .failure(.noName)?, .failure(.noRecords)?: true
        case .failure(.temporary)?, .failure(.timedOut)?, .failure(.cancelled)?, nil: false
        }
    }

    func drop() { self.resolver?.shutDown() }
}

/// Knows whether a file is another than before.
private struct FileStamp {
    private var last: [Int] = []

    mutating func changed(_ path: String) -> Bool {
        var facts = stat()
        let isThere = stat(path, &facts) == 0
        let now = isThere ? [Int(facts.st_ino), Int(facts.st_size), facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec] : []
        defer { self.last = now }
        return now != self.last
    }
}
