import MailTesting
import Testing
import Text

@Suite("Regular expressions of filters")
struct PatternTests {
    @Test("Ordinary expressions do what Python's do, letter case and Japanese text too")
    func samples() throws {
        let table: [(String, Bool, String, Bool)] = [
            ("lottery", false, "You won the lottery", true), ("lottery", false, "You won the Lottery", false),
            ("LOTTERY", true, "You won the lottery", true), ("^Re:", false, "Re: x", true), ("^Re:", false, "Fwd: Re: x", false),
            ("(?i)free|gift", false, "GIFT", true), (#"\bviagra\b"#, true, "buy Viagra now", true),
            (#"\d{4}-\d{2}"#, false, "2026-11", true),
            ("当選", false, "ご当選おめでとう", true), ("^[ぁ-ん]+$", false, "ひらがな", true), ("^[ぁ-ん]+$", false, "カタカナ", false),
            (".", false, "", false), ("^$", false, "", true), ("a.c", false, "a\nc", false), ("(?s)a.c", false, "a\nc", true),
            ("(?m)^b$", false, "a\nb\nc", true), ("É", true, "é", true), ("[^a]", false, "a", false), ("x{2,3}y", false, "axxxy", true),
        ]
        for (text, ignoresCase, subject, matches) in table {
            #expect(try Pattern(text, ignoresCase: ignoresCase).matches(subject) == matches, "/\(text)/ on \(subject)")
        }
    }

    @Test(
        "What cannot be done in linear time, or is no expression, is refused with a reason",
        arguments: [
            "", "(", "[a", "*", "(?=x)", "(a)\\1", "(?P<", "\\", "x{1001}", String(repeating: "a", count: 501), "((a{100}){100}){100}",
        ])
    func refused(_ text: String) {
        do {
            _ = try Pattern(text)
            Issue.record("/\(text)/ was taken")
        } catch {
            #expect(!error.text.isEmpty)
        }
    }

    @Test("P4 expressions that hang a backtracking engine take no longer than others")
    func linear() throws {
        let text = String(repeating: "a", count: 200_000) + "!"
        for expression in ["(a+)+$", "(a|aa)+$", "(a|a?)+b", "(.*a){20}$", "^(a?){200}a{200}$", "(x+x+)+y", "([a-z]+)*[0-9]"] {
            #expect(try Pattern(expression).matches(text) == false, "/\(expression)/")
        }
    }

    @Test("Generated expressions and texts: the same answer as Python's re")
    func likePython() throws {
        var generator = SeededGenerator(seed: 153)
        var expressions: [String] = []
        func piece(_ depth: Int) -> String {
            switch Int.random(in: 0..<(depth > 0 ? 9 : 5), using: &generator) {
            case 0, 1: return ["a", "b", "c", "é", "漢"].randomElement(using: &generator) ?? "a"
            case 2: return "."
            case 3: return ["[ab]", "[^a]", "[a-c漢]", "\\d", "\\w", "[^漢]"].randomElement(using: &generator) ?? "."
            case 4: return ["^", "$", "\\."].randomElement(using: &generator) ?? "^"
            case 5: return "(?:\(piece(depth - 1))\(piece(depth - 1)))"
            case 6: return "(?:\(piece(depth - 1))|\(piece(depth - 1)))"
            case 7: return "(?:\(piece(depth - 1)))\(["*", "+", "?", "{1,2}", "{2}"].randomElement(using: &generator) ?? "*")"
            default: return piece(depth - 1) + piece(depth - 1)
            }
        }
        for _ in 0..<1500 { expressions.append((0..<3).map { _ in piece(3) }.joined()) }
        let letters = ["a", "b", "c", "é", "漢", "1", ".", " "]
        let texts = (0..<40).map { _ in
            (0..<Int.random(in: 0...9, using: &generator)).map { _ in letters.randomElement(using: &generator) ?? "a" }.joined()
        }
        // re.ASCII: \w and \d mean ASCII here too.
        let script = """
            import re, sys
            lines = sys.stdin.buffer.read().decode().split("\\n")
            n, texts = int(lines[0]), lines[1:41]
            for expression in lines[41:41 + n]:
                print("".join("1" if re.search(expression.replace("$", r"\\Z"), text, re.ASCII) else "0" for text in texts))
            """
        let directory = TemporaryDirectory("patterns")
        directory.write("input", (["\(expressions.count)"] + texts + expressions).joined(separator: "\n"))
        let answer = try ChildProcess.run("/usr/bin/python3", ["-c", script], input: directory("input"))
        #expect(answer.ending == .exited(0), "\(answer.output.suffix(500))")
        let lines = answer.output.split(separator: "\n").map(String.init)
        try #require(lines.count == expressions.count)
        for (expression, line) in zip(expressions, lines) {
            let pattern = try Pattern(expression)
            let ours = texts.map { pattern.matches($0) ? "1" : "0" }.joined()
            #expect(ours == line, "/\(expression)/")
        }
    }
}
