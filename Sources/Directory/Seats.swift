internal import Database
internal import Forms
internal import Text
internal import Vocabulary

// Seats (must-haves 50, 114, 115, 155): how many general accounts there may be, on the instance and in a domain, and until when. At the limit none
// is added; after the end none is changed, but for what keeps it safe: passwords, states, deletion. Mail flows on whatever they say.

/// What a domain was sold.
package struct SeatGrant: Sendable, Equatable {
    package let seats: Int
    /// Days since 1970-01-01; nil is no end.
    package let lastDay: Int32?
    package var lastDayText: String? { self.lastDay.map(Day.text) }

    static func row(_ cells: [String]) -> (String, SeatGrant)? {
        guard cells.count == 3, let seats = Int(cells[1]) else { return nil }
        return (cells[0], SeatGrant(seats: max(0, seats), lastDay: Day.number(cells[2])))
    }
}

/// How many seats are taken, and how many there are; nil is no limit.
package struct SeatUse: Sendable {
    package let taken: Int
    package let limit: Int?
    package let lastDay: String?
    package let hasEnded: Bool
}

/// Whose seat an account takes: that of its primary address's domain; nil when it takes none.
struct AccountSeat: Equatable {
    let domain: String

    init?(_ values: [FieldKey: FieldValue]) {
        guard AccountField.type.effective(values[AccountField.type.key] ?? .none).text == "general",
            let primary = values[AccountField.addresses.key]?.list.first, let address = try? Address(parsing: primary)
        else { return nil }
        self.domain = DomainName.normalized(address.domain) ?? address.domain
    }
}

/// Seats taken and given back within one transaction.
final class SeatLedger {
    private(set) var byDomain: [String: Int] = [:]
    private(set) var all = 0
    private var saved: (byDomain: [String: Int], all: Int) = ([:], 0)

    func take(_ seat: AccountSeat?) {
        guard let seat else { return }
        self.byDomain[seat.domain, default: 0] += 1
        self.all += 1
    }

    func give(_ seat: AccountSeat?) {
        guard let seat else { return }
        self.byDomain[seat.domain, default: 0] -= 1
        self.all -= 1
    }

    /// Before an account that may be refused, and after it was.
    func mark() { self.saved = (self.byDomain, self.all) }
    func undo() { (self.byDomain, self.all) = self.saved }
}

extension AccountWriter {
    /// For a new account.
    func takeSeat(_ values: [FieldKey: FieldValue]) throws {
        try self.checkEnd(AccountSeat(values))
        try self.checkRoom(AccountSeat(values))
        self.seats.take(AccountSeat(values))
    }

    /// For a changed one: after the end only what keeps it safe is changed; a seat in another domain, or the first one, must be free.
    func moveSeat(from before: AccountDetails, to merged: [FieldKey: FieldValue], _ input: AccountInput) throws {
        let (old, new) = (AccountSeat(before.values), AccountSeat(merged))
        let isSafety = input.values.keys.allSatisfy { $0 == AccountField.state.key || $0 == AccountField.expiryDate.key }
        if !isSafety { try self.checkEnd(old ?? new) }
        guard old != new else { return }
        self.seats.give(old)
        try self.checkRoom(new)
        self.seats.take(new)
    }

    private func checkRoom(_ seat: AccountSeat?) throws {
        guard let seat else { return }
        let security = self.snapshot.configuration.security
        if let limit = security.seats, self.snapshot.contents.seatCount + self.seats.all >= limit {
            throw DirectoryError(
                .conflict, "all \(limit) accounts are in use; delete one or raise seat-limit (`postoffice seats set`)",
                "登録ユーザ数の上限 \(limit) に達しています。アカウントを削除するか、seat-limit を増やしてください (postoffice seats set)")
        }
        guard let grant = security.domainSeats[seat.domain] else { return }
        let taken = (self.snapshot.contents.seats[seat.domain] ?? 0) + (self.seats.byDomain[seat.domain] ?? 0)
        guard taken >= grant.seats else { return }
        throw DirectoryError(
            .conflict, "all \(grant.seats) accounts of \(seat.domain) are in use; delete one or raise its seats (`postoffice seats set`)",
            "\(seat.domain) の登録ユーザ数の上限 \(grant.seats) に達しています。アカウントを削除するか、上限を増やしてください (postoffice seats set)")
    }

    private func checkEnd(_ seat: AccountSeat?) throws {
        guard let seat else { return }
        let security = self.snapshot.configuration.security
        let today = Day.number(at: self.now)
        if let last = security.seatsUntil, today > last {
            throw DirectoryError(
                .conflict, "the time of the seats has ended on \(Day.text(last)): accounts are not added or changed; change seat-limit-end",
                "使用期限 \(Day.text(last)) を過ぎているため、アカウントの追加と変更はできません。seat-limit-end を変更してください")
        }
        if let last = security.domainSeats[seat.domain]?.lastDay, today > last {
            throw DirectoryError(
                .conflict, "the time of \(seat.domain) has ended on \(Day.text(last)): its accounts are not added or changed",
                "\(seat.domain) は使用期限 \(Day.text(last)) を過ぎているため、アカウントの追加と変更はできません")
        }
    }
}

extension Directory {
    /// Seats of the instance.
    package var seatUse: SeatUse {
        let (snapshot, today) = (self.snapshot, Day.number(at: self.location.now()))
        let security = snapshot.configuration.security
        return SeatUse(
            taken: snapshot.contents.seatCount, limit: security.seats, lastDay: security.seatsUntil.map(Day.text),
            hasEnded: security.seatsUntil.map { today > $0 } ?? false)
    }

    /// Seats of the domains that have a limit of their own, by name.
    package var domainSeatUse: [(domain: String, use: SeatUse)] {
        let (snapshot, today) = (self.snapshot, Day.number(at: self.location.now()))
        return snapshot.configuration.security.domainSeats.sorted { $0.key < $1.key }.map { domain, grant in
            let use = SeatUse(
                taken: snapshot.contents.seats[domain] ?? 0, limit: grant.seats, lastDay: grant.lastDayText,
                hasEnded: grant.lastDay.map { today > $0 } ?? false)
            return (domain, use)
        }
    }

    /// The day so many days from now, `2026-12-22`.
    package func day(after days: Int32) -> String { Day.text(Day.number(at: self.location.now()) + days) }
}
