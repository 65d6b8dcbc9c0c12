internal import Database
internal import Forms
package import Routing
package import SASL
internal import Vocabulary

/// How to log in at a next hop, a smarthost.
package struct RouteLogin: Sendable {
    /// How sure a connection must be before the password goes over it.
    package enum Security: String, Sendable, Hashable {
        /// TLS, with a certificate that proves the host.
        case verified
        /// TLS, whoever it is.
        case encrypted
        /// Also without TLS.
        case clear
    }

    /// As the setting names the host.
    package let route: String
    /// The same, to compare.
    package let name: NextHopName
    package let user: String
    package let security: Security
    /// nil while none is stored.
    package private(set) var password: Secret?

    /// From the cells of a row, which are canonical.
    init?(cells: [String]) {
        guard cells.count == 3, !cells[1].isEmpty, let name = NextHopName(cells[0]) else { return nil }
        self.name = name
        self.route = cells[0]
        self.user = cells[1]
        self.security = Security(rawValue: cells[2]) ?? .verified
    }

    func with(_ password: Secret?) -> RouteLogin {
        var copy = self
        copy.password = password
        return copy
    }

    /// Under which the password is kept: it belongs to this user at this host, and to nobody else.
    var secretName: String { "route-login \(self.name) \(self.user)" }

    /// This login is for that next hop.
    package func fits(_ hop: NextHop) -> Bool {
        guard hop.isRouted, let place = hop.place, place.host == self.name.host else { return false }
        return self.name.port == nil || self.name.port == place.port
    }
}

extension Configuration {
    /// Of the field `route-logins`, without passwords.
    static func routeLogins(_ reader: SettingReader) -> [RouteLogin] {
        reader.value(NextHopField.logins).rows.compactMap(RouteLogin.init(cells:))
    }
}

// Passwords of routes. They are kept as they are, since the other host wants to see them; nothing but the connection to it ever does.
extension Directory {
    /// Sets the login of a next hop with its password in one step, in place of what there was for that host. The call blocks.
    /// - Parameter row: canonical cells of `route-logins`.
    @discardableResult
    package func setRouteLogin(_ row: [String], password: Secret, by actor: Actor) throws(DirectoryError) -> Int64 {
        let field = NextHopField.logins
        guard let login = RouteLogin(cells: row) else {
            throw DirectoryError([field.problem(Localized("name a host and a user", "ホストとユーザを指定してください"))])
        }
        let isClean = password.withBytes { bytes in
            !bytes.isEmpty && bytes.count <= 500 && !bytes.contains { $0 < 0x20 || $0 == 0x7F }
        }
        guard isClean else {
            throw DirectoryError([
                field.problem(
                    Localized(
                        "the password cannot be used: from 1 to 500 octets without control characters",
                        "パスワードを使用できません。制御文字を含まない 1 から 500 オクテットで指定してください"))
            ])
        }
        return try self.change { connection, snapshot, touched in
            let revision = try self.revision(connection, actor, "password of \(login.user) at \(login.name)")
            let writer = ConfigurationWriter(connection: connection, snapshot: snapshot, revision: revision)
            var rows = snapshot.configuration.value(field).rows
            if let index = rows.firstIndex(where: { $0.first.flatMap { NextHopName($0) } == login.name }) {
                rows[index] = row
            } else {
                rows.append(row)
            }
            try writer.write([field.key: .rows(rows)])
            try connection.run(DirectorySchema.putSecret, .text(login.secretName), .blob(password.withBytes { $0 }))
            touched.configuration = true
            return revision
        }
    }
}
