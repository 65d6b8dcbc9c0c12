internal import Bytes
internal import NIOCore

/// The fields of one header that an envelope, search, sort and thread need: bodies as they stand, unfolded, in their order.
struct MessageFields {
    enum Name: Int, CaseIterable {
        case date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageID, references
    }

    private var bodies: [[[UInt8]]] = Array(repeating: [], count: Name.allCases.count)
    private var addressLists: [[EnvelopeAddress]] = Array(repeating: [], count: Name.allCases.count)

    /// - Parameter header: fields, with or without the empty line behind them.
    init(_ header: [UInt8]) {
        var buffer = ByteBuffer(bytes: header)
        // The last field is over only when it is known that no continuation follows.
        buffer.writeStaticString("\r\n")
        var reader = HeaderReader(buffer)
        while let field = reader.next() {
            let name = buffer.withUnsafeReadableBytes { Self.name(UnsafeRawBufferPointer(rebasing: $0[field.start..<field.nameEnd])) }
            if let name { self.bodies[name.rawValue].append(buffer.unfolded(field).withoutNUL) }
        }
        for name in [Name.from, .sender, .replyTo, .to, .cc, .bcc] {
            for body in self[name] { self.addressLists[name.rawValue] += EnvelopeAddressReader.addresses(in: body) }
        }
    }

    subscript(_ name: Name) -> [[UInt8]] { self.bodies[name.rawValue] }
    func first(_ name: Name) -> [UInt8]? { self.bodies[name.rawValue].first }

    /// Addresses of all fields of this name, as one list.
    func addresses(_ name: Name) -> [EnvelopeAddress] { self.addressLists[name.rawValue] }

    private static func name(_ bytes: UnsafeRawBufferPointer) -> Name? {
        func isNamed(_ wanted: StaticString) -> Bool {
            wanted.withUTF8Buffer { wanted in
                for index in 0..<wanted.count where bytes[index].asciiLowercased != wanted[index] { return false }
                return true
            }
        }
        switch bytes.count {
        case 2: return isNamed("to") ? .to : isNamed("cc") ? .cc : nil
        case 3: return isNamed("bcc") ? .bcc : nil
        case 4: return isNamed("date") ? .date : isNamed("from") ? .from : nil
        case 6: return isNamed("sender") ? .sender : nil
        case 7: return isNamed("subject") ? .subject : nil
        case 8: return isNamed("reply-to") ? .replyTo : nil
        case 10: return isNamed("message-id") ? .messageID : isNamed("references") ? .references : nil
        case 11: return isNamed("in-reply-to") ? .inReplyTo : nil
        default: return nil
        }
    }
}

extension [UInt8] {
    /// No value on the wire may hold one. [RFC9051-9]
    var withoutNUL: [UInt8] { self.contains(0) ? self.filter { $0 != 0 } : self }
}
