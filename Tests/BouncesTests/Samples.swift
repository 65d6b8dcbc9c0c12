import Bounces
import NIOCore
import Policy
import Vocabulary

/// Facts that the tests of this target share.
enum Samples {
    static let now: Int64 = 1_795_300_000
    static let random = Array(UInt8(0)..<64)
    static let host = "mail.example.test"
    static let postmaster = Address(localPart: "Postmaster", domain: host)
    static let sender = Address(localPart: "taro", domain: "example.test")
    static let header =
        "Received: from a by b; now\r\nFrom: <taro@example.test>\r\nTo: <jane@far.test>\r\nSubject: Hello\r\n"
        + "Message-ID: <1@example.test>\r\n"
    static let message = header + "\r\nBody line 1\r\n.dot line\r\n"

    static func composer(_ languages: [Language] = [.english], _ responses: ErrorResponses = ErrorResponses()) -> ReportComposer {
        ReportComposer(hostName: self.host, postmaster: self.postmaster, languages: languages, responses: responses)
    }

    static func envelope(_ sender: Address? = Samples.sender, _ change: (inout Envelope) -> Void = { _ in }) -> Envelope {
        var envelope = Envelope(sender: sender)
        change(&envelope)
        return envelope
    }

    static func address(_ text: String) -> Address {
        guard let address = try? Address(parsing: text) else { preconditionFailure("\(text) is no address") }
        return address
    }

    static func failed(_ address: String, _ failure: DeliveryFailure) -> DeliveryReport.Recipient {
        DeliveryReport.Recipient(
            Envelope.Recipient(self.address(address)), .failed, status: failure.status, failure: failure,
            failureClass: failure.failureClass, lastAttempt: self.now - 60)
    }

    static func report(_ recipients: [DeliveryReport.Recipient], _ envelope: Envelope = Samples.envelope(), size: Int64 = 1000)
        -> DeliveryReport
    {
        DeliveryReport(
            envelope: envelope, arrivedAt: self.now - 3600, trace: nil, receivedFrom: "client.example.test", size: size,
            recipients: recipients)
    }

    /// The report as it would be stored: head, what comes back of the original in pieces of `step` bytes, tail.
    static func whole(_ report: ComposedReport, original: String = Samples.message, step: Int = 7) -> ByteBuffer {
        var out = report.head
        if report.original != .nothing {
            var content = ReturnedContent(report.original)
            var rest = ByteBuffer(string: original)
            while let piece = rest.readSlice(length: min(step, rest.readableBytes)), piece.readableBytes > 0 {
                var taken = content.take(piece)
                out.writeBuffer(&taken)
            }
            var last = content.finish()
            out.writeBuffer(&last)
        }
        var tail = report.tail
        out.writeBuffer(&tail)
        return out
    }

    static func composed(
        _ report: DeliveryReport, _ composer: ReportComposer = Samples.composer(), original: String = Samples.message
    ) -> (report: ComposedReport, text: String)? {
        let beginning = OriginalBeginning(ByteBuffer(string: original))
        guard let composed = composer.compose(report, original: beginning, now: self.now, random: self.random) else { return nil }
        return (composed, String(buffer: self.whole(composed, original: original)))
    }
}
