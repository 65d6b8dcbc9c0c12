internal import Bytes
internal import CUnicode
internal import Glibc

/// A character set we can read, by our own name. Names of peers go through our table, never straight to iconv.
package struct Charset: Hashable, Sendable, CustomStringConvertible {
    /// The name that iconv knows.
    private let library: String
    /// The preferred MIME name.
    package let name: String

    private init(_ name: String, _ library: String) {
        self.name = name
        self.library = library
    }

    package var description: String { self.name }

    package static let utf8 = Charset("UTF-8", "UTF-8")
    package static let ascii = Charset("US-ASCII", "US-ASCII")
    package static let shiftJIS = Charset("Shift_JIS", "CP932")
    package static let iso2022JP = Charset("ISO-2022-JP", "EUC-JP-MS")
    package static let eucJP = Charset("EUC-JP", "EUC-JP-MS")

    /// By the name a peer gave (MIME or common alias, any case); nil when it is none of ours.
    package init?(named name: String) {
        guard name.utf8.count <= 40, let found = Self.table[name.asciiLowercased] else { return nil }
        self = found
    }

    /// Text of the bytes; what the charset cannot mean becomes U+FFFD. Never fails, never longer than three times the input plus a little.
    package func decode(_ bytes: some Sequence<UInt8>) -> String {
        self == .utf8 ? String(decoding: Array(bytes), as: UTF8.self) : self.convert(self.prepared(Array(bytes)), strict: false) ?? ""
    }

    /// Text of the bytes, or nil when any of them is not of this charset.
    package func decodeStrictly(_ bytes: some Sequence<UInt8>) -> String? {
        self == .utf8 ? String(validating: Array(bytes), as: UTF8.self) : self.convert(self.prepared(Array(bytes)), strict: true)
    }

    /// ISO-2022-JP goes through EUC, because iconv knows none of the Microsoft variants that senders use under that name.
    private func prepared(_ bytes: [UInt8]) -> [UInt8] { self == .iso2022JP ? ISO2022JP.toEUC(bytes) : bytes }

    private func convert(_ bytes: [UInt8], strict: Bool) -> String? {
        let converter = iconv_open("UTF-8", self.library)
        guard Int(bitPattern: converter) != -1 else { return strict ? nil : String(decoding: bytes, as: UTF8.self) }
        defer { iconv_close(converter) }
        var input = bytes.map { CChar(bitPattern: $0) }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + bytes.count / 2 + 16)
        var chunk = [CChar](repeating: 0, count: 8192)
        let isWhole = input.withUnsafeMutableBufferPointer { buffer -> Bool in
            var next = buffer.baseAddress
            var left = buffer.count
            var clean = true
            while left > 0 {
                let (isStuck, produced) = Self.step(converter, &next, &left, &chunk)
                out.append(contentsOf: chunk.prefix(produced).lazy.map { UInt8(bitPattern: $0) })
                guard isStuck else { continue }
                // A byte that means nothing here, or a character cut short at the end.
                clean = false
                if strict { return false }
                out.append(contentsOf: [0xEF, 0xBF, 0xBD])
                next = next?.advanced(by: 1)
                left -= 1
            }
            return clean
        }
        return strict && !isWhole ? nil : String(decoding: out, as: UTF8.self)
    }

    /// One call of iconv: how many bytes it wrote into `chunk`, and whether it stands before something that it cannot mean.
    private static func step(
        _ converter: iconv_t?, _ next: inout UnsafeMutablePointer<CChar>?, _ left: inout Int, _ chunk: inout [CChar]
    ) -> (isStuck: Bool, produced: Int) {
        chunk.withUnsafeMutableBufferPointer { space in
            var target = space.baseAddress
            var room = space.count
            let result = iconv(converter, &next, &left, &target, &room)
            // (size_t) -1; a full chunk is no error.
            return (Int(bitPattern: UInt(truncatingIfNeeded: result)) == -1 && errno != E2BIG, space.count - room)
        }
    }

    /// Alias in lower case -> charset. The Windows variants stand for the plain names: they are what senders mean.
    private static let table: [String: Charset] = {
        var table: [String: Charset] = [:]
        func add(_ charset: Charset, _ aliases: String...) {
            for alias in [charset.name.asciiLowercased] + aliases { table[alias] = charset }
        }
        add(.utf8, "utf8", "unicode-1-1-utf-8")
        add(.ascii, "ascii", "ansi_x3.4-1968", "iso646-us", "us")
        add(.shiftJIS, "shift-jis", "sjis", "x-sjis", "ms_kanji", "windows-31j", "cp932", "cswindows31j")
        add(.iso2022JP, "iso-2022-jp-1", "iso-2022-jp-ms", "cp50220", "cp50221", "csiso2022jp")
        add(Charset("ISO-2022-JP-2", "ISO-2022-JP-2"))
        add(Charset("ISO-2022-JP-3", "ISO-2022-JP-3"), "iso-2022-jp-2004")
        add(.eucJP, "eucjp", "x-euc-jp", "cp51932", "eucjp-ms")
        add(Charset("ISO-8859-1", "CP1252"), "latin1", "iso8859-1", "l1")
        for part in [2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16] { add(Charset("ISO-8859-\(part)", "ISO-8859-\(part)"), "iso8859-\(part)") }
        for page in 1250...1258 { add(Charset("windows-\(page)", "CP\(page)"), "cp\(page)") }
        add(Charset("KOI8-R", "KOI8-R"), "koi8r")
        add(Charset("KOI8-U", "KOI8-U"), "koi8u")
        add(Charset("GB18030", "GB18030"), "gb2312", "gbk", "cp936", "euc-cn", "gb_2312-80")
        add(Charset("Big5", "BIG5-HKSCS"), "big5-hkscs", "cn-big5", "cp950")
        add(Charset("EUC-KR", "CP949"), "ks_c_5601-1987", "ksc5601", "cp949", "uhc")
        add(Charset("ISO-2022-KR", "ISO-2022-KR"))
        add(Charset("TIS-620", "CP874"), "windows-874", "iso-8859-11")
        add(Charset("UTF-7", "UTF-7"), "unicode-1-1-utf-7")
        add(Charset("UTF-16", "UTF-16"))
        add(Charset("UTF-16LE", "UTF-16LE"))
        add(Charset("UTF-16BE", "UTF-16BE"))
        return table
    }()
}
