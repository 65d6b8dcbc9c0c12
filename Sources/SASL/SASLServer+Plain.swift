extension SASLServer {
    /// Longest name we look up, in octets.
    static let maximumLogin = 512

    // RFC 4616 2:  message = [authzid] UTF8NUL authcid UTF8NUL passwd
    mutating func plainMessage(_ bytes: [UInt8]) -> Step {
        let parts = bytes.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3, let authorization = Self.name(parts[0]), let login = Self.name(parts[1]), !login.isEmpty else {
            return self.fail(.malformed)
        }
        self.authorization = authorization
        return self.check(login, Array(parts[2]))
    }

    /// First answer of LOGIN, which no RFC describes: clients send the bare name, a few with the initial response.
    mutating func loginName(_ bytes: [UInt8]) -> Step {
        guard let name = Self.name(bytes[...]), !name.isEmpty else { return self.fail(.malformed) }
        self.exchange = .loginPassword(name: name)
        return .challenge(Array("Password:".utf8))
    }

    mutating func loginPassword(_ bytes: [UInt8], name: String) -> Step { self.check(name, bytes) }

    private mutating func check(_ login: String, _ password: [UInt8]) -> Step {
        guard !password.isEmpty, password.count <= PasswordPreparation.maximumLength else { return self.fail(.malformed) }
        self.exchange = .verdict
        return .ask(.password(login: login, Secret(password)))
    }

    /// Text of a name: UTF-8, no NUL, not too long. Empty is allowed here.
    static func name(_ bytes: ArraySlice<UInt8>) -> String? {
        guard bytes.count <= Self.maximumLogin, !bytes.contains(0) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
