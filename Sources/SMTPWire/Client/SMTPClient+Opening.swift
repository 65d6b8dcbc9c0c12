internal import Bytes
internal import NIOCore
internal import Policy
internal import Vocabulary

// From the greeting to the first message.
extension SMTPClient {
    mutating func greeted(_ reply: Reply, _ out: inout SessionOutput<SMTPClientCall>) {
        guard reply.code / 100 == 2 else { return self.end(with: reply, at: .greeting, &out) }
        self.sayHello(&out)
    }

    mutating func sayHello(_ out: inout SessionOutput<SMTPClientCall>) {
        out.replies.writeString("\(self.settings.isLMTP ? "LHLO" : "EHLO") \(self.settings.helloName)\r\n")
        self.expect(.ehlo, self.settings.timeouts.command, &out)
    }

    mutating func helloAnswered(_ reply: Reply, isExtended: Bool, _ out: inout SessionOutput<SMTPClientCall>) {
        guard reply.code / 100 == 2 else {
            // A server that does not know EHLO; one that refuses for now is left alone. [RFC5321-3.2]
            guard isExtended, reply.isPermanent, self.tls == nil, !self.settings.isLMTP else {
                return self.end(with: reply, at: .ehlo, &out)
            }
            out.replies.writeString("HELO \(self.settings.helloName)\r\n")
            self.expect(.helo, self.settings.timeouts.command, &out)
            return
        }
        self.peer = isExtended ? SMTPPeer(reply) : SMTPPeer(plain: reply)
        self.secure(&out)
    }

    // MARK: TLS

    private mutating func secure(_ out: inout SessionOutput<SMTPClientCall>) {
        guard self.tls == nil else { return self.logIn(&out) }
        switch self.settings.tls {
        case .never: self.logIn(&out)
        case .opportunistic where !self.peer.hasStartTLS: self.logIn(&out)
        case .required(let reason) where !self.peer.hasStartTLS:
            self.lose(.tlsRequired("\(reason): STARTTLS is not offered"), "STARTTLS is not offered", &out)
        case .opportunistic, .required:
            out.replies.writeStaticString("STARTTLS\r\n")
            self.expect(.startTLS, self.settings.timeouts.command, &out)
        }
    }

    mutating func startTLSAnswered(_ reply: Reply, _ out: inout SessionOutput<SMTPClientCall>) {
        if reply.code == 220 {
            self.phase = .handshaking
            out.startTLS()
        } else if case .required(let reason) = self.settings.tls {
            self.lose(.tlsRequired("\(reason): STARTTLS was answered \(reply.code)"), Self.startTLSRefused, &out)
        } else {
            self.logIn(&out)
        }
    }

    // MARK: AUTH

    private mutating func logIn(_ out: inout SessionOutput<SMTPClientCall>) {
        guard let credentials = self.settings.credentials, !self.isAuthenticated else { return self.askForWork(&out) }
        // A password in clear would be anybody's. [RFC4954-4]
        guard self.tls != nil || credentials.inClear else {
            return self.lose(.tlsRequired("the login needs TLS"), "no TLS for the login", &out)
        }
        if self.peer.mechanisms.contains("PLAIN") {
            let line = "AUTH PLAIN \(self.plainResponse)\r\n"
            // Longer ones go in a line of their own. [RFC4954-4]
            out.replies.writeString(line.utf8.count <= 512 ? line : "AUTH PLAIN\r\n")
            self.expect(.auth(.plain), self.settings.timeouts.command, &out)
        } else if self.peer.mechanisms.contains("LOGIN") {
            out.replies.writeStaticString("AUTH LOGIN\r\n")
            self.expect(.auth(.loginStart), self.settings.timeouts.command, &out)
        } else {
            self.lose(.loginFailed(nil), "no login mechanism in common", &out)
        }
    }

    private mutating func askForWork(_ out: inout SessionOutput<SMTPClientCall>) {
        self.peer.isEncrypted = self.tls != nil
        self.ask(.ready(self.peer), &out)
    }

    mutating func authAnswered(_ step: AuthStep, _ reply: Reply, _ out: inout SessionOutput<SMTPClientCall>) {
        if reply.code / 100 == 2 {
            self.isAuthenticated = true
            return self.askForWork(&out)
        }
        guard reply.code == 334 else { return self.lose(.loginFailed(reply), "the login was refused", &out) }
        switch step {
        case .plain: self.answer(self.plainResponse, .plainAnswer, &out)
        case .loginStart: self.answer(Base64.encode(Array((self.settings.credentials?.login ?? "").utf8)), .loginName, &out)
        case .loginName: self.answer(self.settings.credentials?.password.withBytes { Base64.encode($0) } ?? "", .loginPassword, &out)
        case .plainAnswer, .loginPassword: self.lose(.loginFailed(reply), "the login has no end", &out)
        }
    }

    private mutating func answer(_ text: String, _ step: AuthStep, _ out: inout SessionOutput<SMTPClientCall>) {
        out.replies.writeString("\(text)\r\n")
        self.expect(.auth(step), self.settings.timeouts.command, &out)
    }

    // RFC 4616 2:  message = [authzid] UTF8NUL authcid UTF8NUL passwd
    private var plainResponse: String {
        guard let credentials = self.settings.credentials else { return "" }
        return credentials.password.withBytes { Base64.encode([0] + Array(credentials.login.utf8) + [0] + $0) }
    }
}
