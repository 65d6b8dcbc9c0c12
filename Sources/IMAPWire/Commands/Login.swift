internal import Bytes
internal import NIOCore
internal import SASL
internal import Vocabulary

// STARTTLS, AUTHENTICATE, LOGIN, UNAUTHENTICATE. [RFC9051-6.2] [RFC4959-3] [RFC8437-2]
extension IMAPRule {
    static let login: [IMAPRule] = [
        IMAPRule(name: "STARTTLS", states: .notAuthenticated) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectEnd()
            machine.startTLS(&out)
        },
        IMAPRule(name: "AUTHENTICATE", states: .notAuthenticated) { machine, arguments, out throws(GrammarFault) in
            try machine.authenticate(&arguments, &out)
        },
        IMAPRule(name: "LOGIN", states: .notAuthenticated) { machine, arguments, out throws(GrammarFault) in
            try machine.login(&arguments, &out)
        },
        IMAPRule(name: "UNAUTHENTICATE", states: .loggedIn, feature: .unauthenticate) { machine, arguments, out throws(GrammarFault) in
            try arguments.expectEnd()
            machine.unauthenticate(&out)
        },
    ]
}

extension IMAPMachine {
    fileprivate mutating func startTLS(_ out: inout Output) {
        guard self.tls == nil else { return self.bad(.tlsActive, &out) }
        guard self.settings.offersTLS else { return self.bad(.tlsUnavailable, &out) }
        self.writeTagged(.ok(.beginTLS), &out)
        self.phase = .startingTLS
        out.startTLS()
    }

    // RFC 9051 9:  login = "LOGIN" SP userid SP password
    fileprivate mutating func login(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        try arguments.expectSpace()
        let name = try arguments.astring()
        try arguments.expectSpace()
        let password = try arguments.astring()
        try arguments.expectEnd()
        guard self.mayTakePasswords else { return self.refuseLogin(.no(.tlsFirst, code: "PRIVACYREQUIRED"), &out) }  // [RFC5530-3]
        // A name that is no UTF-8 cannot be anybody's.
        let login = String(validating: name, as: UTF8.self) ?? ""
        self.ask(.authenticate(.password(login: login, Secret(password)), nil, hasTLS: self.tls != nil), .login(nil), &out)
    }

    // RFC 9051 9:  authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64)
    fileprivate mutating func authenticate(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        try arguments.expectSpace()
        let word = try arguments.atom()
        var initial: [UInt8]?
        if arguments.take(" ") {
            let text = arguments.takeWhile { $0 > 0x20 && $0 < 0x7F }
            guard let decoded = text.elementsEqual("=".utf8) ? [] : Base64.decode(text), !text.isEmpty else {
                throw GrammarFault(.malformedAuth)
            }
            initial = decoded
        }
        try arguments.expectEnd()
        guard let mechanism = SASLMechanism(wireName: word), self.settings.mechanisms.contains(mechanism) else {
            return self.refuseLogin(.no(.unknownMechanism, code: "CANNOT"), &out)
        }
        guard self.mayTakePasswords || !mechanism.sendsPassword else {
            return self.refuseLogin(.no(.tlsFirst, code: "PRIVACYREQUIRED"), &out)
        }
        var exchange = SASLServer(mechanism, serverNonce: self.settings.makeNonce())
        let step = exchange.begin(initialResponse: initial)
        self.carryOut(step, exchange, &out)
    }

    mutating func takeExchangeLine(_ input: inout ByteBuffer, _ exchange: SASLServer, _ out: inout Output) -> Bool {
        guard let line = self.plainLine(&input, limit: self.settings.limits.authLine, &out) else { return false }
        guard case .exchange = self.phase else { return true }
        self.phase = .command
        guard !line.elementsEqual("*".utf8) else {
            self.bad(.cancelled, &out)  // [RFC9051-6.2.2]
            return true
        }
        guard let bytes = Base64.decode(line) else {
            self.bad(.malformedAuth, &out)
            return true
        }
        var exchange = exchange
        let step = exchange.respond(bytes)
        self.carryOut(step, exchange, &out)
        return true
    }

    mutating func loginAnswered(_ answer: AuthOutcome, _ exchange: SASLServer?, _ out: inout Output) {
        if var exchange {
            let step = exchange.answered(answer)
            return self.carryOut(step, exchange, &out)
        }
        switch answer {
        case .accepted(let identity): self.open(identity, &out)
        case .refused(let refusal): self.refuseLogin(refusal, &out)
        case .verifier: self.refuseLogin(AuthRefusal.unavailable, &out)
        }
    }

    private mutating func carryOut(_ step: SASLServer.Step, _ exchange: SASLServer, _ out: inout Output) {
        switch step {
        case .challenge(let bytes):
            self.phase = .exchange(exchange)
            out.replies.writeString("+ \(Base64.encode(bytes))\r\n")
        case .ask(let request):
            self.ask(.authenticate(request, exchange.mechanism, hasTLS: self.tls != nil), .login(exchange), &out)
        case .succeeded(let identity): self.open(identity, &out)
        case .failed(.malformed): self.bad(.malformedAuth, &out)
        case .failed(.refused(let refusal)): self.refuseLogin(refusal, &out)
        }
    }

    // MARK: Ends of a login

    private mutating func open(_ identity: Identity, _ out: inout Output) {
        self.identity = identity
        self.errors = 0
        self.writeTagged(.ok(.loggedIn, code: "CAPABILITY \(self.capabilities)"), &out)
    }

    /// [RFC5530-3]
    private mutating func refuseLogin(_ refusal: AuthRefusal, _ out: inout Output) {
        let ending: Ending =
            switch refusal {
            case .badCredentials: .no(.loginFailed, code: "AUTHENTICATIONFAILED")
            case .notFromHere: .no(.notFromHere, code: "AUTHORIZATIONFAILED")
            case .locked: .no(.accountLocked, code: "CONTACTADMIN")
            case .expired: .no(.accountExpired, code: "EXPIRED")
            case .serviceOff: .no(.serviceOff, code: "NOPERM")
            case .tooManyFailures: .no(.tooManyFailures, code: "UNAVAILABLE")
            case .unavailable: .no(.unavailable, code: "UNAVAILABLE")
            }
        self.refuseLogin(ending, countsAgainstPeer: refusal != .unavailable, &out)
    }

    private mutating func refuseLogin(_ ending: Ending, countsAgainstPeer: Bool = true, _ out: inout Output) {
        self.writeTagged(ending, &out)
        if countsAgainstPeer { self.authFailures += 1 }
        if self.authFailures >= self.settings.limits.authFailures { self.sayBye(.tooManyErrors, &out) }
    }

    /// The name and the password are right, but the session cannot be.
    mutating func loginRefused(_ refusal: IMAPRefusal, _ out: inout Output) {
        self.refuseLogin(.refused(refusal), countsAgainstPeer: false, &out)
    }

    // MARK: UNAUTHENTICATE

    fileprivate mutating func unauthenticate(_ out: inout Output) {
        if self.selected != nil { return self.ask(.close(expunging: false), .closing(.unauthenticate), &out) }
        self.ask(.forgetLogin, .forgetting, &out)
    }

    /// Everything but TLS and compression is as at the beginning. [RFC8437-3]
    mutating func forgotten(_ out: inout Output) {
        let (tag, tls, isCompressed, errors, failures) = (self.command.tag, self.tls, self.isCompressed, self.errors, self.authFailures)
        self = IMAPMachine(settings: self.settings)
        (self.command.tag, self.tls, self.isCompressed, self.errors, self.authFailures) = (tag, tls, isCompressed, errors, failures)
        self.writeTagged(.ok(.welcomeBack, code: "CAPABILITY \(self.capabilities)"), &out)
        out.setDeadline(self.settings.limits.loginTimeout)
    }
}
