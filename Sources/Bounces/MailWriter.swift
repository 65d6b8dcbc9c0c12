internal import Bytes
internal import MIME
internal import NIOCore
internal import Text

/// Writes the messages of this target: header fields, and parts of a multipart.
struct MailWriter {
    var out = ByteBuffer()
    let boundary: String

    /// - Parameter random: at least 16 unpredictable bytes: nobody can put the boundary into a message beforehand.
    init(random: ArraySlice<UInt8>) {
        self.boundary = "=_" + random.prefix(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    mutating func line(_ text: String) {
        self.out.writeString(text)
        self.out.writeStaticString("\r\n")
    }

    /// An unstructured field; what is not ASCII becomes encoded-words.
    mutating func field(_ name: String, _ value: String) {
        let text = EncodedWords.text(value)
        // Begins with one: the first place before another is within the fold behind it, and a line end there would end the header.
        if text.utf8.starts(with: "=?UTF-8?".utf8) {
            let first = text.utf8.prefix { $0 != .cr }.count
            self.line(name.utf8.count + 2 + first <= 76 ? "\(name): \(text)" : "\(name):\r\n \(text)")
            return
        }
        guard let word = text.start(of: " =?UTF-8?") else {
            self.line("\(name): \(text)")
            return
        }
        // A line with an encoded-word has at most 76 characters. [RFC2047-2]
        self.line("\(name): \(text[..<word])\r\n\(text[word...])")
    }

    mutating func multipart(_ subtype: String, _ parameter: String? = nil) {
        self.line("MIME-Version: 1.0")
        self.line("Content-Type: multipart/\(subtype);\(parameter.map { " \($0);" } ?? "")")
        self.line("\tboundary=\"\(self.boundary)\"")
        self.line("")
    }

    /// Begins a part; its content follows.
    mutating func part(_ fields: [String]) {
        self.line("\r\n--\(self.boundary)")
        for field in fields { self.line(field) }
        self.line("")
    }

    /// A text for people: as it is where it is ASCII, else UTF-8 in base64, so that every host takes it.
    mutating func text(_ lines: [String], description: String) {
        let text = lines.joined(separator: "\r\n") + "\r\n"
        let isPlain = UnicodeText.isASCII(text) && lines.allSatisfy { $0.utf8.count <= 998 }
        self.part([
            "Content-Type: text/plain; charset=\(isPlain ? "us-ascii" : "utf-8")",
            "Content-Transfer-Encoding: \(isPlain ? "7bit" : "base64")", "Content-Description: \(description)",
        ])
        if isPlain { self.out.writeString(text) } else { self.base64(Array(text.utf8)[...]) }
    }

    mutating func base64(_ bytes: ArraySlice<UInt8>) {
        var lines = ReturnedContent.base64(bytes)
        self.out.writeBuffer(&lines)
    }

    /// The end of the multipart, which comes behind what is streamed.
    var end: ByteBuffer { ByteBuffer(string: "\r\n--\(self.boundary)--\r\n") }
}

extension String {
    /// Where `part` begins in the text, without Foundation.
    fileprivate func start(of part: String) -> String.Index? {
        let wanted = Array(part.utf8)
        var index = self.utf8.startIndex
        while index < self.utf8.endIndex {
            if self.utf8[index...].starts(with: wanted) { return index }
            index = self.utf8.index(after: index)
        }
        return nil
    }
}
