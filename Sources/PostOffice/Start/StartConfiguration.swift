package import Vocabulary

// Invariants of PostOffice (composition root):
// 1. The start file holds only what is needed to start: directories, user, listeners, database. All else is in the directory database.
// 2. A broken start file is never half used: reading gives a whole configuration or one problem with line, field and cure.
// 3. Only the dispatcher runs as root, and only until the ports are bound. It never reads what a peer sent.
// 4. Commands reach a running server over the control socket; without a server they take its lock and do the work themselves.

/// What is needed to start, as read from `/etc/post.office.conf`.
package struct StartConfiguration: Sendable, Equatable {
    /// Where it was read from: named in errors, handed on to the mta.
    package var file: String
    package var directories: Directories
    /// Service user and group; nil means the user who starts the server (development, containers).
    package var user: String?
    package var group: String?
    package var listeners: [Listener]
    package var database: DatabaseEngine
    /// What is done as users of the operating system; nil is nothing.
    package var systemDelivery: SystemServices?

    package init(
        file: String, directories: Directories, user: String? = nil, group: String? = nil, listeners: [Listener],
        database: DatabaseEngine = .embedded, systemDelivery: SystemServices? = nil
    ) {
        self.systemDelivery = systemDelivery
        self.file = file
        self.directories = directories
        self.user = user
        self.group = group
        self.listeners = listeners
        self.database = database
    }

    package struct Directories: Sendable, Equatable {
        package var program: String
        package var spool: String
        package var mailbox: String

        package init(program: String, spool: String, mailbox: String) {
            self.program = program
            self.spool = spool
            self.mailbox = mailbox
        }
    }

    /// One socket on which the dispatcher listens.
    package struct Listener: Sendable, Equatable {
        package var role: ListenerRole
        package var address: ListenAddress
        /// 0 lets the kernel choose (tests).
        package var port: Int
        /// Who may connect: addresses, networks, names and `*.name`. Empty means everyone. Checked before the greeting.
        package var allow: [String]
        /// Who may not, although `allow` lets them in.
        package var deny: [String]

        package init(role: ListenerRole, address: ListenAddress, port: Int, allow: [String] = [], deny: [String] = []) {
            self.role = role
            self.address = address
            self.port = port
            self.allow = allow
            self.deny = deny
        }

        /// Nothing but who may connect is different.
        package func isSameSocket(as other: Listener) -> Bool {
            self.role == other.role && self.address == other.address && self.port == other.port
        }
    }

    /// Where a listener is bound.
    package enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
        /// All IPv6 and IPv4 addresses of the machine on one socket; IPv4 alone where the kernel has no IPv6.
        case any
        case address(IPAddress)

        package var description: String {
            switch self {
            case .any: "*"
            case .address(let address): "\(address)"
            }
        }
    }

    package enum DatabaseEngine: Sendable, Equatable {
        /// SQLite files in the spool and mailbox directories.
        case embedded
    }
}

extension StartConfiguration {
    package static let defaultFile = "/etc/post.office.conf"
    package static let fileVariable = "POSTOFFICE_CONFIG"

    // Files of the running server, all below the spool directory.
    package var controlSocket: String { self.directories.spool + "/control.sock" }
    package var serverLock: String { self.directories.spool + "/server.lock" }
    package var dispatcherPIDFile: String { self.directories.spool + "/post.office.pid" }
    package var mtaPIDFile: String { self.directories.spool + "/mta.pid" }
    package var logDirectory: String { self.directories.spool + "/log" }
    package var certificateDirectory: String { self.directories.spool + "/certificates" }
    /// Where `sendmail` leaves messages.
    package var dropDirectory: String { self.directories.spool + "/drop" }
    /// Where those lie that the server refused.
    package var refusedDropDirectory: String { self.directories.spool + "/drop-refused" }
    package var ledgerDatabase: String { self.directories.spool + "/ledger.db" }
    package var countersDatabase: String { self.directories.spool + "/counters.db" }
    package var transportDatabase: String { self.directories.spool + "/transport.db" }
    package var directoryDatabase: String { self.directories.spool + "/directory.db" }
}
