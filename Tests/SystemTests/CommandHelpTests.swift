import Glibc
import MailTesting
import Testing

/// The help of every command in both languages, and wrong use of commands as a person meets it.
@Suite(.serialized) struct CommandHelpTests {
    private static func help(_ command: [String], _ language: String) throws -> [String] {
        let result = try ChildProcess.run(try QuickInstance.program, command + ["--help", "--lang", language], seconds: 30)
        try #require(result.ending == .exited(0), "\(command): \(result.output)")
        return result.output.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }

    /// Names below the heading of the sub-commands.
    private static func subcommands(_ lines: [String], _ heading: String) -> [String] {
        lines.drop { $0 != heading }.dropFirst().prefix { $0.hasPrefix("  ") }.filter { !$0.hasPrefix("   ") }
            .compactMap { $0.split(separator: " ").first.map(String.init) }.filter { $0.first?.isLowercase ?? false }
    }

    private static func isJapanese(_ text: some StringProtocol) -> Bool {
        text.unicodeScalars.contains { (0x3040...0x30FF).contains($0.value) || (0x4E00...0x9FFF).contains($0.value) }
    }

    /// What is to be read in each line; what a person types (examples, names of options) is the same in every language.
    private static func unread(_ line: String) -> Bool {
        if self.isJapanese(line) { return true }
        let words = line.drop { $0 == " " }
        let isExample = ["postoffice ", "sudo postoffice ", "systemctl "].contains { words.hasPrefix($0) }
        // Behind a gap stands what the example does.
        if isExample { return words.firstRange(of: "  ") == nil }
        // A name that is longer than its column stands on a line of its own.
        return words.hasPrefix("--") && (words.hasSuffix(">") || !words.contains(" "))
    }

    private static func everyCommand(_ heading: String, _ language: String, _ visit: ([String], [String]) throws -> Void) throws -> Int {
        var waiting: [[String]] = [[]]
        var count = 0
        while let command = waiting.popLast() {
            let lines = try self.help(command, language)
            try visit(command, lines)
            count += 1
            waiting += self.subcommands(lines, heading).map { command + [$0] }
        }
        return count
    }

    /// Lines of a Japanese help that are not for a Japanese reader.
    private static func foreign(_ lines: [String]) -> [String] {
        let headings = ["OVERVIEW", "USAGE", "OPTIONS", "ARGUMENTS", "SUBCOMMANDS", "Example"]
        var out: [String] = []
        var before = ""
        for line in lines {
            // A usage goes on below its command; an explanation may end with a name.
            let isUsage = line.hasPrefix("        ") && !line.hasPrefix("         ")
            let isRest = line.hasPrefix("                          ") && self.isJapanese(before)
            let isRead = isUsage || isRest || self.unread(line)
            let isEnglish = headings.contains { line.hasPrefix($0) } || ["(default:", "See '", "Show "].contains { line.contains($0) }
            if !isRead || isEnglish { out.append(line) }
            before = line
        }
        return out
    }

    /// Closing marks such as a bracket and a full stop may hang over the edge.
    private static func tooLong(_ lines: [String]) -> [String] {
        lines.filter { line in !line.contains("postoffice ") && line.unicodeScalars.reduce(0) { $0 + ($1.value < 0x1100 ? 1 : 2) } > 84 }
    }

    @Test("every command, option and argument explains itself in Japanese, in lines of 80 columns")
    func japaneseHelp() throws {
        let count = try Self.everyCommand("サブコマンド:", "ja") { command, lines in
            #expect(Self.foreign(lines) == [], "postoffice \(command.joined(separator: " ")) --help")
            #expect(Self.tooLong(lines) == [], "postoffice \(command.joined(separator: " ")) --help")
            #expect(lines.first.map { $0.hasPrefix("概要: ") } ?? false)
            #expect(lines.contains { $0.hasPrefix("使い方: postoffice") })
        }
        #expect(count >= 50, "\(count) commands were visited")
    }

    @Test("the English help has no Japanese, and as many commands") func englishHelp() throws {
        let count = try Self.everyCommand("SUBCOMMANDS:", "en") { command, lines in
            for line in lines { #expect(!Self.isJapanese(line), "postoffice \(command.joined(separator: " ")) --help: \(line)") }
        }
        #expect(count >= 50, "\(count) commands were visited")
        let sendmail = try ChildProcess.run(try QuickInstance.program, ["sendmail", "--help"], environment: ["LC_ALL": "ja_JP.UTF-8"])
        #expect(sendmail.ending == .exited(0) && sendmail.output.contains("終了ステータス"))
        let english = try ChildProcess.run(try QuickInstance.program, ["sendmail", "--help"], environment: ["LC_ALL": "C"])
        #expect(english.ending == .exited(0) && english.output.contains("Exit status") && !Self.isJapanese(english.output))
    }

    private struct Wrong: Sendable {
        let words: [String]
        let status: Int32
        /// Must stand in the English answer, which names the thing and the cure.
        let says: [String]

        init(_ status: Int32, _ says: [String], _ words: String...) { (self.status, self.says, self.words) = (status, says, words) }
    }

    private static let long = String(repeating: "x", count: 5000)

    private static let wrong: [Wrong] = [
        Wrong(2, ["name an id or an address"], "trace", ""), Wrong(1, ["nothing is known of", "xxx…"], "trace", long),
        Wrong(2, ["say what to change"], "account", "set", "postmaster"),
        Wrong(1, ["State (state)", "last administrative account"], "account", "set", "postmaster", "state=locked"),
        Wrong(1, ["State (state)", "last administrative account"], "account", "set", "postmaster", "state=expired"),
        Wrong(1, ["always administrative"], "account", "set", "postmaster", "type=general"),
        Wrong(1, ["Last day", "last administrative account"], "account", "set", "postmaster", "expiry-date=2030-01-01"),
        Wrong(1, ["Services allowed", "last administrative account"], "account", "set", "postmaster", "services=pop3"),
        Wrong(
            1, ["operating system's password", "system-delivery", "postoffice setup"], "account", "set", "postmaster", "use-os-password=yes"
        ),
        Wrong(1, ["cannot be deleted"], "account", "delete", "postmaster"),
        Wrong(1, ["cannot be deleted"], "account", "delete", "postmaster", "--yes"),
        Wrong(1, ["local part is malformed", "write name@domain"], "account", "add", "a b@c"),
        Wrong(1, ["a value is needed"], "account", "add", ""),
        Wrong(1, ["\\x1B[31mred", "account list"], "account", "show", "\u{1B}[31mred"),
        Wrong(1, ["/nope cannot be opened", "no such file"], "account", "import", "/nope"),
        Wrong(1, ["/etc cannot be read", "directory"], "account", "import", "/etc"),
        Wrong(1, ["message-size-limit", "-5", "50 MiB"], "config", "set", "message-size-limit", "-5"),
        Wrong(1, ["message-size-limit", "-50", "50 MiB"], "config", "set", "message-size-limit", "-50"),
        Wrong(2, ["give a value"], "config", "set", "message-size-limit"), Wrong(2, ["there is no field"], "config", "set", long, "5"),
        Wrong(1, ["there is no revision", "-3"], "config", "rollback", "-3"),
        Wrong(2, ["--limit", "-1", "from 1 to"], "config", "history", "--limit", "-1"),
        Wrong(2, ["--client", "1.2.3", "--login", "zz", "name@domain"], "route", "--client", "1.2.3", "--login", "zz", "a@b.test"),
        Wrong(1, ["address is empty"], "route", ""), Wrong(1, ["domain is malformed"], "route", "x@@y"),
        Wrong(2, ["--lines", "-4", "from 0 to"], "log", "--lines", "-4"), Wrong(2, ["--days", "0", "from 1"], "trace", "x", "--days", "0"),
        Wrong(2, ["from 1 to"], "queue", "list", "--limit", "abc"), Wrong(1, ["nothing in the queue fits"], "queue", "show", "-7"),
        Wrong(2, ["--lang takes en or ja"], "account", "list", "--lang", "xx"),
        Wrong(2, ["there is no command", "frob", "account"], "frob"),
        Wrong(2, ["there is no command", "frob", "import"], "account", "frob"),
        Wrong(2, ["there is no command", "frob"], "help", "account", "frob"), Wrong(2, ["bash"], "--generate-completion-script", "xx"),
        Wrong(2, ["is no mail address"], "filter", "test", "/etc/hostname", "--from", "a b"),
        Wrong(2, ["Missing expected argument"], "account", "show"),
        Wrong(2, ["Unknown option '--nmae'. Did you mean"], "account", "add", "a@b", "--nmae", "x"),
        Wrong(2, ["names no directory"], "setup", "--quick", ""), Wrong(2, ["is no IP address"], "setup", "--address", "zz"),
        Wrong(1, ["no PEM file"], "cert", "install", "--chain", "/etc/passwd", "--key", "/etc/passwd"),
        Wrong(1, ["/nope cannot be opened"], "cert", "install", "--chain", "/nope"),
        Wrong(1, ["is none of"], "account", "list", "--type", "zz"), Wrong(2, ["from 0 to 3600"], "run", "--drain", "-1"),
    ]

    @Test("wrong use names the thing and the cure, in one language at a time, bounded, the same with the server up and down")
    func wrongUse() throws {
        let instance = try QuickInstance()
        for isUp in [false, true] {
            if isUp { try instance.start() }
            for (number, wrong) in Self.wrong.enumerated() {
                // Each in both languages, with the server down or up in turn.
                for language in [number.isMultiple(of: 2) == isUp ? "en" : "ja"] {
                    // --lang xx is told in the language of the locale.
                    let words = wrong.words.contains("--lang") ? wrong.words : wrong.words + ["--lang", language]
                    let result = try ChildProcess.run(
                        try QuickInstance.program, words,
                        environment: ["POSTOFFICE_CONFIG": instance.configuration, "LC_ALL": language == "ja" ? "ja_JP.UTF-8" : "C"],
                        seconds: 60)
                    let shown = "\(wrong.words.map { $0.prefix(40) }) \(language) \(isUp ? "up" : "down"): \(result.output)"
                    #expect(result.ending == .exited(wrong.status), "\(shown)")
                    #expect(result.output.utf8.count < 3000 && !result.output.contains("\u{1B}"), "\(shown)")
                    #expect(Self.isJapanese(result.output) == (language == "ja"), "\(shown)")
                    if language == "en" { for part in wrong.says { #expect(result.output.contains(part), "\(shown) lacks \(part)") } }
                    if language == "ja" {
                        for line in result.output.split(separator: "\n") { #expect(Self.isJapanese(line), "\(shown): \(line)") }
                    }
                }
            }
        }
        #expect(instance.stop() == .exited(0))
    }

    @Test("a name that is not UTF-8 is refused by its place; options may stand before the command")
    func wordsThatAreNoText() throws {
        let program = try QuickInstance.program
        let result = try ChildProcess.run("/bin/sh", ["-c", "exec \"$0\" account show \"$(printf 'caf\\351')\"", program], seconds: 30)
        #expect(result.ending == .exited(2) && result.output.contains("argument 3 is not UTF-8"), "\(result.output)")
        let before = try ChildProcess.run(program, ["--lang", "ja", "--config", "/nope", "status"], seconds: 30)
        #expect(before.ending == .exited(2) && before.output.contains("/nope") && Self.isJapanese(before.output), "\(before.output)")
    }
}
