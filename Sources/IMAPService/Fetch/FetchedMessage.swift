internal import Bytes
internal import IMAPWire
internal import MIME
internal import MessageStore
internal import NIOCore
internal import Vocabulary

/// One FETCH response on its way: which item comes next, and within a long one how far it is.
struct FetchedMessage: Sendable {
    private let row: MessageRow
    /// \Seen was set by this command: the flags are told, whether they were asked for or not.
    private let tellsFlags: Bool
    private var item = 0
    private var isFirst = true
    private var stream: SectionStream?
    private(set) var failure: IMAPRefusal?

    init(_ row: MessageRow, tellsFlags: Bool) {
        self.row = row
        self.tellsFlags = tellsFlags
    }

    /// Writes on until the response is whole, `out` is full or the turn is over; true when it is whole.
    mutating func write(
        _ request: FetchRequest, _ messages: inout FetchedMessages, _ out: inout ByteBuffer, upTo size: Int, _ turn: Turn
    ) throws(StoreError) -> Bool {
        while out.readableBytes < size {
            if self.stream != nil {
                try self.stream?.writeAnswer(to: &out, limit: size - out.readableBytes)
                if self.stream?.isDone == true { self.stream = nil }
                if turn.isOver { return false }
            } else if self.item < request.items.count {
                let item = request.items[self.item]
                guard try messages.measure(item, of: self.row, turn) else { return false }
                self.item += 1
                try self.write(item, request, &messages, &out)
                if item.readsContent, turn.isOver { return false }
            } else {
                self.writeImplied(request, messages, &out)
                messages.close(self.row)
                return true
            }
        }
        return false
    }

    private mutating func blank(_ out: inout ByteBuffer) {
        if !self.isFirst { out.writeFetchBlank() }
        self.isFirst = false
    }

    private mutating func writeImplied(_ request: FetchRequest, _ messages: FetchedMessages, _ out: inout ByteBuffer) {
        guard self.tellsFlags || request.mode.isCondStore else { return }
        let hasFlags = request.items.contains(.flags)
        if self.tellsFlags, !hasFlags {
            self.blank(&out)
            out.writeFetchFlags(self.row.flags, keywords: messages.keywords)
        }
        if request.mode.isCondStore, self.tellsFlags || hasFlags, !request.items.contains(.modSeq) {
            self.blank(&out)
            out.writeFetchModSeq(self.row.modSeq)
        }
    }

    private mutating func write(
        _ item: FetchItem, _ request: FetchRequest, _ messages: inout FetchedMessages, _ out: inout ByteBuffer
    ) throws(StoreError) {
        if request.mode.isUIDOnly, item == .uid, request.items.contains(where: { $0 != .uid }) || request.items.isEmpty { return }
        self.blank(&out)
        let row = self.row
        let form: MessageSummary.Form = request.mode.isUTF8 ? .utf8 : .ascii
        switch item {
        case .uid: out.writeFetchUID(row.uid)
        case .flags: out.writeFetchFlags(row.flags, keywords: messages.keywords)
        case .modSeq: out.writeFetchModSeq(row.modSeq)
        case .internalDate:
            out.writeStaticString("INTERNALDATE ")
            out.writeIMAPDateTime(row.date)
        case .size:
            out.writeStaticString("RFC822.SIZE ")
            out.writeIMAPNumber(row.size)
        case .emailID: out.writeString("EMAILID (\(ObjectID.email(row.blob)))")
        case .threadID: try self.writeThread(&messages, &out)
        case .saveDate:
            out.writeStaticString("SAVEDATE ")
            out.writeIMAPDateTime(row.saved)
        case .envelope: try self.writeKnown("ENVELOPE ", &messages, &out, Opaque.envelope) { $0.envelope(form) }
        case .body: try self.writeKnown("BODY ", &messages, &out, Opaque.body(row.size)) { $0.body(form) }
        case .bodyStructure:
            try self.writeKnown("BODYSTRUCTURE ", &messages, &out, Opaque.bodyStructure(row.size)) { $0.bodyStructure(form) }
        case .preview(let isLazy): try self.writePreview(isLazy: isLazy, request.mode, &messages, &out)
        case .section(let section):
            if let (name, header) = messages.header(self.item - 1), !messages.isWithheld(row) {
                out.writeImmutableBuffer(name)
                out.writeIMAPLiteralHeader(Int64(header.readableBytes), isBinary: false)
                let start = out.writerIndex
                out.writeImmutableBuffer(header)
                out.replaceNULs(from: start)
            } else {
                try self.begin(section, &messages, &out)
            }
        case .binary(let part, let partial, _): try self.beginBinary(part, partial, &messages, &out)
        case .binarySize(let part): try self.writeBinarySize(part, &messages, &out)
        }
    }

    // MARK: What is known

    /// What nobody may look at is of no conversation. [RFC8474-5.2]
    private func writeThread(_ messages: inout FetchedMessages, _ out: inout ByteBuffer) throws(StoreError) {
        switch try messages.content(of: self.row) {
        case .summary(let summary): out.writeString("THREADID (\(ObjectID.thread(summary, self.row.blob)))")
        case .opaque: out.writeStaticString("THREADID NIL")
        }
    }

    private mutating func writeKnown(
        _ name: StaticString, _ messages: inout FetchedMessages, _ out: inout ByteBuffer, _ opaque: String,
        _ value: (MessageSummary) -> ByteBuffer
    ) throws(StoreError) {
        out.writeStaticString(name)
        switch try messages.content(of: self.row) {
        case .summary(let summary): out.writeImmutableBuffer(value(summary))
        case .opaque: out.writeString(opaque)
        }
    }

    /// [RFC8970-3.1]
    private func writePreview(
        isLazy: Bool, _ mode: WireMode, _ messages: inout FetchedMessages, _ out: inout ByteBuffer
    ) throws(StoreError) {
        out.writeStaticString("PREVIEW ")
        let summary: MessageSummary?
        if isLazy {
            summary = messages.keptSummary(of: self.row)
        } else if case .summary(let found) = try messages.content(of: self.row) {
            summary = found
        } else {
            summary = nil
        }
        out.writeIMAPNString(summary?.preview.readableBytesView, isUTF8: mode.isUTF8)
    }

    // MARK: Sections

    private mutating func begin(
        _ section: BodySection, _ messages: inout FetchedMessages, _ out: inout ByteBuffer
    ) throws(StoreError) {
        out.writeFetchSectionName(section)
        out.writeFetchBlank()
        guard !messages.isWithheld(self.row) else { return self.writeNothing(IMAPRefusal(.messageWithheld, code: "SERVERBUG"), &out) }
        if let stream = try self.stream(of: section, &messages) { self.begin(stream, &out) } else { self.writeNothing(nil, &out) }
    }

    private mutating func begin(_ stream: SectionStream, _ out: inout ByteBuffer) {
        out.writeIMAPLiteralHeader(stream.size, isBinary: stream.isBinary)
        self.stream = stream.isDone ? nil : stream
    }

    private mutating func writeNothing(_ failure: IMAPRefusal?, _ out: inout ByteBuffer) {
        out.writeStaticString("NIL")
        self.failure = self.failure ?? failure
    }

    /// nil where the message has no such part.
    private func stream(of section: BodySection, _ messages: inout FetchedMessages) throws(StoreError) -> SectionStream? {
        let content = try messages.open(self.row)
        if section.isWholeMessage { return SectionStream(content, front: content.prefix, 0..<content.bodySize, section.partial) }
        guard case .summary(let summary) = try messages.content(of: self.row) else { return nil }
        return try SectionStream(section, summary.parts, content)
    }

    // MARK: Binary

    private mutating func beginBinary(
        _ part: [UInt32], _ partial: OctetRange?, _ messages: inout FetchedMessages, _ out: inout ByteBuffer
    ) throws(StoreError) {
        out.writeFetchBinaryName(part, partial)
        out.writeFetchBlank()
        let content = try messages.open(self.row)
        if part.isEmpty {
            guard !messages.isWithheld(self.row) else { return self.writeNothing(IMAPRefusal(.messageWithheld, code: "SERVERBUG"), &out) }
            var stream = SectionStream(content, front: content.prefix, 0..<content.bodySize, partial)
            stream.isBinary = messages.extent(of: part)?.isBinary == true
            return self.begin(stream, &out)
        }
        guard case .summary(let summary) = try messages.content(of: self.row), let place = summary.parts.binary(part) else {
            return self.writeNothing(nil, &out)
        }
        guard let extent = messages.extent(of: part) else {
            return self.writeNothing(IMAPRefusal(.unknownTransferEncoding, code: "UNKNOWN-CTE"), &out)  // [RFC9051-7.1]
        }
        let front = place.hasPrefix ? content.prefix : ByteBuffer()
        self.begin(SectionStream(decoding: content, front: front, place.range, extent, partial), &out)
    }

    private mutating func writeBinarySize(
        _ part: [UInt32], _ messages: inout FetchedMessages, _ out: inout ByteBuffer
    ) throws(StoreError) {
        out.writeFetchBinarySizeName(part)
        out.writeFetchBlank()
        let content = try messages.open(self.row)
        if part.isEmpty {
            out.writeIMAPNumber(content.size)
            return
        }
        guard case .summary(let summary) = try messages.content(of: self.row), summary.parts.binary(part) != nil else {
            out.writeIMAPNumber(0)
            return
        }
        let extent = messages.extent(of: part)
        if extent == nil { self.failure = self.failure ?? IMAPRefusal(.unknownTransferEncoding, code: "UNKNOWN-CTE") }
        out.writeIMAPNumber(extent?.size ?? 0)
    }
}

extension SectionStream {
    /// nil where the message has no such part.
    init?(_ section: BodySection, _ parts: MessageParts, _ content: MessageContent) throws(StoreError) {
        guard let place = parts.place(of: SectionPath(section)) else { return nil }
        switch place {
        case .bytes(let range, let hasPrefix):
            self.init(content, front: hasPrefix ? content.prefix : ByteBuffer(), range, section.partial)
        case .fields(let range, let hasPrefix, let names, let isExcluding):
            var header = hasPrefix ? content.prefix : ByteBuffer()
            let end = min(range.upperBound, range.lowerBound + Self.longestHeader)
            var at = range.lowerBound
            while at < end {
                let piece = try content.read(at..<end)
                guard piece.readableBytes > 0 else { break }
                at += Int64(piece.readableBytes)
                header.writeImmutableBuffer(piece)
            }
            let subset = HeaderFieldFilter(names, isExcluding: isExcluding).subset(of: header)
            self.init(nil, front: subset, 0..<0, section.partial)
        }
    }

    /// Octets of a header that fields are looked for in.
    private static let longestHeader: Int64 = 4 << 20
}

extension SectionPath {
    init(_ section: BodySection) {
        let content: Content =
            switch section.text {
            case .all: .whole
            case .header: .header
            case .text: .text
            case .mime: .mime
            case .fields(let names): .fields(names, isExcluding: false)
            case .fieldsNot(let names): .fields(names, isExcluding: true)
            }
        self.init(section.part, content)
    }
}

/// What is said of a message whose content nobody may look at.
private enum Opaque {
    static let envelope = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"
    static func body(_ size: Int64) -> String { "(\"APPLICATION\" \"OCTET-STREAM\" NIL NIL NIL \"8BIT\" \(size))" }
    static func bodyStructure(_ size: Int64) -> String {
        "(\"APPLICATION\" \"OCTET-STREAM\" NIL NIL NIL \"8BIT\" \(size) NIL NIL NIL NIL)"
    }
}
