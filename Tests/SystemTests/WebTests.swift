import Glibc
import MailTesting
import Testing

/// The web as a user meets it: built server, curl with its cookies, TLS.
@Suite(.serialized) struct WebTests {
    private func curl(_ server: InteropServer, _ path: String, _ arguments: [String] = [], port: String = "HTTPS_PORT") throws -> String {
        let scheme = port == "HTTPS_PORT" ? "https" : "http"
        let jar = "\(server.scratch.path)/jar"
        let result = try server.run(
            "curl",
            ["-sS", "-i", "--cacert", server.authority, "-b", jar, "-c", jar, "\(scheme)://localhost:\(try server.port(port))\(path)"]
                + arguments)
        return result.output
    }

    private func token(_ page: String) throws -> String {
        let start = try #require(page.firstRange(of: "name=\"token\" value=\"")).upperBound
        return String(page[start...].prefix { $0 != "\"" })
    }

    @Test("a header and a long body that come in one piece are not taken for a long header") func longForm() throws {
        let server = try InteropServer()
        let file = server.write("long", String(repeating: "# a comment\n", count: 60_000))
        for _ in 0..<12 {
            let answer = try self.curl(server, "/login", ["-H", "Expect:", "--data-binary", "@\(file)"])
            // Read to its end, and refused for its token.
            #expect(answer.hasPrefix("HTTP/1.1 403"), "\(answer.prefix(300))")
        }
    }

    @Test(
        "62 69 70 133 the login page by HTTP and HTTPS on the ports of the start file, and a session with a real client, over a restart of the server"
    )
    func session() throws {
        let server = try InteropServer()
        let plain = try self.curl(server, "/", port: "HTTP_PORT")
        #expect(plain.hasPrefix("HTTP/1.1 200") && plain.contains("not encrypted"))
        let page = try self.curl(server, "/")
        #expect(page.hasPrefix("HTTP/1.1 200") && !page.contains("not encrypted") && !page.contains("Strict-Transport-Security"))
        let secret = InteropServer.password
        let login = try self.curl(
            server, "/login",
            ["--data-urlencode", "token=\(self.token(page))", "-d", "login=alice@example.test", "--data-urlencode", "password=\(secret)"])
        #expect(login.hasPrefix("HTTP/1.1 303") && login.contains("Location: /own"))
        #expect(try self.curl(server, "/own").contains("Account management menu"))
        let form = try self.curl(server, "/own/account")
        let changed = try self.curl(
            server, "/own/account",
            ["--data-urlencode", "token=\(self.token(form))", "--data-urlencode", "forwarding-addresses=bob@example.test"])
        #expect(changed.hasPrefix("HTTP/1.1 200"))
        #expect(try server.instance.command(["account", "show", "alice@example.test"]).output.contains("bob@example.test"))
        // The mta is replaced: who was logged in stays so.
        server.instance.stop()
        try server.instance.start()
        #expect(try self.curl(server, "/own").contains("Account management menu"))
        let trail = server.instance.trail
        #expect(trail.contains("WWW-Server login ") && !trail.contains(secret))
        // 63 the list of the System Security form, with the built server.
        try server.set("web-access", "192.0.2.1")
        #expect(try self.curl(server, "/").hasPrefix("HTTP/1.1 403"))
    }
}
