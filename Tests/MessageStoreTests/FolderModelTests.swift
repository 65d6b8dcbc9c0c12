import MailTesting
import MessageStore
import NIOCore
import Testing
import Vocabulary

/// A session that knows a mailbox as it was at some MODSEQ and keeps up by asking what changed.
private struct Observer {
    var facts: MailboxFacts
    var flags: [UInt32: Flags]

    init(_ store: MessageStore, _ mailbox: MailboxID) async throws {
        self.facts = try await store.view(mailbox)
        let rows = try await store.rows(mailbox, UIDSet(1...UInt32.max))
        self.flags = Dictionary(uniqueKeysWithValues: rows.map { ($0.uid.rawValue, $0.flags) })
    }

    /// Catches up in pieces of `limit`; answers what was wrong about it.
    mutating func catchUp(_ store: MessageStore, limit: Int) async throws -> String? {
        let then = UIDSet(ascending: self.flags.keys.sorted())
        if try await store.uids(self.facts.id, asOf: self.facts) != then { return "the view of then is another one" }
        var isMore = true
        while isMore {
            let changes = try await store.changes(self.facts.id, since: self.facts, limit: limit)
            if changes.modSeq < self.facts.highestModSeq { return "MODSEQ fell" }
            if !changes.isWhole { return "not whole" }
            for uid in changes.expunged { self.flags[uid.rawValue] = nil }
            for message in changes.changed where self.flags[message.uid.rawValue] != nil {
                self.flags[message.uid.rawValue] = message.flags
            }
            for row in try await store.rows(self.facts.id, changes.arrived) {
                if row.uid < self.facts.uidNext { return "\(row.uid) came below UIDNEXT" }
                self.flags[row.uid.rawValue] = row.flags
            }
            (self.facts.highestModSeq, self.facts.uidNext) = (changes.modSeq, changes.uidNext)
            isMore = changes.isMore
        }
        return nil
    }
}

/// What mailboxes should hold.
private struct Model {
    struct Message: Equatable {
        var uid: UInt32
        var text: String
        var flags: Flags
    }

    struct Box {
        var id: MailboxID
        var validity: UIDValidity
        var next: UInt32 = 1
        var messages: [Message] = []
    }

    var boxes: [String: Box] = [:]
    var greatestID: Int64 = 0
    var greatestValidity: UInt32 = 0

    mutating func made(_ name: String, _ facts: MailboxFacts) {
        #expect(facts.id.rawValue > self.greatestID && facts.uidValidity.rawValue > self.greatestValidity)
        (self.greatestID, self.greatestValidity) = (facts.id.rawValue, facts.uidValidity.rawValue)
        self.boxes[name] = Box(id: facts.id, validity: facts.uidValidity)
    }
}

@Suite struct FolderModelTests {
    private let names = ["INBOX", "a", "a/b", "c", "d/e"]
    private let words = ["$One", "$Two", "Three"]

    @Test("I1 I3 I5 mailboxes agree with a plain model over random work and reopenings", arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func agree(seed: UInt64) async throws {
        var dice = Dice(state: seed)
        let scratch = try Scratch()
        func open() throws -> MessageStore { try scratch.open { ($0.segmentSize, $0.promisesFrom) = (8000, seed % 2 == 0 ? 2 : 1000) } }
        var store = try open()
        var model = Model()
        model.made("INBOX", try #require(try await store.found("INBOX", account)))
        var observers: [Observer] = []
        for step in 0..<300 {
            try await self.work(step, store, &model, &dice)
            switch Int.random(in: 0..<30, using: &dice) {
            case 0:
                store.close()
                store = try open()
            case 1: #expect(try store.check().problems == [])
            case 2...5:
                if let box = model.boxes.values.randomElement(using: &dice) { observers.append(try await Observer(store, box.id)) }
            case 6...9: try await self.catchUp(&observers, store, model, &dice)
            default: break
            }
        }
        try await self.catchUp(&observers, store, model, &dice)
        for (name, box) in model.boxes { try await self.compare(name, box, store) }
        #expect(try await store.mailboxes(account).map(\.name) == model.boxes.keys.sorted())
        #expect(try store.check().problems == [])
        store.close()
    }

    private func catchUp(_ observers: inout [Observer], _ store: MessageStore, _ model: Model, _ dice: inout Dice) async throws {
        observers.removeAll { observer in !model.boxes.values.contains { $0.id == observer.facts.id } }
        for index in observers.indices where Bool.random(using: &dice) {
            let problem = try await observers[index].catchUp(store, limit: Int.random(in: 1...20, using: &dice))
            #expect(problem == nil)
            let box = model.boxes.values.first { $0.id == observers[index].facts.id }
            let expected = Dictionary(uniqueKeysWithValues: (box?.messages ?? []).map { ($0.uid, $0.flags) })
            #expect(observers[index].flags == expected)
        }
    }

    private func compare(_ name: String, _ box: Model.Box, _ store: MessageStore) async throws {
        let facts = try #require(try await store.found(name, account))
        #expect(facts.id == box.id && facts.uidValidity == box.validity && facts.uidNext.rawValue == box.next)
        #expect(facts.messages == box.messages.count && facts.unseen == box.messages.count { !$0.flags.contains(.seen) })
        #expect(facts.deleted == box.messages.count { $0.flags.contains(.deleted) })
        var found: [Model.Message] = []
        for row in try await store.rows(box.id, UIDSet(1...UInt32.max)) {
            found.append(.init(uid: row.uid.rawValue, text: try await store.text(box.id, row.uid), flags: row.flags))
        }
        #expect(found == box.messages)
    }

    // MARK: Work

    private func work(_ step: Int, _ store: MessageStore, _ model: inout Model, _ dice: inout Dice) async throws {
        guard let name = model.boxes.keys.sorted().randomElement(using: &dice), let box = model.boxes[name] else { return }
        switch Int.random(in: 0..<100, using: &dice) {
        case 0..<15: try await self.deliver(step, name, box, store, &model)
        case 15..<35: try await self.append(step, name, box, store, &model, &dice)
        case 35..<55: try await self.flag(name, box, store, &model, &dice)
        case 55..<65: try await self.expunge(name, box, store, &model, &dice)
        case 65..<85: try await self.copy(name, box, store, &model, &dice)
        default: try await self.rearrange(name, box, store, &model, &dice)
        }
    }

    private func deliver(_ step: Int, _ name: String, _ box: Model.Box, _ store: MessageStore, _ model: inout Model) async throws {
        _ = try await store.accept(message("step \(step)\r\n", to: [PlannedDelivery(account: account, mailbox: box.id)]))
        // Nobody knows its UID before it is filed; a mailbox that is removed before that sends it to INBOX.
        _ = try await store.view(box.id)
        model.boxes[name]?.messages.append(.init(uid: box.next, text: "step \(step)\r\n", flags: []))
        model.boxes[name]?.next += 1
    }

    private func append(
        _ step: Int, _ name: String, _ box: Model.Box, _ store: MessageStore, _ model: inout Model, _ dice: inout Dice
    ) async throws {
        let count = Int.random(in: 1...4, using: &dice)
        let flags = Flags(rawValue: UInt64.random(in: 0..<32, using: &dice))
        let items = (0..<count).map { added("step \(step) \($0)\r\n", flags, $0 == 0 ? [self.words[step % 3]] : []) }
        let done = try await store.append(items, box.id)
        #expect(done.uids.map(\.rawValue) == Array(box.next..<box.next + UInt32(count)))
        let known = try await store.words(box.id)
        for index in 0..<count {
            var all = flags
            for (bit, word) in known where index == 0 && word == self.words[step % 3] { all.formUnion(.keyword(bit)) }
            model.boxes[name]?.messages.append(.init(uid: box.next + UInt32(index), text: "step \(step) \(index)\r\n", flags: all))
        }
        model.boxes[name]?.next += UInt32(count)
    }

    private func chosen(_ box: Model.Box, _ dice: inout Dice) -> UIDSet {
        UIDSet(ascending: box.messages.map(\.uid).filter { _ in Int.random(in: 0..<3, using: &dice) == 0 })
    }

    private func flag(_ name: String, _ box: Model.Box, _ store: MessageStore, _ model: inout Model, _ dice: inout Dice) async throws {
        let uids = self.chosen(box, &dice)
        let flags = Flags(rawValue: UInt64.random(in: 0..<32, using: &dice))
        let changes: [MessageStore.FlagChange] = [.add(flags), .remove(flags), .replace(flags)]
        guard let change = changes.randomElement(using: &dice) else { return }
        let before = try await store.rows(box.id, uids)
        let done = try await store.changeFlags(box.id, uids, change)
        var changed: [UInt32] = []
        for row in before {
            let new: Flags
            switch change {
            case .add(let more): new = row.flags.union(more)
            case .remove(let less): new = row.flags.subtracting(less)
            case .replace(let all): new = all
            }
            if new != row.flags { changed.append(row.uid.rawValue) }
            guard let index = model.boxes[name]?.messages.firstIndex(where: { $0.uid == row.uid.rawValue }) else { continue }
            model.boxes[name]?.messages[index].flags = new
        }
        #expect(done.changed.map(\.uid.rawValue) == changed)
    }

    private func expunge(_ name: String, _ box: Model.Box, _ store: MessageStore, _ model: inout Model, _ dice: inout Dice) async throws {
        let uids = self.chosen(box, &dice)
        let onlyDeleted = Bool.random(using: &dice)
        let gone = try await store.expunge(box.id, uids, onlyDeleted: onlyDeleted)
        let expected = box.messages.filter { uids.contains(UID(rawValue: $0.uid)) && (!onlyDeleted || $0.flags.contains(.deleted)) }.map(
            \.uid)
        #expect(gone.uids == UIDSet(ascending: expected))
        model.boxes[name]?.messages.removeAll { expected.contains($0.uid) }
    }

    private func copy(_ name: String, _ box: Model.Box, _ store: MessageStore, _ model: inout Model, _ dice: inout Dice) async throws {
        guard let other = model.boxes.keys.sorted().randomElement(using: &dice), let target = model.boxes[other] else { return }
        let uids = self.chosen(box, &dice)
        let isMove = Bool.random(using: &dice)
        let from = try await store.words(box.id)
        let done = try await store.copy(uids, box.id, target.id, isMove: isMove)
        #expect(done.sources == uids && done.copies.count == uids.count && done.uidValidity == target.validity)
        let to = Dictionary(uniqueKeysWithValues: try await store.words(target.id).map { ($0.value, $0.key) })
        var next = target.next
        let originals = box.messages.filter { uids.contains(UID(rawValue: $0.uid)) }
        if isMove { model.boxes[name]?.messages.removeAll { uids.contains(UID(rawValue: $0.uid)) } }
        for original in originals {
            var flags = original.flags.intersection(.system)
            for (bit, word) in from where original.flags.contains(.keyword(bit)) { flags.formUnion(to[word].map { .keyword($0) } ?? []) }
            model.boxes[other]?.messages.append(.init(uid: next, text: original.text, flags: flags))
            next += 1
        }
        model.boxes[other]?.next = next
        if let first = originals.first { #expect(done.copies.first?.rawValue == target.next && first.uid > 0) }
    }

    private func rearrange(_ name: String, _ box: Model.Box, _ store: MessageStore, _ model: inout Model, _ dice: inout Dice) async throws {
        let free = self.names.filter { model.boxes[$0] == nil }
        switch Int.random(in: 0..<3, using: &dice) {
        case 0:
            guard let new = free.randomElement(using: &dice) else { return }
            model.made(new, try await store.create(new, account))
        case 1 where name != "INBOX":
            try await store.delete(box.id)
            model.boxes[name] = nil
        case 2 where name != "INBOX" && !model.boxes.keys.contains { $0.hasPrefix(name + "/") }:
            guard let new = free.randomElement(using: &dice) else { return }
            try await store.rename(name, new, account)
            model.boxes[new] = box
            model.boxes[name] = nil
        default: break
        }
    }
}
