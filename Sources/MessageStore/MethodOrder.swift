package import NIOCore
package import Vocabulary

/// The payload of a queue entry of the channels `.maildrop`, `.program` and `.reply`: one of the ways in which an account gets its mail.
package struct MethodOrder: Sendable, Hashable {
    package var account: AccountID
    /// No other copy of the message is kept for the account: if the method is switched off before its turn, the account's other methods
    /// take over. Otherwise the entry ends then.
    package var isOnlyCopy: Bool
    /// For `.program`: its command line as it stood on the account's form.
    package var command: String
    /// Trace fields that stand before the message so far, whole lines with CRLF; without Return-Path and Delivered-To.
    package var fields: ByteBuffer

    package init(account: AccountID, isOnlyCopy: Bool, command: String = "", fields: ByteBuffer) {
        self.account = account
        self.isOnlyCopy = isOnlyCopy
        self.command = command
        self.fields = fields
    }

    private static let version: UInt8 = 1

    package func encoded() -> [UInt8] {
        var out = ByteBuffer()
        out.writeInteger(Self.version)
        out.writeInteger(UInt8(self.isOnlyCopy ? 1 : 0))
        out.writeVarint(self.account.rawValue)
        out.writeCounted(self.command)
        out.writeImmutableBuffer(self.fields)
        return Array(out.readableBytesView)
    }

    /// nil for what a newer version wrote.
    package init?(decoding bytes: [UInt8]) {
        var rest = ByteBuffer(bytes: bytes)
        guard rest.readInteger(as: UInt8.self) == Self.version, let flag = rest.readInteger(as: UInt8.self), flag <= 1,
            let account = rest.readVarint(), let command = rest.readCounted()
        else { return nil }
        self.init(account: AccountID(rawValue: account), isOnlyCopy: flag == 1, command: command, fields: rest)
    }
}
