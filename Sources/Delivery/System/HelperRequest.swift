internal import NIOCore

/// A request to `postoffice-deliver`; its form is told in `Sources/postoffice-deliver/deliver.h`.
package struct HelperRequest: Sendable {
    private enum Kind: UInt32 { case maildrop = 1, program, password }

    /// What a run of a program may take.
    package struct Bounds: Sendable, Hashable {
        /// Seconds of the clock, and of CPU of each process.
        package var time: UInt32 = 300
        package var cpu: UInt32 = 60
        /// MiB, of each process.
        package var memory: UInt32 = 512
        /// MiB of the longest file it may write.
        package var file: UInt32 = 1024
        /// Processes of the user, others of his included.
        package var processes: UInt32 = 256
        /// Bytes that are kept of what it writes.
        package var output: UInt32 = 4096

        package init() {}
    }

    private let kind: Kind
    private let user: String
    private let arguments: [[UInt8]]
    private let facts: [String]
    private let bounds: Bounds

    var time: UInt32 { self.bounds.time }

    /// Seconds that are waited for the locks of a maildrop.
    private static let lockTime: UInt32 = 60

    package init(maildropOf user: String) {
        self.kind = .maildrop
        self.user = user
        self.arguments = []
        self.facts = []
        self.bounds = Self.bounds(Self.lockTime)
    }

    /// - Parameters:
    ///   - words: the program's name, then its arguments.
    ///   - facts: for its environment, of the names that the helper knows.
    package init(program words: [String], as user: String, _ facts: [(name: String, value: String)], _ bounds: Bounds) {
        self.kind = .program
        self.user = user
        self.arguments = words.map { Array($0.utf8) }
        self.facts = facts.map { "\($0.name)=\($0.value)" }
        self.bounds = bounds
    }

    package init(_ password: [UInt8], of user: String) {
        self.kind = .password
        self.user = user
        self.arguments = [password]
        self.facts = []
        self.bounds = Self.bounds(15)
    }

    private static func bounds(_ time: UInt32) -> Bounds {
        var bounds = Bounds()
        bounds.time = time
        return bounds
    }

    private static let magic: UInt32 = 0x3144_4F50
    private static let longest = 32_768
    private static let numbers = 11

    /// nil for what is longer than a request may be, or has a NUL in it.
    package func encoded() -> [UInt8]? {
        var strings = ByteBuffer()
        for text in [Array(self.user.utf8)] + self.arguments + self.facts.map({ Array($0.utf8) }) {
            guard !text.contains(0) else { return nil }
            strings.writeInteger(UInt32(clamping: text.count), endianness: .little)
            strings.writeBytes(text)
            strings.writeInteger(UInt8(0))
        }
        let length = Self.numbers * 4 + strings.readableBytes
        guard length <= Self.longest else { return nil }
        var out = ByteBuffer()
        let numbers = [
            Self.magic, self.kind.rawValue, UInt32(length), UInt32(clamping: self.arguments.count), UInt32(clamping: self.facts.count),
            self.bounds.time, self.bounds.cpu, self.bounds.memory, self.bounds.file, self.bounds.processes, self.bounds.output,
        ]
        for number in numbers { out.writeInteger(number, endianness: .little) }
        out.writeBuffer(&strings)
        return Array(out.readableBytesView)
    }
}
