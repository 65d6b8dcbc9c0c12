import MailTesting
import Testing

/// The web as people see it: Chromium without a window, driven by the scripts in Browser/.
@Suite(.serialized) struct BrowserTests {
    @Test("W1 every page in both languages: valid HTML, readable to screen readers, 320 pixels wide, within its content policy")
    func look() throws { try Self.play("look.py") }

    @Test("W1 hostile text in mail, names, queue and log is shown and never run, on every page") func hostile() throws {
        try Self.play("hostile.py")
    }

    @Test("W1 every form of fields wrong and right in both languages: problems at their fields, what was typed kept, values held")
    func forms() throws { try Self.play("forms.py") }

    @Test("W1 every other form and each step of login, second factor, keys, certificates and queue, wrong and right in both languages")
    func steps() throws { try Self.play("steps.py") }

    @Test("passkeys with the browser's authenticator: made, used beside the password and in its place, refused once they are removed")
    func passkeys() throws { try Self.play("passkeys.py") }

    @Test("W1 the work of a day by keyboard alone") func day() throws { try Self.play("day.py") }

    /// Runs a script on an instance of its own.
    private static func play(_ script: String) throws {
        let server = try InteropServer()
        let folder = "\(#filePath)".dropLast("BrowserTests.swift".count) + "Browser/"
        let ports = try [server.port("SMTP_PORT"), server.port("SUBMISSION_PORT")].map(String.init)
        let words = [server.instance.settings["POSTMASTER_PASSWORD"] ?? "", InteropServer.password]
        let address = "https://localhost:\(try server.port("HTTPS_PORT"))"
        let program = [try QuickInstance.program, server.instance.configuration]
        let result = try server.runPython([folder + script, address, server.scratch.path] + words + ports + program, seconds: 1200)
        #expect(result.status == 0 && result.output == "all well\n", "\(result.output)")
    }
}
