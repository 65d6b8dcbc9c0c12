internal import Crypto
internal import SASL

internal import struct Foundation.Data

/// What only this server can have made: MACs of tokens, and texts that a browser keeps for us without reading them.
struct WebKeys: Sendable {
    /// What a MAC or a text was made for; one is never taken for another.
    enum Purpose: String {
        case session, form, login, carried, step, key, recovery, passkey, handle
    }

    private let key: SymmetricKey

    init(_ secret: Secret) { self.key = SymmetricKey(data: secret.withBytes { $0 }) }

    /// 43 letters, digits, `-` and `_`.
    func mac(_ purpose: Purpose, _ text: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Data("\(purpose.rawValue)\0\(text)".utf8), using: self.key)
        return Base64URL.encode(Array(code))
    }

    /// In constant time.
    func isMAC(_ mac: String, _ purpose: Purpose, _ text: String) -> Bool {
        constantTimeEqual(Array(mac.utf8), Array(self.mac(purpose, text).utf8))
    }

    func seal(_ purpose: Purpose, _ text: String) -> String? {
        let box = try? AES.GCM.seal(Data(text.utf8), using: self.sealing(purpose), authenticating: Data(purpose.rawValue.utf8))
        return box?.combined.map { Base64URL.encode(Array($0)) }
    }

    /// nil for anything that was not sealed here for this purpose.
    func open(_ purpose: Purpose, _ sealed: String) -> String? {
        guard let bytes = Base64URL.decode(sealed), let box = try? AES.GCM.SealedBox(combined: Data(bytes)),
            let text = try? AES.GCM.open(box, using: self.sealing(purpose), authenticating: Data(purpose.rawValue.utf8))
        else { return nil }
        return String(validating: text, as: UTF8.self)
    }

    private func sealing(_ purpose: Purpose) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(inputKeyMaterial: self.key, info: Data("seal \(purpose.rawValue)".utf8), outputByteCount: 32)
    }
}
