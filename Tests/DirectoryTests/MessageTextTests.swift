import Forms
import Testing
import Vocabulary

@Suite struct MessageTextTests {
    @Test("a placeholder that stands for nothing is refused with those that do; other braces are text")
    func placeholders() throws {
        let field = MessageTextField.report.english
        for good in ["", "plain", "{host} {postmaster}", "a { b } {} {Host} {1} {host", "}{"] { _ = try field.parse([good]) }
        for bad in ["{name}", "{host} {hots}", "{{who}}"] {
            #expect {
                try field.parse([bad])
            } throws: { error in
                let message = (error as? FieldProblem)?.message
                return message?.english.contains("{host}, {postmaster}") == true && message?.japanese.contains("使用できません") == true
            }
        }
        #expect(throws: FieldProblem.self) { try ReplyTextField.vacation.parse(["{postmaster}"]) }
        for pair in MessageTextField.pairs {
            #expect(FieldTable.configuration(named: pair.english.key.text) != nil && pair.japanese.key.text.hasSuffix("-japanese"))
        }
    }

    @Test("what a placeholder stands for is not looked at again, and unknown ones stay")
    func filling() {
        #expect(SiteText.filled("{a} {b} {c", ["{a}": "{b}", "{b}": "x"]) == "{b} x {c")
        #expect(SiteText.filled("", [:]).isEmpty)
        #expect(SiteText.placeholders(in: "{a}{{b-c}}{D}") == ["{a}", "{b-c}"])
    }
}
