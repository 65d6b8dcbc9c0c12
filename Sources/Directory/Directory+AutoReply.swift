package import Bounces
package import Forms
package import Vocabulary

/// How an account answers by itself.
package struct AutoReplySettings: Sendable, Hashable {
    package var mode: AutoReply.Mode
    /// Empty: ours.
    package var subject: String
    package var text: String
    /// Days since 1970-01-01, both included; nil has no end at that side.
    package var firstDay: Int32?
    package var lastDay: Int32?
    /// Seconds in which a sender gets one vacation message.
    package var interval: Int64

    /// Another one is another reply, which those who got this one get too. (FNV-1a)
    package var fingerprint: String {
        let words = [self.mode.rawValue, self.subject, self.text, "\(self.firstDay ?? 0)", "\(self.lastDay ?? 0)"]
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in words.joined(separator: "\0").utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return String(hash, radix: 36)
    }

    package func isDue(on day: Int32) -> Bool { (self.firstDay.map { day >= $0 } ?? true) && (self.lastDay.map { day <= $0 } ?? true) }
}

extension Configuration {
    /// What accounts of a language answer where their owners wrote nothing; empty where the site has no text of its own either.
    package func replyText(_ mode: AutoReply.Mode, _ language: Language) -> String {
        let field =
            switch (mode, language) {
            case (.vacation, .english): ReplyTextField.vacation
            case (.vacation, .japanese): ReplyTextField.vacationJapanese
            case (.reply, .english): ReplyTextField.reply
            case (.reply, .japanese): ReplyTextField.replyJapanese
            case (.echo, .english): ReplyTextField.echo
            case (.echo, .japanese): ReplyTextField.echoJapanese
            }
        return self.value(field).text ?? ""
    }

    /// What the site says there in that language; empty where it has no words of its own.
    package func siteText(_ pair: MessageTextField.Pair, _ language: Language) -> String { self.value(pair.field(language)).text ?? "" }

    package var siteWords: SiteWords {
        var words = SiteWords()
        for language in Language.allCases {
            words.reportOpening[language] = self.siteText(MessageTextField.report, language)
            words.reportClosing[language] = self.siteText(MessageTextField.reportEnd, language)
        }
        return words
    }
}

extension Directory {
    /// nil for an account that does not answer, or is not there. Blocks.
    package func autoReply(of account: AccountID) throws(DirectoryError) -> AutoReplySettings? {
        guard let details = try self.details(account), let mode = details.value(DeliveryField.autoReply).text.flatMap(AutoReply.Mode.init)
        else { return nil }
        func text(_ field: Field) -> String { details.value(field).text ?? "" }
        return AutoReplySettings(
            mode: mode, subject: text(DeliveryField.autoReplySubject), text: text(DeliveryField.autoReplyText),
            firstDay: Day.number(text(DeliveryField.autoReplyFrom)), lastDay: Day.number(text(DeliveryField.autoReplyUntil)),
            interval: details.value(DeliveryField.autoReplyInterval).integer ?? 7 * 86_400)
    }
}
