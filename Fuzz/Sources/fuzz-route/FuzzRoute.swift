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
    let routes = value.rows.map { cells -> Route in
        guard let route = Route(cells: cells) else { fatalError("the form takes \(cells), the router does not") }
        return route
    }
    let again = try? RoutingField.mailRoutingTable.parse(routes.map(\.description))
    // The standard port need not be written.
    let plain = value.rows.map { $0.count == 3 && $0[2] == "25" ? [$0[0], $0[1], ""] : $0 }
    let isTwice = Set(plain).count < plain.count
    expect(again?.rows == plain || isTwice || routes.isEmpty, "\(routes) was read back as \(again?.rows ?? [])")
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
