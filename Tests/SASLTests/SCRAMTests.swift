import Bytes
import MailTesting
import SASL
import Testing
import Vocabulary

private let alice = Identity(
    account: AccountID(rawValue: 7), login: "alice", primaryAddress: Address(localPart: "alice", domain: "example.test"))

/// Few rounds: what is tested is the exchange, not the cost.
private let verifier = SCRAMVerifier(password: Secret("wonderland"), salt: Array(0..<16), iterations: 4096)

private func text(_ step: SASLServer.Step) -> String {
    switch step {
    case .challenge(let bytes): "challenge \(String(decoding: bytes, as: UTF8.self))"
    case .ask(.password(let login, _)): "password of \(login)"
    case .ask(.verifier(let login)): "verifier of \(login)"
    case .ask(.proof(let login, _, let isValid)): "proof of \(login) \(isValid ? "good" : "bad")"
    case .succeeded(let identity): "welcome \(identity.login)"
    case .failed(.malformed): "malformed"
    case .failed(.refused(let refusal)): "refused \(refusal.rawValue)"
    }
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Both sides to the end; the last step.
private func dialogue(_ client: ScramClient, _ verifier: SCRAMVerifier, binding: String? = nil, verdict: AuthOutcome? = nil) -> String {
    var server = SASLServer(.scramSHA256, serverNonce: "server-nonce")
    guard case .ask(.verifier) = server.begin(initialResponse: client.first) else { return "no question for the verifier" }
    guard case .challenge(let first) = server.answered(.verifier(verifier)), let final = client.final(to: first, binding: binding) else {
        return "no server-first"
    }
    let asked = server.respond(final.message)
    guard case .ask(.proof(_, let used, let isValid)) = asked else { return text(asked) }
    #expect(used == verifier)
    let step = server.answered(verdict ?? (isValid ? .accepted(alice) : .refused(.badCredentials)))
    guard case .challenge(let signature) = step else { return text(step) }
    #expect(String(decoding: signature, as: UTF8.self) == final.signature)
    return text(server.respond([]))
}

@Suite struct SCRAMTests {
    @Test func theExampleOfRFC7677IsAnswered() throws {
        let salt = try #require(Base64.decode(bytes("W22ZaJ0SNY7soEsUEjb6gQ==")))
        let verifier = SCRAMVerifier(password: Secret("pencil"), salt: salt, iterations: 4096)
        var server = SASLServer(.scramSHA256, serverNonce: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
        #expect(text(server.begin(initialResponse: nil)) == "challenge ")
        #expect(text(server.respond(bytes("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"))) == "verifier of user")
        #expect(
            text(server.answered(.verifier(verifier)))
                == "challenge r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
        let final = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        #expect(text(server.respond(bytes(final))) == "proof of user good")
        #expect(text(server.answered(.accepted(alice))) == "challenge v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
        #expect(text(server.respond([])) == "welcome alice")
    }

    @Test func rightPasswordIsWelcome() {
        #expect(dialogue(ScramClient(login: "alice", password: "wonderland"), verifier) == "welcome alice")
    }

    @Test func wrongPasswordIsRefusedOnlyAtTheEnd() {
        #expect(dialogue(ScramClient(login: "alice", password: "looking-glass"), verifier) == "refused bad-credentials")
    }

    @Test("A1 an unknown name meets the same steps as a known one with a wrong password") func decoyLooksReal() {
        let decoy = SCRAMVerifier.decoy(login: "nobody", key: Secret("instance key"), iterations: 4096)
        #expect(dialogue(ScramClient(login: "nobody", password: "x"), decoy) == "refused bad-credentials")
        #expect(decoy == SCRAMVerifier.decoy(login: "nobody", key: Secret("instance key"), iterations: 4096))
        #expect(decoy != SCRAMVerifier.decoy(login: "nobody", key: Secret("another key"), iterations: 4096))
        #expect(decoy != SCRAMVerifier.decoy(login: "somebody", key: Secret("instance key"), iterations: 4096))
        #expect(decoy.salt.count == SCRAMVerifier.saltLength && decoy.storedKey.count == 32 && decoy.serverKey.count == 32)
    }

    @Test func aClientThatCouldBindToTheChannelIsWelcome() {
        #expect(dialogue(ScramClient(login: "alice", password: "wonderland", header: "y,,"), verifier) == "welcome alice")
    }

    @Test func actingAsAnotherIsRefused() {
        #expect(
            dialogue(ScramClient(login: "alice", password: "wonderland", header: "n,a=alice@example.test,"), verifier) == "welcome alice")
        #expect(dialogue(ScramClient(login: "alice", password: "wonderland", header: "n,a=root,"), verifier) == "refused bad-credentials")
    }

    @Test func aTamperedHeaderIsFound() {
        #expect(dialogue(ScramClient(login: "alice", password: "wonderland"), verifier, binding: "y,,") == "malformed")
    }

    @Test func theAuthenticatorHasTheLastWord() {
        let client = ScramClient(login: "alice", password: "wonderland")
        #expect(dialogue(client, verifier, verdict: .refused(.locked)) == "refused locked")
        #expect(dialogue(client, verifier, verdict: .verifier(verifier)) == "refused unavailable")
    }

    @Test(arguments: [
        "", ",", "n", "n,,", "n,,n=a", "n,,r=b,n=a", "p=tls-unique,,n=a,r=b", "n,,n=,r=b", "n,,n=a,r=", "n,,m=ext,n=a,r=b", "n,,n=a=2,r=b",
        "n,,n=a,r=b,m=x", "n,x=y,n=a,r=b", "n,a=,n=a,r=b\u{7F}", "x,,n=a,r=b", "n,,n=a\0b,r=c", "n,,n=a,r=b c",
    ])
    func brokenFirstMessages(_ message: String) {
        var server = SASLServer(.scramSHA256, serverNonce: "s")
        #expect(text(server.begin(initialResponse: bytes(message))) == "malformed")
        #expect(text(server.respond(bytes("n,,n=a,r=b"))) == "malformed", "nothing is taken after the end")
    }

    @Test(arguments: [
        "", "c=biws", "c=biws,r=cs", "c=biws,r=cs,p=", "c=biws,r=cs,p=AAAA", "r=cs,c=biws,p=\(String(repeating: "A", count: 43))=",
        "c=biws,r=c,p=\(String(repeating: "A", count: 43))=", "c=eSws,r=cs,p=\(String(repeating: "A", count: 43))=",
        "c=biws,r=cs,m=x,p=\(String(repeating: "A", count: 43))=", "c=!!!!,r=cs,p=\(String(repeating: "A", count: 43))=", ",,,,", ",p=",
    ])
    func brokenFinalMessages(_ message: String) {
        var server = SASLServer(.scramSHA256, serverNonce: "s")
        _ = server.begin(initialResponse: bytes("n,,n=alice,r=c"))
        _ = server.answered(.verifier(verifier))
        #expect(text(server.respond(bytes(message))) == "malformed")
    }

    @Test func commasAndEqualsSignsInNamesAreUnescaped() {
        var server = SASLServer(.scramSHA256, serverNonce: "s")
        #expect(text(server.begin(initialResponse: bytes("n,,n=a=2Cb=3Dc,r=n"))) == "verifier of a,b=c")
    }

    @Test func anAnswerOutOfTurnEndsTheExchange() {
        var server = SASLServer(.scramSHA256, serverNonce: "s")
        _ = server.begin(initialResponse: bytes("n,,n=alice,r=c"))
        #expect(text(server.respond(bytes("again"))) == "malformed")
        #expect(text(server.answered(.accepted(alice))) == "malformed")
    }
}

@Suite struct SCRAMVerifierTests {
    @Test func matchesItsPasswordAlone() {
        #expect(verifier.matches(Secret("wonderland")))
        #expect(!verifier.matches(Secret("Wonderland")))
        #expect(!verifier.matches(Secret("")))
    }

    @Test func storedTextComesBack() {
        #expect(SCRAMVerifier(stored: verifier.stored) == verifier)
        #expect(verifier.stored.hasPrefix("SCRAM-SHA-256$4096:AAECAwQFBgcICQoLDA0ODw==$"))
    }

    @Test(arguments: [
        "", "SCRAM-SHA-256", "SCRAM-SHA-256$4096:AAEC$AA==:AA==", "SCRAM-SHA-1$4096:AAEC$x:y", "$$", "SCRAM-SHA-256$:$:",
        "SCRAM-SHA-256$-1:AAEC$\(key):\(key)", "SCRAM-SHA-256$1:AAEC$\(key):\(key)",
        "SCRAM-SHA-256$99999999999999999999:AAEC$\(key):\(key)",
        "SCRAM-SHA-256$4096:$\(key):\(key)", "SCRAM-SHA-256$4096:AAEC$\(key):\(key)$", "SCRAM-SHA-256$4096:AAEC:$\(key):\(key)",
    ])
    func damagedTextIsNoVerifier(_ damaged: String) { #expect(SCRAMVerifier(stored: damaged) == nil) }

    @Test func nothingSecretIsPrinted() {
        let secret = Secret("wonderland")
        for shown in ["\(secret)", "\(String(reflecting: secret))", "\(AuthRequest.password(login: "alice", secret))", "\(verifier)"] {
            #expect(!shown.contains("wonderland"))
            #expect(!shown.contains(Base64.encode(verifier.storedKey)))
        }
        var dumped = ""
        dump(secret, to: &dumped)
        #expect(!dumped.contains("119"), "no byte of the password in a dump: \(dumped)")
    }

    @Test("A1 secrets are equal byte by byte or not at all") func constantTimeEquality() {
        #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
        #expect(constantTimeEqual([], []))
    }
}

private let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
