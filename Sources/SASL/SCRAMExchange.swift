internal import Bytes

/// The server side of SCRAM-SHA-256 without channel binding. [RFC5802-5] [RFC7677-3]
struct SCRAMExchange: Sendable {
    private enum State: Sendable {
        case clientFirst
        case verifier(First)
        case clientFinal(First, serverFirst: [UInt8], SCRAMVerifier)
        case verdict(serverFinal: [UInt8])
        /// The client saw our signature and has to say so with an empty message. [RFC4954-4]
        case acknowledgement(Identity)
        case finished
    }

    /// What the first message said, kept for the proof.
    private struct First: Sendable {
        var gs2Header: [UInt8]
        var bare: [UInt8]
        var login: String
        var nonce: [UInt8]
    }

    private let serverNonce: String
    private var state: State = .clientFirst

    init(serverNonce: String) { self.serverNonce = serverNonce }

    mutating func received(_ bytes: [UInt8], authorization: inout String?) -> SASLServer.Step {
        switch self.state {
        case .clientFirst:
            // Without an initial response the protocol sent an empty challenge; an empty answer to that is no message.
            guard let first = Self.parseFirst(bytes, &authorization) else { return .failed(.malformed) }
            self.state = .verifier(first)
            return .ask(.verifier(login: first.login))
        case .clientFinal(let first, let serverFirst, let verifier):
            return self.clientFinal(bytes, first, serverFirst, verifier)
        case .acknowledgement(let identity):
            self.state = .finished
            return bytes.isEmpty ? .succeeded(identity) : .failed(.malformed)
        case .verifier, .verdict, .finished: return .failed(.malformed)
        }
    }

    mutating func answered(_ outcome: AuthOutcome) -> SASLServer.Step {
        switch (self.state, outcome) {
        case (_, .refused(let refusal)): return .failed(.refused(refusal))
        case (.verifier(let first), .verifier(let verifier)): return self.serverFirst(first, verifier)
        case (.verdict(let serverFinal), .accepted(let identity)):
            self.state = .acknowledgement(identity)
            return .challenge(serverFinal)
        default: return .failed(.refused(.unavailable))
        }
    }

    // RFC 5802 7:  server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
    private mutating func serverFirst(_ first: First, _ verifier: SCRAMVerifier) -> SASLServer.Step {
        let nonce = first.nonce + Array(self.serverNonce.utf8)
        let message = Array("r=".utf8) + nonce + Array(",s=\(Base64.encode(verifier.salt)),i=\(verifier.iterations)".utf8)
        var kept = first
        kept.nonce = nonce
        self.state = .clientFinal(kept, serverFirst: message, verifier)
        return .challenge(message)
    }

    // RFC 5802 7:  client-final-message = channel-binding "," nonce ["," extensions] "," proof
    private mutating func clientFinal(_ bytes: [UInt8], _ first: First, _ serverFirst: [UInt8], _ verifier: SCRAMVerifier)
        -> SASLServer.Step
    {
        guard let proofStart = bytes.lastIndex(of: UInt8(ascii: ",")),
            let proof = Self.value("p", bytes[(proofStart + 1)...]).flatMap({ Base64.decode($0) }), proof.count == SCRAM.hashLength
        else { return .failed(.malformed) }
        let withoutProof = bytes[..<proofStart]
        let fields = withoutProof.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard fields.count >= 2, let binding = Self.value("c", fields[0]).flatMap({ Base64.decode($0) }),
            let nonce = Self.value("r", fields[1])
        else { return .failed(.malformed) }
        // A mandatory extension that we do not know ends the exchange. [RFC5802-5.1]
        guard !fields.dropFirst(2).contains(where: { $0.first == UInt8(ascii: "m") }) else { return .failed(.malformed) }
        guard binding == first.gs2Header, constantTimeEqual(Array(nonce), first.nonce) else { return .failed(.malformed) }

        let authMessage = first.bare + [UInt8(ascii: ",")] + serverFirst + [UInt8(ascii: ",")] + withoutProof
        let clientSignature = SCRAM.hmac(verifier.storedKey, authMessage)
        let clientKey = zip(proof, clientSignature).map { $0 ^ $1 }
        let isValid = constantTimeEqual(SCRAM.hash(clientKey), verifier.storedKey)
        let signature = SCRAM.hmac(verifier.serverKey, authMessage)
        self.state = .verdict(serverFinal: Array("v=\(Base64.encode(signature))".utf8))
        return .ask(.proof(login: first.login, verifier: verifier, isValid: isValid))
    }

    // RFC 5802 7:  client-first-message = gs2-header client-first-message-bare
    //              gs2-header = gs2-cbind-flag "," [ authzid ] ","
    //              client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
    private static func parseFirst(_ bytes: [UInt8], _ authorization: inout String?) -> First? {
        let fields = bytes.split(separator: UInt8(ascii: ","), maxSplits: 2, omittingEmptySubsequences: false)
        // `p=` asks for a channel binding that we did not offer; `y` says the client could have, and we did not: fine. [RFC5802-6]
        guard fields.count == 3, fields[0].elementsEqual("n".utf8) || fields[0].elementsEqual("y".utf8) else { return nil }
        if !fields[1].isEmpty {
            guard let text = self.value("a", fields[1]).flatMap(self.saslName) else { return nil }
            authorization = text
        }
        let bare = fields[2].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard bare.count >= 2, let login = self.value("n", bare[0]).flatMap(self.saslName), !login.isEmpty,
            let nonce = self.value("r", bare[1]), self.isNonce(nonce), !bare.dropFirst(2).contains(where: { $0.first == UInt8(ascii: "m") })
        else { return nil }
        return First(gs2Header: Array(bytes[..<fields[2].startIndex]), bare: Array(fields[2]), login: login, nonce: Array(nonce))
    }

    /// Value of an attribute `name=value` of exactly that name.
    private static func value(_ name: Character, _ field: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard field.first == name.asciiValue, field.dropFirst().first == UInt8(ascii: "=") else { return nil }
        return field.dropFirst(2)
    }

    /// Printable without comma, at most 256 octets. [RFC5802-7]
    private static func isNonce(_ bytes: ArraySlice<UInt8>) -> Bool {
        !bytes.isEmpty && bytes.count <= 256 && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ",") }
    }

    /// `=2C` is a comma and `=3D` an equals sign; any other `=` is an error. [RFC5802-5.1]
    private static func saslName(_ bytes: ArraySlice<UInt8>) -> String? {
        var out: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "=") else {
                out.append(byte)
                continue
            }
            if rest.starts(with: "2C".utf8) {
                out.append(UInt8(ascii: ","))
            } else if rest.starts(with: "3D".utf8) {
                out.append(UInt8(ascii: "="))
            } else {
                return nil
            }
            rest = rest.dropFirst(2)
        }
        return SASLServer.name(out[...])
    }
}
