internal import Bytes
internal import Text

/// Reads the fields that say what a part is. Whatever stands there, something comes out: peers write these fields in every wrong way.
enum ContentFields {
    /// `type/subtype; name=value …`; nil where there is no type.
    static func mediaType(_ body: [UInt8], _ limits: MIMELimits) -> MediaType? {
        body.withUnsafeBytes { bytes in
            var cursor = FieldCursor(bytes, limits)
            guard let type = cursor.token(), cursor.take(UInt8(ascii: "/")), let subtype = cursor.token() else { return nil }
            return MediaType(type.asciiLowercased, subtype.asciiLowercased, cursor.parameters())
        }
    }

    static func disposition(_ body: [UInt8], _ limits: MIMELimits) -> ContentDisposition? {
        body.withUnsafeBytes { bytes in
            var cursor = FieldCursor(bytes, limits)
            guard let kind = cursor.token() else { return nil }
            return ContentDisposition(kind.asciiLowercased, cursor.parameters())
        }
    }

    /// The parameters as they stand, put together: behind `type/subtype` or behind a disposition.
    static func shownParameters(_ body: [UInt8], isType: Bool, _ limits: MIMELimits) -> [ParameterPiece.Shown] {
        body.withUnsafeBytes { bytes in
            var cursor = FieldCursor(bytes, limits)
            _ = cursor.token()
            if isType {
                _ = cursor.take(UInt8(ascii: "/"))
                _ = cursor.token()
            }
            return ParameterPiece.shown(cursor.pieces())
        }
    }

    static func encoding(_ body: [UInt8], _ limits: MIMELimits) -> TransferEncoding {
        body.withUnsafeBytes { bytes in
            var cursor = FieldCursor(bytes, limits)
            return TransferEncoding(cursor.token()?.asciiLowercased ?? "")
        }
    }
}

/// Walks through a structured field: tokens, quoted strings, comments between them. [RFC2045-5.1]
struct FieldCursor {
    private static let commentDepth = 32

    private let bytes: UnsafeRawBufferPointer
    private let limits: MIMELimits
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer, _ limits: MIMELimits) {
        self.bytes = UnsafeRawBufferPointer(rebasing: bytes.prefix(limits.fieldBody))
        self.limits = limits
    }

    private var current: UInt8? { self.position < self.bytes.count ? self.bytes[self.position] : nil }

    mutating func take(_ byte: UInt8) -> Bool {
        self.skipBlanks()
        guard self.current == byte else { return false }
        self.position += 1
        return true
    }

    /// A word without blanks and specials; nil where none stands.
    mutating func token() -> String? {
        self.skipBlanks()
        let start = self.position
        while let byte = self.current, Self.isToken(byte) { self.position += 1 }
        return start == self.position ? nil : String(decoding: self.bytes[start..<self.position], as: UTF8.self)
    }

    /// `*(";" attribute "=" value)`, put together by RFC 2231. What is no parameter is passed over up to the next semicolon.
    mutating func parameters() -> [MediaType.Parameter] { ParameterPiece.joined(self.pieces()) }

    /// The parameters one by one as they stand.
    mutating func pieces() -> [ParameterPiece] {
        var pieces: [ParameterPiece] = []
        while pieces.count < self.limits.parameters {
            guard self.skipToSemicolon() else { break }
            guard let name = self.token(), self.take(UInt8(ascii: "=")), let value = self.value() else { continue }
            pieces.append(ParameterPiece(name: name.asciiLowercased, value: value))
        }
        return pieces
    }

    private mutating func value() -> [UInt8]? {
        self.skipBlanks()
        if self.current == UInt8(ascii: "\"") { return self.quoted() }
        let start = self.position
        if let token = self.token() {
            self.skipBlanks()
            if self.current == nil || self.current == UInt8(ascii: ";") { return Array(token.utf8) }
            self.position = start
        }
        // Values with blanks, slashes and worse stand unquoted in real mail: up to the semicolon.
        while let byte = self.current, byte != UInt8(ascii: ";") { self.position += 1 }
        var end = self.position
        while end > start, self.bytes[end - 1] == .space || self.bytes[end - 1] == .tab { end -= 1 }
        return start == end ? nil : Array(self.bytes[start..<end])
    }

    private mutating func quoted() -> [UInt8] {
        var out: [UInt8] = []
        self.position += 1
        while let byte = self.current {
            self.position += 1
            if byte == UInt8(ascii: "\"") { return out }
            if byte == UInt8(ascii: "\\"), let next = self.current {
                out.append(next)
                self.position += 1
            } else {
                out.append(byte)
            }
        }
        return out  // not ended: what is there
    }

    private mutating func skipToSemicolon() -> Bool {
        while let byte = self.current {
            switch byte {
            case UInt8(ascii: ";"):
                self.position += 1
                return true
            case UInt8(ascii: "\""): _ = self.quoted()
            case UInt8(ascii: "("): self.skipComment()
            default: self.position += 1
            }
        }
        return false
    }

    private mutating func skipBlanks() {
        while let byte = self.current {
            switch byte {
            case .space, .tab, .cr, .lf: self.position += 1
            case UInt8(ascii: "("): self.skipComment()
            default: return
            }
        }
    }

    /// Comments nest, but not without end.
    private mutating func skipComment() {
        var depth = 0
        while let byte = self.current {
            self.position += 1
            switch byte {
            case UInt8(ascii: "\\"): if self.current != nil { self.position += 1 }
            case UInt8(ascii: "("): depth = min(depth + 1, Self.commentDepth)
            case UInt8(ascii: ")"):
                depth -= 1
                if depth <= 0 { return }
            default: break
            }
        }
    }

    /// RFC 2045 5.1:  token := 1*<any CHAR except SPACE, CTLs, or tspecials>; beyond ASCII as well, because it occurs.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, 0x7F: false
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "@"), UInt8(ascii: ","),
            UInt8(ascii: ";"), UInt8(ascii: ":"), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "/"), UInt8(ascii: "["),
            UInt8(ascii: "]"), UInt8(ascii: "?"), UInt8(ascii: "="):
            false
        default: true
        }
    }
}
