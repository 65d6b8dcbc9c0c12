/// All answers that setup needs, asked, taken from flags, or chosen for a quick instance.
package struct SetupPlan: Sendable {
    package var configurationFile: String
    package var directories: StartConfiguration.Directories
    /// nil: the service runs as the one who starts it.
    package var user: String?
    package var group: String?
    package var domain: String
    package var hostName: String
    package var nameServers: [String]
    package var address: StartConfiguration.ListenAddress
    package var ports: [InstancePort: Int]
    /// nil keeps the password that is there.
    package var postmasterPassword: String?
    /// False where the password is that of an earlier run, which the directory holds already.
    package var replacesPassword = true
    /// A new instance sends to this computer only, until somebody wants more.
    package var staysHere = false
    /// `sendmail`, `mailq` and `newaliases` become links to us; false takes them back, nil leaves everything as it is.
    package var sendmailLinks: Bool?

    package init(
        configurationFile: String, directories: StartConfiguration.Directories, user: String?, group: String?, domain: String,
        hostName: String, nameServers: [String], address: StartConfiguration.ListenAddress, ports: [InstancePort: Int],
        postmasterPassword: String?
    ) {
        self.configurationFile = configurationFile
        self.directories = directories
        self.user = user
        self.group = group
        self.domain = domain
        self.hostName = hostName
        self.nameServers = nameServers
        self.address = address
        self.ports = ports
        self.postmasterPassword = postmasterPassword
    }

    /// Text of the start file, with comments for the person who edits it.
    package var startFileText: String {
        var out = """
            # Post.Office start file: only what is needed to start. Everything else: `postoffice config`.
            # After a change of listeners: `postoffice reload`. After any other: `postoffice shutdown` and `postoffice run`.
            version: 1
            directories:
              program: \(Self.quoted(self.directories.program))
              spool: \(Self.quoted(self.directories.spool))
              mailbox: \(Self.quoted(self.directories.mailbox))

            """
        if let user { out += "user: \(Self.quoted(user))\n" }
        if let group { out += "group: \(Self.quoted(group))\n" }
        out += "database: embedded\nlisteners:\n"
        for port in InstancePort.allCases {
            guard let role = port.role, let number = self.ports[port] else { continue }
            out += "  - name: \(role.name)\n    service: \(role.service.rawValue)\n"
            // LMTP is for programs of this computer.
            let address = role.service == .lmtp ? "127.0.0.1" : self.address.description
            out += "    address: \(Self.quoted(address))\n    port: \(number)\n"
            if role.implicitTLS { out += "    tls: true\n" }
        }
        return out
    }

    /// A YAML scalar in double quotes; what cannot stand there as it is gets an escape.
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": out += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                out += "\\x" + (digits.count < 2 ? "0" : "") + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
