internal import Vocabulary

/// A place in the log: the record that begins at `offset` of segment `segment`, and its number.
struct LogPosition: Sendable, Hashable {
    var segment: UInt32
    var offset: Int64
}

/// A record that is on stable storage, on its way into the databases.
struct LogRecord: Sendable {
    let sequence: Int64
    let blob: Int64
    let kind: RecordKind
    /// Where the content is.
    let place: BlobPlace
    let receivedAt: Int64
    var payload: RecordPayload
    /// Where the record itself begins, and where the next one does.
    let start: LogPosition
    let end: LogPosition
    /// Somebody waits until this is filed, and for what became of it.
    var whenFiled: (@Sendable (Result<AppendResult, StoreError>) -> Void)?

    /// Messages of an APPEND: filed as a whole.
    var isAppend: Bool { self.payload.deliveries.first?.append != nil }

    /// Size of a delivery as its mailbox counts it.
    func size(of delivery: StoredDelivery) -> Int64 { delivery.size(delivery.append?.place ?? self.place) }
}
