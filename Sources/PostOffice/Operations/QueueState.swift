import Bytes
import Delivery
import Forms
package import MessageStore
import Policy
package import Vocabulary

/// How the way to other hosts stands, for `status`. Fields divided by tabs on the control socket: counts, then a pair for each next hop that
/// rests, then words for each route whose set-up is at fault, in both languages.
package struct QueueState: Sendable, Equatable {
    package struct Resting: Sendable, Equatable {
        package var name: String
        package var until: Int64

        package init(name: String, until: Int64) {
            self.name = name
            self.until = until
        }
    }
    package struct Fault: Sendable, Equatable {
        package var what: Localized
        package var cure: Localized

        package init(what: Localized, cure: Localized) {
            self.what = what
            self.cure = cure
        }
    }

    package var summary = QueueSummary()
    package var resting: [Resting] = []
    package var faults: [Fault] = []
    /// Named in one answer.
    private static let most = 20

    package init() {}

    /// Of the running server. Blocks.
    init(_ remote: RemoteDelivery, passwordsMissing: [RouteLoginFault]) throws(StoreError) {
        self.summary = try remote.summary()
        self.resting = remote.resting(limit: Self.most).map { Resting(name: $0.name, until: $0.until) }
        let known = remote.troubles.all.map(\.fault)
        let missing = passwordsMissing.filter { fault in !known.contains { $0.route == fault.route } }
        self.faults = (known + missing).prefix(Self.most).map { Fault(what: $0.what, cure: $0.cure) }
    }

    package var line: String {
        var fields = [
            "\(self.summary.deferred)", self.summary.oldest.map { "\($0)" } ?? "", "\(self.summary.held)", "\(self.summary.heldForReason)",
            "\(self.resting.count)",
        ]
        for hop in self.resting { fields += [hop.name, "\(hop.until)"] }
        for fault in self.faults { fields += [fault.what.english, fault.what.japanese, fault.cure.english, fault.cure.japanese] }
        return fields.map { $0.split(separator: "\t", omittingEmptySubsequences: false).joined(separator: " ") }.joined(separator: "\t")
    }

    /// nil for anything else, as from a server of another version.
    package init?(line: String) {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard fields.count >= 5, let deferred = Int(fields[0]), let held = Int(fields[2]), let staying = Int(fields[3]),
            let count = Int(fields[4]), (0...Self.most).contains(count), fields.count >= 5 + count * 2,
            (fields.count - 5 - count * 2).isMultiple(of: 4)
        else { return nil }
        self.summary.deferred = deferred
        self.summary.oldest = Int64(fields[1])
        self.summary.held = held
        self.summary.heldForReason = staying
        for index in 0..<count {
            self.resting.append(Resting(name: fields[5 + index * 2], until: Int64(fields[6 + index * 2]) ?? 0))
        }
        for start in stride(from: 5 + count * 2, to: fields.count, by: 4) {
            self.faults.append(
                Fault(
                    what: Localized(en: fields[start], ja: fields[start + 1]), cure: Localized(en: fields[start + 2], ja: fields[start + 3])
                ))
        }
    }

    /// For people: what is as it must be and worth knowing.
    func notes() -> [StatusReport.Trouble] {
        var notes: [StatusReport.Trouble] = []
        if self.summary.deferred > 0 {
            let since = self.summary.oldest.map { CivilTime(unixSeconds: $0).rfc3339 } ?? "?"
            notes.append(
                .init(
                    what: Localized(
                        en: "\(self.summary.deferred) queue entries for other hosts wait for another attempt, the oldest since \(since)",
                        ja: "他のホスト宛の \(self.summary.deferred) 件が再送を待っています。最も古いものは \(since) から待機中です"),
                    cure: Localized(
                        en: "why: `postoffice queue list`; at once: `postoffice queue retry --all`",
                        ja: "理由は postoffice queue list で確認できます。すぐに再送するには postoffice queue retry --all を実行してください")))
        }
        let others = self.summary.held - self.summary.heldForReason
        if others > 0 {
            notes.append(
                .init(
                    what: Localized(
                        en: "\(others) queue entries for other hosts are held until somebody releases them",
                        ja: "他のホスト宛の \(others) 件が保留されています"),
                    cure: Localized(
                        en: "why: `postoffice queue list`; to send them: `postoffice queue release`",
                        ja: "理由は postoffice queue list で確認できます。送信するには postoffice queue release を実行してください")))
        }
        if !self.resting.isEmpty {
            let names = self.resting.prefix(5).map(\.name).joined(separator: ", ") + (self.resting.count > 5 ? ", …" : "")
            notes.append(
                .init(
                    what: Localized(
                        en: "\(self.resting.count) next hops took no mail and are left alone for a while: \(names)",
                        ja: "\(self.resting.count) 個の転送先がメールを受け取らないため、しばらく接続しません: \(names)"),
                    cure: Localized(
                        en: "why: `postoffice queue list --recipient DOMAIN`", ja: "理由は postoffice queue list --recipient ドメイン で確認できます")))
        }
        return notes
    }

    var json: JSONValue {
        .object([
            ("deferred", .number(self.summary.deferred)), ("oldest", self.summary.oldest.map { .int($0) } ?? .null),
            ("held", .number(self.summary.held)), ("held-for-reach", .number(self.summary.heldForReason)),
            ("resting", .list(self.resting.map { .object([("name", .text($0.name)), ("until", .int($0.until))]) })),
            ("faults", .list(self.faults.map { .text($0.what.english) })),
        ])
    }
}
