/// What the program under test has promised so far, gathered from its marks.
///
/// A mark is one line: `send NUMBER SEED SIZE RECIPIENTS`, `ok NUMBER`, `no NUMBER`, `see ACCOUNT VALIDITY UID:NUMBER,UID:NUMBER,…`
/// (the whole mailbox),
/// `expunging|expunged ACCOUNT NUMBER`, `moving|moved ACCOUNT NUMBER`, `flagging|flagged ACCOUNT NUMBER FLAGS`, `removing|removed ACCOUNT`,
/// `failed` (an act failed after its beginning was marked).
package struct Ledger: Sendable {
    enum Answer: Sendable { case none, accepted, refused }

    /// An act that began and perhaps ended: between the two, both states are right.
    enum Progress: Sendable { case no, begun, done }

    struct Copy: Hashable, Sendable {
        let account: Int
        let number: Int
    }

    struct Sent: Sendable {
        let sample: Sample
        let body: [UInt8]
        var answer = Answer.none
    }

    /// Some message was answered 250.
    package var hasPromises: Bool { self.sent.values.contains { $0.answer == .accepted } }

    private(set) var sent: [Int: Sent] = [:]
    private(set) var expunged: [Copy: Progress] = [:]
    private(set) var moved: [Copy: Progress] = [:]
    private(set) var removed: [Int: Progress] = [:]
    /// UID that somebody was shown for a message.
    private(set) var seen: [Copy: UInt32] = [:]
    private(set) var validity: [Int: UInt32] = [:]
    private(set) var highestUID: [Int: UInt32] = [:]
    /// Flags that a message may have; a message that is not in here has none.
    private(set) var flags: [Copy: Set<UInt32>] = [:]

    package init() {}

    package struct BadMark: Error, CustomStringConvertible {
        package let description: String
    }

    package mutating func apply(mark: String) throws(BadMark) {
        for line in mark.split(separator: "\n") { try self.apply(line: line) }
    }

    private mutating func apply(line: Substring) throws(BadMark) {
        let words = line.split(separator: " ")
        let numbers = words.dropFirst().map { Int($0) ?? 0 }
        switch (words.first, numbers.count) {
        case ("send", 4):
            let recipients = words[4].split(separator: ",").compactMap { Int($0) }
            let sample = Sample(number: numbers[0], seed: UInt64(words[2]) ?? 0, size: numbers[2], recipients: recipients)
            self.sent[sample.number] = Sent(sample: sample, body: sample.body())
        case ("ok", 1): self.sent[numbers[0]]?.answer = .accepted
        case ("no", 1): self.sent[numbers[0]]?.answer = .refused
        case ("see", 3):
            for entry in words[3].split(separator: ",") {
                let pair = entry.split(separator: ":").compactMap { Int($0) }
                guard pair.count == 2 else { throw BadMark(description: "bad mark: \(line)") }
                try self.see(account: numbers[0], validity: numbers[1], uid: pair[0], number: pair[1])
            }
        case ("expunging", 2): self.expunged[Copy(account: numbers[0], number: numbers[1])] = .begun
        case ("expunged", 2): self.expunged[Copy(account: numbers[0], number: numbers[1])] = .done
        case ("moving", 2): self.moved[Copy(account: numbers[0], number: numbers[1])] = .begun
        case ("moved", 2): self.moved[Copy(account: numbers[0], number: numbers[1])] = .done
        case ("flagging", 3): self.flags[Copy(account: numbers[0], number: numbers[1]), default: [0]].insert(UInt32(numbers[2]))
        case ("flagged", 3): self.flags[Copy(account: numbers[0], number: numbers[1])] = [UInt32(numbers[2])]
        case ("removing", 1): self.removed[numbers[0]] = .begun
        case ("removed", 1): self.removed[numbers[0]] = .done
        case ("failed", 0): break
        default: throw BadMark(description: "bad mark: \(line)")
        }
    }

    private mutating func see(account: Int, validity: Int, uid: Int, number: Int) throws(BadMark) {
        guard let uid = UInt32(exactly: uid), let validity = UInt32(exactly: validity) else {
            throw BadMark(description: "bad UID \(uid) or UIDVALIDITY \(validity)")
        }
        let copy = Copy(account: account, number: number)
        if let before = self.seen[copy], before != uid {
            throw BadMark(description: "the running store gave message \(number) of account \(account) UID \(before), then \(uid)")
        }
        self.seen[copy] = uid
        self.validity[account] = validity
        self.highestUID[account] = max(self.highestUID[account] ?? 0, uid)
    }

    package var accounts: [Int] { Set(self.sent.values.flatMap(\.sample.recipients)).sorted() }
    package var acceptedCount: Int { self.sent.values.count { $0.answer == .accepted } }
}
