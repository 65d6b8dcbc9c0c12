import Counters
import Delivery
import Directory
import Glibc
import MessageStore
import NIOCore
import NetKit
import Policy
import Queue
import SASL
import SMTPService
import SearchIndex
import Vocabulary

/// Opens the parts of the mta, and says in one sentence what to do when one cannot be.
enum Opening {
    static func directory(_ start: StartConfiguration) throws(AdminFailure) -> Directory {
        let location = DirectoryLocation(file: start.directoryDatabase, now: SystemSources.now, random: SystemSources.random)
        do {
            return try Directory.open(location)
        } catch {
            throw AdminFailure(error.message)
        }
    }

    static func authentication(_ options: MTA.Options, _ events: any EventSink, _ timer: (any EventLoop)?) -> AuthenticatorOptions {
        var made = AuthenticatorOptions(cacheKey: Secret(options.loginKey), cacheMemory: options.loginCache, events: events)
        if let helper = options.systemHelper, options.systemDelivery.services.contains(.passwords) {
            made.osPassword = { question in
                switch helper.password(user: question.user, password: question.password.withBytes { Array($0) }) {
                case .done: .right
                case .never: .wrong
                case .notNow, .lost: .unavailable
                }
            }
        }
        made.later = { milliseconds, body in
            if let timer { timer.scheduleTask(in: .milliseconds(milliseconds)) { body() } } else { body() }
        }
        return made
    }

    static func store(
        _ start: StartConfiguration, _ configuration: Configuration, _ events: any EventSink
    ) throws(AdminFailure) -> MessageStore {
        var options = StoreOptions()
        options.minimumFree = configuration.storage.minimumFree
        options.events = events
        do {
            return try MessageStore.open(StoreLocation(spool: start.directories.spool, mailbox: start.directories.mailbox), options)
        } catch {
            throw AdminFailure(
                Localized(
                    en:
                        "the message store cannot be opened: \(ErrorWords.text(of: error).english); `postoffice check` and `postoffice repair` may help",
                    ja: "メッセージストアを開けません: \(ErrorWords.text(of: error).japanese)。postoffice check と postoffice repair を試してください"))
        }
    }

    /// What searches find things with; a file that cannot be used is told of and begun anew.
    static func searchIndexes(_ store: MessageStore, _ events: any EventSink) -> SearchIndexes {
        SearchIndexes(
            directory: store.location.search, owner: store.identity, next: { store.nextBlob },
            note: { events.record(TrailEvent(.store, "search-index", trace: nil, [("reason", $0)]), switchedBy: nil) })
    }

    /// nil where there is no certificate at all: then nothing offers TLS, and logins from elsewhere are refused.
    static func certificates(_ start: StartConfiguration) throws(AdminFailure) -> TLSStore? {
        let files = CertificateStore(spool: start.directories.spool).all
        guard !files.isEmpty else { return nil }
        do {
            return try TLSStore(files)
        } catch {
            throw AdminFailure(
                Localized(
                    en:
                        "the certificate cannot be used: \(error.text.english); install another with `postoffice cert install` or `postoffice cert self-signed`",
                    ja: "証明書を使えません: \(error.text.japanese)。postoffice cert install か postoffice cert self-signed で入れ直してください"))
        }
    }

    /// Asks the operator's name servers, else those of the system.
    static func nameService(_ configuration: Configuration, _ events: any EventSink) throws(AdminFailure) -> NameService {
        do {
            return try NameService(self.nameSettings(configuration)) { validation in
                events.record(TrailEvent(.mta, "dns", trace: nil, [("validation", validation.word)]), switchedBy: nil)
            }
        } catch {
            throw AdminFailure(ErrorWords.text("DNS cannot be asked", "DNS を使えません", error))
        }
    }

    static func nameSettings(_ configuration: Configuration) -> NameService.Settings {
        var settings = NameService.Settings()
        settings.servers = configuration.nameServers.map { ResolverSettings.Server($0.address, port: $0.port) }
        let transport = configuration.transport
        settings.unsignedDomains = transport.unsignedDomains
        if !transport.validatesDNS {
            settings.anchors = []
        } else if let file = transport.trustAnchor {
            // A file that is not there must not switch validation off.
            settings.anchors = TrustAnchor.records(of: file) ?? TrustAnchor.system
        }
        return settings
    }

    /// The way to other hosts.
    static func remoteDelivery(
        _ directory: Directory, _ store: MessageStore, _ events: any EventSink, _ loops: EventLoops, _ resolver: any NetKit.Resolver,
        _ own: OwnAddresses, _ settings: RemoteSettingsSource, _ authorities: TrustedAuthorities, transport: TransportMemory?,
        conduct: SendingWatch, crashGuard: any CrashGuard, knownHere: @escaping @Sendable (String) -> [IPAddress]
    ) throws(AdminFailure) -> RemoteDelivery {
        var finder = HostFinder(
            resolver,
            own: HostFinder.Own(isName: { settings.isOwnName($0) }, isAddress: { own.contains($0, port: $1) }),
            seed: { SystemSources.random(8).reduce(0) { $0 << 8 | UInt64($1) } })
        finder.knownHere = knownHere
        var environment = RemoteEnvironment(
            directory: directory, store: store, queue: OutboundQueue(store, limits: settings.limits), connector: Connector(loops: loops),
            finder: finder, events: events, settings: { settings.value }, now: SystemSources.now, random: SystemSources.random)
        environment.authorities = authorities
        environment.transport = transport
        environment.crashGuard = crashGuard
        environment.refused = { conduct.refusedElsewhere($0) }
        do {
            let web = try WebFetch(
                loops: loops, resolver: resolver, authorities: authorities, product: "Post.Office/\(ProductVersion.text)")
            environment.web = web
            environment.policies = transport.map { PolicyFinder(resolver: resolver, web: web, memory: $0, now: SystemSources.now) }
            return try RemoteDelivery(environment)
        } catch {
            throw AdminFailure(ErrorWords.text("TLS cannot be used", "TLS を使えません", error))
        }
    }

    /// What is remembered of other domains. Nothing of it is worth a server that does not start: a file that cannot be used is put aside.
    static func transportMemory(_ start: StartConfiguration, _ events: any EventSink) -> TransportMemory? {
        let file = start.transportDatabase
        for attempt in 0..<2 {
            do {
                return try TransportMemory.open(file, now: SystemSources.now())
            } catch {
                events.record(TrailEvent(.mta, "transport-memory", trace: nil, [("reason", "\(error)")]), switchedBy: nil)
                guard attempt == 0 else { break }
                for suffix in ["", "-wal", "-shm"] { rename(file + suffix, "\(file).bad\(suffix)") }
            }
        }
        return nil
    }

    /// What is remembered of accounts. A file that cannot be used is put aside: without it nobody would be answered, but mail is served.
    static func ledger(_ start: StartConfiguration, _ events: any EventSink) -> AccountLedger? {
        let file = start.ledgerDatabase
        for attempt in 0..<2 {
            do {
                return try AccountLedger.open(file, now: SystemSources.now())
            } catch {
                events.record(TrailEvent(.mta, "account-ledger", trace: nil, [("reason", "\(error)")]), switchedBy: nil)
                guard attempt == 0 else { break }
                for suffix in ["", "-wal", "-shm"] { rename(file + suffix, "\(file).bad\(suffix)") }
            }
        }
        return nil
    }

    /// What is counted. A file that cannot be used is put aside: nothing of it is worth a server that does not start.
    static func counters(_ start: StartConfiguration) -> (counters: Counters?, trouble: String?) {
        let file = start.countersDatabase
        var trouble: String?
        for attempt in 0..<2 {
            do {
                return (try Counters.open(file, now: TrailWriter.systemTime), trouble)
            } catch {
                trouble = "\(error)"
                guard attempt == 0 else { break }
                for suffix in ["", "-wal", "-shm"] { rename(file + suffix, "\(file).bad\(suffix)") }
            }
        }
        return (nil, trouble)
    }

    static func authorityFiles(_ configuration: Configuration) -> [String] { configuration.transport.authorities.map { [$0] } ?? [] }

    /// The connection cap leaves room for files and databases.
    static func bounds(_ configuration: Configuration) -> ConnectionLimits.Bounds {
        var bounds = ConnectionLimits.Bounds()
        bounds.total = Descriptors.connectionCap(limit: Descriptors.raiseLimit())
        bounds.services = [
            .smtp: configuration.connections.maximumSMTP, .submission: configuration.connections.maximumSMTP,
            .pop3: configuration.connections.maximumPOP3, .imap: configuration.connections.maximumIMAP,
        ]
        bounds.perAddress = configuration.connections.maximumPerAddress
        bounds.perMinute = configuration.connections.ratePerMinute
        bounds.perNetwork = max(bounds.perNetwork, bounds.perAddress)
        return bounds
    }

    /// Entries were checked when the start file was read.
    static func accessList(_ texts: [String]) -> AccessList {
        AccessList(texts.compactMap { try? AccessList.parse($0).get() })
    }
}
