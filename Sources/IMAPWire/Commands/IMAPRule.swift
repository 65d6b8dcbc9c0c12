internal import NIOCore
internal import Vocabulary

/// States in which a command may be given. [RFC9051-3]
struct IMAPStates: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    static let notAuthenticated = IMAPStates(rawValue: 1 << 0)
    static let authenticated = IMAPStates(rawValue: 1 << 1)
    static let selected = IMAPStates(rawValue: 1 << 2)
    static let any: IMAPStates = [.notAuthenticated, .authenticated, .selected]
    static let loggedIn: IMAPStates = [.authenticated, .selected]
}

/// The row of a command in the table from which dispatch and capabilities come.
struct IMAPRule: Sendable {
    typealias Handler = @Sendable (inout IMAPMachine, inout Scanner, inout SessionOutput<IMAPCall>) throws(GrammarFault) -> Void

    /// In capitals, with `UID ` before it in that form.
    var name: String
    var states: IMAPStates
    /// What must be on for the command to exist; empty for those that are always there.
    var feature: IMAPFeatures = []
    /// The UIDs of the selected mailbox must be known before it begins.
    var needsView = false
    /// Speaks of sequence numbers, so that it is refused with UIDONLY. [RFC9586-3]
    var usesNumbers = false
    /// Messages that are gone may be told at its end. [RFC9051-7.5.1]
    var tellsExpunges = true
    /// What has happened is told at its end. Not by SELECT: its answer is the mailbox as it was counted.
    var tellsNews = true
    /// Asks for changes at its end even without a hint that there are some.
    var readsChanges = false
    var handler: Handler

    static let none = IMAPRule(name: "", states: .any) { (_, _, _) throws(GrammarFault) in throw GrammarFault(.unknownCommand) }

    static func named(_ name: String) -> IMAPRule? { self.byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// One file a group; the order is that of the RFC.
    static let all: [IMAPRule] =
        anyState + login + session + selecting + mailboxes + adding + idle + expunging + searching + fetching + storing + copying + rights
        + quotas + annotations + watching + contexts + batches + urls
}
