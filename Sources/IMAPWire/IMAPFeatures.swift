/// Extensions, each with the capabilities that it brings. What is not in the session's set is neither offered nor understood.
package struct IMAPFeatures: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    private init(bit: UInt64) { self.rawValue = 1 << bit }

    package static let rev2 = IMAPFeatures(bit: 0)
    package static let move = IMAPFeatures(bit: 1)
    package static let condStore = IMAPFeatures(bit: 2)
    package static let qResync = IMAPFeatures(bit: 3)
    package static let search = IMAPFeatures(bit: 4)
    /// ESEARCH and SEARCHRES: the machine does all but the search itself.
    package static let eSearch = IMAPFeatures(bit: 5)
    package static let within = IMAPFeatures(bit: 6)
    package static let fuzzy = IMAPFeatures(bit: 7)
    package static let multiSearch = IMAPFeatures(bit: 8)
    package static let sort = IMAPFeatures(bit: 9)
    package static let sortDisplay = IMAPFeatures(bit: 10)
    package static let thread = IMAPFeatures(bit: 11)
    package static let context = IMAPFeatures(bit: 12)
    package static let partial = IMAPFeatures(bit: 13)
    package static let listExtended = IMAPFeatures(bit: 14)
    package static let listStatus = IMAPFeatures(bit: 15)
    package static let listMyRights = IMAPFeatures(bit: 16)
    package static let listMetadata = IMAPFeatures(bit: 17)
    package static let specialUse = IMAPFeatures(bit: 18)
    package static let createSpecialUse = IMAPFeatures(bit: 19)
    package static let statusSize = IMAPFeatures(bit: 20)
    package static let notify = IMAPFeatures(bit: 21)
    package static let acl = IMAPFeatures(bit: 22)
    package static let quota = IMAPFeatures(bit: 23)
    package static let quotaSet = IMAPFeatures(bit: 24)
    package static let metadata = IMAPFeatures(bit: 25)
    package static let objectID = IMAPFeatures(bit: 26)
    package static let preview = IMAPFeatures(bit: 27)
    package static let saveDate = IMAPFeatures(bit: 28)
    package static let utf8Accept = IMAPFeatures(bit: 29)
    package static let compress = IMAPFeatures(bit: 30)
    package static let unauthenticate = IMAPFeatures(bit: 31)
    package static let uidOnly = IMAPFeatures(bit: 32)
    package static let inProgress = IMAPFeatures(bit: 33)
    package static let messageLimit = IMAPFeatures(bit: 34)
    package static let uidBatches = IMAPFeatures(bit: 35)
    package static let urlAuth = IMAPFeatures(bit: 36)
    package static let binary = IMAPFeatures(bit: 37)
    package static let multiAppend = IMAPFeatures(bit: 38)
    package static let catenate = IMAPFeatures(bit: 39)
    package static let replace = IMAPFeatures(bit: 40)
    package static let idle = IMAPFeatures(bit: 41)
    package static let namespace = IMAPFeatures(bit: 42)
    package static let appendLimit = IMAPFeatures(bit: 43)
    package static let language = IMAPFeatures(bit: 44)
    package static let i18nLevel1 = IMAPFeatures(bit: 45)

    /// Not built yet.
    private static let missing: IMAPFeatures = [.uidBatches, .messageLimit, .urlAuth]
    /// What the machine can; the service takes away what it cannot yet.
    package static let ready = IMAPFeatures(rawValue: (1 << 46) - 1).subtracting(missing)
}
