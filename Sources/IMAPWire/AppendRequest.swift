package import NIOCore
package import Vocabulary

/// APPEND and REPLACE, as far as they say where. [RFC9051-6.3.12] [RFC8508-3]
package struct AppendRequest: Hashable, Sendable {
    package var mailbox: String
    /// Of REPLACE: the message of the selected mailbox that goes when the new one stands.
    package var replacing: UID?

    package init(mailbox: String, replacing: UID? = nil) {
        self.mailbox = mailbox
        self.replacing = replacing
    }
}

/// An APPEND of one message that is here whole.
package struct AddedMessage: Hashable, Sendable {
    package var mailbox: String
    package var message: AppendMessage
    package var text: ByteBuffer

    package init(mailbox: String, message: AppendMessage, text: ByteBuffer) {
        self.mailbox = mailbox
        self.message = message
        self.text = text
    }
}

/// A message that is about to come.
package struct AppendMessage: Hashable, Sendable {
    package var flags: Flags = []
    package var keywords: [String] = []
    /// Unix seconds; nil is now.
    package var date: Int64?
    /// Octets that will come; nil where the message is put together from parts. [RFC4469-3]
    package var size: Int64?
    /// Came as literal8: may contain NUL. [RFC3516-4.4]
    package var isBinary = false
    /// The client says that its header may hold UTF-8. [RFC6855-4]
    package var isUTF8 = false

    package init() {}
}
