package import Vocabulary

/// The kinds of delivery errors that the Error Response Parameters form knows. Names are stored and stand in commands.
package enum FailureClass: String, Sendable, Hashable, CaseIterable {
    /// The domain's host does not know the user, or nobody here has the address.
    case unknownUser = "unknown-user"
    /// The address cannot be processed: its form is wrong.
    case badAddress = "bad-address"
    /// No host takes mail for the domain.
    case hostNotFound = "host-not-found"
    /// DNS sends the message back to this host, which does not hold the domain for local.
    case mxLoop = "mx-loop"
    case tooManyHops = "too-many-hops"
    /// The other host refused the message for good.
    case refused
    /// Every attempt failed for now, and there is no time left.
    case queueTimeOver = "queue-time-over"
    case tooLarge = "too-large"
    case overQuota = "over-quota"
    case programFailed = "program-failed"

    /// Name of the error in diagnostic codes of our own, in the family's form `Module:Name`.
    package var diagnosticName: String {
        switch self {
        case .unknownUser: "UnknownUser"
        case .badAddress: "BadAddress"
        case .hostNotFound: "HostNotFound"
        case .mxLoop: "MXLoop"
        case .tooManyHops: "TooManyHops"
        case .refused: "Refused"
        case .queueTimeOver: "QueuedTooLong"
        case .tooLarge: "MessageTooLarge"
        case .overQuota: "OverQuota"
        case .programFailed: "ProgramFailed"
        }
    }

    /// Status of reports that know no more than the class. [RFC3463-3]
    package var usualStatus: EnhancedStatus {
        switch self {
        case .unknownUser: EnhancedStatus(5, 1, 1)
        case .badAddress: EnhancedStatus(5, 1, 3)
        case .hostNotFound: EnhancedStatus(5, 1, 2)
        case .mxLoop, .tooManyHops: EnhancedStatus(5, 4, 6)
        case .refused: EnhancedStatus(5, 0, 0)
        case .queueTimeOver: EnhancedStatus(5, 4, 7)
        case .tooLarge: EnhancedStatus(5, 3, 4)
        case .overQuota: EnhancedStatus(5, 2, 2)
        case .programFailed: EnhancedStatus(5, 3, 0)
        }
    }

    /// As people read it on forms and in notices.
    package var label: Localized {
        switch self {
        case .unknownUser: Localized(en: "Unknown user", ja: "ユーザが存在しない")
        case .badAddress: Localized(en: "Unprocessable address", ja: "処理できないアドレス")
        case .hostNotFound: Localized(en: "Host not found", ja: "ホストが見つからない")
        case .mxLoop: Localized(en: "MX loop", ja: "MX ループ")
        case .tooManyHops: Localized(en: "Too many hops", ja: "最大ホップ数の超過")
        case .refused: Localized(en: "Refused by the other host", ja: "送信先ホストによる拒否")
        case .queueTimeOver: Localized(en: "Too long in the queue", ja: "キューの保存期間の超過")
        case .tooLarge: Localized(en: "Message too large", ja: "メッセージサイズの超過")
        case .overQuota: Localized(en: "Mailbox full", ja: "メールボックスサイズの超過")
        case .programFailed: Localized(en: "Program failed", ja: "プログラム配信の失敗")
        }
    }
}
