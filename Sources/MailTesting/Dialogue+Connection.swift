extension Dialogue {
    /// True when it can be played over a plain connection.
    package var needsTLS: Bool { self.steps.contains(.startTLS) }

    /// Plays against a server; the first line that is not as written is thrown. What is not expected is found at the next step, or at the
    /// end by a line of the server's that nobody waits for.
    package func play(on connection: LineConnection, _ cutting: Cutting) throws {
        for (index, step) in self.steps.enumerated() {
            let place = "\(self.name), step \(index + 1), cut \(cutting)"
            switch step {
            case .send(let bytes):
                for piece in cutting.pieces(of: bytes) { try connection.send(piece) }
            case .expect(let text, let isPrefix):
                let line = try connection.line()
                guard isPrefix ? line.hasPrefix(text) : line == text else {
                    throw Failure(description: "\(place): expected \(text), came \(line)")
                }
            case .expectMultiline(let code):
                let lines = try connection.reply()
                guard lines.allSatisfy({ $0.hasPrefix(code) }) else { throw Failure(description: "\(place): no reply \(code): \(lines)") }
            case .startTLS: throw Failure(description: "\(place): TLS is not played here")
            case .expectEnd:
                if let line = try? connection.line() { throw Failure(description: "\(place): expected the end, came \(line)") }
            }
        }
    }
}
