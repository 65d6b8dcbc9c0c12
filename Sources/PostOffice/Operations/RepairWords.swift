package import Vocabulary

/// What `repair` did, for people. The store tells it in English, by sentences of few forms; here they are told in the reader's language. A
/// sentence of another form stays as it is.
package enum RepairWords {
    package static func text(_ action: String, _ language: Language) -> String {
        guard language == .japanese else { return action }
        if let whole = self.sentences[action] { return whole }
        for form in self.forms { if let told = form.japanese(of: action) { return told } }
        return action
    }

    private static let sentences = [
        "the segments do not tell what was read, moved or removed since: messages that were removed from mailboxes are back as far as "
            + "their segments still exist, all messages are in the mailbox of their arrival, unread, with new UIDs":
            "その後の既読、移動、削除はセグメントからは分かりません。メールボックスから削除したメッセージは、セグメントが残っている限り元に戻り、すべてのメッセージは受信時のメールボックスに、未読で新しい UID とともにあります",
        "rebuilt the queue from the segments; all its entries are held until the postmaster decides":
            "セグメントからキューを作り直しました。すべての項目は、ポストマスタが決めるまで保留します",
    ]

    /// A sentence around facts.
    private struct Form {
        /// What is fixed; a fact stands between each two, in the same order in both languages.
        var parts: [Substring]
        var japanese: [Substring]

        init(_ english: String, _ japanese: String) {
            self.parts = english.split(separator: "%", omittingEmptySubsequences: false)
            self.japanese = japanese.split(separator: "%", omittingEmptySubsequences: false)
        }

        /// nil for a sentence of another form.
        func japanese(of sentence: String) -> String? {
            guard let first = self.parts.first, sentence.hasPrefix(first) else { return nil }
            var rest = sentence.dropFirst(first.count)
            var facts: [Substring] = []
            for (index, part) in self.parts.enumerated().dropFirst() {
                if index == self.parts.count - 1 {
                    guard rest.hasSuffix(part) else { return nil }
                    facts.append(rest.dropLast(part.count))
                } else {
                    guard let range = rest.firstRange(of: part) else { return nil }
                    facts.append(rest[..<range.lowerBound])
                    rest = rest[range.upperBound...]
                }
            }
            return zip(self.japanese, facts + [""]).map { "\($0)\($1)" }.joined()
        }
    }

    private static let forms = [
        Form("set the mode of % to %", "% のモードを % に設定しました"), Form("made the header of segment % anew", "セグメント % のヘッダを作り直しました"),
        Form("put % aside as %", "% を % として保存しました"),
        Form("rebuild mail.db from the segments; % mailboxes keep their names", "セグメントから mail.db を作り直しました。% 個のメールボックスの名前は残りました"),
        Form("bodies found again in the segments: % of %", "セグメントから見つかった本文: % / %"), Form("passed over: %", "読み飛ばしました: %"),
        Form("removed % messages whose bodies cannot be read", "本文を読めないメッセージを % 件取り除きました"),
        Form("mailboxes made for messages without one: %", "メッセージのために作ったメールボックス: %"), Form("counters made: %", "作った計数: %"),
        Form("counters without a mailbox removed: %", "取り除いた計数（メールボックスなし）: %"),
        Form("mailboxes counted again: %", "数え直したメールボックス: %"), Form("references counted again: %", "数え直した参照: %"),
        Form("bodies that nothing refers to: %", "どこからも参照されない本文: %"), Form("segments noted: %", "索引に加えたセグメント: %"),
        Form("segments counted again: %", "数え直したセグメント: %"),
        Form("keywords without a mailbox removed: %", "取り除いたキーワード（メールボックスなし）: %"),
        Form("rights without a mailbox removed: %", "取り除いた権限（メールボックスなし）: %"),
        Form("annotations without a mailbox removed: %", "取り除いた注釈（メールボックスなし）: %"),
        Form("changes without a mailbox removed: %", "取り除いた変更の記録（メールボックスなし）: %"),
        Form("next number of a mailbox raised: %", "繰り上げたメールボックスの番号: %"),
        Form("flags without a name taken away: %", "名前のないフラグを取り除いたメッセージ: %"),
        Form("queue entries without a body removed: %", "取り除いたキューの項目（本文なし）: %"),
        Form("references of queue entries counted again: %", "数え直したキューの項目の参照: %"),
        Form("bodies that no queue entry refers to: %", "キューの項目から参照されない本文: %"),
    ]
}
