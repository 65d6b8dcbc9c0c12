internal import MailTesting

/// A message as a mailbox lists it.
package struct ListedMessage: Hashable, Sendable {
    package let uid: UInt32
    package let flags: UInt32

    package init(uid: UInt32, flags: UInt32) {
        self.uid = uid
        self.flags = flags
    }
}

/// An inbox with its messages in UID order.
package struct ListedMailbox: Hashable, Sendable {
    package let validity: UInt32
    package let messages: [ListedMessage]

    package init(validity: UInt32, messages: [ListedMessage]) {
        self.validity = validity
        self.messages = messages
    }
}

/// An open store under test. Calls come from several threads; all but `accept` block.
package protocol LiveStore: Sendable {
    /// Takes a message; `completion` gets true when responsibility was taken ("250"), false when it was refused.
    func accept(_ sample: Sample, completion: @escaping @Sendable (Bool) -> Void)
    /// The inbox after all that arrived before has been filed; nil when the store knows no such mailbox.
    func list(_ account: Int) throws -> ListedMailbox?
    func read(_ account: Int, uid: UInt32) throws -> [UInt8]
    func expunge(_ account: Int, uids: [UInt32]) throws
    func setFlags(_ account: Int, uid: UInt32, flags: UInt32) throws
    func removeAccount(_ account: Int) throws
    /// Takes a message from the inbox into a second mailbox; false when the store has none.
    func move(_ account: Int, uid: UInt32) throws -> Bool
    /// Numbers of the messages in the second mailbox.
    func moved(_ account: Int) throws -> [Int]
    /// Numbers of the messages that still wait in the queue for somebody beside the mailboxes, sorted.
    func queued() throws -> [Int]
    /// What the store's own check complains about.
    func complaints() throws -> [String]
    /// Closes in good order. After a crash it is not called.
    func close()
}

/// Something that keeps messages in a directory: the real store, or a toy with a planted mistake.
package protocol CrashSubject: Sendable {
    var name: String { get }
    /// Opens, and recovers, what lies in `directory`; makes it when there is nothing.
    func open(_ directory: String) throws -> any LiveStore
}

extension LiveStore {
    package func move(_ account: Int, uid: UInt32) throws -> Bool { false }
    package func moved(_ account: Int) throws -> [Int] { [] }

    /// Hands `sample` in and waits for the answer.
    package func acceptAndWait(_ sample: Sample) throws -> Bool {
        let answer = Promised<Bool>()
        self.accept(sample) { answer.give($0) }
        return try answer.wait(for: "the answer to message \(sample.number)")
    }
}
