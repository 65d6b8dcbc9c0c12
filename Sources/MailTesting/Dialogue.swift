internal import Foundation

/// A conversation written as data, played against a pure machine, a server of ours, or a stranger's.
///
/// ```
/// # comment
/// = submission          an option, for whoever sets up the session
/// S: 220 *              the server's line; `*` at the end stands for anything
/// M: 250                a reply of any number of lines with this code
/// C: EHLO client.test   a line of the client, CRLF is added; lines in a row are sent in one piece
/// R: a\r\n.\0\x80       bytes of the client, nothing added
/// TLS                   the handshake, after the reply to STARTTLS
/// END                   the server has closed
/// ```
package struct Dialogue: Sendable, CustomStringConvertible {
    package enum Step: Sendable, Hashable {
        case send([UInt8])
        /// The next line of the server; with `isPrefix` its beginning.
        case expect(String, isPrefix: Bool)
        /// Lines `code-…` and one `code …`.
        case expectMultiline(String)
        case startTLS
        case expectEnd
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let name: String
    package let options: Set<String>
    package let steps: [Step]
    package var description: String { self.name }

    package init(name: String, parsing text: String) throws {
        var options: Set<String> = []
        var steps: [Step] = []
        for (number, raw) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = String(raw)
            if line.isEmpty || line.hasPrefix("#") { continue }
            let value = String(line.dropFirst(3))
            switch line.prefix(3) {
            case "S: ": steps.append(.expect(value.hasSuffix("*") ? String(value.dropLast()) : value, isPrefix: value.hasSuffix("*")))
            case "M: ": steps.append(.expectMultiline(value))
            case "C: ": Self.append(Array("\(value)\r\n".utf8), to: &steps)
            case "C:": Self.append([0x0D, 0x0A], to: &steps)
            case "R: ": Self.append(try Self.unescaped(value), to: &steps)
            case "TLS": steps.append(.startTLS)
            case "END": steps.append(.expectEnd)
            default:
                guard line.hasPrefix("= ") else { throw Failure(description: "\(name):\(number + 1): what is this: \(line)") }
                options.insert(String(line.dropFirst(2)))
            }
        }
        self.name = name
        self.options = options
        self.steps = steps
    }

    /// All `*.txt` of a folder, by name.
    package static func load(folder: String) throws -> [Dialogue] {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".txt") }.sorted()
        return try files.map { file in
            let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            return try Dialogue(name: String(file.dropLast(4)), parsing: text)
        }
    }

    private static func append(_ bytes: [UInt8], to steps: inout [Step]) {
        if case .send(let earlier)? = steps.last { steps[steps.count - 1] = .send(earlier + bytes) } else { steps.append(.send(bytes)) }
    }

    /// `\r`, `\n`, `\t`, `\0`, `\\`, `\xNN`.
    package static func unescaped(_ text: String) throws -> [UInt8] {
        var out: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                out.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "0"): out.append(0)
            case UInt8(ascii: "\\"): out.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "x"):
                guard rest.count >= 2, let byte = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                    throw Failure(description: "bad \\x in \(text)")
                }
                out.append(byte)
                rest = rest.dropFirst(2)
            default: throw Failure(description: "bad escape in \(text)")
            }
        }
        return out
    }
}

/// How the client's bytes are cut into packets. A dialogue must sound the same whatever it is.
package enum Cutting: Sendable, Hashable, CustomStringConvertible {
    case whole
    case everyByte
    /// Pieces of 1 to 40 bytes, by a generator of this seed.
    case random(UInt64)

    package func pieces(of bytes: [UInt8]) -> [[UInt8]] {
        switch self {
        case .whole: return [bytes]
        case .everyByte: return bytes.map { [$0] }
        case .random(let seed):
            var state = seed | 1
            var pieces: [[UInt8]] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let count = min(rest.count, Int(state >> 33) % 40 + 1)
                pieces.append(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            return pieces
        }
    }

    package var description: String {
        switch self {
        case .whole: "whole"
        case .everyByte: "every byte"
        case .random(let seed): "random \(seed)"
        }
    }

    /// Those that every dialogue is played with.
    package static let all: [Cutting] = [.whole, .everyByte] + (1...8).map { .random($0 &* 7919) }
}

extension Dialogue {
    /// Plays against a machine; the first line that is not as written is thrown.
    package func play<Machine>(on session: inout PureSession<Machine>, _ cutting: Cutting) throws {
        var lines: [String] = []
        for (index, step) in self.steps.enumerated() {
            lines += Self.lines(session.takeOutput())
            switch step {
            case .send(let bytes):
                guard lines.isEmpty else { throw self.failure(index, cutting, "unexpected: \(lines[0])") }
                for piece in cutting.pieces(of: bytes) { session.send(piece) }
            case .expect(let text, let isPrefix):
                guard !lines.isEmpty else { throw self.failure(index, cutting, "expected \(text), nothing came") }
                let line = lines.removeFirst()
                guard isPrefix ? line.hasPrefix(text) : line == text else {
                    throw self.failure(index, cutting, "expected \(text), came \(line)")
                }
            case .expectMultiline(let code):
                while lines.first?.hasPrefix("\(code)-") == true { lines.removeFirst() }
                guard !lines.isEmpty, lines.removeFirst().hasPrefix("\(code) ") else {
                    throw self.failure(index, cutting, "no reply \(code)")
                }
            case .startTLS:
                guard session.wantsTLS else { throw self.failure(index, cutting, "no handshake was asked for") }
                session.establishTLS()
            case .expectEnd:
                guard lines.isEmpty, session.isClosed else { throw self.failure(index, cutting, "expected the end, came \(lines)") }
            }
        }
        lines += Self.lines(session.takeOutput())
        guard lines.isEmpty else { throw self.failure(self.steps.count, cutting, "unexpected at the end: \(lines)") }
    }

    private func failure(_ step: Int, _ cutting: Cutting, _ text: String) -> Failure {
        Failure(description: "\(self.name), step \(step + 1), cut \(cutting): \(text)")
    }

    private static func lines(_ text: String) -> [String] {
        var lines = text.components(separatedBy: "\r\n")
        if lines.last == "" { lines.removeLast() }
        return lines
    }
}
