internal import Directory
package import FingerWire
internal import Forms
package import NetKit
internal import Vocabulary

/// What the call of a finger session means.
package final class FingerBackend: SessionBackend, Sendable {
    package typealias Machine = FingerMachine

    private let facts: ConnectionFacts
    private let environment: FingerService.Environment

    init(_ facts: ConnectionFacts, _ environment: FingerService.Environment) {
        self.facts = facts
        self.environment = environment
    }

    package func perform(_ call: FingerCall, _ answer: SessionAnswer<FingerOutcome>) {
        guard case .lookUp(let query) = call else { return }
        switch query {
        case .host:
            self.record("", "host")
            answer(.host(self.environment.directory.configuration.value(FingerField.hostText).text ?? ""))
        case .name(let name, let isLong):
            let taken = self.environment.queue.submit(from: PeerBlock(self.facts.peer)) {
                let outcome = self.find(name, isLong: isLong)
                self.record(name, outcome.word)
                answer(outcome)
            }
            if !taken {
                self.record(name, "busy")
                answer(.unavailable)
            }
        case .elsewhere, .unreadable: answer(.elsewhere)
        }
    }

    package func ended() {}

    private func find(_ name: String, isLong: Bool) -> FingerOutcome {
        let directory = self.environment.directory
        // An address in a domain that nobody here has anything of is somebody else's to answer.
        if name.contains("@"), !directory.snapshot.mayHold(address: name) { return .elsewhere }
        let limit = FingerLimits().entries
        do {
            let found = try directory.published(
                named: name, limit: limit + 1, partial: directory.configuration.value(FingerField.partialNames).flag ?? true)
            return .entries(found.prefix(limit).map { Self.entry($0, isLong: isLong) }, isCut: found.count > limit)
        } catch {
            return .unavailable
        }
    }

    private static func entry(_ found: PublishedEntry, isLong: Bool) -> FingerEntry {
        let facts = isLong ? found.facts.map { FingerEntry.Fact($0.field.label.english, $0.text) } : []
        return FingerEntry(name: found.name, address: found.address, facts: facts, information: found.information)
    }

    private func record(_ name: String, _ result: String) {
        self.environment.sink.record(
            TrailEvent(
                .fingerServer, "asked", trace: self.facts.trace, [("peer", "\(self.facts.peer)"), ("name", name), ("result", result)]),
            switchedBy: nil)
    }
}

extension FingerOutcome {
    /// For the log.
    fileprivate var word: String {
        switch self {
        case .host: "host"
        case .entries(let entries, _): entries.isEmpty ? "nobody" : "\(entries.count)"
        case .elsewhere: "elsewhere"
        case .unavailable: "unavailable"
        }
    }
}
