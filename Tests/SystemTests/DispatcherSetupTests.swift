import Glibc
import MailTesting
import Testing

/// `setup --quick` and the commands around it, as test kits and people rely on them.
@Suite(.serialized) struct DispatcherSetupTests {
    private static let names = [
        "HOST", "DOMAIN", "SMTP_PORT", "SUBMISSION_PORT", "SMTPS_PORT", "POP3_PORT", "POP3S_PORT", "IMAP_PORT", "IMAPS_PORT", "HTTP_PORT",
        "HTTPS_PORT", "LDAP_PORT", "LDAPS_PORT", "FINGER_PORT", "PASSWORD_PORT", "LMTP_PORT", "SIEVE_PORT", "POSTMASTER_PASSWORD",
        "CA_FILE",
        "PID_FILE", "MTA_PID_FILE", "PASSWORDS_PORT",
    ]

    private static func setup(_ arguments: [String]) throws -> (ending: ChildProcess.Ending, output: String) {
        try ChildProcess.run(try QuickInstance.program, ["setup"] + arguments, seconds: 60)
    }

    @Test("instance.env holds every name of the contract, one NAME=value a line, ports in order from --port-base")
    func instanceEnvironmentIsTheContract() throws {
        let place = TemporaryDirectory("contract")
        defer { withExtendedLifetime(place) {} }
        #expect(try Self.setup(["--quick", place("var"), "--port-base", "21000", "--domain", "mail.example"]).ending == .exited(0))
        let lines = ChildProcess.text(of: place("var/instance.env")).split(separator: "\n").map(String.init)
        #expect(lines.map { String($0.prefix { $0 != "=" }) } == Self.names)
        #expect(lines[1] == "DOMAIN=mail.example")
        #expect(lines[2...16].enumerated().allSatisfy { $1.hasSuffix("=\(21_000 + $0)") })
        let ca = lines[18].dropFirst("CA_FILE=".count)
        #expect(ChildProcess.text(of: String(ca)).contains("BEGIN CERTIFICATE"))
    }

    @Test("a second quick setup keeps ports, password, certificate and accounts")
    func aSecondSetupKeepsEverything() throws {
        let place = TemporaryDirectory("again")
        defer { withExtendedLifetime(place) {} }
        #expect(try Self.setup(["--quick", place("var")]).ending == .exited(0))
        let add = ["account", "add", "taro@example.test", "--name", "Taro", "--password-stdin", "--config", place("var/post.office.conf")]
        place.write("password", "secret-1\n")
        #expect(try ChildProcess.run(try QuickInstance.program, add, input: place("password"), seconds: 30).ending == .exited(0))
        let before = [place("var/instance.env"), place("var/ca.pem"), place("var/post.office.conf")].map { ChildProcess.text(of: $0) }
        let again = try Self.setup(["--quick", place("var")])
        #expect(again.ending == .exited(0) && again.output.contains("kept"))
        #expect(
            before == [place("var/instance.env"), place("var/ca.pem"), place("var/post.office.conf")].map { ChildProcess.text(of: $0) })
        let duplicate = try ChildProcess.run(try QuickInstance.program, add, input: place("password"), seconds: 30)
        #expect(duplicate.ending == .exited(1), "the account of before is there: \(duplicate.output)")
    }

    @Test("a directory with somebody else's files is refused, and they stay")
    func foreignFilesAreSafe() throws {
        let place = TemporaryDirectory("foreign")
        defer { withExtendedLifetime(place) {} }
        mkdir(place("var"), 0o755)
        mkdir(place("var/spool"), 0o755)
        place.write("var/spool/thesis.tex", "years of work")
        let result = try Self.setup(["--quick", place("var")])
        #expect(result.ending == .exited(1) && result.output.contains("not empty"))
        #expect(ChildProcess.text(of: place("var/spool/thesis.tex")) == "years of work")

        mkdir(place("other"), 0o755)
        place.write("other/ca.pem", "somebody's authority")
        let other = try Self.setup(["--quick", place("other")])
        #expect(other.ending == .exited(1) && other.output.contains("ca.pem"))
        #expect(ChildProcess.text(of: place("other/ca.pem")) == "somebody's authority")

        // Also where none of our names is taken: nothing of ours belongs between somebody's files.
        mkdir(place("etc"), 0o755)
        place.write("etc/passwd", "root:x:0:0")
        let etc = try Self.setup(["--quick", place("etc")])
        #expect(etc.ending == .exited(1) && etc.output.contains("not empty") && etc.output.contains("passwd"))
        #expect(directoryEntries(place("etc")) == ["passwd"])
        for (path, words) in [("", "names no directory"), (place("etc/passwd"), "not a directory"), (place("a/b"), "a/b cannot be made")] {
            let refused = try Self.setup(["--quick", path])
            #expect(refused.ending == .exited(path.isEmpty ? 2 : 1) && refused.output.contains(words), "\(refused.output)")
        }
    }

    @Test("a quick setup that was interrupted at any step goes on where it stopped")
    func interruptedSetup() throws {
        let place = TemporaryDirectory("interrupted")
        defer { withExtendedLifetime(place) {} }
        for directory in ["var", "var/spool", "var/mailbox"] {
            mkdir(place(directory), 0o755)
            if directory == "var/spool" { place.write("var/spool/instance-id.new", "half") }
            let result = try Self.setup(["--quick", place("var")])
            #expect(result.ending == .exited(0), "\(directory): \(result.output)")
            // As if it had stopped there: what comes later is not there.
            for name in ["instance.env", "ca.pem", "post.office.conf"] { unlink(place("var/\(name)")) }
            #expect(try Self.setup(["--quick", place("var")]).ending == .exited(0))
            #expect(ChildProcess.text(of: place("var/instance.env")).contains("POSTMASTER_PASSWORD="))
            _ = try ChildProcess.run("/bin/rm", ["-rf", place("var")], seconds: 30)
            mkdir(place("var"), 0o755)
            if directory != "var" { mkdir(place("var/spool"), 0o755) }
        }
    }

    @Test(
        "wrong use of setup is status 2 and one reason",
        arguments: [
            ["--quick", "x", "--port-base", "0"], ["--port-base", "2000"], ["--unattended", "--domain", "not a domain"],
            ["--port", "gopher=70"],
            ["--unattended", "--domain", "a.example", "--postmaster-password-file", "/proc/sys/kernel/osrelease", "--port", "smtps=993"],
            ["--unattended", "--config", "/nonexistent/x.conf"], ["--address", "localhost"], ["--no-such-option"],
        ])
    func wrongUseIsTwo(arguments: [String]) throws { #expect(try Self.setup(arguments).ending == .exited(2)) }

    @Test("every command has help with an example")
    func everyCommandHasHelp() throws {
        let program = try QuickInstance.program
        let overview = try ChildProcess.run(program, ["--help"], seconds: 30).output
        let verbs = overview.split(separator: "\n").drop { !$0.hasPrefix("SUBCOMMANDS") }.dropFirst()
            .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") }.compactMap { $0.split(separator: " ").first.map(String.init) }
        #expect(verbs.count >= 12, "\(verbs)")
        for verb in verbs where verb != "See" {
            let help = try ChildProcess.run(program, [verb, "--help"], seconds: 30)
            #expect(help.ending == .exited(0) && help.output.contains("postoffice \(verb)"), "\(verb)")
            #expect(help.output.contains("Example"), "\(verb)")
        }
    }

    @Test("must-have 85, 86, 88: after traffic every file is 0600, every directory 0700, and what was changed is restored")
    func permissionsHoldOverTheWholeTree() throws {
        let instance = try QuickInstance()
        try instance.start()
        let connection = try LineConnection(port: try instance.port("SMTP_PORT"))
        #expect(try connection.replyCode() == 220)
        for line in ["EHLO client.example", "MAIL FROM:<a@client.example>", "RCPT TO:<postmaster@example.test>"] {
            #expect(try connection.command(line) == 250)
        }
        #expect(try connection.command("DATA") == 354)
        try connection.send(Array("Subject: modes\r\n\r\nx\r\n".utf8))
        #expect(try connection.command(".") == 250)
        let up = try instance.command(["permissions", "--check"])
        #expect(up.ending == .exited(0), "\(up.output)")
        #expect(instance.stop() == .exited(0))
        let wrong = instance.directory + "/spool/directory.db"
        #expect(chmod(wrong, 0o666) == 0 && chmod(instance.directory + "/mailbox", 0o755) == 0)
        symlink("/etc/hostname", instance.directory + "/spool/link")
        let check = try instance.command(["permissions", "--check"])
        #expect(check.ending == .exited(1) && check.output.contains("directory.db") && check.output.contains("symbolic link"))
        unlink(instance.directory + "/spool/link")
        #expect(try instance.command(["permissions"]).ending == .exited(0))
        #expect(try instance.command(["permissions", "--check"]).ending == .exited(0))
        var status = stat()
        #expect(stat(wrong, &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test("a certificate is requested, issued by an authority, installed and served without restart")
    func certificateFromAnAuthority() throws {
        let instance = try QuickInstance()
        try instance.start()
        let place = TemporaryDirectory("ca")
        defer { withExtendedLifetime(place) {} }
        let request = try instance.command(["cert", "request", "--name", "mail.example.test"])
        #expect(request.ending == .exited(0) && request.output.contains("BEGIN CERTIFICATE REQUEST"), "\(request.output)")
        place.write("mail.csr", request.output)
        let made = try ChildProcess.run(
            "/bin/sh",
            [
                "-c",
                """
                cd \(place.path) && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=Test-CA \
                -keyout ca.key -out ca.pem && openssl x509 -req -in mail.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 10 -out mail.pem
                """,
            ], seconds: 30)
        #expect(made.ending == .exited(0), "\(made.output)")
        let alien = try instance.command(["cert", "install", "--chain", place("ca.pem")])
        #expect(alien.ending == .exited(1) && alien.output.contains("does not belong"), "\(alien.output)")
        let install = try instance.command(["cert", "install", "--chain", place("mail.pem")])
        #expect(install.ending == .exited(0), "\(install.output)")
        let port = try instance.port("SMTPS_PORT")
        let served = try ChildProcess.run(
            "/bin/sh",
            ["-c", "openssl s_client -connect 127.0.0.1:\(port) -CAfile \(place("ca.pem")) </dev/null 2>&1 | grep 'Verify return code'"],
            seconds: 30)
        #expect(served.output.contains("0 (ok)"), "\(served.output)")
        #expect(instance.stop() == .exited(0))
    }
}
