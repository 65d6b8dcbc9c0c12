import Glibc
import MailTesting
import Testing

/// What thousands of connections cost the real server, and what they cost its other users.
@Suite(.serialized) struct ManyConnectionsTests {
    @Test("L3 an idle connection takes less than 8 KiB, an idle TLS connection less than 40 KiB")
    func footprint() throws {
        let instance = try QuickInstance()
        try instance.start()
        defer { instance.stop() }
        let mta = try #require(instance.mtaID)
        let authority = ChildProcess.text(of: try #require(instance.settings["CA_FILE"]))

        let smtp = try instance.port("SMTP_PORT")
        let plain = try self.growth(of: mta, count: 2000) {
            let client = try TestClient(port: smtp)
            _ = try client.readReply()
            try client.command("EHLO client.example.test")
            return client.leaveOpen()
        }
        let smtps = try instance.port("SMTPS_PORT")
        let secure = try self.growth(of: mta, count: 800) {
            let client = try TestClient(port: smtps)
            try client.startTLS(trust: authority)
            _ = try client.readReply()
            try client.command("EHLO client.example.test")
            return client.leaveOpen()
        }
        print("footprint of an idle SMTP session: \(plain) bytes, with TLS \(secure) bytes")
        #expect(plain < 8 << 10)
        #expect(secure < 40 << 10)
    }

    @Test("L1 two thousand connections that never finish a command do not keep mail out")
    func slowConnections() throws {
        let instance = try QuickInstance()
        try instance.start()
        defer { instance.stop() }
        try instance.addAccounts(["anna@example.test"], password: "secret1")
        let smtp = try instance.port("SMTP_PORT")
        var slow: [CInt] = []
        defer { for descriptor in slow { close(descriptor) } }
        for number in 0..<2000 {
            let client = try TestClient(port: smtp)
            // Some say half a command, some nothing at all, some stop within a message.
            if number % 3 == 1 { try client.send("EHLO hal") }
            if number % 3 == 2 {
                _ = try client.readReply()
                try client.command("EHLO slow.example.test")
                try client.command("MAIL FROM:<>")
                try client.command("RCPT TO:<anna@example.test>")
                try client.command("DATA")
                try client.send("Subject: half a message\r\n\r\nword")
            }
            slow.append(client.leaveOpen())
        }
        let good = try TestClient(port: smtp)
        #expect(try good.readReply().last?.hasPrefix("220 ") == true)
        try good.command("EHLO good.example.test")
        try good.command("MAIL FROM:<>")
        try good.command("RCPT TO:<anna@example.test>")
        try good.command("DATA")
        #expect(try good.command("Subject: whole\r\n\r\nbody\r\n.").last?.hasPrefix("250 ") == true)
    }

    /// Bytes of resident memory of process `id` for each of `count` connections, beyond a first tenth that pays for what is there once.
    private func growth(of id: pid_t, count: Int, _ open: () throws -> CInt) throws -> Int {
        var descriptors: [CInt] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        for _ in 0..<count / 10 { descriptors.append(try open()) }
        let before = Self.residentBytes(id)
        for _ in 0..<count { descriptors.append(try open()) }
        return (Self.residentBytes(id) - before) / count
    }

    private static func residentBytes(_ id: pid_t) -> Int {
        let fields = ChildProcess.text(of: "/proc/\(id)/statm").split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(CInt(_SC_PAGESIZE))) : 0
    }
}
