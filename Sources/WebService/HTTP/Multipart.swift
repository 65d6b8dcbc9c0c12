internal import Bytes
internal import WebPages

/// Forms with files. [RFC7578-4]
enum Multipart {
    private static let maximumParts = 2000

    /// The boundary of a Content-Type field; nil where it is not such a form.
    static func boundary(_ contentType: String) -> String? {
        let parts = contentType.split(separator: ";").map { $0.drop { $0 == " " } }
        guard parts.first.map({ String($0).asciiLowercased }) == "multipart/form-data" else { return nil }
        for part in parts.dropFirst() where String(part.prefix(9)).asciiLowercased == "boundary=" {
            let value = part.dropFirst(9).filter { $0 != "\"" }
            // [RFC2046-5.1.1]
            return value.isEmpty || value.utf8.count > 70 ? nil : value
        }
        return nil
    }

    /// nil where the body is not what the boundary says.
    static func parse(_ body: [UInt8], boundary: String) -> PostedForm? {
        let border = Array("\r\n--\(boundary)".utf8)
        // The first one has no line end before it.
        let body = [0x0D, 0x0A] + body
        var pairs: [(name: String, value: String)] = []
        var files: [String: PostedForm.File] = [:]
        guard var place = self.find(border, in: body, from: 0) else { return nil }
        while true {
            place += border.count
            if body[place...].starts(with: "--".utf8) { return PostedForm(pairs, files: files) }
            guard body[place...].starts(with: "\r\n".utf8), let end = self.find(border, in: body, from: place),
                let gap = self.find(Array("\r\n\r\n".utf8), in: body, from: place), gap + 4 <= end,
                pairs.count + files.count < self.maximumParts
            else { return nil }
            let content = body[(gap + 4)..<end]
            if let part = self.disposition(String(decoding: body[place..<gap], as: UTF8.self)) {
                if let file = part.fileName {
                    files[part.name] = PostedForm.File(name: file, bytes: Array(content))
                } else {
                    guard let text = String(validating: content, as: UTF8.self), !content.contains(0) else { return nil }
                    pairs.append((part.name, text))
                }
            }
            place = end
        }
    }

    private static func disposition(_ header: String) -> (name: String, fileName: String?)? {
        for line in header.split(whereSeparator: \.isNewline) where line.asciiLowercased.hasPrefix("content-disposition:") {
            guard let name = self.parameter("name", line) else { continue }
            return (name, self.parameter("filename", line))
        }
        return nil
    }

    /// `; name="value"`: browsers write a quote within it as `%22`.
    private static func parameter(_ name: String, _ line: Substring) -> String? {
        for part in line.split(separator: ";").dropFirst() {
            let part = part.drop { $0 == " " }
            guard part.hasPrefix(name + "=\"") else { continue }
            return String(part.dropFirst(name.count + 2).prefix { $0 != "\"" })
        }
        return nil
    }

    private static func find(_ wanted: [UInt8], in body: [UInt8], from start: Int) -> Int? {
        guard let first = wanted.first, body.count >= wanted.count else { return nil }
        var index = start
        while index <= body.count - wanted.count {
            if body[index] == first, body[index..<(index + wanted.count)].elementsEqual(wanted) { return index }
            index += 1
        }
        return nil
    }
}

extension Substring {
    fileprivate var asciiLowercased: String { String(self).asciiLowercased }
}
