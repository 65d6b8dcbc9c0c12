import MIME
import Testing

@Suite("THREADID of a message")
struct ThreadIdentifierTests {
    private static let root = "Tc85d4e101f9789a86309fef70d733772"

    /// What is made of it must never change: clients keep it.
    @Test(
        "the conversation is named by the first message that is referred to, else by the message itself [RFC8474-5.2]",
        arguments: [
            ["Message-ID: <root@example.test>"],
            ["Message-ID: <2@example.test>", "References: <root@example.test>"],
            ["Message-ID: <3@example.test>", "References: <root@example.test> <2@example.test>", "In-Reply-To: <2@example.test>"],
            ["Message-ID: <4@example.test>", "References:", "\t<root@example.test>", " <2@example.test>"],
            ["Message-ID: <5@example.test>", "In-Reply-To: <root@example.test>"],
            ["Message-ID: <6@example.test>", "References: none", "In-Reply-To: Your mail of \"Monday\" <root@example.test>"],
            ["References: <root@example.test> (a comment)"],
            ["References: <\"root\"@example.test>", "Message-ID: <7@example.test>"],
            ["References: root@example.test> <root@example.test", " > <2@example.test>"],
            ["References: <>", "References: <root@example.test>", "Message-ID: <8@example.test>"],
            ["Message-ID: broken", "In-Reply-To: <root@example.test> <2@example.test>"],
            ["References: " + (0..<600).map { $0 == 0 ? "<root@example.test>" : "\r\n <\($0)@example.test>" }.joined()],
        ])
    func root(_ header: [String]) {
        let summary = MessageSummaryTests.summary((header + ["Subject: x", "", "<other@example.test>"]).joined(separator: "\r\n"))
        #expect(summary.thread == Self.root)
    }

    @Test("letters beyond ASCII, case and blanks")
    func spelling() {
        func thread(_ field: String) -> String? { MessageSummaryTests.summary(field, "", "").thread }
        #expect(thread("Message-ID: <日本@example.test>") == "T91b32d0d04a290d31add55318b156620")
        #expect(thread("Message-ID: <a b>") == thread("Message-ID: <ab>"))
        #expect(thread("Message-ID: <A@b>") != thread("Message-ID: <a@b>"))
    }

    @Test(
        "who names nothing has none, however the fields look",
        arguments: ["X: y", "Message-ID:", "Message-ID: <>", "References: <a", "Message-ID: <\(String(repeating: "a", count: 2000))>"])
    func none(_ field: String) { #expect(MessageSummaryTests.summary(field, "", "text <a@b>").thread == nil) }
}
