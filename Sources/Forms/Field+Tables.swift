internal import Bytes
internal import Text
internal import Vocabulary

// Rows in brackets: `[pattern:host:port]`, `[<in> <out>]`. One bracket a row; several may stand on a line; a line without brackets is a row.
extension Field {
    func parseTable(_ given: [String], _ table: Table) throws(FieldProblem) -> FieldValue {
        var rows: [[String]] = []
        var seen: Set<[String]> = []
        for text in given {
            for typed in try self.brackets(text, table) {
                let row = try self.parseRow(typed, table)
                guard seen.insert(row).inserted else { throw self.problem(.twice(typed)) }
                rows.append(row)
                guard rows.count <= table.maximumRows else { throw self.problem(.tooMany(table.maximumRows)) }
            }
        }
        return rows.isEmpty ? .none : .rows(rows)
    }

    /// Contents of the brackets of a text, nested ones whole: `[a:[::1]:25]` is `a:[::1]:25`.
    private func brackets(_ text: String, _ table: Table) throws(FieldProblem) -> [String] {
        var out: [String] = []
        for line in text.split(whereSeparator: \.isNewline).map({ Self.trimmed(String($0)) }) where !line.isEmpty {
            guard line.hasPrefix("[") else {
                out.append(line)
                continue
            }
            guard let rows = Self.bracketed(line) else { throw self.problem(.row(line, table)) }
            out += rows
        }
        return out
    }

    /// nil when brackets do not match or something stands between them. Brackets within quotes are text.
    private static func bracketed(_ line: String) -> [String]? {
        var out: [String] = []
        var depth = 0
        var isQuoted = false
        var isEscaped = false
        var row = ""
        for scalar in line.unicodeScalars {
            let isText = isQuoted || !(scalar == "[" || scalar == "]")
            if !isText && scalar == "]" { depth -= 1 }
            if depth > 0 {
                row.unicodeScalars.append(scalar)
            } else if depth < 0 || !"[], \t".unicodeScalars.contains(scalar) {
                return nil
            }
            if scalar == "\"" && !isEscaped { isQuoted.toggle() }
            isEscaped = isQuoted && scalar == "\\" && !isEscaped
            if isText { continue }
            if scalar == "[" {
                depth += 1
            } else if depth == 0 {
                out.append(row)
                row = ""
            }
        }
        return depth == 0 ? out : nil
    }

    private func parseRow(_ typed: String, _ table: Table) throws(FieldProblem) -> [String] {
        let cells = self.cells(typed, table)
        let needed = table.columns.count { !$0.isOptional }
        guard cells.count >= needed, cells.count <= table.columns.count else { throw self.problem(.row(typed, table)) }
        return try self.row(cells, table)
    }

    private func row(_ cells: [String], _ table: Table) throws(FieldProblem) -> [String] {
        var row: [String] = []
        for (index, column) in table.columns.enumerated() {
            let typed = index < cells.count ? cells[index] : ""
            if typed.isEmpty && column.isOptional {
                row.append("")
                continue
            }
            row.append(try self.parseCell(typed, column))
        }
        return row
    }

    /// A row whose cells came apart. The bracket notation must be able to say the same.
    func parse(cells: [String], _ table: Table) throws(FieldProblem) -> [String] {
        let row = try self.row(cells, table)
        guard let written = self.written(.rows([row])).first, (try? self.parseTable([written], table)) == .rows([row]) else {
            throw self.problem(.row(cells.joined(separator: String(table.separator)), table))
        }
        return row
    }

    /// The cells as typed. A host may hold colons (IPv6, bare or in brackets), so that a route is cut by its parts, not by colons.
    private func cells(_ typed: String, _ table: Table) -> [String] {
        if table.columns.contains(where: { $0.kind == .routeHost }) { return Self.routeCells(typed) }
        if table.separator == " " { return Self.entries(typed, " \t") }
        return typed.split(separator: table.separator, omittingEmptySubsequences: false).map { Self.trimmed(String($0)) }
    }

    private static func routeCells(_ typed: String) -> [String] {
        guard let colon = typed.firstIndex(of: ":") else { return [typed] }
        let pattern = self.trimmed(String(typed[..<colon]))
        let rest = self.trimmed(String(typed[typed.index(after: colon)...]))
        if IPAddress(rest) != nil { return [pattern, rest] }
        guard let last = rest.lastIndex(of: ":"), self.port(String(rest[rest.index(after: last)...])) != nil else {
            return [pattern, rest]
        }
        return [pattern, String(rest[..<last]), String(rest[rest.index(after: last)...])]
    }

    private func parseCell(_ typed: String, _ column: Table.Column) throws(FieldProblem) -> String {
        switch column.kind {
        case .text:
            guard !typed.isEmpty, typed.utf8.count <= 1000, !typed.unicodeScalars.contains(where: UnicodeText.isControl) else { break }
            return UnicodeText.nfc(typed)
        case .routePattern:
            if typed == "*" { return typed }
            let isWild = typed.hasPrefix("*.")
            if let name = DomainName.normalized(isWild ? String(typed.dropFirst(2)) : typed), !name.hasPrefix("[") {
                return isWild ? "*.\(name)" : name
            }
        case .routeHost:
            if let host = Self.routeHost(typed) { return host }
        case .port:
            if let port = Self.port(typed) { return "\(port)" }
        case .address: return try self.parseAddress(typed)
        case .domain: return try self.parseDomain(typed)
        case .bytes:
            if let bytes = Notation.parseBytes(typed) { return "\(bytes)" }
        case .duration:
            if let seconds = Notation.parseDuration(typed) { return "\(seconds)" }
        case .date:
            if Notation.isDate(typed) { return typed }
        case .integer:
            if typed.utf8.count <= 18, let number = Int64(typed), number >= 0 { return "\(number)" }
        case .nextHost(let takesAll):
            if let host = Self.nextHost(typed, takesAll: takesAll) { return host }
        case .ipAddress:
            if let address = IPAddress(typed) { return "\(address)" }
        case .word(let words):
            if words.contains(typed.asciiLowercased) { return typed.asciiLowercased }
        }
        throw self.problem(.cell(typed, column.label))
    }

    /// `*`, `hold`, a host name, a host name in brackets (no MX), an IP address bare or in brackets. IPv4 comes out bare, IPv6 in brackets.
    /// With `lmtp:` in front a host or address, or the path of a socket.
    private static func routeHost(_ typed: String) -> String? {
        if typed.asciiLowercased.hasPrefix("lmtp:") { return self.lmtpHost(String(typed.dropFirst(5))) }
        let plain = typed.asciiLowercased
        if plain == "*" || plain == "hold" { return plain }
        if let address = IPAddress(plain) { return self.mayEndInPort(plain) ? nil : self.routeAddress(address) }
        guard plain.hasPrefix("["), plain.hasSuffix("]") else { return DomainName.normalized(plain) }
        let inner = String(plain.dropFirst().dropLast())
        if let address = IPAddress(inner.hasPrefix("ipv6:") ? String(inner.dropFirst(5)) : inner) { return self.routeAddress(address) }
        return inner.hasPrefix("[") ? nil : DomainName.normalized(inner).map { "[\($0)]" }
    }

    /// `::1:25` is an address, and the address `::1` with a port: who means either writes brackets.
    private static func mayEndInPort(_ address: String) -> Bool {
        guard let colon = address.lastIndex(of: ":"), IPAddress(String(address[..<colon])) != nil else { return false }
        return self.port(String(address[address.index(after: colon)...])) != nil
    }

    /// Octets that the name of a socket may have. Linux, unix(7).
    private static let longestSocketPath = 107

    private static func lmtpHost(_ typed: String) -> String? {
        if typed.hasPrefix("/") {
            let isPath =
                typed.utf8.count <= self.longestSocketPath && typed.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != 0x5B && $0 != 0x5D }
            return isPath ? "lmtp:\(typed)" : nil
        }
        guard let host = self.routeHost(typed), host != "*", host != "hold", !host.hasPrefix("lmtp:") else { return nil }
        // Hosts of LMTP have no MX: brackets around a name would say nothing.
        let isName = host.hasPrefix("[") && IPAddress(String(host.dropFirst().dropLast())) == nil
        return "lmtp:\(isName ? String(host.dropFirst().dropLast()) : host)"
    }

    /// `smtp.example`, `[smtp.example]:587`, `192.0.2.1`, `[2001:db8::1]:25`.
    private static func nextHost(_ typed: String, takesAll: Bool) -> String? {
        if typed == "*" { return takesAll ? typed : nil }
        var (host, end) = (typed, "")
        if IPAddress(typed) == nil, let colon = typed.lastIndex(of: ":"), let port = self.port(String(typed[typed.index(after: colon)...]))
        {
            (host, end) = (String(typed[..<colon]), ":\(port)")
        }
        guard let known = self.routeHost(host), known != "*", known != "hold", !known.hasPrefix("lmtp:") else { return nil }
        return known + end
    }

    private static func routeAddress(_ address: IPAddress) -> String { address.isIPv6 ? "[\(address)]" : "\(address)" }
}
