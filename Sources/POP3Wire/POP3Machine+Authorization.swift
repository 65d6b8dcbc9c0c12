internal import Bytes
internal import NIOCore
internal import SASL

extension POP3Machine {
    /// The password may travel as it is. [RFC8314-3]
    var mayTakePasswords: Bool { self.tls != nil || self.settings.allowsPlaintextLogin }

    /// Mechanisms that the connection as it stands is told of.
    var listedMechanisms: [SASLMechanism] {
        self.settings.mechanisms.listed(passwordsMayTravel: self.mayTakePasswords, withSCRAM: self.settings.listsSCRAM)
    }

    // MARK: USER and PASS

    mutating func user(_ argument: ByteBufferView?, _ out: inout Output) {
        guard self.mayTakePasswords else { return self.refuse(.tlsFirst, &out) }
        guard let argument, let name = Self.name(argument) else { return self.refuse(.badCharacters, &out) }
        self.userName = name
        // The same for every name. [RFC1939-7]
        out.replies.writeOK(.sendPassword, self.language)
    }

    mutating func pass(_ argument: ByteBufferView?, _ out: inout Output) {
        guard self.mayTakePasswords else { return self.refuse(.tlsFirst, &out) }
        guard let name = self.userName, let argument else { return self.refuse(.userFirst, &out) }
        // A password that is no UTF-8 cannot be anybody's; it goes the way of every wrong one. [RFC6856-2.2]
        self.userName = nil
        self.phase = .asking(nil)
        out.perform(.authenticate(.password(login: name, Secret(Array(argument))), nil, hasTLS: self.tls != nil))
    }

    private static func name(_ argument: ByteBufferView) -> String? {
        var bytes = argument
        while bytes.last == .space { bytes = bytes.dropLast() }
        guard !bytes.isEmpty else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }

    // MARK: AUTH [RFC5034-4]

    mutating func auth(_ arguments: [ByteBufferView], _ out: inout Output) {
        guard let word = arguments.first else { return self.writeMechanisms(&out) }
        guard let mechanism = SASLMechanism(wireName: String(decoding: word, as: UTF8.self)), self.settings.mechanisms.contains(mechanism)
        else { return self.refuse(.unknownMechanism, &out) }
        guard self.mayTakePasswords || !mechanism.sendsPassword else { return self.refuse(.tlsFirst, &out) }
        var initial: [UInt8]?
        if arguments.count > 1 {
            guard let decoded = Self.decode(arguments[1]) else { return self.refuse(.malformedAuth, &out) }
            initial = decoded
        }
        var exchange = SASLServer(mechanism, serverNonce: self.settings.makeNonce())
        let step = exchange.begin(initialResponse: initial)
        self.carryOut(step, exchange, &out)
    }

    /// AUTH alone lists the mechanisms, as clients older than CAPA expect.
    private func writeMechanisms(_ out: inout Output) {
        out.replies.writeOK(.mechanismsFollow, self.language)
        for mechanism in self.listedMechanisms { out.replies.writeString("\(mechanism.rawValue)\r\n") }
        out.replies.writeStaticString(".\r\n")
    }

    /// `=` is an initial response without octets.
    private static func decode(_ text: ByteBufferView) -> [UInt8]? {
        text.elementsEqual("=".utf8) ? [] : Base64.decode(text)
    }

    mutating func exchangeLine(_ line: ByteBufferView, _ exchange: SASLServer, _ out: inout Output) {
        self.phase = .authorization
        if line.elementsEqual("*".utf8) { return self.refuse(.cancelled, &out) }
        guard let bytes = Base64.decode(line) else { return self.refuse(.malformedAuth, &out) }
        var exchange = exchange
        let step = exchange.respond(bytes)
        self.carryOut(step, exchange, &out)
    }

    mutating func authAnswered(_ answer: AuthOutcome, _ exchange: SASLServer?, _ out: inout Output) {
        self.phase = .authorization
        if var exchange {
            let step = exchange.answered(answer)
            return self.carryOut(step, exchange, &out)
        }
        switch answer {
        case .accepted(let identity): self.open(identity, &out)
        case .refused(let refusal): self.refuseLogin(refusal, &out)
        case .verifier: self.refuseLogin(.unavailable, &out)
        }
    }

    private mutating func carryOut(_ step: SASLServer.Step, _ exchange: SASLServer, _ out: inout Output) {
        switch step {
        case .challenge(let bytes):
            self.phase = .exchange(exchange)
            out.replies.writeString("+ \(Base64.encode(bytes))\r\n")
        case .ask(let request):
            self.phase = .asking(exchange)
            out.perform(.authenticate(request, exchange.mechanism, hasTLS: self.tls != nil))
        case .succeeded(let identity): self.open(identity, &out)
        case .failed(.malformed): self.refuse(.malformedAuth, &out)
        case .failed(.refused(let refusal)): self.refuseLogin(refusal, &out)
        }
    }

    // MARK: Ends of a login

    private mutating func refuseLogin(_ refusal: AuthRefusal, _ out: inout Output) {
        let (phrase, code): (POP3Phrase, StaticString) =
            switch refusal {
            case .badCredentials: (.loginFailed, POP3Code.auth)  // [RFC3206-5]
            case .notFromHere: (.notFromHere, POP3Code.auth)
            case .locked: (.accountLocked, POP3Code.permanent)
            case .expired: (.accountExpired, POP3Code.permanent)
            case .serviceOff: (.serviceOff, POP3Code.permanent)
            case .tooManyFailures: (.tooManyFailures, POP3Code.temporary)
            case .unavailable: (.unavailable, POP3Code.temporary)
            }
        out.replies.writeError(phrase, self.language, code: code)
        if refusal != .unavailable { self.authFailures += 1 }
        if self.authFailures >= self.settings.limits.authFailures { self.close(&out) }
    }

    private mutating func open(_ identity: Identity, _ out: inout Output) {
        self.phase = .opening
        self.identity = identity
        out.perform(.openMaildrop(identity))
    }

    mutating func opened(_ maildrop: Maildrop, _ out: inout Output) {
        let session = MaildropSession(maildrop)
        self.maildrop = session
        self.phase = .transaction
        self.errors = 0
        out.replies.writeStaticString("+OK ")
        self.writeCounts(session, &out)
    }

    /// The session stays in AUTHORIZATION. [RFC1939-4]
    mutating func notOpened(_ refusal: MaildropRefusal, _ out: inout Output) {
        self.phase = .authorization
        self.identity = nil
        switch refusal {
        case .inUse: self.refuse(.maildropInUse, code: POP3Code.inUse, &out)
        case .tooSoon: self.refuse(.loginTooSoon, code: POP3Code.loginDelay, &out)
        case .unavailable: self.refuse(.maildropUnavailable, code: POP3Code.temporary, &out)
        }
    }

    // MARK: STLS [RFC2595-4]

    mutating func stls(_ out: inout Output) {
        guard self.tls == nil else { return self.refuse(.tlsActive, &out) }
        guard self.settings.offersTLS else { return self.refuse(.tlsUnavailable, &out) }
        out.replies.writeOK(.beginTLS, self.language)
        self.phase = .startingTLS
        out.startTLS()
    }

    // MARK: CAPA [RFC2449-5]

    mutating func writeCapabilities(_ out: inout Output) {
        out.replies.writeOK(.capabilitiesFollow, self.language)
        for verb in POP3Verb.allCases {
            guard let line = POP3Rule.of(verb).capability, let arguments = self.capabilityArguments(verb) else { continue }
            out.replies.writeStaticString(line)
            out.replies.writeString("\(arguments)\r\n")
        }
        out.replies.writeStaticString("RESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n")
        let retention = self.settings.retentionDays.map { "\($0)" } ?? "NEVER"
        out.replies.writeString("EXPIRE \(retention)\r\n")
        if self.settings.loginDelay > 0 { out.replies.writeString("LOGIN-DELAY \(self.settings.loginDelay)\r\n") }
        if let name = self.settings.implementation { out.replies.writeString("IMPLEMENTATION \(name)\r\n") }
        out.replies.writeStaticString(".\r\n")
    }

    /// What follows the capability of a command; nil hides it as things stand.
    private func capabilityArguments(_ verb: POP3Verb) -> String? {
        switch verb {
        case .user: self.mayTakePasswords ? "" : nil
        case .auth:
            self.listedMechanisms.isEmpty ? nil : " " + self.listedMechanisms.map(\.rawValue).joined(separator: " ")
        case .stls: self.tls == nil && self.settings.offersTLS ? "" : nil
        default: ""
        }
    }
}
