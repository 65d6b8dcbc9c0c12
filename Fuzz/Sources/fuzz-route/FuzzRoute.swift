internal import Forms
internal import FuzzKit
internal import Routing
internal import Vocabulary

/// The mail routing table: text as typed into the form, and a domain to look up in it, on the first line.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRoute(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let lines = input.remaining().split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
    }
    let (domain, table) = (lines.first ?? "", lines.count > 1 ? lines[1] : "")
    guard let value = try? RoutingField.mailRoutingTable.parse([table]) else { return 0 }
    // Port 25 for LMTP, a port behind a socket: what does not go together in a row is refused where the row is kept.
    let routes = value.rows.compactMap { cells -> Route? in
        let route = Route(cells: cells)
        expect(route != nil || (cells[1].hasPrefix("lmtp:") && cells.count > 2 && !cells[2].isEmpty), "\(cells) is no route")
        return route
    }
    guard routes.count == value.rows.count else { return 0 }
    let again = try? RoutingField.mailRoutingTable.parse(routes.map(\.description))
    // A standard port need not be written: rows that differ in that alone are the same route twice.
    let isTwice = Set(routes).count < routes.count
    expect((again?.rows ?? []).compactMap { Route(cells: $0) } == routes || isTwice, "\(routes) was read back as \(again?.rows ?? [])")
    let found = RouteTable(routes).route(for: domain)
    expect(found == firstMatch(routes, domain), "\(domain) in \(routes): \(found.map(\.description) ?? "none")")
    return 0
}

private func firstMatch(_ routes: [Route], _ domain: String) -> Route? {
    routes.first { route in
        switch route.pattern {
        case .any: true
        case .exactly(let name): name == domain
        case .below(let name): domain.utf8.count > name.utf8.count && domain.hasSuffix(".\(name)") && !domain.hasPrefix("[")
        }
    }
}
