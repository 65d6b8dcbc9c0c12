internal import Directory
internal import MessageStore
internal import NIOCore
internal import Routing
internal import Vocabulary

// UNIX maildrops: mbox files of users of the operating system.
extension LocalDelivery {
    /// Appends the message of an entry of channel `.maildrop`. Blocks for as long as somebody else locks the file.
    ///
    /// The form is decided here, the file is touched by `postoffice-deliver` alone. What stands in the way (a full disk, a lock, a file
    /// that is not what it should be, a user who is not there) is the administrator's to mend: the message waits, its sender is warned and
    /// told like any other.
    func appendToMaildrop(_ entry: StoredQueueEntry, _ order: MethodOrder, _ local: LocalRecipient) -> MethodOutcome {
        guard let system = self.system, system.helper.state.services.contains(.maildrops) else { return Self.notAvailable(.maildrops) }
        let user = self.directory.snapshot.osUsers(of: order.account).maildrop
        let file: MessageFile
        do throws(MessageFile.Failure) {
            let first = MessageFile.fromLine(entry.envelope.sender, at: entry.acceptedAt)
            file = try MessageFile(
                entry, self.store, prefix: self.deliveryPrefix(entry, order), first: first, directory: system.directory)
        } catch {
            return Self.failed("not-readable", "\(error)")
        }
        switch system.helper.call(HelperRequest(maildropOf: user), message: file.descriptor) {
        case .done: return .done([("user", user)])
        case .notNow(_, let text), .never(_, let text): return Self.failed("maildrop", "maildrop of \(user): \(OutputText.line(text))")
        case .lost: return self.noAnswer
        }
    }

    /// What goes before the message, as before the copy in a mailbox.
    func deliveryPrefix(_ entry: StoredQueueEntry, _ order: MethodOrder) -> ByteBuffer {
        var prefix = ByteBuffer(
            string: "Return-Path: <\(entry.envelope.sender?.description ?? "")>\r\nDelivered-To: \(entry.draft.recipient.address)\r\n")
        prefix.writeImmutableBuffer(order.fields)
        return prefix
    }

    /// Its process was killed, or this server ends: then it is no attempt.
    var noAnswer: MethodOutcome {
        self.isStopped ? .interrupted : Self.failed("no-system-delivery", "postoffice-deliver gave no answer")
    }

    static func notAvailable(_ service: SystemDelivery.Service) -> MethodOutcome {
        self.failed("no-system-delivery", "\(service.rawValue) of the operating system are not available to this server now")
    }

    /// For now, and for reasons that are this server's own. The words are shown by `queue list`.
    static func failed(_ what: String, _ words: String) -> MethodOutcome { .failed(Reason("\(what): \(words)", .local(words))) }
}
