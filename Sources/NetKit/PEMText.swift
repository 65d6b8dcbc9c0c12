internal import Bytes

/// The blocks of a PEM file: their labels, and one of them as text. What stands between blocks is commentary. [RFC7468-2] [RFC7468-5.2]
struct PEMText {
    struct Block {
        let label: Substring
        let text: Substring
    }

    let blocks: [Block]
    private let text: String

    init(_ text: String) {
        self.text = text
        var blocks: [Block] = []
        var rest = text[...]
        while let begin = rest.firstRange(of: "-----BEGIN ") {
            rest = rest[begin.lowerBound...]
            let line = rest.prefix { !$0.isNewline }
            let label = line.dropFirst(11).prefix { $0 != "-" }
            guard let end = rest.firstRange(of: "-----END \(label)-----") else {
                blocks.append(Block(label: label, text: rest))
                break
            }
            blocks.append(Block(label: label, text: rest[..<end.upperBound]))
            rest = rest[end.upperBound...]
        }
        self.blocks = blocks
    }

    var certificates: [Block] { self.blocks.filter { $0.label == "CERTIFICATE" || $0.label == "X509 CERTIFICATE" } }
    var key: Block? { self.blocks.first { $0.label.hasSuffix("PRIVATE KEY") } }

    /// Why there is no certificate in it, as far as labels tell.
    var whyNoCertificate: TLSFailure.Problem {
        self.whyNoBlock ?? (self.has("CERTIFICATE REQUEST") ? .isRequest : self.has("PRIVATE KEY") ? .isKey : .damagedCertificate)
    }

    /// Why there is no private key in it.
    var whyNoKey: TLSFailure.Problem {
        self.whyNoBlock ?? (self.has("PUBLIC KEY") ? .isPublicKey : self.certificates.isEmpty ? .damagedKey : .isCertificate)
    }

    private func has(_ end: String) -> Bool { self.blocks.contains { $0.label.hasSuffix(end) } }

    private var whyNoBlock: TLSFailure.Problem? {
        if self.blocks.contains(where: { $0.label == "PKCS7" || $0.label == "CMS" }) { return .isBundle }
        guard self.blocks.isEmpty else { return nil }
        if self.text.allSatisfy(\.isWhitespace) { return .empty }
        // A sequence of ASN.1 begins so; the rest of it is no text.
        return self.text.utf8.first == 0x30 && self.text.unicodeScalars.contains("\u{FFFD}") ? .isDER : .notPEM
    }
}
