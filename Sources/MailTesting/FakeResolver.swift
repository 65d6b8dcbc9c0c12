package import NIOCore
package import NetKit
internal import Synchronization
internal import Vocabulary

/// DNS as the test tells it. What was not told does not exist. Answers come at once, on the asking thread.
package final class FakeResolver: Resolver {
    private struct Question: Hashable {
        var name: String
        var type: DNSType
    }
    private struct State {
        var answers: [Question: Result<DNSAnswer, DNSFailure>] = [:]
        var asked: [String] = []
    }
    private let state = Mutex(State())

    package init() {}

    package func set(_ name: String, _ type: DNSType, _ result: Result<DNSAnswer, DNSFailure>) {
        self.state.withLock { $0.answers[Question(name: name, type: type)] = result }
    }

    /// A host with addresses, and the way back from each when `reverse`.
    package func addHost(_ name: String, _ addresses: [String], reverse: Bool = true) {
        let all = addresses.compactMap { IPAddress($0) }
        let four = all.filter { !$0.isIPv6 }
        let six = all.filter(\.isIPv6)
        if !four.isEmpty { self.set(name, .a, .success(DNSAnswer(records: .addresses(four)))) }
        if !six.isEmpty { self.set(name, .aaaa, .success(DNSAnswer(records: .addresses(six)))) }
        if reverse { for address in all { self.set(address.reverseName, .ptr, .success(DNSAnswer(records: .names([name])))) } }
    }

    /// Names that were asked for, in order.
    package var asked: [String] { self.state.withLock { $0.asked } }

    package func ask(
        _ name: String,
        _ type: DNSType,
        within deadline: TimeAmount,
        _ completion: @escaping @Sendable (Result<DNSAnswer, DNSFailure>) -> Void
    ) -> DNSQuery {
        let result = self.state.withLock { state in
            state.asked.append(name)
            return state.answers[Question(name: name, type: type)] ?? .failure(.noName)
        }
        completion(result)
        return DNSQuery {}
    }
}
