package import Search
package import Vocabulary

// Requests about names, searches and additions. The owners of parser and service fill these in as they build the commands.

/// A command about names of mailboxes and what belongs to them.
package enum AccountRequest: Sendable {
    case create(String, specialUse: [String])
    case delete(String)
    case rename(from: String, to: String)
    case subscribe(String, Bool)
    case namespace
}

package struct SearchRequest: Sendable {
    package var program: SearchProgram
    package init(program: SearchProgram) { self.program = program }
}

package struct SearchAnswer: Sendable {
    package var uids: UIDSet
    package init(uids: UIDSet) { self.uids = uids }
}

package struct AppendRequest: Sendable {
    package var mailbox: String
    package init(mailbox: String) { self.mailbox = mailbox }
}

package struct AppendMessage: Sendable {
    package var flags: Flags = []
    package var keywords: [String] = []
    /// Unix seconds; nil is now.
    package var date: Int64?
    package init() {}
}

package struct WatchRequest: Sendable {
    package init() {}
}
