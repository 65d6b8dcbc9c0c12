package import Vocabulary

// Invariants of this target:
// 1. Pure: octets in, values out; no file is opened here.
// 2. What one of these formats cannot say is left out, and what it says by itself is taken out again: a message that goes out and comes back
//    is the same message.

/// A message with what a mailbox knows of it, as it stands in a file of another program.
package struct FiledMessage: Sendable, Hashable {
    /// Lines end in CRLF.
    package var content: [UInt8]
    /// System flags.
    package var flags: Flags
    package var keywords: [String]
    /// Internal date, Unix seconds; nil where nothing says it.
    package var date: Int64?

    package init(content: [UInt8], flags: Flags = [], keywords: [String] = [], date: Int64? = nil) {
        self.content = content
        self.flags = flags
        self.keywords = keywords
        self.date = date
    }
}
