internal import Forms
internal import Policy
internal import Vocabulary

/// Whether a forwarded message gets a sender of this host.
package enum ForwardRewrite: String, Sendable, Hashable {
    /// Where a stranger's message goes on to another host.
    case auto
    case always, never
}

extension QueuePolicy {
    init(_ reader: SettingReader) {
        let delays = reader.value(QueueField.retryTimes).rows.compactMap { row in row.first.flatMap { Int64($0) } }
        let warnAfter = reader.int64(QueueField.warnAfter)
        self.init(
            delays: delays, warnAfter: warnAfter == 0 ? nil : warnAfter, giveUpAfter: reader.int64(QueueField.keepFor),
            giveUpReportsAfter: reader.int64(QueueField.keepReportsFor))
    }
}

extension ErrorResponses {
    init(_ reader: SettingReader) {
        var byClass: [FailureClass: ErrorResponse] = [:]
        for row in ErrorField.rows {
            guard let failureClass = FailureClass(rawValue: row.name) else { continue }
            byClass[failureClass] = ErrorResponse(
                ErrorResponse.Action(rawValue: reader.text(row.action)) ?? .giveBack,
                notice: ErrorResponse.Notice(rawValue: reader.text(row.notice)) ?? .none,
                people: reader.list(row.people).compactMap { try? Address(parsing: $0) })
        }
        self.init(
            byClass, returnsWhole: reader.text(ErrorField.returnedContent) == "whole", wholeLimit: reader.int64(ErrorField.returnedSize),
            doubleBounceNotice: ErrorResponse.Notice(rawValue: reader.text(ErrorField.doubleBounce)) ?? .headers)
    }
}
