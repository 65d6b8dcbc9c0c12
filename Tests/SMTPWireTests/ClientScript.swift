import Foundation
import MailTesting
import NIOCore
import Policy
import SMTPWire
import Vocabulary

/// A backend that sends one message (or the same again) and keeps what became of it.
final class Sender {
    var messages: [SMTPClientMessage] = []
    var pieces: [ByteBuffer] = []
    private var rest: [ByteBuffer] = []
    private(set) var reports: [SMTPClientReport] = []
    private(set) var failures: [DeliveryFailure.Cause] = []
    var cannotRead = false

    func answer(_ call: SMTPClientCall) -> SMTPClientOutcome {
        switch call {
        case .ready: return self.next()
        case .read:
            if self.cannotRead { return .bodyFailed }
            return self.rest.isEmpty ? .bodyEnded : .piece(self.rest.removeFirst())
        case .finished(let report, let canGoOn):
            self.reports.append(report)
            return canGoOn ? self.next() : .quit
        case .failed(let cause, _):
            self.failures.append(cause)
            return .quit
        }
    }

    private func next() -> SMTPClientOutcome {
        guard !self.messages.isEmpty else { return .quit }
        self.rest = self.pieces
        return .send(self.messages.removeFirst())
    }
}

/// A conversation with a server, as data: what the server says goes in, what the client says must come out.
struct ClientScript: CustomStringConvertible, Sendable {
    static let text = "Hello\r\n.dot\r\nend"

    let name: String
    private var recipients: [String] = []
    private var isAgain = false
    private var isLMTP = false
    private var results: [String] = []
    private var steps: [(who: Character, text: String)] = []
    var description: String { self.name }

    static func load(folder: String) throws -> [ClientScript] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".txt") }.sorted().map { file in
            ClientScript(String(file.dropLast(4)), try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8))
        }
    }

    private init(_ name: String, _ text: String) {
        self.name = name
        for line in text.split(separator: "\n").map(String.init) where !line.hasPrefix("#") {
            let words = line.split(separator: " ").map(String.init)
            switch words.first {
            case "=" where words[1] == "to": self.recipients = Array(words.dropFirst(2))
            case "=" where words[1] == "again": self.isAgain = true
            case "=" where words[1] == "lmtp": self.isLMTP = true
            case "=" where words[1] == "result": self.results.append(words.dropFirst(2).joined(separator: " "))
            case "TLS": self.steps.append(("T", ""))
            case "END": self.steps.append(("E", ""))
            default: self.steps.append((line.first ?? "?", String(line.dropFirst(3))))
            }
        }
    }

    /// What is not as written.
    func play(_ cutting: Cutting) -> String? {
        let sender = Sender()
        var envelope = Envelope(sender: Address(localPart: "taro", domain: "example.test"))
        envelope.recipients = self.recipients.compactMap { (try? Address(parsing: $0)).map { Envelope.Recipient($0) } }
        let message = SMTPClientMessage(
            envelope: envelope, size: Int64(Self.text.utf8.count), body: .whole(ByteBuffer(string: Self.text)))
        sender.messages = self.isAgain ? [message, message] : [message]
        var settings = SMTPClientSettings(helloName: "mail.example.test")
        settings.isLMTP = self.isLMTP
        var session = PureSession(SMTPClient(settings), answer: sender.answer)
        session.connect()
        var said: [String] = []
        var index = 0
        while index < self.steps.count {
            let step = self.steps[index]
            switch step.who {
            case "S":
                var text = ""
                while index < self.steps.count, self.steps[index].who == "S" {
                    text += self.steps[index].text + "\r\n"
                    index += 1
                }
                for piece in cutting.pieces(of: Array(text.utf8)) { session.send(piece) }
                continue
            case "T":
                guard session.wantsTLS else { return "step \(index): no handshake" }
                session.establishTLS()
            case "E": if !session.isClosed { return "not closed" }
            default:
                said += session.takeOutput().components(separatedBy: "\r\n").dropLast()
                guard !said.isEmpty else { return "step \(index): nothing was said, expected \(step.text)" }
                let line = said.removeFirst()
                guard line == step.text else { return "step \(index): said \(line), expected \(step.text)" }
            }
            index += 1
        }
        said += session.takeOutput().components(separatedBy: "\r\n").dropLast()
        guard said.isEmpty else { return "said too much: \(said)" }
        let results = sender.reports.flatMap(\.results).map(Self.text)
        return results == self.results ? nil : "results \(results)"
    }

    private static func text(_ result: SMTPClientReport.Result) -> String {
        switch result {
        case .delivered(let reply): "delivered \(reply.code)"
        case .failed(.reply(let reply, let stage)): "failed \(reply.code) \(stage.rawValue)"
        case .failed(let cause): "failed \(cause)"
        }
    }
}
