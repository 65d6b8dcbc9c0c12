internal import IMAPWire
internal import MessageStore
package import NIOCore
internal import Synchronization
package import Vocabulary

/// Why a URL opens nothing to submission.
package enum URLRefusal: Error, Hashable, Sendable {
    /// It leads to another server.
    case otherServer
    /// It was made for somebody else's submissions. [RFC4468-3.3]
    case notHis
    /// It is none, was changed, has expired, or there is nothing.
    case nothingThere
    /// The store fails, or there is too much to do.
    case later
}

/// What a URL has opened, given out piece by piece on the workers' turns.
package final class OpenedURL: Sendable {
    private static let piece = 64 << 10

    private let stream: Mutex<SectionStream>
    private let onTurn: @Sendable (@escaping FairWork.Job) -> Bool

    init(_ stream: SectionStream, _ onTurn: @escaping @Sendable (@escaping FairWork.Job) -> Bool) {
        self.stream = Mutex(stream)
        self.onTurn = onTurn
    }

    /// The next piece, nil behind the last. Not while another is being given.
    package func next(_ completion: @escaping @Sendable (Result<ByteBuffer?, URLRefusal>) -> Void) {
        let isTaken = self.onTurn { completion(self.read()) }
        if !isTaken { completion(.failure(.later)) }
    }

    private func read() -> Result<ByteBuffer?, URLRefusal> {
        var stream = self.stream.withLock { $0 }
        guard !stream.isDone else { return .success(nil) }
        var out = ByteBuffer()
        do throws(StoreError) { try stream.write(to: &out, limit: Self.piece) } catch { return .failure(.later) }
        self.stream.withLock { [stream] in $0 = stream }
        return .success(out)
    }
}

extension IMAPService {
    /// Opens a URL to submission, on behalf of a user who has logged in there. [RFC4468-3.3]
    package func open(
        _ text: String, for submitter: AccountID, _ completion: @escaping @Sendable (Result<OpenedURL, URLRefusal>) -> Void
    ) {
        let opener = URLOpener(environment: self.environment)
        guard let url = AuthorizedURL(parsing: text) else { return completion(.failure(.nothingThere)) }
        guard opener.isHere(url.host) else { return completion(.failure(.otherServer)) }
        guard opener.mayUse(url.access, .submission(for: submitter)) else { return completion(.failure(.notHis)) }
        let work = self.work
        let onTurn: @Sendable (@escaping FairWork.Job) -> Bool = { work.submit($0, for: submitter) }
        let isTaken = onTurn {
            do throws(StoreError) {
                guard let stream = try opener.opened(text, by: .submission(for: submitter))?.stream() else {
                    return completion(.failure(.nothingThere))
                }
                completion(.success(OpenedURL(stream, onTurn)))
            } catch { completion(.failure(.later)) }
        }
        if !isTaken { completion(.failure(.later)) }
    }
}
