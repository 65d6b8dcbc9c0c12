internal import Database
internal import NIOCore
internal import NetKit
internal import Routing
internal import Vocabulary

/// What DNS says now of this host and its domain; nil where nobody was asked.
struct DNSFacts: Sendable {
    var exchanges: Result<[String], DNSFailure>?
    /// Of the host's name.
    var addresses: Result<[IPAddress], DNSFailure>?
    /// Names of each of our public addresses.
    var reverse: [IPAddress: Result<[String], DNSFailure>] = [:]
    var policy: Result<[String], DNSFailure>?
    var reports: Result<[String], DNSFailure>?

    /// Asks all at once and waits for the last; each answer comes, if only as a failure, within the deadline.
    static func ask(_ resolver: any NetKit.Resolver, host: String, domain: String, own: [IPAddress]) -> DNSFacts {
        let deadline = TimeAmount.seconds(4)
        let state = Monitor((answers: [String: Result<DNSAnswer, DNSFailure>](), open: 0))
        let questions: [(String, DNSType)] =
            [(domain, .mx), (host, .a), (host, .aaaa), (domain, .txt), ("_dmarc.\(domain)", .txt)] + own.map { ($0.reverseName, .ptr) }
        state.withLock { $0.open = questions.count }
        for (name, type) in questions {
            _ = resolver.ask(name, type, within: deadline) { result in
                state.withLock { state in
                    state.answers["\(type.rawValue) \(name)"] = result
                    state.open -= 1
                }
                state.signal()
            }
        }
        let answers = state.wait(until: { $0.open == 0 }, then: { $0.answers })
        func answer(_ name: String, _ type: DNSType) -> Result<DNSAnswer, DNSFailure> {
            answers["\(type.rawValue) \(name)"] ?? .failure(.timedOut)
        }
        var facts = DNSFacts()
        facts.exchanges = answer(domain, .mx).map { Self.exchanges($0) }
        facts.addresses = Self.joined(answer(host, .a), answer(host, .aaaa))
        facts.policy = answer(domain, .txt).map { Self.texts($0) }
        facts.reports = answer("_dmarc.\(domain)", .txt).map { Self.texts($0) }
        for address in own { facts.reverse[address] = answer(address.reverseName, .ptr).map { Self.names($0) } }
        return facts
    }

    private static func exchanges(_ answer: DNSAnswer) -> [String] {
        guard case .exchanges(let records) = answer.records else { return [] }
        return records.sorted { $0.preference < $1.preference }.map { $0.host ?? "." }
    }

    private static func names(_ answer: DNSAnswer) -> [String] { if case .names(let names) = answer.records { names } else { [] } }

    private static func texts(_ answer: DNSAnswer) -> [String] {
        guard case .texts(let texts) = answer.records else { return [] }
        return texts.map { String(decoding: $0, as: UTF8.self) }
    }

    /// One of the two is enough; a failure counts where there is nothing else.
    private static func joined(_ a: Result<DNSAnswer, DNSFailure>, _ b: Result<DNSAnswer, DNSFailure>) -> Result<[IPAddress], DNSFailure> {
        func addresses(_ result: Result<DNSAnswer, DNSFailure>) -> [IPAddress] {
            if case .success(let answer) = result, case .addresses(let addresses) = answer.records { addresses } else { [] }
        }
        let all = addresses(a) + addresses(b)
        if !all.isEmpty { return .success(all) }
        for result in [a, b] {
            if case .failure(let failure) = result, failure != .noName, failure != .noRecords { return .failure(failure) }
        }
        return .failure(.noRecords)
    }
}
