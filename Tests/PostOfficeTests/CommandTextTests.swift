import Forms
import Glibc
import PostOffice
import Testing
import Vocabulary

/// Words of the command line as values: help, wrong use, system errors, YAML.
@Suite struct CommandTextTests {
    @Test("what the library says of wrong use is Japanese to whom reads Japanese, values and names kept") func misuse() {
        for (message, words) in [
            ("Unknown option '--nmae'. Did you mean '--name'?", "--nmae というオプションはありません。--name ではありませんか。"),
            ("2 unexpected arguments: 'a', 'b c'", "余分な引数があります: a、b c"), ("Unexpected argument 'it's'", "引数「it's」は余分です。"),
            ("The value 'it's' is invalid for '--limit <limit>': 1 から 5 までの整数を指定してください。", "--limit <limit> に「it's」は指定できません。1 から 5"),
            ("The option '--all' does not take any value, but 'x' was specified.", "--all に値は付けられません"),
            ("Value to be set with flag '--a' had already been set with flag '--b'", "同時に指定できない"), ("Missing one of: 'a', 'b'", "a、b"),
            ("Missing required subcommand.", "サブコマンドを指定"), ("ID かアドレスを指定してください", "ID かアドレスを指定してください"),
        ] {
            let text = MisuseText.text(
                "Error: \(message)\nHelp:  x\nUsage: postoffice x\n  See 'postoffice x --help' for more information.", .japanese)
            #expect(text.contains(words) && text.contains("説明: x") && text.hasSuffix("詳しくは postoffice x --help を実行してください。"), "\(text)")
        }
    }

    @Test("what repair did is Japanese to whom reads Japanese, with its names and numbers; what is not known stays") func repair() {
        for (english, japanese) in [
            ("set the mode of /a/%/mail.db to 0600", "/a/%/mail.db のモードを 0600 に設定しました"),
            ("put /a/mail.db aside as /a/mail.db.damaged-17", "/a/mail.db を /a/mail.db.damaged-17 として保存しました"),
            ("made the header of segment 12 anew", "セグメント 12 のヘッダを作り直しました"),
            ("rebuild mail.db from the segments; 7 mailboxes keep their names", "セグメントから mail.db を作り直しました。7 個のメールボックスの名前は残りました"),
            ("bodies found again in the segments: 5 of 6", "セグメントから見つかった本文: 5 / 6"),
            ("references counted again: 3", "数え直した参照: 3"),
            ("references of queue entries counted again: 4", "数え直したキューの項目の参照: 4"),
            ("removed 2 messages whose bodies cannot be read", "本文を読めないメッセージを 2 件取り除きました"),
            (
                "rebuilt the queue from the segments; all its entries are held until the postmaster decides",
                "セグメントからキューを作り直しました。すべての項目は、ポストマスタが決めるまで保留します"
            ),
            ("something new", "something new"), ("", ""),
        ] {
            #expect(RepairWords.text(english, .japanese) == japanese)
            #expect(RepairWords.text(english, .english) == english)
        }
    }

    @Test("help is folded by columns below its own column; examples and versions stay as they are") func help() {
        let long = String(repeating: "あ", count: 60)
        let text = HelpText.text(
            "OVERVIEW: 概要です。\n\nUSAGE: postoffice x\n\nOPTIONS:\n  --a <b>                 \(long)。\n  --lang x                短い文 (default: 20)\n"
                + "  --postmaster-password-file <file>\n                          \(long)\n\n  See 'postoffice help x' for detailed help.\n",
            .japanese)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines[0] == "概要: 概要です。" && lines[2] == "使い方: postoffice x" && lines[4] == "オプション:")
        #expect(
            lines[5].hasPrefix("  --a <b>                 あ") && lines[6].hasPrefix("                          あ")
                && lines[7].hasSuffix("。"))
        #expect(text.contains("短い文 (既定値: 20)") && text.contains("詳しくは postoffice help x を実行"))
        #expect(lines.allSatisfy { line in line.unicodeScalars.reduce(0) { $0 + ($1.value < 0x1100 ? 1 : 2) } <= 82 })
        #expect(HelpText.text("0.1.0", .japanese) == "0.1.0" && HelpText.text("OVERVIEW: x", .english) == "OVERVIEW: x")
    }

    @Test("a negative number is a value, also of an option; common options may stand in front") func words() {
        #expect(CommandWords.prepared(["config", "set", "f", "-5", "--add"]) == ["config", "set", "f", "--add", "--", "-5"])
        #expect(CommandWords.prepared(["log", "--lines", "-4"]) == ["log", "--lines", "-4"])
        #expect(CommandWords.prepared(["log", "-n", "5", "--follow"]) == ["log", "-n", "5", "--follow"])
        #expect(CommandWords.prepared(["x", "--", "-5"]) == ["x", "--", "-5"] && CommandWords.prepared([]) == [])
        #expect(
            CommandWords.prepared(["--lang", "ja", "--config=c", "status", "--", "y"]) == [
                "status", "--lang", "ja", "--config=c", "--", "y",
            ])
        #expect(CommandWords.prepared(["--lang"]) == ["--lang"])
    }

    @Test("an error of the system names the thing and the reason in both languages") func systemFailures() {
        let failure = SystemFailure("open /nope", ENOENT)
        #expect(failure.description == "open /nope: No such file or directory", "for the log")
        #expect(failure.text.english == "/nope cannot be opened: there is no such file or directory")
        #expect(failure.text.japanese == "/nope を開けません: そのようなファイルやディレクトリはありません")
        #expect(SystemFailure("mkdir /a/b", ENOENT).text.japanese.contains("その上のディレクトリ"))
        #expect(SystemFailure("memfd_create", EMFILE).text.japanese.contains("開いているファイルが多すぎます"))
        #expect(SystemFailure("read", EXDEV).text.japanese.hasPrefix("入力 を読めません: エラー"))
    }

    @Test("text of others is shown cut, and harmless to a terminal") func shown() {
        #expect(Shown.text("a\u{1B}[31m\u{7F}\u{9B}\n\u{202E}b") == "\"a\\x1B[31m\\x7F\\x9B\\x0A\\u{202E}b\"")
        #expect(Shown.text(String(repeating: "x", count: 100)) == "\"" + String(repeating: "x", count: 60) + "…\"")
        #expect(Shown.text("") == "\"\"" && Shown.visible("日本語 é") == "日本語 é")
    }

    @Test("every reason for which text is no address has Japanese words") func addressErrors() {
        let words = AddressError.allCases.map(\.words.japanese)
        #expect(Set(words).count == words.count && words.allSatisfy { text in text.unicodeScalars.contains { $0.value >= 0x3040 } })
    }

    @Test(
        "Nobody forges a line of ours",
        arguments: [
            ("451-4.7.1 grey\r\n99  2026-11-22T06:00:00Z  held", "451-4.7.1 grey / 99  2026-11-22T06:00:00Z  held"),
            ("a\u{2028}b\u{85}c", "a / b / c"),
            ("\u{1B}[2Jx\u{0}", "\u{FFFD}[2Jx\u{FFFD}"), ("", ""), ("日本語", "日本語"),
        ])
    func oneLine(_ text: String, _ shown: String) {
        #expect(OneLine.of(text) == shown)
        #expect(OneLine.of(String(repeating: "x", count: 1001)).count == 1001)
    }
}
