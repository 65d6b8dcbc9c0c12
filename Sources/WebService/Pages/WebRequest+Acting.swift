internal import Directory
package import Vocabulary
package import WebPages

extension WebRequest {
    /// A page below others; while nobody is postmaster yet, each page of the postmaster says so.
    package func page(_ title: Localized, _ host: WebHost, path: [(label: Localized, link: Link)]) -> Page {
        var page = self.page(title, host)
        page.path = path
        if self.session?.isPostmaster == true, WrapUp.isMissing(host), self.path != WrapUp.path { page.notices.append(WrapUp.notice) }
        return page
    }

    /// A command in the name of whoever is logged in.
    package func command(
        _ verb: String, _ operands: [String] = [], options: [String: [String]] = [:], input: String? = nil, wantsJSON: Bool = false
    ) -> WebCommand {
        var command = WebCommand(verb, operands, options: options, input: input, language: self.language, wantsJSON: wantsJSON)
        // These pages are the postmaster's: that somebody has risen to it goes without saying, and has its own entry.
        command.actor = Actor(name: self.session?.address ?? "unknown", interface: "web", origin: "\(self.client)")
        return command
    }

    /// Notes in the audit log what was done.
    func audit(_ host: WebHost, _ action: String, _ subject: String, _ changes: [AuditEntry.Change] = []) {
        self.auditNote.isTold = true
        host.audit(
            AuditEntry(
                at: host.now(), who: self.session?.who(host) ?? "", from: self.client, action: action, subject: subject, changes: changes))
    }
}

extension WebCommandResult {
    /// What it said, above a page.
    func notices(_ done: Localized? = nil) -> [Notice] {
        let said = Self.split(self.lines)
        let troubles = Self.split(self.problems)
        var notices: [Notice] = []
        if self.isDone {
            let text = done ?? said.first.map { Localized(en: $0, ja: $0) } ?? Localized(en: "Done.", ja: "完了しました。")
            notices.append(Notice(.done, text, lines: done == nil ? Array(said.dropFirst()) : said))
            for trouble in troubles { notices.append(Notice(.warning, Localized(en: trouble, ja: trouble))) }
        } else {
            let text = troubles.first.map { Localized(en: $0, ja: $0) } ?? Localized(en: "It could not be done.", ja: "実行できませんでした。")
            notices.append(Notice(.failure, text, lines: Array(troubles.dropFirst()) + said))
        }
        return notices
    }

    /// Why it was not done, in one piece, for the field that it is about.
    var problem: Localized {
        let said = Self.split(self.problems).joined(separator: " ")
        return said.isEmpty ? Localized(en: "It could not be done.", ja: "実行できませんでした。") : Localized(en: said, ja: said)
    }

    static func split(_ parts: [String]) -> [String] {
        parts.joined().split(whereSeparator: \.isNewline).map(String.init)
    }
}
