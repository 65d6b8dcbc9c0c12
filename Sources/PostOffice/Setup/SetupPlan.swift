internal import Vocabulary

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
    /// What is done as users of the operating system; nil is nothing.
    package var systemDelivery: StartConfiguration.SystemServices?
    /// A person is asked about it.
    package var asksForSystemDelivery = false
    /// The server is started when all is done.
    package var starts = false
    /// A person is asked about that.
    package var asksForStart = false

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

    /// What will listen, in the order of the contract.
    package var listeners: [StartConfiguration.Listener] {
        InstancePort.allCases.compactMap { port in
            guard let role = port.role, let number = self.ports[port] else { return nil }
            let here = port.isLoopbackOnly ? IPAddress(bytes: [127, 0, 0, 1]) : nil
            return StartConfiguration.Listener(role: role, address: here.map { .address($0) } ?? self.address, port: number)
        }
    }

    /// The text of an earlier start file with what this plan adds to it; nil where the plan changes something in it.
    func added(to old: String) -> String? {
        guard let before = try? StartConfiguration.read(text: old, file: self.configurationFile) else { return nil }
        guard before.directories == self.directories, before.user == self.user, before.group == self.group ?? self.user else { return nil }
        guard before.systemDelivery == self.systemDelivery else { return nil }
        var missing: [StartConfiguration.Listener] = []
        for listener in self.listeners {
            guard let there = before.listeners.first(where: { $0.role.name == listener.role.name }) else {
                missing.append(listener)
                continue
            }
            guard there.port == listener.port, there.address == listener.address else { return nil }
        }
        return StartFileAdditions.text(old, adding: missing, file: self.configurationFile)
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
        if let systemDelivery {
            out += "# What postoffice-deliver may do as users of this system; it alone stays root.\n" + systemDelivery.text
        }
        out += "database: embedded\nlisteners:\n"
        for listener in self.listeners { out += StartFileAdditions.entry(listener, indent: "  ") }
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
