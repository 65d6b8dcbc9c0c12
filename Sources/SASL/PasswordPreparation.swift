/// Makes the bytes of a password comparable, however the person's keyboard composed them. [RFC4013-2] [RFC8265-4.2]
///
/// SCRAM clients prepare on their side by SASLprep, so that the server's verifier must be made of the same form: non-ASCII spaces
/// become SPACE, then NFKC. What RFC 8265 forbids beyond that (unassigned code points, right-to-left mixes) we let pass as it is:
/// refusing it could lock out a person whose password was taken once. ASCII passwords, the usual case, come out unchanged.
package struct PasswordPreparation: Sendable {
    /// NFKC of a text; nil when it cannot be normalised. Given in, because the Unicode tables live in another target.
    package var normalize: @Sendable (String) -> String?

    package init(normalize: @escaping @Sendable (String) -> String?) { self.normalize = normalize }

    /// Longest password in octets, so that hashing never gets work without bound.
    package static let maximumLength = 1024

    /// nil for what can be no password: empty, too long, not UTF-8, with control characters. [RFC4013-2.3]
    package func prepared(_ raw: Secret) -> Secret? {
        raw.withBytes { bytes in
            guard !bytes.isEmpty, bytes.count <= Self.maximumLength else { return nil }
            if bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return raw }
            guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
            let mapped = String(String.UnicodeScalarView(text.unicodeScalars.compactMap(Self.mapped)))
            guard let normal = self.normalize(mapped), !normal.isEmpty, !normal.unicodeScalars.contains(where: Self.isControl) else {
                return nil
            }
            return Secret(normal)
        }
    }

    /// Spaces of RFC 3454 C.1.2 become SPACE; the characters of B.1 vanish.
    private static func mapped(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar.value {
        case 0xA0, 0x1680, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: " "
        case 0xAD, 0x34F, 0x1806, 0x180B...0x180D, 0x200B...0x200D, 0x2060, 0xFE00...0xFE0F, 0xFEFF: nil
        default: scalar
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) }
}
