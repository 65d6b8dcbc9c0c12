import Bounces
import MailTesting
import NIOCore
import Policy
import Testing
import Vocabulary

/// Reports as another implementation reads them: Python's email package.
@Suite("Reports, read by Python", .serialized)
struct PythonReportTests {
    private static let script = """
        import email, email.policy, sys
        m = email.message_from_binary_file(open(sys.argv[1], 'rb'), policy=email.policy.default)
        def defects(p):
            found = list(p.defects)
            for name, value in p.items():
                found += list(getattr(value, 'defects', []))
            for q in (p.get_payload() if p.is_multipart() else []):
                found += defects(q)
            return found
        print('type', m.get_content_type(), m.get_param('report-type'))
        print('subject', m['Subject'])
        print('defects', len(defects(m)))
        parts = m.get_payload()
        print('parts', *[p.get_content_type() for p in parts])
        text = parts[0].get_content()
        print('text', ascii(text.splitlines()[0]))
        status = parts[1].get_payload()
        for group in status[1:]:
            for name in ('Original-Recipient', 'Final-Recipient', 'Action', 'Status', 'Remote-MTA', 'Diagnostic-Code'):
                if group[name]: print(name, ascii(' '.join(str(group[name]).split())))
        print('envelope', status[0]['Original-Envelope-Id'], status[0]['Reporting-MTA'])
        last = parts[2]
        if last.get_content_type() == 'message/rfc822':
            inner = last.get_payload(0)
            print('inner', inner['Subject'], len(inner.get_payload()))
        else:
            print('inner', ascii(last.get_payload(decode=True).decode('utf-8').splitlines()[0]))
        """

    private func read(_ report: DeliveryReport, _ languages: [Language], original: String, _ responses: ErrorResponses = ErrorResponses())
        throws
        -> [String]
    {
        let directory = TemporaryDirectory("reports")
        let (_, text) = try #require(Samples.composed(report, Samples.composer(languages, responses), original: original))
        directory.write("report.eml", text)
        directory.write("read.py", Self.script)
        let result = try ChildProcess.run(
            "/usr/bin/python3", [directory("read.py"), directory("report.eml")], environment: ["PYTHONIOENCODING": "utf-8"], seconds: 30)
        #expect(result.ending == .exited(0), "\(result.output)")
        return result.output.split(separator: "\n").map(String.init)
    }

    private var recipients: [DeliveryReport.Recipient] {
        var first = Samples.failed(
            "jane@far.test",
            DeliveryFailure(
                .reply(Reply(550, EnhancedStatus(5, 1, 1), String(repeating: "no such user ", count: 30)), .rcpt), remoteHost: "mx.far.test"
            ))
        first.recipient.originalRecipient = "rfc822;Jane@old.test"
        return [first, Samples.failed("bob@nowhere.test", DeliveryFailure(.noSuchDomain))]
    }

    @Test("a failed report in English")
    func english() throws {
        let lines = try self.read(
            Samples.report(self.recipients, Samples.envelope { $0.envelopeID = "QQ1" }), [.english], original: Samples.message)
        #expect(lines.contains("type multipart/report delivery-status"))
        #expect(lines.contains("subject Mail System Error - Returned Mail"))
        #expect(lines.contains("defects 0"))
        #expect(lines.contains("parts text/plain message/delivery-status message/rfc822"))
        #expect(lines.contains("text 'This Message was undeliverable due to the following reason:'"))
        #expect(lines.contains("Original-Recipient 'rfc822; Jane@old.test'"))
        #expect(lines.contains("Final-Recipient 'rfc822; jane@far.test'"))
        #expect(lines.filter { $0 == "Action 'failed'" }.count == 2)
        #expect(lines.contains("Remote-MTA 'dns; mx.far.test'"))
        #expect(lines.contains { $0.hasPrefix("Diagnostic-Code 'smtp; 550 5.1.1 no such user no such user") })
        #expect(lines.contains("envelope QQ1 dns; mail.example.test"))
        #expect(lines.contains("inner Hello 22"))
    }

    @Test("a failed report in Japanese and English")
    func japanese() throws {
        let lines = try self.read(Samples.report(self.recipients), [.japanese, .english], original: Samples.message)
        #expect(lines.contains("subject Mail System Error - Returned Mail (配信できなかったメールをお返しします)"))
        #expect(lines.contains("defects 0"))
        #expect(lines.contains { $0.hasPrefix("text '\\u6b21\\u306e") })
    }

    @Test("a report with headers only, raw octets among them")
    func headers() throws {
        var responses = ErrorResponses()
        responses.returnsWhole = false
        let lines = try self.read(Samples.report(self.recipients), [.english], original: "Subject: \u{3042}\r\n\r\nBody\r\n", responses)
        #expect(lines.contains("parts text/plain message/delivery-status text/rfc822-headers"))
        #expect(lines.contains("inner 'Subject: \\u3042'"))
        #expect(lines.contains("defects 0"))
    }
}
