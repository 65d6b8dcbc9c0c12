internal import MessageStore
internal import Vocabulary

extension StoreRefusal {
    /// What the sender is told: enough to try again, nothing about our disks.
    var reply: Reply {
        switch self {
        case .diskLow, .diskFull: Reply(452, EnhancedStatus(4, 3, 1), "Storage is full, try again later")
        case .io: Reply(451, EnhancedStatus(4, 3, 0), "Message could not be stored, try again later")
        case .failed: Reply(451, EnhancedStatus(4, 3, 0), "Mail storage is not available, try again later")
        case .busy: Reply(451, EnhancedStatus(4, 3, 2), "Too busy, try again later")
        case .tooLarge: Reply(552, EnhancedStatus(5, 3, 4), "Message too big")
        case .closed: Reply(421, EnhancedStatus(4, 3, 2), "Server is stopping, try again later")
        }
    }

    /// For the log.
    var reason: String {
        switch self {
        case .diskLow: "disk-low"
        case .diskFull: "disk-full"
        case .io(let failure): "\(failure)"
        case .failed(let text): text
        case .busy: "busy"
        case .tooLarge: "too-large"
        case .closed: "closed"
        }
    }
}
