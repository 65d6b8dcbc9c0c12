import Glibc
import MailTesting
import Testing

/// A LAN without name servers; part of the set-ups, without the internet that the others have.
@Suite("a LAN of its own", .serialized, .enabled(if: Networks.isPossible, "root and network namespaces are needed")) struct IsolatedTests {
    @Test("an invented domain, a hosts file, no DNS at all: mail passes at once, unknown hosts wait or come back, nothing hangs")
    func isolated() throws {
        let folder = #filePath.replacing("Tests/SystemTests/Setups/IsolatedTests.swift", with: "docs/examples/isolated-lan")
        let networks = try Networks(["lan"])
        func host(_ name: String, _ address: String) throws -> MailHost {
            let machine = try networks.machine([("lan", "\(address)/24")])
            try networks.replace("/etc/hosts", by: "\(folder)/hosts", on: machine)
            try networks.replace("/etc/resolv.conf", by: "/dev/null", on: machine)
            let host = try MailHost(name, on: machine, address: address, domain: "school.lan", nameServer: nil, folder: folder)
            try host.start()
            return host
        }
        let xanadu = try host("xanadu.school.lan", "10.0.0.3")
        let shangriLa = try host("shangri-la.school.lan", "10.0.0.4")
        try xanadu.send(from: "janie@xanadu.school.lan", login: "janie", to: "kenji@shangri-la.school.lan", subject: "hello")
        let inward = try shangriLa.message(of: "kenji")
        #expect(inward.contains("Return-Path: <janie@xanadu.school.lan>"))
        #expect(eventually { shangriLa.connections == 1 && !xanadu.events("SMTP-Deliver delivered", "kenji").isEmpty })
        let delivered = try #require(xanadu.events("SMTP-Deliver delivered", "kenji").first)
        // Whoever waited for a name server would have waited the 20 s that a question may take.
        #expect(delivered.contains(" attempts=1 "), "\(delivered)")
        let age = delivered.split(separator: " age=").last.flatMap { Int($0) }
        #expect(age.map { $0 < 15 } == true, "\(delivered)")
    }
}
