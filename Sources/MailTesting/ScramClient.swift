internal import Bytes
internal import SASL

/// The client side of SCRAM-SHA-256, as far as tests need it. [RFC5802-3]
package struct ScramClient {
    private let login: String
    private let password: String
    private let nonce = "client-nonce"
    private let header: String

    /// `header` is the GS2 header: who cannot bind to the channel says `n,,`.
    package init(login: String, password: String, header: String = "n,,") {
        self.login = login
        self.password = password
        self.header = header
    }

    private var bare: String { "n=\(self.login),r=\(self.nonce)" }
    package var first: [UInt8] { Array((self.header + self.bare).utf8) }

    /// The final message to a server-first, and the server signature that must come back.
    package func final(to serverFirst: [UInt8], binding: String? = nil) -> (message: [UInt8], signature: String)? {
        let text = String(decoding: serverFirst, as: UTF8.self)
        let fields = text.split(separator: ",").map(String.init)
        guard fields.count == 3, let salt = Base64.decode(Array(fields[1].dropFirst(2).utf8)), let rounds = Int(fields[2].dropFirst(2))
        else {
            return nil
        }
        let salted = SCRAM.pbkdf2(Array(self.password.utf8), salt: salt, iterations: rounds)
        let clientKey = SCRAM.hmac(salted, Array("Client Key".utf8))
        let withoutProof = "c=\(Base64.encode(Array((binding ?? self.header).utf8))),\(fields[0])"
        let message = Array("\(self.bare),\(text),\(withoutProof)".utf8)
        let proof = zip(clientKey, SCRAM.hmac(SCRAM.hash(clientKey), message)).map { $0 ^ $1 }
        let signature = SCRAM.hmac(SCRAM.hmac(salted, Array("Server Key".utf8)), message)
        return (Array("\(withoutProof),p=\(Base64.encode(proof))".utf8), "v=\(Base64.encode(signature))")
    }
}
