import Glibc
import MailTesting
import PostOffice
import Testing
import Vocabulary

@Suite struct SetupTests {
    private static let plan = SetupPlan(
        configurationFile: "/etc/post.office.conf",
        directories: .init(program: "/opt/post.office", spool: "/tmp/none/spool", mailbox: "/tmp/none/mailbox"), user: "mta", group: "mta",
        domain: "", hostName: "", nameServers: [], address: .any, ports: [:], postmasterPassword: nil)

    /// A person who types these lines; what is shown is collected.
    private final class Script {
        var lines: [String]
        var shown: [String] = []
        init(_ lines: [String]) { self.lines = lines }
        var person: SetupDialogue.Person {
            SetupDialogue.Person(
                show: { self.shown.append($0) },
                ask: { question, isSecret in
                    self.shown.append(isSecret ? "secret " + question : question)
                    return self.lines.isEmpty ? nil : self.lines.removeFirst()
                })
        }
    }

    @Test("must-have 26, 27, 59, 69, 103: setup asks, shows the derived host name, checks and proposes")
    func theDialogueGoesThroughAllQuestions() throws {
        let script = Script([
            "not a domain", "example.com", "", "192.0.2.53 oops", "192.0.2.53 2001:db8::53", "", "/tmp/none/s", "", " blank first", "short",
            "secret1", "secret2", "secret1", "secret1",
        ])
        let dialogue = SetupDialogue(script.person, .english, isFree: { $0 != 25 })
        let plan = try dialogue.complete(Self.plan, machine: "mx", keepsPassword: false)
        #expect(plan.domain == "example.com")
        #expect(plan.hostName == "mx.example.com")
        #expect(script.shown.contains { $0.contains("[mx.example.com]") })
        #expect(plan.nameServers == ["192.0.2.53", "2001:db8::53"])
        #expect(script.shown.contains("Port 25 (SMTP) is in use."))
        #expect(plan.ports[.smtp] != 25 && plan.ports[.pop3] == 110)
        #expect(plan.directories.spool == "/tmp/none/s" && plan.directories.mailbox == "/tmp/none/mailbox")
        #expect(plan.postmasterPassword == "secret1")
        #expect(script.shown.filter { $0.hasPrefix("secret Postmaster password") }.count == 4)
    }

    @Test("must-have 116: setup asks whether to start, and takes yes for an empty answer")
    func startIsAsked() throws {
        for (answers, starts) in [([""], true), (["maybe", "no"], false), (["Y"], true)] {
            var plan = Self.plan
            plan.asksForStart = true
            let script = Script(["example.com", "", "", "", "", "secret1", "secret1"] + answers)
            let done = try SetupDialogue(script.person, .japanese, isFree: { _ in true }).complete(
                plan, machine: "mx", keepsPassword: false)
            #expect(done.starts == starts && script.lines.isEmpty, "\(answers)")
        }
    }

    @Test("must-have 156: the summary names the browser's address under TLS, without a usual port, and none where no web listens")
    func summary() {
        var plan = Self.plan
        (plan.domain, plan.hostName) = ("example.com", "mx.example.com")
        #expect(!SetupSummary(plan).next(isServing: true, .english).contains("http"))
        plan.ports = [.http: 8080]
        #expect(SetupSummary(plan).next(isServing: true, .japanese).contains(" http://mx.example.com:8080/ "))
        plan.ports[.https] = 443
        let text = SetupSummary(plan).next(isServing: false, .english)
        #expect(text.contains("1. Start the server: sudo postoffice run\n") && text.contains("2. Open https://mx.example.com/ in"))
        #expect(SetupSummary(plan).whatIs(.english).contains("http 8080, https 443"))
    }

    @Test func whoLeavesChangesNothing() {
        let dialogue = SetupDialogue(Script(["example.com"]).person, .japanese, isFree: { _ in true })
        #expect(throws: SetupDialogue.Abandoned.self) { try dialogue.complete(Self.plan, machine: "mx", keepsPassword: false) }
    }

    @Test func anEmptyPasswordKeepsTheOldOne() throws {
        let script = Script(["example.com", "", "", "", "", ""])
        let plan = try SetupDialogue(script.person, .english, isFree: { _ in true }).complete(Self.plan, machine: "mx", keepsPassword: true)
        #expect(plan.postmasterPassword == nil)
    }

    @Test(
        "must-have 59: at least six characters, no blank at either end",
        arguments: [
            ("secret", true), ("secre", false), (" secret", false), ("secret ", false), ("\tsecret", false), ("\u{3000}secret", false),
            ("with blank", true), ("パスワード長", true), ("", false), ("a\u{7}bcdefg", false),
        ])
    func postmasterPasswordRules(password: String, isGood: Bool) {
        #expect((SetupChecks.postmasterPassword(password) == nil) == isGood)
    }

    @Test(arguments: [
        ("example.com", true), ("a.b.c.example", true), ("localhost", false), ("-a.example", false), ("a..b", false), ("", false),
        ("a b.c", false),
        ("http://x.y", false), ("x@y.z", false), ("例え.jp", true), (String(repeating: "a", count: 64) + ".com", false),
    ])
    func domainRules(domain: String, isGood: Bool) { #expect((SetupChecks.domain(domain) == nil) == isGood) }

    @Test("must-have 145: a directory that is not empty and not ours is refused, one of another instance too")
    func foreignDirectoriesAreRefused() throws {
        let place = TemporaryDirectory("setup")
        #expect(SetupChecks.directory(place("new"), marker: nil) == nil)
        #expect(SetupChecks.directory(place.path, marker: nil) == nil)
        #expect(SetupChecks.directory("relative", marker: nil) != nil)
        place.write("file", "x")
        #expect(SetupChecks.directory(place.path, marker: nil) != nil)
        try InstanceMarker.write("abc", in: place.path)
        #expect(SetupChecks.directory(place.path, marker: nil) == nil)
        #expect(SetupChecks.directory(place.path, marker: "abc") == nil)
        #expect(SetupChecks.directory(place.path, marker: "other") != nil)
        #expect(SetupChecks.directory(place.path, marker: "") != nil)
    }

    @Test("must-have 93, 145: a directory on a network disk is refused, one still to be made there too")
    func networkDisks() throws {
        let place = TemporaryDirectory("setup")
        var asked: [String] = []
        for (number, name) in [(UInt64(0x6969), "NFS"), (0xFF53_4D42, "CIFS")] {
            for path in [place.path, place("new/and/deeper")] {
                let refusal = SetupChecks.directory(path, marker: nil) { existing in
                    asked.append(existing)
                    return number
                }
                #expect(refusal?.english.contains("network file system (\(name))") == true)
                #expect(refusal?.japanese.contains(name) == true)
            }
        }
        #expect(Set(asked) == [place.path])
        #expect(SetupChecks.directory(place.path, marker: nil) { _ in 0xEF53 } == nil)
    }

    @Test func theStartFileThatSetupWritesIsRead() throws {
        var plan = Self.plan
        plan.directories.spool = "/var/spool/odd \"name\"\\ \u{1} 日本"
        for port in InstancePort.allCases where port.role != nil { plan.ports[port] = port.standard }
        let start = try StartConfiguration.read(text: plan.startFileText, file: "/x")
        #expect(start.directories == plan.directories)
        #expect(start.user == "mta" && start.group == "mta")
        #expect(start.listeners.map(\.port) == [25, 587, 465, 110, 995, 143, 993, 80, 443, 79, 106, 24, 1106])
        #expect(
            start.listeners.map(\.role.implicitTLS) == [
                false, false, true, false, true, false, true, false, true, false, false, false, true,
            ])
        #expect(
            start.listeners.allSatisfy {
                ["lmtp", "password"].contains($0.role.name) ? "\($0.address)" == "127.0.0.1" : $0.address == .any
            })
    }

    @Test func portsOfTheContractKeepTheirOrder() {
        #expect(
            InstancePort.allCases.map(\.variable) == [
                "SMTP_PORT", "SUBMISSION_PORT", "SMTPS_PORT", "POP3_PORT", "POP3S_PORT", "IMAP_PORT", "IMAPS_PORT", "HTTP_PORT",
                "HTTPS_PORT",
                "LDAP_PORT", "LDAPS_PORT", "FINGER_PORT", "PASSWORD_PORT", "LMTP_PORT", "SIEVE_PORT",
                "PASSWORDS_PORT",
            ])
    }
}
