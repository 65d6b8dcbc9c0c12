package import Bytes
package import NIOCore

/// What is asked of a message again and again, taken out of its blob once and kept: one buffer with a table of its sections, of which each is
/// read only when it is asked for. A summary is of the blob alone: the trace lines before it belong to one delivery.
package struct MessageSummary: Hashable, Sendable {
    /// How a value is written to the client.
    package enum Form: Hashable, Sendable {
        /// IMAP4rev1: ASCII; text beyond it as encoded words, or as literals where that cannot be.
        case ascii
        /// IMAP4rev2 or UTF8=ACCEPT: UTF-8 in quoted strings. [RFC9051-4.3] [RFC6855-3]
        case utf8
    }

    let buffer: ByteBuffer

    /// From what `encoded` gave; nil when it is of another version or damaged: make it anew.
    package init?(decoding buffer: ByteBuffer) { self.buffer = buffer }

    /// For the store to keep.
    package var encoded: ByteBuffer { self.buffer }

    /// Octets of the blob.
    package var size: Int64 { 0 }
    package var parts: MessageParts { MessageParts(parts: [], size: 0) }

    // MARK: Values as they go to a client, parentheses and quotes included

    package func envelope(_ form: Form) -> ByteBuffer { ByteBuffer() }
    package func bodyStructure(_ form: Form) -> ByteBuffer { ByteBuffer() }
    package func body(_ form: Form) -> ByteBuffer { ByteBuffer() }
    /// UTF-8 text of at most 200 characters in one line; empty where nothing can be shown. [RFC8970-3.3]
    package var preview: ByteBuffer { ByteBuffer() }

    // MARK: Decoded text for search, sort and thread

    /// A header field as text, several of one name with line ends between; empty without one.
    package enum Text: Int, Hashable, Sendable {
        case subject, from, to, cc, bcc
        /// Fields with identifiers, as written.
        case messageIDField, inReplyToField, referencesField
        /// Base subject. [RFC5256-2.1]
        case baseSubject
        /// The part before the `@` of the first address. [RFC5256-3]
        case fromMailbox, toMailbox, ccMailbox
        /// What a reader sees of the first address. [RFC5957-3]
        case displayFrom, displayTo
        /// Normalised, without brackets. [RFC5256-3]
        case messageID
    }

    package func text(_ which: Text) -> String { "" }
    package func has(_ which: Text) -> Bool { false }
    /// The base subject came by taking something off that replies and forwards have. [RFC5256-3]
    package var isReplyOrForward: Bool { false }
    /// The identifiers that say which thread this is in, oldest first, normalised. [RFC5256-3]
    package var references: [String] { [] }
    /// The Date field as Unix seconds; nil without a date.
    package var sentDate: Int64? { nil }
    /// The day as the Date field says it. [RFC9051-6.4.4]
    package var sentDay: CalendarDay? { nil }
}

/// Makes the summary of a blob that comes in pieces of any size.
package struct MessageSummaryBuilder: Sendable {
    package init(_ limits: MIMELimits = MIMELimits()) {}

    package mutating func read(_ piece: ByteBuffer) {}

    package mutating func finish() -> MessageSummary? { nil }

    /// Of a blob that is in memory.
    package static func summary(of blob: ByteBuffer, _ limits: MIMELimits = MIMELimits()) -> MessageSummary? {
        var builder = MessageSummaryBuilder(limits)
        builder.read(blob)
        return builder.finish()
    }
}
