import Glibc
import MailTesting
import Synchronization
import Testing

/// Many clients at once, whose model knows what each may have been told; also while the server is killed.
@Suite(.serialized) struct IMAPStressTests {
    private func stress(_ instance: QuickInstance, sessions: Int, seconds: Double) throws -> IMAPStress {
        try instance.addAccounts(["carol@example.test"], password: "secret-word")
        var settings = IMAPStress.Settings(port: try instance.port("IMAP_PORT"), login: "carol@example.test", password: "secret-word")
        settings.sessions = sessions
        settings.seconds = seconds
        settings.smtpPort = try instance.port("SMTP_PORT")
        settings.address = "carol@example.test"
        settings.pop3Port = try instance.port("POP3_PORT")
        settings.seed = UInt64.random(in: 0 ... .max)
        print("seed \(settings.seed)")
        return IMAPStress(settings)
    }

    @Test("I1 I2 I5 many clients at once are told nothing but the truth") func truth() throws {
        let instance = try QuickInstance()
        try instance.start()
        let stress = try self.stress(instance, sessions: 8, seconds: 10)
        try stress.prepare()
        try stress.round(1)
        try stress.round(2)
        #expect(stress.model.violations.isEmpty, "\(stress.model.violations.joined(separator: "\n"))")
        #expect(stress.model.commands > 500)
    }

    @Test("I1 what was answered holds after kill -9, and no UID comes twice") func kill9() throws {
        let instance = try QuickInstance()
        try instance.start()
        let stress = try self.stress(instance, sessions: 6, seconds: 6)
        try stress.prepare()
        for round in 1...3 {
            let victim = instance.mtaID
            try stress.round(round) {
                usleep(UInt32.random(in: 500_000..<4_000_000))
                if let victim { kill(victim, SIGKILL) }
            }
            #expect(eventually { instance.mtaID != nil && instance.mtaID != victim }, "the dispatcher starts another mta")
            try stress.verify()
        }
        #expect(stress.model.violations.isEmpty, "\(stress.model.violations.joined(separator: "\n"))")
        #expect(stress.model.commands > 300)
    }
}
