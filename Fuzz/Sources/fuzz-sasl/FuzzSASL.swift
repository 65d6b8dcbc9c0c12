import FuzzKit
import SASL
import Vocabulary

private let verifier = SCRAMVerifier(password: Secret("a long password that nobody guesses"), salt: [1, 2, 3], iterations: 4096)
private let identity = Identity(
    account: AccountID(rawValue: 1), login: "a", primaryAddress: Address(localPart: "a", domain: "example.test"))

/// First byte: mechanism, and whether an initial response comes. Rest: the client's messages, ended by 0xFF each.
///
/// Beside the absence of traps this holds: SCRAM never ends well, since the password is unknown, and after the end nothing succeeds.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzSASL(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let choice = input.byte()
    let mechanism = SASLMechanism.allCases[Int(choice) % SASLMechanism.allCases.count]
    var messages = input.remaining().split(separator: 0xFF, omittingEmptySubsequences: false).map(Array.init)[...]
    var server = SASLServer(mechanism, serverNonce: "nonce")
    var step = server.begin(initialResponse: choice & 0x80 != 0 ? messages.popFirst() : nil)
    while true {
        switch step {
        case .challenge:
            guard let message = messages.popFirst() else { return 0 }
            step = server.respond(message)
        case .ask(.password(let login, let secret)):
            expect(!login.isEmpty && !secret.isEmpty, "an empty name or password is asked about")
            step = server.answered(choice & 0x40 != 0 ? .accepted(identity) : .refused(.badCredentials))
        case .ask(.verifier(let login)):
            expect(!login.isEmpty, "an empty name is asked about")
            step = server.answered(.verifier(verifier))
        case .ask(.proof(_, let used, let isValid)):
            expect(used == verifier && !isValid, "a proof without the password")
            step = server.answered(.refused(.badCredentials))
        case .succeeded:
            expect(mechanism != .scramSHA256 && choice & 0x40 != 0, "a login out of nothing")
            return 0
        case .failed:
            for message in messages {
                if case .failed = server.respond(message) { continue }
                expect(false, "something goes on after the end")
            }
            return 0
        }
    }
}
