internal import Database
internal import NIOCore

extension Prepared {
    func bind(_ index: Int32, _ bytes: ByteBuffer) throws(DatabaseError) {
        var failure: DatabaseError?
        bytes.withUnsafeReadableBytes { raw in
            do throws(DatabaseError) { try self.bind(index, raw) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
