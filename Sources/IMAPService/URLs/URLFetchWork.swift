internal import IMAPWire
internal import MessageStore
internal import NIOCore
internal import NetKit
internal import Synchronization
internal import Vocabulary

/// One URLFETCH: what each URL opens, a response for each, a part at a time. [RFC4467-8]
final class URLFetchWork: PartWork {
    private struct Progress {
        var urls: ArraySlice<String>
        var stream: SectionStream?
    }

    private let backend: IMAPBackend
    private let progress: Mutex<Progress?>

    init(_ urls: [String], _ backend: IMAPBackend) {
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
            repeat { try self.step(&progress, &out) } while !Self.isDone(progress) && out.readableBytes < FetchWork.partSize && !turn.isOver
        } catch {
            self.backend.partDone()
            // Within a literal nothing can be taken back.
            return answer(progress.stream == nil ? .refused(error) : .broken)
        }
        guard Self.isDone(progress) else {
            self.progress.withLock { [progress] in $0 = progress }
            return answer(.piece(out, isLast: false))
        }
        self.backend.partDone()
        answer(.account(out))
    }

    private static func isDone(_ progress: Progress) -> Bool { progress.stream == nil && progress.urls.isEmpty }

    private func step(_ progress: inout Progress, _ out: inout ByteBuffer) throws(IMAPRefusal) {
        if var stream = progress.stream {
            try self.backend.reading { () throws(StoreError) in try stream.write(to: &out, limit: FetchWork.partSize) }
            progress.stream = stream.isDone ? nil : stream
            if stream.isDone { out.writeStaticString("\r\n") }
            return
        }
        guard let url = progress.urls.popFirst() else { return }
        let stream = try self.backend.opened(url)
        out.beginURLFetch(url)
        guard let stream else {
            out.writeStaticString("NIL\r\n")
            return
        }
        out.writeIMAPLiteralHeader(stream.size, isBinary: stream.isBinary)
        if stream.isDone { out.writeStaticString("\r\n") } else { progress.stream = stream }
    }
}
