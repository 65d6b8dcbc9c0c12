import Forms
import Testing

/// Command lines of delivery programs, which no shell sees.
struct CommandWordsTests {
    @Test("X1 words are split at blanks, quotes keep them together, and nothing is replaced")
    func splitting() throws {
        let lines: [(String, [String])] = [
            ("procmail", ["procmail"]), ("  procmail\t-Y  ", ["procmail", "-Y"]), ("a 'b c' d", ["a", "b c", "d"]),
            ("a \"b c\" d", ["a", "b c", "d"]), ("a b'c d'e", ["a", "bc de"]), ("a '' \"\"", ["a", "", ""]),
            ("a \"say \\\"hi\\\" \\\\ \\n\"", ["a", "say \"hi\" \\ \\n"]), ("a 'b\\' c", ["a", "b\\", "c"]),
            ("a b\\ c \\'", ["a", "b c", "'"]),
            ("a '$HOME' \"`id`\" \\$x '|'", ["a", "$HOME", "`id`", "$x", "|"]), ("a * ? ~ {x,y} #", ["a", "*", "?", "~", "{x,y}", "#"]),
            ("a メール", ["a", "メール"]),
        ]
        for (line, words) in lines { #expect(try CommandWords.split(line) == words, "\(line)") }
    }

    @Test("X1 what only a shell would understand, paths and broken quotes are refused with the rule")
    func refusals() {
        let lines: [(String, CommandWords.Fault)] = [
            ("", .empty), ("   ", .empty), ("a | b", .shellSign("|")), ("a > b", .shellSign(">")), ("a; b", .shellSign(";")),
            ("a `id`", .shellSign("`")), ("a $HOME", .shellSign("$")), ("a & ", .shellSign("&")), ("a (b)", .shellSign("(")),
            ("/bin/sh -c x", .badName("/bin/sh")), ("../x", .badName("../x")), ("-x", .badName("-x")), (".x", .badName(".x")),
            ("'a b'", .badName("a b")), ("a 'b", .unfinished), ("a \"b", .unfinished), ("a \\", .unfinished),
            ("a " + String(repeating: "x ", count: 40), .tooMany),
        ]
        for (line, fault) in lines {
            #expect(throws: fault, "\(line)") { try CommandWords.split(line) }
            #expect(!fault.text(line).english.isEmpty && !fault.text(line).japanese.isEmpty)
        }
    }
}
