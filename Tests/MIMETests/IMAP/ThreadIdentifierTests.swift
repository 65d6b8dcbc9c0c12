import MIME
import NIOCore
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

    @Test("encoded words and octets that are no UTF-8: what is made of them is frozen, too")
    func odd() {
        func thread(_ field: [UInt8]) -> String? {
            MessageSummaryBuilder.summary(of: ByteBuffer(bytes: field + Array("\r\n\r\ntext\r\n".utf8))).thread
        }
        func thread(_ field: String) -> String? { thread(Array(field.utf8)) }
        #expect(thread("References: <=?utf-8?Q?caf=C3=A9?=@example.test>") == "T5037aad41d0ca0f204f52635f79721b0")
        #expect(thread("References: =?utf-8?B?PHJvb3RAZXhhbXBsZS50ZXN0Pg==?=") == "Tc85d4e101f9789a86309fef70d733772")
        #expect(thread("Message-ID: <=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=@example.test>") == "T91b32d0d04a290d31add55318b156620")
        #expect(thread(Array("Message-ID: <caf".utf8) + [0xE9] + Array("@example.test>".utf8)) == "Te69388c860cbd141d3d8cea7020d9a8a")
        let shiftJIS = Array("Message-ID: <".utf8) + [0x93, 0xFA, 0x96, 0x7B] + Array("@example.test>".utf8)
        #expect(thread(shiftJIS) == "T91b32d0d04a290d31add55318b156620")
        #expect(thread("Message-ID: <=?unknown-charset?Q?caf=E9?=@example.test>") == "T0dcafce77b2e8954a3b8d92adeb35c3b")
        #expect(thread("Message-ID: <café@example.test>") == "T5037aad41d0ca0f204f52635f79721b0")
    }

    @Test(
        "who names nothing has none, however the fields look",
        arguments: ["X: y", "Message-ID:", "Message-ID: <>", "References: <a", "Message-ID: <\(String(repeating: "a", count: 2000))>"])
    func none(_ field: String) { #expect(MessageSummaryTests.summary(field, "", "text <a@b>").thread == nil) }
}
