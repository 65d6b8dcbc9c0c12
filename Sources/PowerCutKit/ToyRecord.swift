internal import Bytes

/// One entry of a toy store's log: length, checksum, kind, numbers, body; all numbers are 32 bits, little-endian.
enum ToyRecord {
    case message(number: Int, recipients: [Int], body: [UInt8])
    case expunge(account: Int, uids: [UInt32])
    case flags(account: Int, uid: UInt32, flags: UInt32)
    case remove(account: Int)

    var framed: [UInt8] {
        let payload = self.payload
        return Self.bytes([UInt32(payload.count), CRC32C.checksum(payload)]) + payload
    }

    private var payload: [UInt8] {
        switch self {
        case .message(let number, let recipients, let body):
            return Self.bytes([0, UInt32(number), UInt32(recipients.count)] + recipients.map { UInt32($0) }) + body
        case .expunge(let account, let uids): return Self.bytes([1, UInt32(account), UInt32(uids.count)] + uids)
        case .flags(let account, let uid, let flags): return Self.bytes([2, UInt32(account), uid, flags])
        case .remove(let account): return Self.bytes([3, UInt32(account), 0])
        }
    }

    /// The record at the start of `bytes` and its size; nil when there is none that is whole.
    static func read(_ bytes: ArraySlice<UInt8>, checks: Bool) -> (ToyRecord, Int)? {
        guard bytes.count >= 20, let length = self.number(bytes, 0), length >= 12, Int(length) <= bytes.count - 8 else { return nil }
        let payload = Array(bytes.dropFirst(8).prefix(Int(length)))
        guard !checks || CRC32C.checksum(payload) == self.number(bytes, 1) else { return nil }
        guard let record = self.parse(payload[...]) else { return nil }
        return (record, 8 + Int(length))
    }

    private static func parse(_ payload: ArraySlice<UInt8>) -> ToyRecord? {
        guard let kind = self.number(payload, 0), let first = self.number(payload, 1), let second = self.number(payload, 2) else {
            return nil
        }
        switch kind {
        case 0, 1:
            guard Int(second) * 4 <= payload.count - 12 else { return nil }
            let list = (0..<Int(second)).compactMap { self.number(payload, 3 + $0) }
            let rest = Array(payload.dropFirst(12 + list.count * 4))
            return kind == 0
                ? .message(number: Int(first), recipients: list.map(Int.init), body: rest) : .expunge(account: Int(first), uids: list)
        case 2: return self.number(payload, 3).map { .flags(account: Int(first), uid: second, flags: $0) }
        case 3: return .remove(account: Int(first))
        default: return nil
        }
    }

    func apply(_ state: inout ToyStore.State) {
        switch self {
        case .message(let number, let recipients, let body):
            for account in recipients {
                let uid = (state.highest[account] ?? 0) + 1
                state.highest[account] = uid
                let prefix = Sample(number: number, seed: 0, size: 0, recipients: []).prefix(for: account)
                state.boxes[account, default: []].append(ToyStore.Entry(uid: uid, flags: 0, bytes: prefix + body))
            }
            if Sample(number: number, seed: 0, size: 0, recipients: []).isQueued { state.queue.insert(number) }
        case .expunge(let account, let uids): state.boxes[account]?.removeAll { uids.contains($0.uid) }
        case .flags(let account, let uid, let flags):
            if let index = state.boxes[account]?.firstIndex(where: { $0.uid == uid }) { state.boxes[account]?[index].flags = flags }
        case .remove(let account): state.boxes[account] = nil
        }
    }

    private static func bytes(_ numbers: [UInt32]) -> [UInt8] {
        numbers.flatMap { number in (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } }
    }

    private static func number(_ bytes: ArraySlice<UInt8>, _ index: Int) -> UInt32? {
        let start = bytes.startIndex + index * 4
        guard start + 4 <= bytes.endIndex else { return nil }
        return (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << ($1 * 8) }
    }
}
