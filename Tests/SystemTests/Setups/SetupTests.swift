import Glibc
import MailTesting
import Testing

/// The set-ups of the manual, each built from its folder in `docs/examples` with a network and a name server of its own.
@Suite("set-ups of the manual", .serialized, .enabled(if: Networks.isPossible, "root and network namespaces are needed")) struct SetupTests
{
    /// The internet of the examples: its name server, and a mail host of somebody else with the account bob.
    struct World {
        let folder: String
        let networks: Networks
        let names: NameServer
        let outside: MailHost

        /// - Parameter zones: the folder of the zone files that the world sees, below the example's.
        init(_ example: String, networks names: [String] = ["internet"], zones: String = "") throws {
            self.folder = #filePath.replacing("Tests/SystemTests/Setups/SetupTests.swift", with: "docs/examples/\(example)")
            self.networks = try Networks(names)
            let names = try self.networks.machine([("internet", "192.0.2.53/24")])
            self.names = try NameServer(on: names, address: "192.0.2.53", zones: Self.zones("\(self.folder)\(zones)"))
            self.outside = try MailHost(
                "mail.example.com", on: try self.networks.machine([("internet", "192.0.2.9/24")]), address: "192.0.2.9",
                domain: "example.com",
                nameServer: "192.0.2.53", folder: nil)
            try self.outside.addAccounts("address,name\nbob@example.com,Bob\n")
            try self.outside.start()
        }

        /// Those of the folder, and somebody else's.
        static func zones(_ folder: String) -> [String: String] {
            let files = directoryEntries(folder).filter { $0.hasSuffix(".zone") }
            return files.reduce(into: ["example.com": Self.zone]) { $0[String($1.dropLast(5))] = ChildProcess.text(of: "\(folder)/\($1)") }
        }

        private static let zone = """
            $ORIGIN example.com.
            $TTL 3600
            @ IN SOA ns hostmaster 1 3600 600 86400 600
              IN NS ns
              IN MX 10 mail
            ns IN A 192.0.2.53
            mail IN A 192.0.2.9

            """

        /// A host of the example on the internet.
        func host(_ name: String, _ address: String) throws -> MailHost {
            try self.host(name, [("internet", address)], nameServer: "192.0.2.53")
        }

        /// One with other cards; the first has the address that its people use.
        func host(_ name: String, _ cards: [Networks.Card], nameServer: String) throws -> MailHost {
            let machine = try self.networks.machine(cards.map { ($0.network, "\($0.address)/24") })
            let host = try MailHost(
                name, on: machine, address: cards.first?.address ?? "", domain: "podunk.edu", nameServer: nameServer, folder: self.folder)
            try host.start()
            return host
        }
    }

    /// Values of the Received fields' "by", from the last hop to the first.
    private static func hops(_ message: String) -> [String] {
        message.split(separator: "\r\n").filter { $0.hasPrefix("          by ") }.map { String($0.dropFirst(13).prefix { $0 != " " }) }
    }

    private static func has(_ message: String, _ line: String) -> Bool { message.split(separator: "\r\n").contains { $0 == line } }

    @Test("the manual's basic set-up: one mail host with its own MX, addresses with the host's name")
    func singleHost() throws {
        let world = try World("single-host")
        let xanadu = try world.host("xanadu.podunk.edu", "192.0.2.3")
        try world.outside.send(from: "bob@example.com", login: "bob", to: "janie@xanadu.podunk.edu", subject: "hello")
        let inward = try xanadu.message(of: "janie")
        #expect(Self.hops(inward) == ["xanadu.podunk.edu", "mail.example.com"])
        #expect(Self.has(inward, "Return-Path: <bob@example.com>") && Self.has(inward, "Delivered-To: janie@xanadu.podunk.edu"))
        #expect(eventually { xanadu.connections == 1 })

        try xanadu.send(from: "janie@xanadu.podunk.edu", login: "janie", to: "bob@example.com", subject: "answer")
        let outward = try world.outside.message(of: "bob")
        #expect(Self.hops(outward) == ["mail.example.com", "xanadu.podunk.edu"])
        #expect(
            Self.has(outward, "Return-Path: <janie@xanadu.podunk.edu>") && Self.has(outward, "From: janie@xanadu.podunk.edu (Janie Lee)"))
        #expect(eventually { world.outside.events("SMTP-Accept opened", "peer=192.0.2.3 ").count == 1 })
    }

    @Test("must-have 139: hiding of host names: a hub hands each person's mail to his machine by channel alias, headers untouched")
    func hiddenHostNames() throws {
        let world = try World("hidden-host-names")
        let hub = try world.host("hub.podunk.edu", "192.0.2.2")
        let xanadu = try world.host("xanadu.podunk.edu", "192.0.2.3")
        try world.outside.send(from: "bob@example.com", login: "bob", to: "janie@podunk.edu", subject: "hello")
        let inward = try xanadu.message(of: "janie")
        #expect(Self.hops(inward) == ["xanadu.podunk.edu", "hub.podunk.edu", "mail.example.com"])
        // The envelope is the machine's, the header what was written.
        #expect(Self.has(inward, "Delivered-To: janie@xanadu.podunk.edu") && Self.has(inward, "To: janie@podunk.edu"))
        #expect(Self.has(inward, "Return-Path: <bob@example.com>"))
        #expect(eventually { hub.connections == 1 && xanadu.connections == 1 })

        // To the world she has no host name, whatever her mail program calls her, and her mail takes the short way.
        try xanadu.send(from: "janie@xanadu.podunk.edu", login: "janie", to: "bob@example.com", subject: "answer")
        let outward = try world.outside.message(of: "bob")
        #expect(Self.hops(outward) == ["mail.example.com", "xanadu.podunk.edu"])
        #expect(Self.has(outward, "Return-Path: <janie@podunk.edu>") && Self.has(outward, "From: janie@podunk.edu (Janie Lee)"))
        #expect(!outward.contains("janie@xanadu"))
        #expect(eventually { hub.connections == 1 })
        // Somebody whom the hub does not know is refused by the hub, at once.
        try world.outside.send(from: "bob@example.com", login: "bob", to: "nobody@podunk.edu", subject: "lost")
        #expect(eventually { !hub.events("recipient-refused", "nobody@podunk.edu").isEmpty })
    }

    @Test("must-have 139: hub and client on one machine: two addresses an account, no channel alias")
    func hubAndClient() throws {
        let world = try World("hub-and-client")
        let hub = try world.host("hub.podunk.edu", "192.0.2.2")
        for (number, address) in ["janie@podunk.edu", "janie@hub.podunk.edu"].enumerated() {
            try world.outside.send(from: "bob@example.com", login: "bob", to: address, subject: "hello")
            let inward = try hub.message(of: "janie", number: number + 1)
            #expect(Self.hops(inward) == ["hub.podunk.edu", "mail.example.com"])
            #expect(Self.has(inward, "Delivered-To: \(address)"))
        }
        try hub.send(from: "janie@podunk.edu", login: "janie", to: "bob@example.com", subject: "answer")
        #expect(Self.has(try world.outside.message(of: "bob"), "Return-Path: <janie@podunk.edu>"))
    }

    @Test("people of one domain on two mailbox hosts behind a hub")
    func twoMailboxHosts() throws {
        let world = try World("two-mailbox-hosts")
        let hub = try world.host("hub.podunk.edu", "192.0.2.2")
        let xanadu = try world.host("xanadu.podunk.edu", "192.0.2.3")
        let shangriLa = try world.host("shangri-la.podunk.edu", "192.0.2.4")
        try world.outside.send(from: "bob@example.com", login: "bob", to: "janie@podunk.edu,kenji@podunk.edu", subject: "both")
        #expect(Self.hops(try xanadu.message(of: "janie")) == ["xanadu.podunk.edu", "hub.podunk.edu", "mail.example.com"])
        #expect(Self.hops(try shangriLa.message(of: "kenji")) == ["shangri-la.podunk.edu", "hub.podunk.edu", "mail.example.com"])
        #expect(eventually { hub.connections == 1 })

        try xanadu.send(from: "janie@podunk.edu", login: "janie", to: "kenji@podunk.edu", subject: "from next door")
        let among = try shangriLa.message(of: "kenji", number: 2)
        #expect(Self.hops(among) == ["shangri-la.podunk.edu", "hub.podunk.edu", "xanadu.podunk.edu"])
        #expect(Self.has(among, "Return-Path: <janie@podunk.edu>") && Self.has(among, "To: kenji@podunk.edu"))
        #expect(eventually { world.outside.connections == 0 })
    }

    @Test("must-have 21: behind a firewall: what comes in and what goes out passes it by routes and MX, what stays inside does not")
    func firewall() throws {
        let world = try World("firewall", networks: ["internet", "lan"], zones: "/outside")
        let inner = try world.networks.machine([("lan", "10.0.0.53/24")])
        let names = try NameServer(on: inner, address: "10.0.0.53", zones: World.zones("\(world.folder)/inside"))
        defer { withExtendedLifetime(names) {} }
        let firewall = try world.host("firewall.podunk.edu", [("internet", "192.0.2.1"), ("lan", "10.0.0.1")], nameServer: "10.0.0.53")
        let xanadu = try world.host("xanadu.podunk.edu", [("lan", "10.0.0.3")], nameServer: "10.0.0.53")
        let shangriLa = try world.host("shangri-la.podunk.edu", [("lan", "10.0.0.4")], nameServer: "10.0.0.53")

        try world.outside.send(from: "bob@example.com", login: "bob", to: "janie@xanadu.podunk.edu", subject: "hello")
        let inward = try xanadu.message(of: "janie")
        #expect(Self.hops(inward) == ["xanadu.podunk.edu", "firewall.podunk.edu", "mail.example.com"])
        #expect(Self.has(inward, "Return-Path: <bob@example.com>") && Self.has(inward, "To: janie@xanadu.podunk.edu"))

        try xanadu.send(from: "janie@xanadu.podunk.edu", login: "janie", to: "bob@example.com", subject: "answer")
        let outward = try world.outside.message(of: "bob")
        #expect(Self.hops(outward) == ["mail.example.com", "firewall.podunk.edu", "xanadu.podunk.edu"])
        #expect(Self.has(outward, "Return-Path: <janie@xanadu.podunk.edu>"))
        #expect(eventually { world.outside.connections == 1 && world.outside.events("SMTP-Accept opened", "peer=192.0.2.1 ").count == 1 })

        let before = firewall.connections
        try xanadu.send(from: "janie@xanadu.podunk.edu", login: "janie", to: "kenji@shangri-la.podunk.edu", subject: "inside")
        #expect(Self.hops(try shangriLa.message(of: "kenji")) == ["shangri-la.podunk.edu", "xanadu.podunk.edu"])
        #expect(eventually { firewall.connections == before })
        // The firewall is no way from the world to the world.
        let trial = try world.outside.run([
            "/usr/bin/swaks", "--server", "192.0.2.1", "--from", "bob@example.com", "--to", "x@elsewhere.example", "--timeout", "30",
        ])
        #expect(trial.ending == .exited(24), "\(trial.output)")
    }
}
