import Directory
import MessageStore
import NetKit
import Policy
import Queue
import Synchronization
import Vocabulary
import WebService

/// The web of a running server: what its pages work on, and its threads.
final class WebOffice: Sendable {
    /// Requests wait here for a thread, clients in turn.
    private let queue = FairQueue(
        "web", threads: WebService.threads, perPeer: WebService.waitingPerPeer, total: WebService.waiting)
    /// Commands of the API, which may take long, and whose clients may be slow.
    private let commands = FairQueue("web-command", threads: 4, perPeer: 8, total: 32)
    private let service: WebService
    private let certificates: TLSStore?

    init(
        _ context: AdminContext, store: MessageStore, authenticator: Authenticator, certificates: TLSStore?, listeners: ListenerSet,
        names: LoginNames, resolver: any NetKit.Resolver, trail: TrailWriter
    ) {
        var host = WebHost(
            directory: context.directory, store: store, authenticator: authenticator, events: trail, version: ProductVersion.text,
            now: SystemSources.now, offset: LocalTime.offset, random: SystemSources.random,
            ports: {
                listeners.ports.filter { $0.role.service == .http }.map { WebPort(port: $0.port, isTLS: $0.role.implicitTLS) }
            },
            certificate: {
                certificates?.facts.first.map { WebCertificate(isSelfSigned: $0.isSelfSigned, names: $0.names) }
            },
            perform: { Self.perform($0, context) })
        host.speak = { Self.speak($0, context, $1) }
        host.watch = Self.watch(context)
        host.scopeOf = { AdminVerbs.rule($0).scope }
        host.audit = { entry in
            guard !Self.notedAnyhow.contains(entry.action) else { return }
            let actor = Actor(name: entry.who, interface: entry.interface, origin: "\(entry.from)")
            let facts: [(field: String, old: String?, new: String?)] =
                [("subject", nil, entry.subject)] + entry.changes.map { ($0.key, $0.before, $0.after) }
            do throws(DirectoryError) {
                try context.directory.noteAction(entry.action, facts, by: actor)
            } catch {
                trail.record(TrailEvent(.webServer, "audit-failed", trace: nil, [("reason", error.message.english)]), switchedBy: nil)
            }
        }
        host.tellSecondFactorOff = { OwnerNotice.send(.secondFactorOff, to: $0, context) }
        host.lookUpName = { names.lookUp($0, .http, $1) }
        host.resolver = resolver
        if let renew = context.renewNames { host.renewNames = renew }
        host.ownAddresses = { Array(SystemFacts.addresses()) }
        do throws(DirectoryError) {
            host.sessions = try WebSessions(context.directory, now: SystemSources.now)
        } catch {
            // Mail is served without it.
            trail.record(TrailEvent(.webServer, "no-logins", trace: nil, [("reason", error.message.english)]), switchedBy: nil)
        }
        self.certificates = certificates
        self.service = WebService(host, queue: self.queue, streams: self.commands)
        // 100,000 accounts take a while to be put in order: nobody should wait for it who opens their list.
        POSIXThread.run("account-order") { _ = context.directory.list(.general, search: "a", limit: 0) }
    }

    /// What the directory's history has with its values, or the command's handler notes: not told twice.
    private static let notedAnyhow: Set<String> = [
        "account added", "account changed", "account deleted", "default account changed", "accounts imported", "configuration changed",
        "broadcast sent", "certificate requested",
    ]

    var binding: ServiceBinding { self.service.binding(tls: self.certificates) }

    /// Runs what waits, then ends the threads.
    func stop() {
        self.queue.stop()
        self.commands.stop()
    }

    private static func watch(_ context: AdminContext) -> WebWatch {
        WebWatch(
            counters: context.counters, census: { context.census?.census() }, holdings: { context.census?.holdings() },
            underWay: { context.remoteDelivery?.underWay ?? [] },
            resting: { context.remoteDelivery?.resting(limit: 200).map { ($0.name, $0.until) } ?? [] }, log: context.start.logDirectory,
            reason: { QueueWords.reason($0, $1) })
    }

    /// A verb as the command line would have it carried out here.
    private static func perform(_ command: WebCommand, _ context: AdminContext) -> WebCommandResult {
        let said = Mutex(WebCommandResult(lines: [], problems: [], status: 0))
        let status = Self.speak(command, context) { word in
            said.withLock { said in
                switch word {
                case .output(let text): said.lines.append(text)
                case .problem(let text): said.problems.append(text)
                case .progress: break
                }
            }
        }
        return said.withLock { said in
            said.status = status
            return said
        }
    }

    private static func speak(
        _ command: WebCommand, _ context: AdminContext, _ say: @escaping @Sendable (WebCommandWord) -> Void
    ) -> Int32 {
        let output = AdminOutput(language: command.language) { frame in
            switch frame {
            case .output(let text): say(.output(text))
            case .problem(let text): say(.problem(text))
            case .progress(let text): say(.progress(text))
            case .begun, .done: break
            }
        }
        var request = AdminRequest(
            command.verb, operands: command.operands, options: command.options, input: command.input, language: command.language,
            wantsJSON: command.wantsJSON)
        request.origin = command.actor ?? Actor(name: "unknown", interface: "web")
        return Administration.registry.perform(request, context, output).rawValue
    }
}
