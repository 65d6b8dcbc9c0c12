internal import Bytes
internal import CUnicode
internal import Glibc

extension UnicodeText {
    /// Case folded and in compatibility composition, in UTF-8: `Ａ`, `a` and `A` are one, as are `ｶﾞ` and `ガ`, `㎏` and `kg`. Twice, because
    /// what a compatibility character stands for may have capitals of its own. (Unicode 3.13 D146)
    /// - Parameter bytes: UTF-8.
    package static func caseless(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        self.folded(bytes).withUnsafeBufferPointer { self.folded($0) }
    }

    private static func folded(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        var length = 0
        guard bytes.count > 0, let result = u8_casefold(bytes.baseAddress, bytes.count, nil, po_nfkc(), nil, &length) else {
            return Array(bytes)
        }
        defer { free(result) }
        return Array(UnsafeBufferPointer(start: result, count: length))
    }

    /// What `i;unicode-casemap` compares, octet by octet: title case, then decomposed. RFC 5051 2
    package static func casemapped(_ text: String) -> [UInt8] {
        if self.isASCII(text) { return text.utf8.map(\.asciiUppercased) }
        var titled = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { titled.append(Unicode.Scalar(uc_totitle(scalar.value)) ?? scalar) }
        var copy = String(titled)
        return copy.withUTF8 { input in
            var length = 0
            guard let result = u8_normalize(po_nfkd(), input.baseAddress, input.count, nil, &length) else { return Array(input) }
            defer { free(result) }
            return Array(UnsafeBufferPointer(start: result, count: length))
        }
    }
}
