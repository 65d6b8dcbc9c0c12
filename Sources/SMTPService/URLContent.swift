package import NIOCore
internal import NetKit
internal import SASL
internal import SMTPWire
internal import Synchronization
internal import Vocabulary

// BURL: parts of a message come from a mailbox, by URLs that carry the right to read them. [RFC4468-3]

/// What a URL opens, piece by piece.
package struct URLContent: Sendable {
    package typealias Piece = Result<ByteBuffer?, URLFailure>

    /// Gives the next piece, nil behind the last; asked again only after it was given. From any thread.
    package let next: @Sendable (@escaping @Sendable (Piece) -> Void) -> Void

    package init(next: @escaping @Sendable (@escaping @Sendable (Piece) -> Void) -> Void) { self.next = next }
}

/// Why a URL opens nothing. Who guesses learns no more than that.
package enum URLFailure: Error, Sendable, Hashable {
    /// It leads to a server that is not this one.
    case otherServer
    /// It was made for somebody else's submissions.
    case notHis
    case nothingThere
    case later
}

extension URLFailure {
    /// [RFC4468-6] [RFC5248-2.4]
    var reply: Reply {
        switch self {
        case .otherServer: Reply(554, EnhancedStatus(5, 7, 14), "URL resolution requires trust relationship")
        case .notHis: Reply(554, EnhancedStatus(5, 7, 0), "IMAP URL authorization failed")
        case .nothingThere: Reply(554, EnhancedStatus(5, 6, 6), "IMAP URL resolution failed")
        case .later: Reply(451, EnhancedStatus(4, 3, 0), "Mailbox cannot be read now, try again later")
        }
    }
}

/// A URL that is being read for one message.
final class URLReading: Sendable {
    private let content = Mutex<URLContent?>(nil)

    func begin(_ url: String, _ identity: Identity, _ open: SMTPEnvironment.URLOpening, _ answer: SessionAnswer<SMTPOutcome>) {
        open(url, identity) { [self] result in
            switch result {
            case .success(let content):
                self.content.withLock { $0 = content }
                self.goOn(answer)
            case .failure(let failure): answer(.reply(failure.reply))
            }
        }
    }

    func goOn(_ answer: SessionAnswer<SMTPOutcome>) {
        guard let content = self.content.withLock({ $0 }) else { return answer(.reply(URLFailure.later.reply)) }
        content.next { piece in
            switch piece {
            case .success(let bytes?): answer(.content(bytes, isLast: false))
            case .success(nil): answer(.content(ByteBuffer(), isLast: true))
            case .failure(let failure): answer(.reply(failure.reply))
            }
        }
    }
}
