internal import Bytes
internal import NIOCore

// Numbers are written seven bits an octet, low ones first; of a part's places only what does not follow from the part before.

extension MessageParts {
    func write(to out: inout ByteBuffer) {
        out.writeVariable(self.size)
        out.writeVariable(Int64(self.parts.count))
        var last: Int64 = 0
        for part in self.parts {
            out.writeVariable(part.header.lowerBound - last)
            last = part.header.lowerBound
            out.writeVariable(part.header.upperBound - part.header.lowerBound)
            out.writeVariable(part.body.lowerBound - part.header.upperBound)
            out.writeVariable(part.body.upperBound - part.body.lowerBound)
            out.writeVariable(part.lines)
            out.writeVariable(Int64((part.parent ?? -1) + 1))
            out.writeInteger(part.kind.rawValue | (part.isAttachment ? 8 : 0) | part.encoding.code << 4)
            if case .other(let word) = part.encoding { out.writeShort(word) }
            if part.kind == .plainText || part.kind == .html { out.writeShort(part.charset) }
        }
    }

    init?(reading buffer: inout ByteBuffer, _ limits: MIMELimits = MIMELimits()) {
        guard let size = buffer.readVariable(), let count = buffer.readVariable(), count > 0, count <= buffer.readableBytes else {
            return nil
        }
        var parts: [Part] = []
        parts.reserveCapacity(Int(count))
        var last: Int64 = 0
        for index in 0..<Int(count) {
            guard let part = Self.part(&buffer, last, before: index) else { return nil }
            last = part.header.lowerBound
            parts.append(part)
        }
        self.init(parts: parts, size: size)
    }

    /// The header of the message itself, from what `write` wrote.
    static func firstHeader(reading buffer: inout ByteBuffer) -> Range<Int64>? {
        guard buffer.readVariable() != nil, let count = buffer.readVariable(), count > 0 else { return nil }
        return self.part(&buffer, 0, before: 0)?.header
    }

    private static func part(_ buffer: inout ByteBuffer, _ last: Int64, before index: Int) -> Part? {
        guard let headerStart = buffer.readEnd(from: last), let headerEnd = buffer.readEnd(from: headerStart),
            let bodyStart = buffer.readEnd(from: headerEnd), let bodyEnd = buffer.readEnd(from: bodyStart),
            let lines = buffer.readVariable(),
            let parent = buffer.readVariable(), parent <= Int64(index), let code = buffer.readInteger(as: UInt8.self),
            let kind = Kind(rawValue: code & 7)
        else { return nil }
        guard var encoding = TransferEncoding(code: code >> 4) else { return nil }
        if case .other = encoding { encoding = .other(buffer.readShort() ?? "") }
        let isText = kind == .plainText || kind == .html
        return Part(
            header: headerStart..<headerEnd, body: bodyStart..<bodyEnd, lines: lines, parent: parent == 0 ? nil : Int(parent) - 1,
            kind: kind,
            encoding: encoding, charset: isText ? buffer.readShort() ?? "" : "", isAttachment: code & 8 != 0)
    }
}

extension TransferEncoding {
    fileprivate var code: UInt8 {
        switch self {
        case .sevenBit: 0
        case .eightBit: 1
        case .binary: 2
        case .quotedPrintable: 3
        case .base64: 4
        case .other: 5
        }
    }

    fileprivate init?(code: UInt8) {
        switch code {
        case 0: self = .sevenBit
        case 1: self = .eightBit
        case 2: self = .binary
        case 3: self = .quotedPrintable
        case 4: self = .base64
        case 5: self = .other("")
        default: return nil
        }
    }
}

extension ByteBuffer {
    /// - Parameter value: not negative.
    mutating func writeVariable(_ value: Int64) {
        var rest = UInt64(bitPattern: max(0, value))
        while rest >= 0x80 {
            self.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        self.writeInteger(UInt8(truncatingIfNeeded: rest))
    }

    mutating func readVariable() -> Int64? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let byte = self.readInteger(as: UInt8.self) {
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return Int64(exactly: value) }
            shift += 7
            guard shift < 63 else { return nil }
        }
        return nil
    }

    /// A number counted from `start`.
    fileprivate mutating func readEnd(from start: Int64) -> Int64? {
        guard let length = self.readVariable() else { return nil }
        let (end, isTooMuch) = start.addingReportingOverflow(length)
        return isTooMuch ? nil : end
    }

    /// At most 255 octets.
    fileprivate mutating func writeShort(_ text: String) {
        let bytes = Array(text.utf8.prefix(255))
        self.writeInteger(UInt8(bytes.count))
        self.writeBytes(bytes)
    }

    fileprivate mutating func readShort() -> String? {
        guard let count = self.readInteger(as: UInt8.self) else { return nil }
        return self.readString(length: Int(count))
    }
}
