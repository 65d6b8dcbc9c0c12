package import Forms
package import Vocabulary

// Invariants of this target:
// 1. One database file, one writer. Readers in the mta use the snapshot, which is immutable and replaced whole after a commit.
// 2. Every change of an account or setting is one transaction with its history row; nothing is visible before it is on disk.
// 3. An account id is given once. A deleted account's id, addresses' rows and caches never come back to a new one.
// 4. No password leaves here, in any form, but as a verifier for SASL.
// 5. Values are checked by Forms on the way in; what is stored is canonical, so readers need not check again.

/// Accounts, addresses, domains and configuration.
package final class Directory: Sendable {
    /// Opens or creates `spool/directory.db`. One process at a time.
    package static func open(_ location: DirectoryLocation) throws(DirectoryError) -> Directory {
        throw DirectoryError(.database, Localized(en: "not there yet", ja: "未実装です"))
    }

    /// All that lookups need, as of the last commit. Cheap: take it once for a run of lookups, so that they agree with each other.
    package var snapshot: DirectorySnapshot { fatalError() }
    package var configuration: Configuration { self.snapshot.configuration }

    private init() {}
}

/// Where the directory lives and what the world gives it.
package struct DirectoryLocation: Sendable {
    package var file: String
    /// Seconds since 1970.
    package var now: @Sendable () -> Int64
    package var random: @Sendable (Int) -> [UInt8]

    package init(file: String, now: @escaping @Sendable () -> Int64, random: @escaping @Sendable (Int) -> [UInt8]) {
        self.file = file
        self.now = now
        self.random = random
    }
}

/// Who makes a change; goes into the history.
package struct Actor: Sendable, Hashable {
    /// `postmaster`, an OS user, an account's address.
    package var name: String
    /// `command`, `web`, `mail`, `setup`.
    package var interface: String
    package init(name: String, interface: String) {
        self.name = name
        self.interface = interface
    }
}

/// Why the directory cannot do what was asked; the message names the thing and the cure.
package struct DirectoryError: Error, Sendable {
    package enum Kind: Sendable, Hashable { case notFound, conflict, invalid, database, newer }
    package let kind: Kind
    package let message: Localized
    /// Fields that are wrong, when it is about a form.
    package let problems: [FieldProblem]

    package init(_ kind: Kind, _ message: Localized, problems: [FieldProblem] = []) {
        self.kind = kind
        self.message = message
        self.problems = problems
    }
}
