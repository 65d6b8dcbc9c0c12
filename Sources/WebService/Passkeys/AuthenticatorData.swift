/// What a device says of itself and of who is at it; the signature covers it. [WebAuthn-6.1]
package struct AuthenticatorData: Sendable {
    /// A credential that the device has just made. [WebAuthn-6.5.1]
    package struct Made: Sendable {
        package let id: [UInt8]
        /// The COSE key as it was written.
        package let key: [UInt8]
    }

    /// SHA-256 of the name that the passkey is for.
    package let hostHash: [UInt8]
    package let isPresent: Bool
    /// The device asked for a finger, a face or its code.
    package let isVerified: Bool
    /// It may be copied to other devices of its owner, and whether it is.
    package let isBackupEligible: Bool
    package let isBackedUp: Bool
    package let signCount: UInt32
    package let made: Made?

    package init(_ bytes: [UInt8]) throws(PasskeyProblem) {
        guard bytes.count >= 37, bytes.count <= PasskeyLimits.authenticatorData else { throw .malformed }
        self.hostHash = Array(bytes[..<32])
        let flags = bytes[32]
        self.isPresent = flags & 0x01 != 0
        self.isVerified = flags & 0x04 != 0
        self.isBackupEligible = flags & 0x08 != 0
        self.isBackedUp = flags & 0x10 != 0
        self.signCount = bytes[33..<37].reduce(0) { $0 << 8 | UInt32($1) }
        // What cannot be copied cannot have been.
        guard self.isBackupEligible || !self.isBackedUp else { throw .malformed }
        var offset = 37
        self.made = flags & 0x40 == 0 ? nil : try Self.made(bytes, &offset)
        if flags & 0x80 != 0 { offset = try Self.extensions(bytes, offset) }
        guard offset == bytes.count else { throw .malformed }
    }

    /// Model (16 bytes, not looked at), length, id, key.
    private static func made(_ bytes: [UInt8], _ offset: inout Int) throws(PasskeyProblem) -> Made {
        let start = offset + 18
        guard bytes.count >= start else { throw .malformed }
        let length = Int(bytes[start - 2]) << 8 | Int(bytes[start - 1])
        guard (1...PasskeyLimits.credentialID).contains(length), bytes.count - start >= length else { throw .malformed }
        var reader = CBORReader(bytes, at: start + length)
        _ = try reader.value()
        offset = reader.offset
        return Made(id: Array(bytes[start..<(start + length)]), key: Array(bytes[(start + length)..<offset]))
    }

    /// Answers of extensions that nobody asked for; read to know where they end.
    private static func extensions(_ bytes: [UInt8], _ offset: Int) throws(PasskeyProblem) -> Int {
        var reader = CBORReader(bytes, at: offset)
        guard case .map = try reader.value() else { throw .malformed }
        return reader.offset
    }
}

/// What a device made when it was asked for a passkey. [WebAuthn-6.5]
package struct AttestationObject: Sendable {
    package let data: AuthenticatorData

    /// Who built the device is not asked; what says it is passed over, without being trusted.
    package init(_ bytes: [UInt8]) throws(PasskeyProblem) {
        guard bytes.count <= PasskeyLimits.attestation else { throw .malformed }
        let value = try CBORReader.whole(bytes)
        guard let format = value["fmt"]?.text, case .map(let statement)? = value["attStmt"], let data = value["authData"]?.bytes else {
            throw .malformed
        }
        // "none" says nothing. [WebAuthn-8.7]
        guard format != "none" || statement.isEmpty else { throw .malformed }
        self.data = try AuthenticatorData(data)
    }
}
