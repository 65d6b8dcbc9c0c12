/// Who makes a change; goes into the history.
package struct Actor: Sendable, Hashable {
    /// `postmaster`, an OS user, an account's address.
    package var name: String
    /// `command`, `web`, `api`, `mail`, `setup`.
    package var interface: String
    /// From where: a client's address; empty for a command on this host.
    package var origin: String

    /// A key of the API that is not for everything: it must not touch those who administer.
    package var isLimited = false

    package init(name: String, interface: String, origin: String = "", isLimited: Bool = false) {
        self.isLimited = isLimited
        self.name = name
        self.interface = interface
        self.origin = origin
    }
}
