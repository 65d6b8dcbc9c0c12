internal import Bytes
internal import CUnicode
internal import Glibc

// Invariants of this target:
// 1. The only user of iconv, libunistring and libidn2. No other target sees their names.
// 2. Pure functions: no locale, no global state; a result depends on the arguments alone.
// 3. Nothing traps on any input; what cannot be done is nil or an error with its cause.

/// Normal forms and case folding of Unicode text. ASCII takes a short way without any library call.
package enum UnicodeText {
    /// Canonical composition (NFC): one spelling for what looks the same.
    package static func nfc(_ text: String) -> String { self.normalized(text, po_nfc()) }

    /// Compatibility composition (NFKC): full-width letters become ASCII, half-width kana full-width. For searching, never for storing.
    package static func nfkc(_ text: String) -> String { self.normalized(text, po_nfkc()) }

    /// Canonical caseless form: equal for texts that differ in case or composition only. Locale-free, so that `I` folds to `i` for everybody.
    package static func folded(_ text: String) -> String {
        if self.isASCII(text) { return text.asciiLowercased }
        // Unicode 3.13 D145: decompose, fold, then one normal form again.
        let decomposed = self.normalized(text, po_nfd())
        let folded = self.library(decomposed) { input, count, length in
            u8_casefold(input, count, nil, po_nfc(), nil, length)
        }
        return folded ?? decomposed
    }

    package static func isASCII(_ text: String) -> Bool { text.utf8.allSatisfy { $0 < 0x80 } }

    /// Columns the text takes in a terminal of fixed width: 2 for a wide East Asian character.
    package static func columns(_ text: String) -> Int {
        if self.isASCII(text) { return text.utf8.count }
        return text.unicodeScalars.reduce(0) { $0 + max(0, Int(uc_width($1.value, "UTF-8"))) }
    }

    /// True for a control character (C0, DEL, C1) or a separator that ends a line: what no one-line field may hold.
    package static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }

    private static func normalized(_ text: String, _ form: uninorm_t?) -> String {
        if self.isASCII(text) { return text }
        return self.library(text) { input, count, length in u8_normalize(form, input, count, nil, length) } ?? text
    }

    /// Calls a function of libunistring that gives back malloc'ed UTF-8.
    private static func library(
        _ text: String, _ call: (UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<Int>) -> UnsafeMutablePointer<UInt8>?
    ) -> String? {
        var text = text
        return text.withUTF8 { input in
            var length = 0
            guard let result = call(input.baseAddress, input.count, &length) else { return nil }
            defer { free(result) }
            return String(decoding: UnsafeBufferPointer(start: result, count: length), as: UTF8.self)
        }
    }
}
