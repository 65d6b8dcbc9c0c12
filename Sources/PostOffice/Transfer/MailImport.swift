import Glibc
import MailFiles
import Vocabulary

/// `postoffice import`: reads a source in order and hands its messages to the server, some at a time. What is there already is not added
/// again, so that an import that was stopped is gone on with by running it again.
struct MailImport {
    let conversation: MailboxConversation
    let account: String
    /// Where the source's own messages go; its folders go below it, or beside it where it is INBOX.
    let mailbox: String
    let isTrial: Bool
    let keepsDuplicates: Bool

    /// Messages of one request, and their octets.
    private static let most = 500
    private static let mostOctets = 8 << 20

    private struct State {
        var folder = ""
        var messages: [FiledMessage] = []
        var octets = 0
        var added = 0
        var known = 0
        var passedOver = 0
    }

    /// Failed where something was left out.
    func run(_ source: inout some MailSource) throws -> AdminStatus {
        var state = State()
        let printer = AdminPrinter()
        while let piece = try source.next() {
            switch piece.content {
            case .passedOver(let why):
                state.passedOver += 1
                printer.show(.problem(why.text(self.conversation.language) + "\n"))
            case .message(let message):
                if piece.folder != state.folder || state.messages.count == Self.most
                    || state.octets + message.content.count > Self.mostOctets
                {
                    try self.send(&state)
                    self.showProgress(state, source, printer)
                }
                state.folder = piece.folder
                state.messages.append(message)
                state.octets += message.content.count
            }
        }
        try self.send(&state)
        printer.show(.progress(""))
        self.summarize(state, printer)
        return state.passedOver == 0 ? .done : .failed
    }

    private func send(_ state: inout State) throws {
        guard !state.messages.isEmpty else { return }
        var options: [String: [String]] = [:]
        if self.isTrial { options["dry-run"] = [] }
        if self.keepsDuplicates { options["duplicates"] = [] }
        let lines = AnswerLines()
        let input = state.messages.map(TransferRecord.encoded).joined()
        try self.conversation.perform("mail add", [self.account, self.target(state.folder)], options: options, input: input) {
            lines.add($0)
        }
        let counts = (lines.all.last ?? "").split(separator: " ").compactMap { Int($0) }
        if counts.count == 2 {
            state.added += counts[0]
            state.known += counts[1]
        }
        state.messages.removeAll(keepingCapacity: true)
        state.octets = 0
    }

    private func target(_ folder: String) -> String {
        if folder.isEmpty { return self.mailbox }
        return self.mailbox.uppercased() == "INBOX" ? folder : "\(self.mailbox)/\(folder)"
    }

    private func showProgress(_ state: State, _ source: some MailSource, _ printer: AdminPrinter) {
        let percent = source.total > 0 ? min(99, source.done * 100 / source.total) : 0
        printer.show(
            .progress(
                Localized(
                    en: "\(state.added) added, \(state.known) there already, \(percent) %",
                    ja: "\(state.added) 通追加、\(state.known) 通は既存、\(percent) %"
                ).text(self.conversation.language)))
    }

    private func summarize(_ state: State, _ printer: AdminPrinter) {
        let verb = self.isTrial ? Localized(en: "could be added", ja: "追加できます") : Localized(en: "added", ja: "追加しました")
        let text = Localized(
            en: "\(state.added) messages \(verb.english), \(state.known) were there already, \(state.passedOver) left out",
            ja: "\(state.added) 通のメッセージを\(verb.japanese)。既にあったもの \(state.known) 通、取り込まなかったもの \(state.passedOver) 件")
        printer.show(.output(text.text(self.conversation.language) + "\n"))
    }
}
