import CPlatform
import Counters
import Database
package import Delivery
package import Directory
import FingerService
import Glibc
import IMAPService
import MessageStore
package import NIOCore
import NetKit
import POP3Service
import PasswordService
import Policy
import Queue
import SASL
import SMTPService
import SearchIndex
import Synchronization
package import Vocabulary

// Invariants:
// 1. Everything of the service that touches mail lives here, in one process, as the service user.
// 2. Parts are opened in the order directory, store, certificates, sessions, and closed in the reverse order: who stands on another
//    part is gone before it.
// 3. Nothing here blocks an event loop; what blocks runs on the thread that called.

/// The composition root: configuration in, services out. Started in-process by tests, by `MTARunner` in service.
package final class MTA: Sendable {
    package struct Options: Sendable {
        /// What sessions get to finish when the server drains.
        package var drain: TimeAmount = .seconds(30)
        package var crashGuard: any CrashGuard = NoCrashGuard()
        /// Keys the cache of verified logins.
        package var loginKey: [UInt8] = SystemSources.random(32)
        /// Where that cache lies; nil takes memory of our own.
        package var loginCache: AuthenticatorOptions.CacheMemory?
        package var eventLoops: Int?
        /// Asks whoever holds the listening sockets to follow the start file; called when a command wants a reload.
        package var whenReloading: @Sendable () -> Void = {}
        /// Told why events cannot be written to the log: once, until they can be again. nil is the end of it.
        package var whenLogFails: @Sendable (String?) -> Void = { _ in }
        /// Acts as users of the operating system; nil where nobody does, and `systemDelivery` says why.
        package var systemHelper: SystemHelper?
        package var systemDelivery = SystemDelivery(services: [], absence: .notWanted)

        package init() {}
    }

    private let start: StartConfiguration
    private let options: Options
    private let trail: TrailWriter
    /// nil where the file cannot be used.
    private let counters: Counters?
    private let census: CensusKeeper
    private let directory: Directory
    private let store: MessageStore
    private let authenticator: Authenticator
    private let certificates: TLSStore?
    private let loops: EventLoops
    private let limits: ConnectionLimits
    private let names: NameService
    private let guards = SMTPGuards()
    /// What is remembered of accounts; nil where the file cannot be used.
    private let ledger: AccountLedger?
    private let conduct: SendingWatch
    private let submitting = AccountSessions()
    private let fetching = AccountSessions()
    private let quotas: QuotaWatch
    /// Looks through messages by the filters.
    private let filterWorkers = WorkerPool("filters", threads: 2, bound: 2000)
    /// Read for IMAP sessions: they may wait for the disk.
    private let imapWorkers = WorkerPool("imap", threads: 4, bound: 100_000)
    /// Reads for finger, peers in turn.
    private let fingerQueue = FairQueue(
        "finger", threads: 1, perPeer: FingerService.waitingPerPeer, total: FingerService.waiting)
    /// Makes new verifiers for the password server, peers in turn.
    private let passwordQueue = FairQueue(
        "password", threads: 1, perPeer: PasswordService.waitingPerPeer, total: PasswordService.waiting)
    private let searchIndexes: SearchIndexes
    private let upkeep: MailboxUpkeep
    private let listeners: ListenerSet
    /// What is served, with the access rules of each.
    private let rules = Mutex<[(listener: StartConfiguration.Listener, rules: AccessRules)]>([])
    /// Made once everything they stand on is open.
    private let services = Mutex<(smtp: SMTPService, pop3: POP3Service, imap: IMAPService)?>(nil)
    /// nil when the socket could not be made: then mail is served without commands.
    private let control: ControlServer?
    private let web: WebOffice
    private let localDelivery: LocalDelivery
    private let remoteDelivery: RemoteDelivery
    /// Lets mail go for hosts that ask for it.
    private let releaser: QueueReleaser
    /// Asks hosts behind this one for their recipients.
    private let asker: RecipientAsker
    /// Who vouches for other hosts' certificates.
    private let authorities: TrustedAuthorities
    private let remoteSettings: RemoteSettingsSource
    private let traces = TraceIDs()
    /// Takes what `sendmail` left; made with the services.
    private let drop = Mutex<DropWatcher?>(nil)
    private let ownAddresses = OwnAddresses()
    /// Becomes readable when a drain has come to its end.
    package let drained: Int32
    private let isStopped = Atomic<Bool>(false)

    /// Opens everything; nothing is accepted before `serve`. Takes the sockets over.
    package init(_ start: StartConfiguration, _ sockets: ListeningSockets, _ options: Options = Options()) throws(AdminFailure) {
        self.start = start
        self.options = options
        var logging = TrailWriter.Options()
        logging.whenFailing = options.whenLogFails
        let (counters, countersTrouble) = Opening.counters(start)
        self.counters = counters
        if let counters { logging.count = { counters.note($0, milliseconds: $1) } }
        self.trail = TrailWriter(directory: start.logDirectory, options: logging)
        MessageStore.makeRoom(StoreLocation(spool: start.directories.spool, mailbox: start.directories.mailbox))
        self.directory = try Opening.directory(start)
        self.directory.systemDelivery = options.systemDelivery
        options.systemHelper?.whenEnded { [directory, trail] in
            directory.systemDelivery = SystemDelivery(services: [], absence: .failed("ended"))
            trail.record(TrailEvent(.mta, "helper-ended", trace: nil), switchedBy: nil)
        }
        self.store = try Opening.store(start, self.directory.configuration, self.trail)
        if let countersTrouble {
            self.trail.record(TrailEvent(.mta, "counters", trace: nil, [("reason", countersTrouble)]), switchedBy: nil)
        }
        self.census = CensusKeeper(self.store, now: SystemSources.now)
        self.searchIndexes = Opening.searchIndexes(self.store, self.trail)
        self.upkeep = MailboxUpkeep(
            store: self.store, indexes: self.searchIndexes, crashGuard: options.crashGuard, now: SystemSources.now)
        self.certificates = try Opening.certificates(start)
        self.loops = EventLoops(count: options.eventLoops)
        let authentication = Opening.authentication(options, self.trail, self.loops.all.first)
        self.authenticator = Authenticator(self.directory, authentication)
        if let ask = authentication.osPassword {
            self.directory.compareSystemPasswords(ask)
        }
        self.limits = ConnectionLimits(Opening.bounds(self.directory.configuration))
        self.names = try Opening.nameService(self.directory.configuration, self.trail)
        self.remoteSettings = RemoteSettingsSource(directory: self.directory)
        self.authorities = TrustedAuthorities(files: Opening.authorityFiles(self.directory.configuration))
        let ledger = Opening.ledger(start, self.trail)
        self.ledger = ledger
        let (directory, store, trail, traces) = (self.directory, self.store, self.trail, self.traces)
        let stop = SendingStop(
            directory: directory, house: HouseMail(directory: directory, store: store, now: SystemSources.now), events: trail,
            makeTrace: { traces.next() })
        self.conduct = SendingWatch(
            ledger: ledger, limits: { SendingWatch.Limits(directory.configuration.rates) }, now: SystemSources.now,
            suspend: { stop.suspend($0, $1) })
        self.quotas = QuotaWatch(
            QuotaWatch.World(
                directory: directory, store: store, ledger: ledger, events: trail, now: SystemSources.now, offset: LocalTime.offset,
                random: SystemSources.random, makeTrace: { traces.next() }))
        self.remoteDelivery = try Opening.remoteDelivery(
            self.directory, self.store, self.trail, self.loops, self.names.delivery, self.ownAddresses, self.remoteSettings,
            self.authorities, transport: Opening.transportMemory(start, self.trail), conduct: self.conduct,
            crashGuard: options.crashGuard,
            knownHere: { [names] in names.hostsFileAddresses(of: $0) })
        self.localDelivery = LocalDelivery(
            directory: self.directory, store: self.store, remote: self.remoteDelivery,
            system: options.systemHelper.map { LocalDelivery.System(helper: $0, directory: start.directories.spool) }, events: self.trail,
            answering: ledger.map { Answering(ledger: $0, offset: LocalTime.offset, random: SystemSources.random) },
            isFullForGood: { [quotas] in quotas.isFullForGood($0) }, now: SystemSources.now)
        self.releaser = QueueReleaser(self.remoteDelivery)
        let timer = self.loops.all.first
        self.asker = RecipientAsker(self.remoteDelivery) { seconds, body in
            if let timer { timer.scheduleTask(in: .seconds(seconds)) { body() } } else { body() }
        }
        let world = ListenerWorld(
            limits: self.limits, sink: self.trail, resolver: self.names.plain, crashGuard: options.crashGuard, makeTrace: self.traces.next)
        self.listeners = ListenerSet(loops: self.loops, world: world)
        self.drained = po_eventfd()
        let reloader = Mutex<(@Sendable () -> Localized?)?>(nil)
        let context = AdminContext(
            start: start, directory: self.directory, store: self.store, remoteDelivery: self.remoteDelivery, guards: self.guards,
            authenticator: self.authenticator, trail: self.trail, reload: { reloader.withLock { $0 }?() },
            counts: { [listeners, guards, authenticator, trail] in
                ServerCounts(
                    connections: listeners.openConnections, harvesters: guards.harvest.closedCount(at: SystemSources.now()),
                    guessers: authenticator.shutOutPeers, unwritten: trail.unwritten)
            }, dns: { [names] in names.validation }, renewNames: { [names] in names.renew() }, conduct: self.conduct,
            counters: counters, census: self.census, listening: { [listeners] in Set(listeners.ports.map(\.port)) })
        do {
            self.control = try ControlServer(Administration.registry, context)
        } catch {
            // A disk without a free inode must not keep people from their mail.
            self.control = nil
            self.trail.record(TrailEvent(.mta, "no-control-socket", trace: nil, [("reason", "\(error)")]), switchedBy: nil)
        }
        self.web = WebOffice(
            context, store: self.store, authenticator: self.authenticator, certificates: self.certificates, listeners: self.listeners,
            names: LoginNames(self.authenticator, ReverseLookup(self.names.plain)), resolver: self.names.plain, trail: self.trail)
        let imap = self.imapService()
        let made = (smtp: self.smtpService(imap), pop3: self.pop3Service(), imap: imap)
        self.services.withLock { $0 = made }
        for (listener, socket) in sockets.sockets { self.add(listener, socket) }
        self.apply(self.directory.configuration)
        reloader.withLock {
            $0 = { [weak self] in
                self?.options.whenReloading()
                return self?.reload()
            }
        }
        self.directory.onChange { [weak self] snapshot in
            self?.apply(snapshot.configuration)
            self?.conduct.directoryChanged { snapshot.isSuspended($0) }
            // Who says nothing ends all the same.
            self?.submitting.accountsChanged { snapshot.mayUse(.submission, $0) }
            self?.fetching.accountsChanged { snapshot.mayUse(.pop3, $0) }
        }
    }

    /// What listens where; port 0 of the start file shows as the one that the kernel chose.
    package var ports: [(role: ListenerRole, address: IPAddress, port: Int)] { self.listeners.ports }

    package var eventLoops: [any EventLoop] { self.loops.all }

    package func serve() throws(AdminFailure) {
        do {
            try self.listeners.start()
        } catch {
            throw AdminFailure(Localized(en: "connections cannot be accepted: \(error)", ja: "接続を受け付けられません: \(error)"))
        }
        self.finishRemovals()
        self.directory.startWritingLogins()
        self.control?.start()
        self.ownAddresses.set(self.ports.filter { $0.role.service == .smtp }.map { ($0.address, $0.port) })
        self.remoteDelivery.start()
        let watcher = DropWatcher(
            DropBox(self.start.dropDirectory), RefusedDrops(self.start.refusedDropDirectory), LocalSubmission(self.smtpEnvironment),
            events: self.trail, makeTrace: self.traces.next, sizeLimit: { [directory] in directory.configuration.smtp.messageSize })
        self.drop.withLock { $0 = watcher }
        watcher.start()
        self.localDelivery.start()
        self.conduct.start()
        self.quotas.start()
        self.upkeep.start()
        self.census.start()
        self.counters?.start(
            GaugeLook.closure(self.start, self.census, self.remoteDelivery, connections: { [listeners] in listeners.openConnections }))
        self.record("serving", self.ports.map { ($0.role.name, "\($0.port)") })
    }

    /// Mail of accounts that were being deleted when the server stopped.
    private func finishRemovals() {
        do {
            for id in try AccountRemoval.finishAll(self.directory, self.store) { self.record("removal-finished", [("account", "\(id)")]) }
        } catch {
            // Nobody waits for it, and the next start tries again.
            self.record("removal-failed", [("reason", "\(error)")])
        }
    }

    // MARK: Ending

    /// Accepts no more, lets sessions finish, then makes `drained` readable. Returns at once.
    package func drain() {
        self.record("draining", [])
        self.drain(within: self.options.drain)
    }

    /// Ends what is left of a drain now.
    package func hurry() { self.drain(within: .zero) }

    private func drain(within deadline: TimeAmount) {
        let drained = self.drained
        self.listeners.drain(within: deadline) { _ in
            var one: UInt64 = 1
            _ = write(drained, &one, 8)
        }
    }

    /// Closes everything in order. Blocks until what was taken is on disk.
    package func stop() {
        guard !self.isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.listeners.stopAccepting()
        self.control?.stop()
        self.filterWorkers.stop()
        self.fingerQueue.stop()
        self.passwordQueue.stop()
        self.web.stop()
        self.imapWorkers.stop()
        self.upkeep.stop()
        self.searchIndexes.close()
        self.releaser.stop()
        self.drop.withLock { $0 }?.stop()
        self.authenticator.close()
        // It gives back by the other's hands.
        self.localDelivery.stop()
        self.remoteDelivery.stop()
        self.conduct.stop()
        self.quotas.stop()
        self.ledger?.close()
        self.census.stop()
        self.store.close()
        self.directory.close()
        self.names.shutDown()
        self.record("ended", [])
        self.trail.close()
        self.counters?.close()
        try? self.loops.shutDown()
    }

    // MARK: Changing under traffic

    /// Reads start file and certificates anew. Nothing is changed when one of them is broken; the answer says what is.
    package func reload() -> Localized? {
        let fresh: StartConfiguration
        do {
            fresh = try StartConfiguration.read(file: self.start.file)
            try self.certificates?.reload(CertificateStore(spool: self.start.directories.spool).all)
        } catch let problem as StartProblem {
            self.record("reload-failed", [("reason", problem.text(.english))])
            return Localized(en: problem.text(.english), ja: problem.text(.japanese))
        } catch {
            self.record("reload-failed", [("reason", "\(error)")])
            return (error as? TLSFailure)?.text ?? Localized(en: "\(error)", ja: "内部エラー: \(error)")
        }
        self.authorities.forget()
        self.apply(self.directory.configuration, listeners: fresh.listeners)
        self.record("reloaded", [])
        return nil
    }

    /// Settings that live in parts of their own; the rest is read from the snapshot where it is needed.
    private func apply(_ configuration: Configuration, listeners: [StartConfiguration.Listener]? = nil) {
        self.trail.setSwitches(configuration.logged)
        self.trail.setDays(configuration.logDays)
        self.limits.setBounds(Opening.bounds(configuration))
        self.store.setMinimumFree(configuration.storage.minimumFree)
        self.authorities.setFiles(Opening.authorityFiles(configuration))
        self.names.change(Opening.nameSettings(configuration))
        self.remoteDelivery.setConnectionLimit(configuration.connections.maximumOutgoing)
        for (listener, rules) in self.rules.withLock({ $0 }) {
            Self.set(rules, of: listeners?.first { $0.role.name == listener.role.name } ?? listener, configuration)
        }
    }

    /// Who hands over mail by LMTP is trusted with it: programs of this computer, unless the postmaster names others.
    private static let thisComputer = ["127.0.0.0/8", "::1"]

    private static func set(_ rules: AccessRules, of listener: StartConfiguration.Listener, _ configuration: Configuration) {
        // A listener without a list of its own has that of its service. The web tells those who are not on that list so, on a page.
        let hasOwn = !listener.allow.isEmpty || listener.role.service == .http
        var allow = hasOwn ? Opening.accessList(listener.allow) : configuration.connections.access(listener.role.service)
        if allow.isEmpty, listener.role.service == .lmtp { allow = Opening.accessList(Self.thisComputer) }
        // A password that travels bare comes from this computer only, whatever the lists say.
        let isBare = listener.role.service == .password && !listener.role.implicitTLS
        if isBare { allow = Opening.accessList(Self.thisComputer) }
        let takesMail = listener.role.service == .smtp || listener.role.service == .submission
        rules.replace(
            allow: allow, deny: Opening.accessList(listener.deny), blocked: takesMail ? configuration.blocking.hosts : AccessList(),
            except: takesMail ? configuration.blocking.exceptions : AccessList())
    }

    /// All sockets of a changed start file, the dispatcher's copies: those that are new are served from now on, those that are gone take
    /// no more connections. Open sessions live on.
    package func listen(_ sockets: ListeningSockets) {
        var wanted = sockets.sockets
        let gone = self.rules.withLock { rules in
            rules.filter { known in !wanted.contains { $0.listener.isSameSocket(as: known.listener) } }.map(\.listener)
        }
        for listener in gone {
            self.rules.withLock { $0.removeAll { $0.listener.isSameSocket(as: listener) } }
            self.listeners.remove(listener.role.name)
            self.record("listener-closed", [("listener", listener.role.name), ("port", "\(listener.port)")])
        }
        self.rules.withLock { rules in
            for index in rules.indices {
                guard let same = wanted.firstIndex(where: { $0.listener.isSameSocket(as: rules[index].listener) }) else { continue }
                let (listener, copy) = wanted.remove(at: same)
                rules[index].listener = listener
                close(copy.descriptor)
            }
        }
        for (listener, socket) in wanted {
            self.add(listener, socket)
            self.record("listener-opened", [("listener", listener.role.name), ("port", "\(socket.port)")])
        }
        self.apply(self.directory.configuration)
    }

    /// Takes the socket over.
    private func add(_ listener: StartConfiguration.Listener, _ socket: BoundListener) {
        guard let binding = self.binding(listener.role.service) else {
            // Named in the start file, but not in this version: better closed than open and dumb.
            close(socket.descriptor)
            self.record("no-such-service", [("listener", listener.role.name)])
            return
        }
        let rules = AccessRules()
        Self.set(rules, of: listener, self.directory.configuration)
        self.rules.withLock { $0.append((listener, rules)) }
        self.listeners.add(socket, role: listener.role, rules: rules, service: binding)
    }

    private func binding(_ service: ListenerRole.Service) -> ServiceBinding? {
        let directory = self.directory
        let services = self.services.withLock { $0 }
        switch service {
        case .smtp, .submission, .lmtp:
            // No sequence of commands, however slow, holds a connection for longer than the session timeout.
            return services.map {
                ServiceBinding(
                    $0.smtp, tls: self.certificates, sessionTimeout: { directory.configuration.smtp.sessionTimeout },
                    busyLine: "421 4.3.2 Too many connections, try again later\r\n")
            }
        case .pop3:
            return services.map {
                ServiceBinding($0.pop3, tls: self.certificates, busyLine: "-ERR [SYS/TEMP] Too many connections, try again later\r\n")
            }
        case .imap:
            return services.map {
                ServiceBinding($0.imap, tls: self.certificates, busyLine: "* BYE [UNAVAILABLE] Too many connections, try again later\r\n")
            }
        case .finger:
            // Finger knows no TLS. [RFC1288-2.1]
            let environment = FingerService.Environment(directory: self.directory, sink: self.trail, queue: self.fingerQueue)
            return ServiceBinding(FingerService(environment), tls: self.certificates)
        case .password:
            return ServiceBinding(
                self.passwordService(), tls: self.certificates, busyLine: "500 Too many connections, try again later\r\n")
        case .http: return self.web.binding
        case .ldap, .sieve: return nil
        }
    }

    private func smtpService(_ imap: IMAPService) -> SMTPService {
        var environment = self.smtpEnvironment
        environment.openURL = { url, identity, completion in
            imap.open(url, for: identity.account) { opened in
                completion(opened.map { URLContent($0) }.mapError { URLFailure($0) })
            }
        }
        return SMTPService(environment, offersStartTLS: self.certificates != nil)
    }

    private var smtpEnvironment: SMTPEnvironment {
        var environment = SMTPEnvironment(
            directory: self.directory, authenticator: self.authenticator, store: self.store, events: self.trail,
            clock: SMTPClock(now: SystemSources.now), random: SystemSources.random, version: ProductVersion.text)
        environment.crashGuard = self.options.crashGuard
        let names = self.loginNames
        environment.lookUpName = { names.lookUp($0, $1, $2) }
        let settings = self.remoteSettings
        environment.queueName = { settings.value.routes.hop(to: $0)?.queueName }
        environment.guards = self.guards
        let loop = self.loops.all.first
        environment.later = { seconds, body in
            if let loop { loop.scheduleTask(in: .seconds(seconds)) { body() } } else { body() }
        }
        environment.askRecipient = { [asker] in asker.ask($0, $1) }
        environment.releaseQueue = QueueReleasing.closure(self.releaser)
        environment.work = { [filterWorkers] in filterWorkers.submit($0) }
        environment.conduct = self.conduct
        environment.sessions = self.submitting
        environment.isFullForGood = { [quotas] in quotas.isFullForGood($0) }
        return environment
    }

    private var loginNames: LoginNames { LoginNames(self.authenticator, ReverseLookup(self.names.plain)) }

    private func pop3Service() -> POP3Service {
        let authenticator = self.authenticator
        let directory = self.directory
        var environment = POP3Service.Environment(
            store: self.store, authenticate: { authenticator.answer($0, $1, $2) }, configuration: { directory.configuration },
            sink: self.trail, product: ProductVersion.banner, offersTLS: self.certificates != nil, now: SystemSources.now,
            random: SystemSources.random)
        environment.crashGuard = self.options.crashGuard
        let names = self.loginNames
        environment.lookUpName = { names.lookUp($0, .pop3, $1) }
        environment.mayStay = { directory.snapshot.mayUse(.pop3, $0) }
        environment.sessions = self.fetching
        let popLogins = self.guards.popLogins
        environment.noteLogin = { popLogins.note($0, $1, at: SystemSources.now()) }
        return POP3Service(environment)
    }

    private func passwordService() -> PasswordService {
        let authenticator = self.authenticator
        var environment = PasswordService.Environment(
            directory: self.directory, authenticate: { authenticator.answer($0, $1, $2) }, sink: self.trail, version: ProductVersion.text,
            queue: self.passwordQueue)
        let names = self.loginNames
        environment.lookUpName = { names.lookUp($0, .password, $1) }
        return PasswordService(environment)
    }

    private func imapService() -> IMAPService {
        let (authenticator, directory, workers) = (self.authenticator, self.directory, self.imapWorkers)
        var environment = IMAPService.Environment(
            store: self.store, authenticate: { authenticator.answer($0, $1, $2) }, configuration: { directory.configuration },
            sink: self.trail, product: ProductVersion.banner, version: ProductVersion.text, offersTLS: self.certificates != nil,
            now: SystemSources.now, random: SystemSources.random, work: { workers.submit($0) })
        environment.crashGuard = self.options.crashGuard
        let names = self.loginNames
        environment.lookUpName = { names.lookUp($0, .imap, $1) }
        environment.isActive = { directory.snapshot.mayUse(.imap, $0) }
        environment.mayStay = { directory.snapshot.mayUse(.imap, $0) }
        // Who sits in IDLE says nothing: a session of an account that was locked ends all the same.
        directory.onChange { [sessions = environment.sessions] snapshot in sessions.accountsChanged { snapshot.mayUse(.imap, $0) } }
        let popLogins = self.guards.popLogins
        environment.noteLogin = { popLogins.note($0, $1, at: SystemSources.now()) }
        environment.account = { directory.find($0) }
        environment.loginName = { directory.snapshot.loginName($0) }
        environment.quota = { directory.snapshot.recipient($0)?.quota }
        environment.upkeep = self.upkeep
        return IMAPService(environment)
    }

    private func record(_ event: String, _ facts: [(key: String, value: String)]) {
        self.trail.record(TrailEvent(.mta, event, trace: nil, facts), switchedBy: nil)
    }
}
