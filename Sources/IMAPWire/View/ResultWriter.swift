internal import Bytes
internal import NIOCore
internal import Search
internal import Vocabulary

/// Writes SEARCH, SORT, THREAD and ESEARCH responses, a piece at a time: a million numbers are eight megabytes.
struct ResultWriter: Sendable {
    private enum Part: Sendable {
        case text(String)
        case mailbox(String)
        /// Numbers, each after a blank.
        case numbers([UInt32])
        /// The same of a set of UIDs.
        case members(UIDSet)
        case set(UIDSet)
        /// `3,1:2`: as it stands, neighbours that ascend as ranges.
        case ordered([UInt32])
        case threads([MessageThreads.Item])
    }

    private var parts: [Part] = []
    private var part = 0
    /// Items of the part that are written.
    private var offset = 0
    private let view: UIDSet
    private let isUID: Bool
    private let mode: WireMode

    init(_ answer: SearchAnswer, _ plan: SearchPlan, view: UIDSet, tag: String, mode: WireMode) {
        self.view = view
        self.isUID = plan.isUID
        self.mode = mode
        if case .old(let word) = plan.form {
            self.addOld(word.rawValue, answer)
            return
        }
        // Of a search that only saves nothing is told. [RFC9051-6.4.4.4]
        let told: SearchReturns.Items = [.min, .max, .all, .count, .relevancy]
        guard !plan.returns.items.isDisjoint(with: told) || plan.returns.partial != nil else { return }
        switch answer.result {
        case .found(let found):
            for one in found { self.addExtended(one, plan, tag: tag, answer.modSeq) }
        case .sorted(let uids): self.addSorted(uids, plan, tag: tag, answer.modSeq)
        case .threads: break
        }
    }

    // MARK: SEARCH, SORT, THREAD

    private mutating func addOld(_ word: String, _ answer: SearchAnswer) {
        self.parts.append(.text("* \(word)"))
        var isEmpty = true
        switch answer.result {
        case .found(let found):
            let uids = found.first?.uids ?? UIDSet()
            isEmpty = uids.isEmpty
            self.parts.append(.members(uids))
        case .sorted(let uids):
            isEmpty = uids.isEmpty
            self.parts.append(.numbers(uids.compactMap { self.number($0) }))
        case .threads(let threads):
            if !threads.items.isEmpty { self.parts += [.text(" "), .threads(threads.items)] }
        }
        if let modSeq = answer.modSeq, !isEmpty { self.parts.append(.text(" (MODSEQ \(modSeq))")) }  // [RFC7162-3.1.5]
        self.parts.append(.text("\r\n"))
    }

    // MARK: ESEARCH [RFC9051-7.3.4]

    private mutating func addExtended(_ found: SearchAnswer.Found, _ plan: SearchPlan, tag: String, _ modSeq: ModSeq?) {
        self.parts.append(.text("* ESEARCH (TAG \"\(tag)\""))
        if let mailbox = found.mailbox, let validity = found.validity {
            self.parts += [.text(" MAILBOX "), .mailbox(mailbox), .text(" UIDVALIDITY \(validity)")]  // [RFC7377-2.1]
        }
        self.parts.append(.text(plan.isUID ? ") UID" : ")"))
        let numbers = plan.isUID ? found.uids : IMAPMachine.places(of: found.uids, in: self.view)
        let items = plan.returns.items
        if items.contains(.min), let first = numbers.first { self.parts.append(.text(" MIN \(first)")) }
        if items.contains(.max), let last = numbers.last { self.parts.append(.text(" MAX \(last)")) }
        if items.contains(.all), !numbers.isEmpty { self.parts += [.text(" ALL "), .set(numbers)] }
        if items.contains(.count) { self.parts.append(.text(" COUNT \(numbers.count)")) }
        if let window = plan.returns.partial {
            let slice = numbers.slice(window.places(of: numbers.count))
            self.parts.append(.text(" PARTIAL (\(window.wireText) "))
            self.parts += [slice.isEmpty ? .text("NIL") : .set(slice), .text(")")]
        }
        if items.contains(.relevancy), !found.uids.isEmpty {
            // All that was found matches as it was asked for; what the service says of nearness is passed on. [RFC6203-4]
            let scores =
                found.relevancies.count == found.uids.count
                ? found.relevancies.map(UInt32.init) : Array(repeating: 100, count: found.uids.count)
            self.parts.append(.text(" RELEVANCY (\(scores.map(String.init).joined(separator: " ")))"))
        }
        if let modSeq, !numbers.isEmpty { self.parts.append(.text(" MODSEQ \(modSeq)")) }  // [RFC7162-3.1.10]
        self.parts.append(.text("\r\n"))
    }

    /// SORT with RETURN: MIN and MAX are the first and the last in order. [RFC5267-3]
    private mutating func addSorted(_ uids: [UID], _ plan: SearchPlan, tag: String, _ modSeq: ModSeq?) {
        self.parts.append(.text("* ESEARCH (TAG \"\(tag)\"\(plan.isUID ? ") UID" : ")")"))
        let numbers = uids.compactMap { self.number($0) }
        let items = plan.returns.items
        if items.contains(.min), let first = numbers.first { self.parts.append(.text(" MIN \(first)")) }
        if items.contains(.max), let last = numbers.last { self.parts.append(.text(" MAX \(last)")) }
        if items.contains(.all), !numbers.isEmpty { self.parts += [.text(" ALL "), .ordered(numbers)] }
        if items.contains(.count) { self.parts.append(.text(" COUNT \(numbers.count)")) }
        if let window = plan.returns.partial {
            let slice = Array(numbers[window.places(of: numbers.count)])
            self.parts.append(.text(" PARTIAL (\(window.wireText) "))
            self.parts += [slice.isEmpty ? .text("NIL") : .ordered(slice), .text(")")]
        }
        if let modSeq, !numbers.isEmpty { self.parts.append(.text(" MODSEQ \(modSeq)")) }
        self.parts.append(.text("\r\n"))
    }

    /// As the client numbers the message.
    private func number(_ uid: UID) -> UInt32? { Self.number(uid, self.view, isUID: self.isUID) }

    private static func number(_ uid: UID, _ view: UIDSet, isUID: Bool) -> UInt32? {
        isUID ? uid.rawValue : view.index(of: uid).flatMap { UInt32(exactly: $0 + 1) }
    }

    // MARK: Writing

    /// True when everything is written.
    mutating func write(to out: inout ByteBuffer, limit: Int) -> Bool {
        while self.part < self.parts.count {
            guard self.writePart(self.parts[self.part], &out, limit) else { return false }
            self.part += 1
            self.offset = 0
        }
        return true
    }

    private mutating func writePart(_ part: Part, _ out: inout ByteBuffer, _ limit: Int) -> Bool {
        switch part {
        case .text(let text): out.writeString(text)
        case .mailbox(let name): out.writeMailboxName(name, isUTF8: self.mode.isUTF8)
        case .numbers(let numbers):
            return self.each(numbers.count, &out, limit) { index, out in
                out.writeInteger(UInt8.space)
                out.writeIMAPNumber(numbers[index])
            }
        case .members(let uids):
            let (view, isUID) = (self.view, self.isUID)
            return self.each(uids.count, &out, limit) { index, out in
                guard let uid = uids.uid(at: index), let number = Self.number(uid, view, isUID: isUID) else { return }
                out.writeInteger(UInt8.space)
                out.writeIMAPNumber(number)
            }
        case .set(let set):
            return self.each(set.runs.count, &out, limit) { index, out in
                if index > 0 { out.writeInteger(UInt8(ascii: ",")) }
                out.writeIMAPSet(UIDSet(set.runs[index].first...set.runs[index].last))
            }
        case .ordered(let numbers): return self.writeOrdered(numbers, &out, limit)
        case .threads(let items): return self.writeThreads(items, &out, limit)
        }
        return true
    }

    private mutating func each(_ count: Int, _ out: inout ByteBuffer, _ limit: Int, _ write: (Int, inout ByteBuffer) -> Void) -> Bool {
        while self.offset < count {
            guard out.readableBytes < limit else { return false }
            write(self.offset, &out)
            self.offset += 1
        }
        return true
    }

    private mutating func writeOrdered(_ numbers: [UInt32], _ out: inout ByteBuffer, _ limit: Int) -> Bool {
        while self.offset < numbers.count {
            guard out.readableBytes < limit else { return false }
            if self.offset > 0 { out.writeInteger(UInt8(ascii: ",")) }
            var end = self.offset
            while end + 1 < numbers.count, numbers[end] < UInt32.max, numbers[end + 1] == numbers[end] + 1 { end += 1 }
            out.writeIMAPNumber(numbers[self.offset])
            if end > self.offset {
                out.writeInteger(UInt8(ascii: ":"))
                out.writeIMAPNumber(numbers[end])
            }
            self.offset = end + 1
        }
        return true
    }

    // RFC 5256 5:  thread-list = "(" (thread-members / thread-nested) ")"
    private mutating func writeThreads(_ items: [MessageThreads.Item], _ out: inout ByteBuffer, _ limit: Int) -> Bool {
        while self.offset < items.count {
            guard out.readableBytes < limit else { return false }
            let isBehindMessage = if self.offset > 0, case .message = items[self.offset - 1] { true } else { false }
            switch items[self.offset] {
            case .open:
                if isBehindMessage { out.writeInteger(UInt8.space) }
                out.writeInteger(UInt8(ascii: "("))
            case .close: out.writeInteger(UInt8(ascii: ")"))
            case .message(let uid):
                if isBehindMessage { out.writeInteger(UInt8.space) }
                out.writeIMAPNumber(self.number(uid) ?? 0)
            }
            self.offset += 1
        }
        return true
    }
}

extension ResultWindow {
    /// `1:100` or `-1:-100`.
    var wireText: String { self.isFromEnd ? "-\(self.first):-\(self.last)" : "\(self.first):\(self.last)" }
}
