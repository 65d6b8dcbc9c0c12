internal import Bytes
internal import NIOCore
internal import Vocabulary

// UIDBATCHES: ranges of UIDs that hold so many messages each, so that a client can ask for a mailbox in parts. [RFC10022-3.1]
extension IMAPRule {
    static let batches: [IMAPRule] = [
        IMAPRule(name: "UIDBATCHES", states: .selected, feature: .uidBatches, needsView: true) {
            machine, arguments, out throws(GrammarFault) in try machine.uidBatches(&arguments, &out)
        }
    ]
}

extension IMAPMachine {
    /// Messages of a batch, at least; and batches told at once: a million messages in the smallest. [RFC10022-3.1.3] [RFC10022-3.1.7]
    static let smallestBatch = 500
    static let mostBatches = 2000

    // RFC 10022:  "UIDBATCHES" SP nz-number [SP nz-number ":" nz-number]
    fileprivate mutating func uidBatches(_ arguments: inout Scanner, _ out: inout Output) throws(GrammarFault) {
        try arguments.expectSpace()
        let asked = Int(try arguments.nzNumber())
        var wanted: ClosedRange<Int>?
        if arguments.take(" ") {
            let first = Int(try arguments.nzNumber())
            try arguments.expect(":")
            let last = Int(try arguments.nzNumber())
            guard first <= last else { throw GrammarFault() }
            wanted = first...last
        }
        try arguments.expectEnd()
        guard asked >= Self.smallestBatch else { return self.finish(.no(.batchTooSmall, code: "TOOSMALL"), &out) }
        // No larger than what one command takes. [RFC9738-3]
        let size = min(asked, self.settings.messageLimit)
        let view = self.selected?.known ?? UIDSet()
        let count = (view.count + size - 1) / size
        let last = min(wanted?.upperBound ?? count, count)
        let first = wanted?.lowerBound ?? 1
        guard last - first < Self.mostBatches else { return self.finish(.no(.limitExceeded, code: "LIMIT"), &out) }
        out.replies.writeString("* UIDBATCHES (TAG \"\(self.command.tag)\")")
        self.writeBatches(first, last, size, view, &out)
        out.replies.writeStaticString("\r\n")
        self.finish(.ok(), &out)
    }

    /// From the newest message down; each range from its highest UID to its lowest, the last of all to 1. [RFC10022-3.1.2] [RFC10022-3.1.4]
    private func writeBatches(_ first: Int, _ last: Int, _ size: Int, _ view: UIDSet, _ out: inout Output) {
        guard first <= last else { return }
        for batch in first...last {
            let above = view.count - (batch - 1) * size
            let below = above - size
            guard let high = view.uid(at: above - 1) else { return }
            let low = below > 0 ? view.uid(at: below)?.rawValue ?? 1 : 1
            out.replies.writeInteger(batch == first ? UInt8.space : UInt8(ascii: ","))
            out.replies.writeString("\(high.rawValue):\(low)")
        }
    }
}
