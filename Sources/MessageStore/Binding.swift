internal import Database
internal import NIOCore
internal import Vocabulary

extension Prepared {
    func bind(_ index: Int32, _ bytes: ByteBuffer) throws(DatabaseError) {
        var failure: DatabaseError?
        bytes.withUnsafeReadableBytes { raw in
            do throws(DatabaseError) { try self.bind(index, raw) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

extension Flags {
    /// As a row or a record holds them.
    init(_ stored: Int64) { self.init(rawValue: UInt64(bitPattern: stored)) }
    var stored: Int64 { Int64(bitPattern: self.rawValue) }
}
