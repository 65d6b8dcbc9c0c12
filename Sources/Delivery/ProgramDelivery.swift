internal import Directory
internal import Forms
internal import MessageStore
internal import Policy
internal import Routing
internal import Vocabulary

// Programs that an account's mail is handed to.
extension LocalDelivery {
    /// Runs the program of an entry of channel `.program` as its user, the message on its standard input. Blocks for as long as it runs.
    ///
    /// No shell: the line is split by `CommandWords`, and nothing of the message or its envelope is ever part of it; those facts are in the
    /// environment. The exit status decides, as in <sysexits.h>: 0 is delivered; 75 (EX_TEMPFAIL), 71, 72 and 74 (the system's troubles),
    /// a signal and too long a run are tried again; everything else goes back to the sender with what the program wrote.
    func runProgram(_ entry: StoredQueueEntry, _ order: MethodOrder, _ local: LocalRecipient) -> MethodOutcome {
        guard let system = self.system, system.helper.state.services.contains(.programs) else { return Self.notAvailable(.programs) }
        let snapshot = self.directory.snapshot
        let settings = snapshot.configuration.programs
        guard let words = try? CommandWords.split(order.command), let name = words.first else {
            return Self.failed("program", "the command line cannot be understood")
        }
        guard settings.allowed.contains(name) else { return Self.failed("program", "\(name) is not among the allowed programs") }
        let user = snapshot.osUsers(of: order.account).programs
        guard !user.isEmpty else { return Self.failed("program", "no user is named for programs") }
        let file: MessageFile
        do throws(MessageFile.Failure) {
            file = try MessageFile(entry, self.store, prefix: self.deliveryPrefix(entry, order), first: nil, directory: system.directory)
        } catch {
            return Self.failed("not-readable", "\(error)")
        }
        var bounds = HelperRequest.Bounds()
        bounds.time = UInt32(clamping: settings.time)
        bounds.cpu = UInt32(clamping: max(1, min(settings.time, 120)))
        bounds.memory = UInt32(clamping: settings.memory >> 20)
        let request = HelperRequest(program: words, as: user, self.facts(entry, local, file.size), bounds)
        let facts = [("program", name), ("user", user)]
        switch system.helper.call(request, message: file.descriptor) {
        case .done(0, _): return .done(facts)
        case .done(let status, let text): return .failed(Self.ended(name, status, text))
        case .notNow(124, let text):
            return .failed(
                Reason(
                    "program: \(name) took longer than \(settings.time) s",
                    .program(status: 124, isTransient: true, text: "took longer than \(settings.time) s. \(OutputText.line(text))")))
        case .notNow(_, let text), .never(_, let text): return Self.failed("program", "\(name) as \(user): \(OutputText.line(text))")
        case .lost: return self.noAnswer
        }
    }

    private static func ended(_ name: String, _ status: Int32, _ text: [UInt8]) -> Reason {
        let words = OutputText.line(text)
        // A signal is mostly a limit, of memory or time, or the machine going down.
        let isTransient = [71, 72, 74, 75].contains(status) || status >= 128
        return Reason(
            "program: \(name) ended with status \(status)\(words.isEmpty ? "" : ": \(words)")",
            .program(status: status, isTransient: isTransient, text: words))
    }

    /// What the program is told in its environment; docs/program-delivery.md.
    private func facts(_ entry: StoredQueueEntry, _ local: LocalRecipient, _ size: Int) -> [(name: String, value: String)] {
        let recipient = entry.draft.recipient
        let original = recipient.originalRecipient.map { "\($0)" } ?? "\(recipient.address)"
        let facts: [(name: String, value: String)] = [
            ("SENDER", entry.envelope.sender.map { "\($0)" } ?? ""), ("RECIPIENT", "\(recipient.address)"),
            ("ORIGINAL_RECIPIENT", original), ("ACCOUNT", "\(local.primary)"), ("LOCAL", recipient.address.localPart),
            ("EXTENSION", local.detail ?? ""), ("DOMAIN", recipient.address.domain), ("QUEUE_ID", "\(entry.id)"),
            ("TRACE_ID", entry.trace.text), ("MESSAGE_SIZE", "\(size)"),
            ("ACCOUNT_LANGUAGE", self.directory.configuration.language.rawValue),
        ]
        // Nothing that ends a line: programs print these.
        return facts.map { ($0.name, String($0.value.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }.map(Character.init))) }
    }
}

/// What a program wrote, for a report: one line of text, whatever it was.
enum OutputText {
    /// Characters that are kept.
    private static let longest = 1000

    static func line(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        let words = text.unicodeScalars.split { $0.value <= 0x20 || (0x7F...0x9F).contains($0.value) }
        let line = words.map { String(String.UnicodeScalarView($0)) }.joined(separator: " ")
        return line.count <= Self.longest ? line : String(line.prefix(Self.longest)) + " …"
    }
}
