import Glibc
import MailTesting
import Testing

/// The small services around an account, as users meet them: built server, real clients.
@Suite(.serialized) struct SmallServicesTests {
    /// `finger` asks the port that /etc/services says; in a mount namespace of its own that is ours.
    private func finger(_ server: InteropServer, _ words: [String]) throws -> (status: Int32, output: String) {
        let services = server.write("services", "finger \(try server.port("FINGER_PORT"))/tcp\n")
        let query = words.map { "'\($0)'" }.joined(separator: " ")
        let script = "mount --bind \(services) /etc/services && exec finger \(query)"
        return try server.run("unshare", (geteuid() == 0 ? [] : ["-r"]) + ["-m", "sh", "-c", script])
    }

    private func postoffice(_ server: InteropServer, _ arguments: [String], input: String? = nil) throws -> String {
        let file = input.map { server.write("input", $0) }
        let result = try server.instance.command(arguments, input: file)
        #expect(result.ending == .exited(0), "\(arguments): \(result.output)")
        return result.output
    }

    @Test(
        "91 92 41 10 finger with its client: the postmaster at once, others as far as they are published, the host, and nobody elsewhere",
        .enabled(if: Networks.isPossible))
    func fingerClient() throws {
        let server = try InteropServer()
        let postmaster = try self.finger(server, ["postmaster@127.0.0.1"])
        #expect(
            postmaster.output.replacing("\r", with: "").hasSuffix(
                "[mail.example.test]\nAccount Name: Postmaster\nEmail address: postmaster@example.test\n----------\nmail system administrator.\n"
            ),
            "\(postmaster.output)")
        #expect(try self.finger(server, ["alice@127.0.0.1"]).output.contains("No information available"))
        _ = try self.postoffice(
            server,
            [
                "account", "set", "alice", "finger-information=On holiday.\n山の中", "directory-entry-published=yes",
                "telephone=+81 3 1234 5678", "telephone-published=yes", "addresses=alice@example.test", "addresses=al@mail.example.test",
            ])
        for name in ["alice", "ali", "al@mail.example.test", "alice@example.test"] {
            let output = try self.finger(server, ["\(name)@127.0.0.1"]).output
            // The client itself shows what is not ASCII in its own way.
            #expect(output.contains("Email address: alice@example.test") && output.contains("On holiday."), "\(name): \(output)")
            #expect(!output.contains("\u{1B}") && !output.contains("Telephone"))
        }
        #expect(try self.finger(server, ["-l", "alice@127.0.0.1"]).output.contains("Telephone: +81 3 1234 5678"))
        #expect(try self.finger(server, ["@127.0.0.1"]).output.contains("No information available"))
        try server.set("finger-host-text", "Mail of example.test")
        #expect(try self.finger(server, ["@127.0.0.1"]).output.contains("Mail of example.test"))
        #expect(try self.finger(server, ["alice@remote.test@127.0.0.1"]).output.contains("Finger forwarding service denied"))
        // Who may ask is a setting like that of the other services.
        try server.set("finger-access", "192.0.2.1")
        #expect(try !self.finger(server, ["postmaster@127.0.0.1"]).output.contains("Account Name"))
        #expect(server.instance.trail.contains("Finger-Server"))
    }

    @Test("the password server with its old client: a wrong password, each rule, and the change; the new one opens the mail")
    func passwordClient() throws {
        let server = try InteropServer()
        let port = try server.port("PASSWORD_PORT")
        func change(_ old: String, _ new: String) throws -> String {
            let words = ["host=127.0.0.1:\(port)", "username=alice", "password=\(old)", "newpassword1=\(new)", "newpassword2=\(new)"]
            return try server.run("perl", ["/usr/lib/cgi-bin/poppass"] + words).output
        }
        _ = try self.postoffice(server, ["account", "set", "alice", "--password-stdin"], input: "first-word")
        #expect(try change("wrong-word", "second-word").contains("old password is wrong"))
        #expect(try change("first-word", "first-word").contains("the new password is the old one"))
        try server.set("password-minimum-length", "9")
        #expect(try change("first-word", "short-1").contains("at least 9 characters"))
        #expect(try change("first-word", "second-word").contains("Password Changed Successfully"))
        func opens(_ password: String) throws -> Int32 {
            try server.run(
                "curl",
                [
                    "--silent", "--cacert", server.authority, "--user", "alice:\(password)",
                    "pop3s://localhost:\(try server.port("POP3S_PORT"))/",
                ]
            ).status
        }
        #expect(try opens("second-word") == 0)
        #expect(try opens("first-word") == 67)
        #expect(server.instance.trail.contains("password-changed"))
    }

    @Test("the password server under TLS, and its greeting without a version") func passwordsUnderTLS() throws {
        let server = try InteropServer()
        try server.set("show-version", "no")
        let dialogue = "user bob\\npass \(InteropServer.password)\\nnewpass another word\\nquit\\n"
        let script =
            "printf '\(dialogue)' | timeout 20 openssl s_client -quiet -verify_return_error -CAfile \(server.authority) -verify_hostname localhost -connect localhost:\(try server.port("PASSWORDS_PORT"))"
        let output = try server.run("sh", ["-c", script]).output
        #expect(output.contains("200 Post.Office password server ready"), "\(output)")
        #expect(output.contains("200 Password changed, thank you"), "\(output)")
    }

    @Test("A5 A6 an app password by command: shown once, listed without itself, good for its services, and its open session ends with it")
    func appPasswords() throws {
        let server = try InteropServer()
        let made = try self.postoffice(
            server, ["account", "app-password", "add", "bob", "--label", "phone", "--services", "pop3,submission"])
        let password = String(made.split(separator: "\n").first { $0.count == 24 } ?? "")
        #expect(password.count == 24, "\(made)")
        let listed = try self.postoffice(server, ["account", "app-password", "list", "bob"])
        #expect(listed.contains("phone  pop3,submission  never used") && !listed.contains(password.suffix(9)))
        func curl(_ scheme: String, _ port: String) throws -> Int32 {
            try server.run(
                "curl",
                [
                    "--silent", "--cacert", server.authority, "--user", "bob:\(password)",
                    "\(scheme)://localhost:\(try server.port(port))/",
                ]
            ).status
        }
        #expect(try curl("pop3s", "POP3S_PORT") == 0)
        #expect(try curl("imaps", "IMAPS_PORT") == 67)
        let session = try LineConnection(port: server.port("POP3_PORT"))
        _ = try session.line()
        for line in ["USER bob", "PASS \(password)", "NOOP"] {
            try session.send(line: line)
            #expect(try session.line().hasPrefix("+OK"))
        }
        let used = try self.postoffice(server, ["account", "app-password", "list", "bob", "--json"])
        #expect(used.contains("\"last-used\":\"20"), "\(used)")
        _ = try self.postoffice(server, ["account", "app-password", "revoke", "bob", "1"])
        // The session ends by itself, or with its next command.
        try? session.send(line: "NOOP")
        #expect((try? session.line())?.hasPrefix("+OK") != true)
        #expect(try curl("pop3s", "POP3S_PORT") == 67)
        #expect(try server.instance.command(["account", "app-password", "revoke", "bob", "1"]).ending == .exited(1))
    }
}
