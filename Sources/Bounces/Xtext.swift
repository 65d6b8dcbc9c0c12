internal import Bytes

/// The encoding of ENVID and ORCPT, and that of international addresses in ASCII.
package enum Xtext {
    // RFC 3461 4: xtext = *( xchar / hexchar );  hexchar = "+" followed by two upper case hexadecimal digits
    /// nil when it is no xtext, or stands for something that is not printable ASCII.
    package static func decode(_ text: String) -> String? {
        var out: [UInt8] = []
        var bytes = text.utf8[...]
        while let byte = bytes.popFirst() {
            var value = byte
            if byte == UInt8(ascii: "+") {
                guard let high = bytes.popFirst().flatMap(self.digit), let low = bytes.popFirst().flatMap(self.digit) else { return nil }
                value = high << 4 | low
            } else if byte == UInt8(ascii: "=") {
                return nil
            }
            // The value before encoding is printable ASCII. [RFC3461-4.2]
            guard value == .tab || (0x20...0x7E).contains(value) else { return nil }
            out.append(value)
        }
        return String(decoding: out, as: UTF8.self)
    }

    package static func encode(_ text: String) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            if (0x21...0x7E).contains(byte), byte != UInt8(ascii: "+"), byte != UInt8(ascii: "=") {
                out.append(byte)
            } else {
                out += [UInt8(ascii: "+"), self.digits[Int(byte >> 4)], self.digits[Int(byte & 15)]]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    // RFC 6533 3: utf-8-addr-xtext = 1*(QCHAR / EmbeddedUnicodeChar);  EmbeddedUnicodeChar = "\x{" HEXPOINT "}"
    /// An international address in ASCII. [RFC6533-3]
    package static func unitext(_ address: String) -> String {
        var out = ""
        for scalar in address.unicodeScalars {
            let isPlain = (0x21...0x7E).contains(scalar.value) && scalar != "\\" && scalar != "+" && scalar != "="
            if isPlain {
                out.unicodeScalars.append(scalar)
            } else {
                let hex = String(scalar.value, radix: 16, uppercase: true)
                out += "\\x{\(hex.utf8.count < 2 ? "0" : "")\(hex)}"
            }
        }
        return out
    }

    /// What `unitext` wrote, or UTF-8 with such characters among it; nil when it is neither, or stands for a control character.
    package static func decodeUnitext(_ text: String) -> String? {
        var out = String.UnicodeScalarView()
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            guard scalar == "\\" else {
                out.append(scalar)
                continue
            }
            guard scalars.popFirst() == "x", scalars.popFirst() == "{", let end = scalars.firstIndex(of: "}") else { return nil }
            let hex = scalars[..<end]
            guard (1...6).contains(hex.count), hex.allSatisfy({ $0.properties.isASCIIHexDigit }),
                let value = UInt32(String(hex), radix: 16), let found = Unicode.Scalar(value)
            else { return nil }
            scalars = scalars[scalars.index(after: end)...]
            out.append(found)
        }
        let isSafe = out.allSatisfy { $0.properties.generalCategory != .control && $0.value != 0x2028 && $0.value != 0x2029 }
        return isSafe && !out.isEmpty ? String(out) : nil
    }

    private static let digits = Array("0123456789ABCDEF".utf8)

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
