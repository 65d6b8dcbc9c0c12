internal import Bounces
internal import Bytes
internal import Database
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Policy
internal import Queue
internal import Vocabulary

/// Tells domains that ask for it what became of TLS with them on the day before (TLS-RPT). Calls block; a worker makes them.
struct TransportReporter: Sendable {
    private let environment: RemoteEnvironment
    private let transport: TransportMemory
    /// Seconds after midnight (UTC) from which reports go out: spread, so that not all the world writes at once. [RFC8460-4.1]
    private let offset: Int64

    /// Reports of one round.
    private static let most = 50
    /// A day that could not be reported for so long is dropped. Days.
    private static let giveUpAfter: Int64 = 3
    private static let deadline = TimeAmount.seconds(20)

    /// nil where nothing is remembered that could be reported.
    init?(_ environment: RemoteEnvironment) {
        guard let transport = environment.transport else { return nil }
        self.environment = environment
        self.transport = transport
        self.offset = environment.random(2).reduce(Int64(0)) { $0 << 8 | Int64($1) } % (4 * 3600)
    }

    /// Sends what is due.
    func work() {
        let now = self.environment.now()
        let today = now / 86_400
        guard now % 86_400 >= self.offset, let due = try? self.transport.reportable(before: today) else { return }
        for (day, domain) in due.prefix(Self.most) {
            if self.report(day, domain, now) || today - day > Self.giveUpAfter {
                try? self.transport.dropSessions(day: day, domain: domain)
            }
        }
    }

    /// True when there is nothing left to do about that day.
    private func report(_ day: Int64, _ domain: String, _ now: Int64) -> Bool {
        let settings = self.environment.settings()
        guard settings.sendsTransportReports, settings.sendsAnywhere else { return true }
        let uris: [String]
        switch self.ask("_smtp._tls.\(domain)") {
        case .success(let answer):
            guard case .texts(let texts) = answer.records else { return true }
            uris = TransportRecord.reportURIs(texts)
        case .failure(.noName), .failure(.noRecords): return true
        case .failure: return false
        }
        guard !uris.isEmpty, let sessions = try? self.transport.sessions(day: day, domain: domain), !sessions.isEmpty else { return true }
        let report = self.compose(day, domain, sessions)
        guard let packed = Gzip.packed(Array(report.json.utf8)) else { return false }
        // One place that takes it is enough to have reported.
        let results = uris.map { self.send(report, packed, to: $0, now) }
        let isSent = results.contains(true)
        self.record(
            isSent ? "tls-reported" : "tls-not-reported", [("domain", domain), ("report", report.id), ("to", uris.joined(separator: " "))])
        return isSent
    }

    private func compose(_ day: Int64, _ domain: String, _ sessions: [(key: TransportMemory.SessionKey, count: Int64)]) -> TransportReport {
        var policies: [TransportReport.Policy] = []
        for (key, count) in sessions {
            let lines = key.policy.split(separator: "\n").map(String.init)
            if policies.last?.type != key.policyType || policies.last?.lines != lines {
                policies.append(TransportReport.Policy(type: key.policyType, lines: lines))
            }
            let last = policies.count - 1
            if key.result.isEmpty {
                policies[last].succeeded += count
            } else {
                policies[last].failures.append(
                    TransportReport.Failure(
                        result: key.result, host: key.host, address: key.address, reason: key.reason, count: count))
            }
        }
        let settings = self.environment.settings()
        let id = self.environment.random(12).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return TransportReport(
            domain: domain, day: day, organization: settings.helloName, contact: settings.postmaster, policies: policies, id: id)
    }

    // MARK: Sending

    private func send(_ report: TransportReport, _ packed: [UInt8], to uri: String, _ now: Int64) -> Bool {
        if uri.hasPrefix("mailto:") {
            let text = uri.dropFirst(7).prefix { $0 != "?" && $0 != "!" }
            guard let address = try? Address(parsing: String(text)) else { return false }
            return self.mail(report, packed, to: address, now)
        }
        if uri.hasPrefix("https://") { return self.post(packed, to: uri.dropFirst(8)) }
        return false
    }

    private func mail(_ report: TransportReport, _ packed: [UInt8], to address: Address, _ now: Int64) -> Bool {
        let settings = self.environment.settings()
        guard let hop = settings.routes.hop(to: address) else { return false }
        let message = report.message(
            to: address, packed: packed, date: CivilTime(unixSeconds: now).rfc5322, random: self.environment.random(16))
        let recipient = Envelope.Recipient(address, notify: .never)
        // Nobody is to be told when it does not arrive.
        var envelope = Envelope(sender: nil)
        envelope.recipients = [recipient]
        var item = AcceptItem(
            body: .memory(message), envelope: envelope, receivedAt: now, trace: TraceID("tlsrpt\(report.id.prefix(12))"))
        item.queue = [QueueDraft(.remote, recipient: recipient, destination: hop.queueName, due: now)]
        let result = Monitor<Bool?>(nil)
        self.environment.store.accept(item) { answer in
            result.withLock { $0 = if case .success = answer { true } else { false } }
            result.signal()
        }
        return result.wait(until: { $0 != nil }, then: { $0 }) ?? false
    }

    // RFC 8460 5.4:  POST of the packed report as application/tlsrpt+gzip
    private func post(_ packed: [UInt8], to place: Substring) -> Bool {
        guard let web = self.environment.web else { return false }
        let host = place.prefix { $0 != "/" && $0 != "?" }
        guard !host.isEmpty,
            host.utf8.allSatisfy({ $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") })
        else { return false }
        let path = place.dropFirst(host.count)
        guard path.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return false }
        var request = WebFetch.Request(
            host: String(host).asciiLowercased, path: path.isEmpty ? "/" : String(path), limit: 64 << 10, deadline: Self.deadline)
        request.body = (ByteBuffer(bytes: packed), "application/tlsrpt+gzip")
        let result = Monitor<Bool?>(nil)
        web.fetch(request) { answer in
            result.withLock { $0 = if case .success = answer { true } else { false } }
            result.signal()
        }
        return result.wait(until: { $0 != nil }, then: { $0 }) ?? false
    }

    private func ask(_ name: String) -> Result<DNSAnswer, DNSFailure> {
        let result = Monitor<Result<DNSAnswer, DNSFailure>?>(nil)
        self.environment.finder.text(of: name, within: Self.deadline) { answer in
            result.withLock { $0 = answer }
            result.signal()
        }
        return result.wait(until: { $0 != nil }, then: { $0 }) ?? .failure(.temporary)
    }

    private func record(_ event: String, _ facts: [(key: String, value: String)]) {
        self.environment.events.record(TrailEvent(.smtpDeliver, event, trace: nil, facts), switchedBy: nil)
    }
}
