internal import CQRCode
package import WebPages

/// A text that the camera of a telephone reads, drawn by the server.
package struct QRCode: Sendable {
    /// Modules a side, without the ground around them.
    package let side: Int
    /// Row by row; true is dark.
    package let modules: [Bool]

    /// Light modules that must be around it.
    package static let ground = 4
    /// Beyond it a telephone held by hand does not read what a page can show.
    private static let mostOctets = 600

    /// nil for a text that is too long.
    package init?(_ text: String) {
        let octets = Array(text.utf8)
        guard !octets.isEmpty, octets.count <= Self.mostOctets,
            // The version is the least that holds the text; a seventh of it may be unreadable.
            let code = QRcode_encodeData(Int32(octets.count), octets, 0, QR_ECLEVEL_M)
        else { return nil }
        defer { QRcode_free(code) }
        guard let data = code.pointee.data, code.pointee.width > 0 else { return nil }
        self.side = Int(code.pointee.width)
        self.modules = UnsafeBufferPointer(start: data, count: self.side * self.side).map { $0 & 1 == 1 }
    }

    /// - Parameter label: what it is, for who does not see it.
    package func svg(_ label: String) -> HTML {
        let whole = self.side + 2 * Self.ground
        return HTML.build { out in
            out.add(.svg, [.class("qr"), .drawing(.viewBox, "0 0 \(whole) \(whole)"), .role(.img), .aria(.label, label)]) { svg in
                svg.add(.rect, [.drawing(.width, "\(whole)"), .drawing(.height, "\(whole)")])
                svg.add(.path, [.drawing(.d, self.path)])
            }
        }
    }

    /// Lines of one module's width, a piece for each run of dark modules.
    private var path: String {
        var out = ""
        for row in 0..<self.side {
            var column = 0
            while column < self.side {
                let start = column
                while column < self.side, self.modules[row * self.side + column] { column += 1 }
                if column > start { out += "M\(start + Self.ground) \(row + Self.ground).5h\(column - start)" }
                column += 1
            }
        }
        return out
    }
}
