internal import Bytes
internal import Crypto
internal import SASL

internal import struct Foundation.Data

/// What only this server can have made: MACs of tokens, and texts that a browser keeps for us without reading them.
struct WebKeys: Sendable {
    /// What a MAC or a text was made for; one is never taken for another.
    enum Purpose: String {
        case session, form, login, carried, step, key, recovery
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

/// Base64 with `-` and `_`, without padding. [RFC4648-5]
enum Base64URL {
    static func encode(_ bytes: [UInt8]) -> String {
        var out = Array(Base64.encode(bytes).utf8)
        while out.last == UInt8(ascii: "=") { out.removeLast() }
        for index in out.indices {
            if out[index] == UInt8(ascii: "+") { out[index] = UInt8(ascii: "-") }
            if out[index] == UInt8(ascii: "/") { out[index] = UInt8(ascii: "_") }
        }
        return String(decoding: out, as: UTF8.self)
    }

    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count + 3)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "-"): bytes.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): bytes.append(UInt8(ascii: "/"))
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): return nil
            default: bytes.append(byte)
            }
        }
        while bytes.count % 4 != 0 { bytes.append(UInt8(ascii: "=")) }
        return Base64.decode(bytes)
    }
}
