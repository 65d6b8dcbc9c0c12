import Bounces
import Testing
import Vocabulary

@Suite struct SecurityNoticeTests {
    @Test("The owner is told what was undone, by whom, when, and what to do if it was not asked for", arguments: Language.allCases)
    func texts(_ language: Language) throws {
        let owner = try Address(parsing: "jane@example.test")
        let postmaster = try Address(parsing: "postmaster@example.test")
        let notices: [SecurityNotice] = [
            .secondFactorOff, .appPasswordsRevoked(["old phone", "a \u{1B}[31mb"]), .passkeysRemoved(["old phone", "a \u{1B}[31mb"]),
        ]
        for notice in notices {
            let text = notice.lines(
                owner: owner, hostName: "mail.example.test", postmaster: postmaster, time: "2026-11-23T01:00:00+09:00", language
            ).joined(separator: "\n")
            for words in ["jane@example.test", "mail.example.test", "<postmaster@example.test>", "2026-11-23T01:00:00+09:00"] {
                #expect(text.filter { $0 != "\n" }.contains(words), "\(text)")
            }
            #expect(!text.contains("\u{1B}") && !notice.subject.text(language).isEmpty)
            #expect(text.contains { $0 >= "\u{3000}" } == (language == .japanese))
        }
        let many = SecurityNotice.appPasswordsRevoked((1...100).map { "device \($0)" })
        let text = many.lines(owner: owner, hostName: "h", postmaster: postmaster, time: "t", language).joined(separator: " ")
        #expect(text.contains("(100)") && !text.contains("device 50"))
    }
}
