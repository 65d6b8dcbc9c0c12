internal import IMAPWire
internal import MIME
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Synchronization
internal import Vocabulary

/// One URLFETCH: what each URL opens, a response for each, a part at a time. [RFC4467-8]
final class URLFetchWork: PartWork {
    private struct Progress {
        var urls: ArraySlice<FetchedURL>
        /// Content whose length without its transfer encoding is being learned.
        var measuring: (content: NamedContent, place: BinaryPlace, measuring: BinaryMeasuring)?
        var stream: SectionStream?
        /// What stands behind the octets.
        var isInParentheses = false
    }

    private let backend: IMAPBackend
    private let progress: Mutex<Progress?>

    init(_ urls: [FetchedURL], _ backend: IMAPBackend) {
        self.backend = backend
        self.progress = Mutex(Progress(urls: urls[...]))
    }

    func goOn(_ answer: SessionAnswer<IMAPOutcome>) {
        let taken = self.progress.withLock { progress in
            defer { progress = nil }
            return progress
        }
        guard var progress = taken else { return answer(.refused(.unavailable)) }
        var out = ByteBuffer()
        do throws(IMAPRefusal) {
            let turn = self.backend.turn()
            repeat {
                try self.step(&progress, turn, &out)
            } while !Self.isDone(progress) && out.readableBytes < FetchWork.partSize && !turn.isOver
        } catch {
            self.backend.partDone()
            // Within a response nothing can be taken back.
            return answer(progress.stream == nil && progress.measuring == nil ? .refused(error) : .broken)
        }
        guard Self.isDone(progress) else {
            self.progress.withLock { [progress] in $0 = progress }
            return answer(.piece(out, isLast: false))
        }
        self.backend.partDone()
        answer(.account(out))
    }

    private static func isDone(_ progress: Progress) -> Bool {
        progress.stream == nil && progress.measuring == nil && progress.urls.isEmpty
    }

    private func step(_ progress: inout Progress, _ turn: Turn, _ out: inout ByteBuffer) throws(IMAPRefusal) {
        if var stream = progress.stream {
            try self.backend.reading { () throws(StoreError) in try stream.writeAnswer(to: &out, limit: FetchWork.partSize) }
            progress.stream = stream.isDone ? nil : stream
            if stream.isDone { Self.end(progress, &out) }
        } else if let (content, place, begun) = progress.measuring {
            var measuring = begun
            try self.backend.reading { () throws(StoreError) in try measuring.goOn(content.content, turn) }
            progress.measuring = measuring.isDone ? nil : (content, place, measuring)
            if measuring.isDone { self.begin(content.stream(measuring.extent, place), &progress, &out) }
        } else if let url = progress.urls.popFirst() {
            let content = try self.backend.opened(url.url)
            out.beginURLFetch(url.url)
            progress.isInParentheses = url.isExtended
            try self.backend.reading { () throws(StoreError) in
                if url.isExtended {
                    try self.beginExtended(url, content, &progress, &out)
                } else {
                    try self.begin(content, &progress, &out)
                }
            }
        }
    }

    private static func nothing(_ text: StaticString, _ out: inout ByteBuffer) { out.writeStaticString(text) }

    private static func end(_ progress: Progress, _ out: inout ByteBuffer) {
        if progress.isInParentheses { out.writeStaticString(")") }
        out.writeStaticString("\r\n")
    }

    private func begin(_ content: NamedContent?, _ progress: inout Progress, _ out: inout ByteBuffer) throws(StoreError) {
        guard let stream = try content?.stream() else { return Self.nothing("NIL\r\n", &out) }
        self.begin(stream, &progress, &out)
    }

    private func begin(_ stream: SectionStream, _ progress: inout Progress, _ out: inout ByteBuffer) {
        out.writeIMAPLiteralHeader(stream.size, isBinary: stream.isBinary)
        if stream.isDone { Self.end(progress, &out) } else { progress.stream = stream }
    }

    // RFC 5524 5:  url-metadata = 1*(SP "(" url-metadata-el ")")
    private func beginExtended(
        _ url: FetchedURL, _ content: NamedContent?, _ progress: inout Progress, _ out: inout ByteBuffer
    ) throws(StoreError) {
        // Asked first: what names no part of the message has no structure either.
        guard let content, let stream = try content.stream() else { return Self.nothing("NIL\r\n", &out) }
        var hasStructure = false
        if url.wantsStructure, let structure = try content.structure() {
            out.writeStaticString("(BODYPARTSTRUCTURE ")
            out.writeImmutableBuffer(structure)
            out.writeStaticString(")")
            hasStructure = true
        }
        guard let wanted = url.content else { return Self.nothing(hasStructure ? "\r\n" : "NIL\r\n", &out) }
        out.writeStaticString(hasStructure ? " " : "")
        out.writeStaticString(wanted == .body ? "(BODY " : "(BINARY ")
        guard wanted == .binary, let found = try content.measuring() else { return self.begin(stream, &progress, &out) }
        // An encoding that nobody knows.
        guard let measuring = found.measuring else { return Self.nothing("NIL)\r\n", &out) }
        progress.measuring = (content, found.place, measuring)
    }
}
