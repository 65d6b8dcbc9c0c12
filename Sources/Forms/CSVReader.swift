internal import Bytes
package import Text

/// Rows of comma-separated text with quoted cells. [RFC4180-2]
///
/// Takes CRLF, LF and CR line ends, blank lines (skipped) and a byte order mark. Strict where guessing would put data into wrong columns:
/// text behind a closing quote and a quote that never closes are errors of that row.
package struct CSVReader: Sendable {
    package struct Row: Sendable, Hashable {
        /// Line on which the row begins, from 1.
        package let line: Int
        package let cells: [String]
    }

    package enum Problem: Error, Sendable, Hashable {
        /// A quote was opened on this line and never closed.
        case unclosedQuote(line: Int)
        /// Text behind a closing quote, or a quote inside a cell that does not begin with one.
        case strayQuote(line: Int)
        case cellTooLong(line: Int)
        case tooManyCells(line: Int)

        package var line: Int {
            switch self {
            case .unclosedQuote(let line), .strayQuote(let line), .cellTooLong(let line), .tooManyCells(let line): line
            }
        }
    }

    /// Largest cell: a picture in base64.
    package static let maximumCell = 1 << 20
    package static let maximumCells = 1000

    private let bytes: [UInt8]
    private var index: Int
    private var line = 1
    /// Where the row in hand begins.
    private var rowStart = 0

    package init(_ text: String) {
        self.bytes = Array(text.utf8)
        self.index = self.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    }

    /// The next row, nil at the end. After a problem the reader goes on with the next line.
    package mutating func next() -> Result<Row, Problem>? {
        while let byte = self.peek, byte == .cr || byte == .lf { self.takeLineEnd() }
        guard self.peek != nil else { return nil }
        let start = self.line
        do throws(Problem) {
            return .success(Row(line: start, cells: try self.cells(start)))
        } catch {
            // A quote that was never meant to open has swallowed what follows: only the row's first line is lost.
            let isSpread = self.line != start
            (self.index, self.line) = (self.rowStart, start)
            self.skipLine()
            return .failure(isSpread ? .unclosedQuote(line: start) : error)
        }
    }

    private mutating func cells(_ start: Int) throws(Problem) -> [String] {
        self.rowStart = self.index
        var cells: [String] = []
        while true {
            cells.append(try self.cell(start))
            guard cells.count <= Self.maximumCells else { throw .tooManyCells(line: start) }
            guard self.peek == UInt8(ascii: ",") else { break }
            self.index += 1
        }
        if self.peek != nil { self.takeLineEnd() }
        return cells
    }

    private mutating func cell(_ start: Int) throws(Problem) -> String {
        guard self.peek == UInt8(ascii: "\"") else { return try self.plainCell(start) }
        self.index += 1
        var content: [UInt8] = []
        while let byte = self.peek {
            if byte == UInt8(ascii: "\"") {
                self.index += 1
                guard self.peek == UInt8(ascii: "\"") else {
                    guard self.isCellEnd else { throw .strayQuote(line: self.line) }
                    return String(decoding: content, as: UTF8.self)
                }
            } else if byte == .lf || (byte == .cr && self.byte(at: self.index + 1) != .lf) {
                self.line += 1
            }
            content.append(byte)
            self.index += 1
            guard content.count <= Self.maximumCell else { throw .cellTooLong(line: start) }
        }
        throw .unclosedQuote(line: start)
    }

    private mutating func plainCell(_ start: Int) throws(Problem) -> String {
        let first = self.index
        while !self.isCellEnd {
            guard self.peek != UInt8(ascii: "\"") else { throw .strayQuote(line: self.line) }
            self.index += 1
        }
        guard self.index - first <= Self.maximumCell else { throw .cellTooLong(line: start) }
        return String(decoding: self.bytes[first..<self.index], as: UTF8.self)
    }

    private var isCellEnd: Bool {
        switch self.peek {
        case nil, UInt8(ascii: ","), UInt8.cr, UInt8.lf: true
        default: false
        }
    }

    private var peek: UInt8? { self.byte(at: self.index) }
    private func byte(at index: Int) -> UInt8? { index < self.bytes.count ? self.bytes[index] : nil }

    private mutating func takeLineEnd() {
        if self.peek == .cr && self.byte(at: self.index + 1) == .lf { self.index += 1 }
        self.index += 1
        self.line += 1
    }

    private mutating func skipLine() {
        while let byte = self.peek, byte != .cr, byte != .lf { self.index += 1 }
        if self.peek != nil { self.takeLineEnd() }
    }
}

extension CSVReader {
    /// Text of a file whose charset nobody said: UTF-8 (with or without byte order mark) where it is that, else Shift_JIS, which is
    /// what spreadsheets write in Japan. nil where it is neither.
    package static func decode(_ bytes: [UInt8], charset: Charset? = nil) -> String? {
        if let charset { return charset.decodeStrictly(bytes) }
        return Charset.utf8.decodeStrictly(bytes) ?? Charset.shiftJIS.decodeStrictly(bytes)
    }
}
