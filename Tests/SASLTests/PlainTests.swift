import Bytes
import SASL
import Testing
import Vocabulary

private let alice = Identity(
    account: AccountID(rawValue: 7), login: "alice", primaryAddress: Address(localPart: "alice", domain: "example.test"))

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

extension SASLServer.Step {
    /// Login and password of a question, for comparison.
    fileprivate var question: String? {
        guard case .ask(.password(let login, let secret)) = self else { return nil }
        return secret.withBytes { "\(login)/\(String(decoding: $0, as: UTF8.self))" }
    }
    fileprivate var isMalformed: Bool { if case .failed(.malformed) = self { true } else { false } }
    fileprivate var welcomed: String? { if case .succeeded(let identity) = self { identity.login } else { nil } }
    fileprivate var refusal: AuthRefusal? { if case .failed(.refused(let refusal)) = self { refusal } else { nil } }
    fileprivate var challenge: String? { if case .challenge(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil } }
}

@Suite struct PlainTests {
    @Test func oneMessageCarriesAll() {
        var server = SASLServer(.plain, serverNonce: "")
        #expect(server.begin(initialResponse: nil).challenge == "")
        #expect(server.respond(bytes("\0alice\0wonder land")).question == "alice/wonder land")
        #expect(server.answered(.accepted(alice)).welcomed == "alice")
    }

    @Test func theInitialResponseSavesARoundTrip() {
        var server = SASLServer(.plain, serverNonce: "")
        #expect(server.begin(initialResponse: bytes("alice@example.test\0alice\0p")).question == "alice/p")
        #expect(server.answered(.accepted(alice)).welcomed == "alice", "its own address is no other identity")
    }

    @Test func actingAsAnotherIsRefusedLikeAWrongPassword() {
        var server = SASLServer(.plain, serverNonce: "")
        _ = server.begin(initialResponse: bytes("bob\0alice\0p"))
        #expect(server.answered(.accepted(alice)).refusal == .badCredentials)
    }

    @Test(arguments: AuthRefusal.allCases) func aRefusalIsPassedOn(_ refusal: AuthRefusal) {
        var server = SASLServer(.plain, serverNonce: "")
        _ = server.begin(initialResponse: bytes("\0alice\0p"))
        #expect(server.answered(.refused(refusal)).refusal == refusal)
        #expect(server.answered(.accepted(alice)).isMalformed, "the end is the end")
    }

    @Test(arguments: ["", "alice", "\0alice", "\0\0p", "\0alice\0", "\0a\0b\0c", "\0\u{0}\0", "\0\(String(repeating: "a", count: 513))\0p"])
    func brokenMessages(_ message: String) {
        var server = SASLServer(.plain, serverNonce: "")
        #expect(server.begin(initialResponse: bytes(message)).isMalformed)
    }

    @Test func aNameThatIsNotUTF8IsNoName() {
        var server = SASLServer(.plain, serverNonce: "")
        #expect(server.begin(initialResponse: [0, 0xFF, 0xFE, 0, 0x61]).isMalformed)
    }

    @Test func aPasswordHasABound() {
        var server = SASLServer(.plain, serverNonce: "")
        #expect(server.begin(initialResponse: bytes("\0alice\0" + String(repeating: "x", count: 1025))).isMalformed)
    }

    @Test func loginAsksForNameAndPassword() {
        var server = SASLServer(.login, serverNonce: "")
        #expect(server.begin(initialResponse: nil).challenge == "Username:")
        #expect(server.respond(bytes("alice")).challenge == "Password:")
        #expect(server.respond(bytes("wonderland")).question == "alice/wonderland")
        #expect(server.answered(.accepted(alice)).welcomed == "alice")
    }

    @Test func loginTakesTheNameWithTheCommand() {
        var server = SASLServer(.login, serverNonce: "")
        #expect(server.begin(initialResponse: bytes("alice")).challenge == "Password:")
        #expect(server.respond([]).isMalformed, "an empty password is none")
    }

    @Test func mechanismNamesHaveNoCase() {
        #expect(SASLMechanism(wireName: "scram-sha-256") == .scramSHA256)
        #expect(SASLMechanism(wireName: "Plain") == .plain)
        #expect(SASLMechanism(wireName: "CRAM-MD5") == nil)
        #expect(SASLMechanism(wireName: "") == nil)
        #expect(SASLMechanism.allCases.filter { !$0.sendsPassword } == [.scramSHA256])
    }
}

@Suite struct PasswordPreparationTests {
    /// Unicode tables belong to another target; here only the frame is tested.
    private let preparation = PasswordPreparation { $0 == "broken" ? nil : $0.replacing("\u{212B}", with: "\u{C5}") }

    private func prepared(_ text: String) -> String? {
        self.preparation.prepared(Secret(text))?.withBytes { String(decoding: $0, as: UTF8.self) }
    }

    @Test func printableASCIIStaysAsItIs() { #expect(self.prepared(" pass word~") == " pass word~") }
    @Test func foreignSpacesBecomeSpace() { #expect(self.prepared("a\u{A0}b\u{3000}c") == "a b c") }
    @Test func charactersThatNobodySeesVanish() { #expect(self.prepared("a\u{AD}b\u{200B}c") == "abc") }
    @Test func normalisationIsGivenIn() { #expect(self.prepared("\u{212B}") == "\u{C5}") }

    @Test(arguments: ["", "a\0b", "a\nb", "a\u{7F}", "é\u{85}", "\u{AD}"]) func whatIsNoPassword(_ text: String) {
        #expect(self.prepared(text) == nil)
    }

    @Test func bytesThatAreNotUTF8AreNoPassword() { #expect(self.preparation.prepared(Secret([0x61, 0xFF])) == nil) }
    @Test func tooLongIsNoPassword() { #expect(self.prepared(String(repeating: "x", count: 1025)) == nil) }
}
