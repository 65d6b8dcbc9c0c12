import Glibc
import MailTesting
import Testing

/// A LAN that is connected now and then; part of the set-ups of the manual.
@Suite("a site that dials in", .serialized, .enabled(if: Networks.isPossible, "root and network namespaces are needed"))
struct IntermittentTests {
    private let world: SetupTests.World
    private let provider: MailHost
    private let xanadu: MailHost
    private let shangriLa: MailHost
    private let cable: String

    /// The internet with a provider, and a LAN behind a cable.
    init() throws {
        self.world = try SetupTests.World("intermittent", networks: ["internet", "lan"])
        self.cable = try self.world.networks.join("internet", "lan")
        self.provider = try MailHost(
            "provider.net", on: try self.world.networks.machine([("internet", "192.0.2.40/24")]), address: "192.0.2.40",
            domain: "provider.net", nameServer: "192.0.2.53", folder: self.world.folder)
        try self.provider.start()
        self.xanadu = try self.world.host("xanadu.podunk.edu", [("lan", "192.0.2.3")], nameServer: "192.0.2.53")
        self.shangriLa = try self.world.host("shangri-la.podunk.edu", [("lan", "192.0.2.4")], nameServer: "192.0.2.53")
    }

    /// What a person types who connects to the provider's SMTP port; the last answer before leaving.
    private static func type(_ command: String, on host: MailHost) throws -> String {
        let script = """
            import socket
            s = socket.create_connection(("192.0.2.40", 25), 30)
            f = s.makefile("rw", newline="\\r\\n")
            f.readline(); f.write("\(command)\\n"); f.flush()
            print(f.readline().strip()); f.write("quit\\n"); f.flush(); f.readline()
            """
        let result = try host.run(["/usr/bin/python3", "-c", script])
        guard result.ending == .exited(0) else { throw MailHost.Failure(description: result.output) }
        return result.output.split(separator: "\n").last.map(String.init) ?? ""
    }

    /// Every entry of the queue has been tried, and waits.
    private static func waits(_ host: MailHost, _ count: Int) -> Bool {
        eventually(within: 60) {
            let text = (try? host.command(["queue", "list", "--json"])) ?? ""
            let entries = text.split(separator: "\n").filter { $0.hasPrefix("{") }
            return entries.count == count && entries.allSatisfy { $0.contains("\"attempts\":1") }
        }
    }

    private static func hops(_ message: String) -> [String] {
        message.split(separator: "\r\n").filter { $0.hasPrefix("          by ") }.map { String($0.dropFirst(13).prefix { $0 != " " }) }
    }

    @Test(
        "must-have 25: mail waits at the provider while the line is down, comes by qsnd in one batch, and what waited at home goes by the provider"
    )
    func dialUp() throws {
        try self.world.networks.set(self.cable, connected: false)
        for subject in ["one", "two"] {
            try self.world.outside.send(from: "bob@example.com", login: "bob", to: "janie@xanadu.podunk.edu", subject: subject)
        }
        try self.world.outside.send(from: "bob@example.com", login: "bob", to: "kenji@shangri-la.podunk.edu", subject: "three")
        for subject in ["first", "second", "third"] {
            try self.xanadu.send(from: "janie@podunk.edu", login: "janie", to: "bob@example.com", subject: subject)
        }
        #expect(Self.waits(self.provider, 3), "\(self.provider.trail.suffix(2000))")
        #expect(Self.waits(self.xanadu, 3), "\(self.xanadu.trail.suffix(2000))")
        #expect(self.xanadu.connections == 0 && self.shangriLa.connections == 0)

        try self.world.networks.set(self.cable, connected: true)
        try self.fetch()
        try self.send()

        // While the line is up nobody needs the provider.
        let before = self.provider.connections
        try self.world.outside.send(from: "bob@example.com", login: "bob", to: "janie@podunk.edu", subject: "directly")
        #expect(Self.hops(try self.xanadu.message(of: "janie", number: 3)) == ["xanadu.podunk.edu", "mail.example.com"])
        #expect(self.provider.connections == before)
    }

    /// Each host gets what is for it, in one connection; a stranger gets nothing.
    private func fetch() throws {
        #expect(try Self.type("qsnd", on: self.world.outside) == "250 2.0.0 No messages waiting")
        #expect(try Self.type("qsnd", on: self.xanadu) == "250 2.0.0 2 messages released")
        let subjects = try [1, 2].map { number in
            let message = try self.xanadu.message(of: "janie", number: number)
            #expect(Self.hops(message) == ["xanadu.podunk.edu", "provider.net", "mail.example.com"])
            #expect(message.contains("Return-Path: <bob@example.com>\r\n") && message.contains("To: janie@xanadu.podunk.edu\r\n"))
            return message.split(separator: "\r\n").first { $0.hasPrefix("Subject: ") }.map(String.init) ?? ""
        }
        #expect(Set(subjects) == ["Subject: one", "Subject: two"])
        #expect(eventually { self.xanadu.connections == 1 }, "one batch")
        #expect(self.shangriLa.connections == 0)
        #expect(try Self.type("qsnd shangri-la.podunk.edu", on: self.shangriLa) == "250 2.0.0 1 messages released")
        #expect(Self.hops(try self.shangriLa.message(of: "kenji")) == ["shangri-la.podunk.edu", "provider.net", "mail.example.com"])
        #expect(eventually { self.shangriLa.connections == 1 })
    }

    /// Everything that waited at home takes one connection to the provider, and its own way from there.
    private func send() throws {
        let before = self.provider.events("SMTP-Accept opened", "peer=192.0.2.3 ").count
        try self.xanadu.command(["queue", "retry", "--all"])
        #expect(
            eventually(within: 60) { self.xanadu.events("SMTP-Deliver delivered").count == 3 },
            "\(self.xanadu.events("SMTP-Deliver").joined(separator: "\n"))\n\(self.xanadu.events("MTA dns").joined(separator: "\n"))")
        for number in 1...3 {
            let message = try self.world.outside.message(of: "bob", number: number)
            #expect(Self.hops(message) == ["mail.example.com", "provider.net", "xanadu.podunk.edu"])
            #expect(message.contains("Return-Path: <janie@podunk.edu>\r\n"))
        }
        #expect(self.provider.events("SMTP-Accept opened", "peer=192.0.2.3 ").count == before + 1, "one batch")
        #expect(self.world.outside.events("SMTP-Accept opened", "peer=192.0.2.3 ").isEmpty)
    }
}
