import Directory
import Forms
import SASL
import Text
import Vocabulary

/// `account import`: good rows go in, bad ones are named by line with the cure. The work is PBKDF2, some 50 ms a password, so rows are
/// checked first, hashed over all cores, and added a batch in one transaction.
struct AccountImport {
    private struct Candidate: Sendable {
        let line: Int
        var input: AccountInput
        /// The account that has the addresses already; then `input` is what differs.
        var existing: AccountID?
        /// As typed, checked by the rules already.
        let password: Secret?
    }

    /// In one transaction: some 500 rows.
    private static let batch = 128

    private let context: AdminContext
    private let output: AdminOutput
    private let request: AdminRequest
    private var added = 0
    private var refused = 0
    private var withoutPassword = 0
    private var changed = 0
    private var unchanged = 0
    private var greeted = 0
    private var columns: [Column] = []
    /// Passwords that were compared with the postmaster's, and whether they are the same.
    private var compared: [[UInt8]: Bool] = [:]
    /// So many different ones of an import. Each costs a hash, as a new account does: those of a small import, and the few that many rows of a
    /// large one have in common, are what people think of themselves.
    private static let mostCompared = 200

    /// Keys of the addresses that a trial would have given away.
    private var planned: Set<String> = []

    private enum Column { case field(Field), password }

    static func perform(_ request: AdminRequest, _ context: AdminContext, _ output: AdminOutput) throws -> AdminStatus {
        var work = AccountImport(context: context, output: output, request: request)
        return try work.run(request.input ?? "")
    }

    private init(context: AdminContext, output: AdminOutput, request: AdminRequest) {
        self.context = context
        self.output = output
        self.request = request
    }

    private mutating func run(_ text: String) throws -> AdminStatus {
        if self.request.option("format") == "yaml" { return try self.runYAML(text) }
        var reader = CSVReader(text)
        let first = reader.next()
        // What is wrong with it, where it is more than nothing.
        if case .failure(let problem)? = first {
            let words = self.text(of: problem)
            throw AdminFailure(Localized(en: "line \(problem.line): \(words.english)", ja: "\(problem.line) 行目: \(words.japanese)"))
        }
        guard case .success(let header)? = first else {
            throw AdminFailure(
                Localized(
                    en: "the file has no header line; the first line names the columns, for example address,name,password",
                    ja: "ヘッダ行がありません。1 行目に address,name,password のような列名が必要です"))
        }
        self.columns = try self.columns(of: header)
        let total = max(1, text.utf8.count)
        var read = 0
        var waiting: [Candidate] = []
        while let result = reader.next() {
            switch result {
            case .failure(let problem): self.refuse(problem.line, [self.text(of: problem)])
            case .success(let row):
                read += row.cells.reduce(row.cells.count) { $0 + $1.utf8.count }
                if let candidate = self.candidate(row) { waiting.append(candidate) }
            }
            if waiting.count == Self.batch {
                try self.add(waiting)
                waiting = []
                self.showProgress(read * 100 / total)
            }
        }
        try self.add(waiting)
        self.output.progress("")
        return self.summary()
    }

    private mutating func runYAML(_ text: String) throws -> AdminStatus {
        let entries = try AccountYAML.entries(text)
        var waiting: [Candidate] = []
        for (number, entry) in entries.enumerated() {
            var cells: [(column: Column, texts: [String])] = []
            for (name, texts) in entry.fields {
                guard let field = self.field(name.lowercased(), name), field.editors != .system else {
                    throw AdminFailure(FieldProblem.unknown(name, in: FieldTable.account).message)
                }
                cells.append((field.isSecret ? .password : .field(field), texts))
            }
            if let candidate = self.candidate(entry.line, cells) { waiting.append(candidate) }
            if waiting.count == Self.batch || number == entries.count - 1 {
                try self.add(waiting)
                waiting = []
                self.showProgress((number + 1) * 100 / entries.count)
            }
        }
        self.output.progress("")
        return self.summary()
    }

    // MARK: Rows

    private func columns(of header: CSVReader.Row) throws(AdminFailure) -> [Column] {
        var out: [Column] = []
        var seen: Set<FieldKey> = []
        for cell in header.cells {
            let name = cell.filter { !$0.isWhitespace }.lowercased()
            let field = self.field(name, cell)
            guard let field, field.editors != .system else {
                let problem = FieldProblem.unknown(cell, in: FieldTable.account).message
                throw AdminFailure(
                    Localized(
                        en: "the header line names a column that is none: \(problem.english)", ja: "ヘッダ行の列名が正しくありません: \(problem.japanese)"))
            }
            guard seen.insert(field.key).inserted else {
                throw AdminFailure(Localized(en: "the column \(field.key) is there twice", ja: "列 \(field.key) が重複しています"))
            }
            out.append(field.isSecret ? .password : .field(field))
        }
        guard seen.contains(AccountField.addresses.key) else {
            throw AdminFailure(Localized(en: "the column `address` is missing", ja: "address の列がありません"))
        }
        return out
    }

    /// By key, by name in e-mail forms, or by label in either language.
    private func field(_ name: String, _ cell: String) -> Field? {
        switch name {
        case "address", "email", "e-mail": AccountField.addresses
        case "name": AccountField.realName
        default:
            FieldTable.account(named: name)
                ?? FieldTable.account.first { $0.label.japanese == cell || $0.label.english.lowercased() == cell.lowercased() }
        }
    }

    private mutating func candidate(_ row: CSVReader.Row) -> Candidate? {
        guard row.cells.count <= self.columns.count else {
            let (has, wanted) = (row.cells.count, self.columns.count)
            self.refuse(
                row.line,
                [
                    Localized(
                        en: "\(has) cells, but the header has \(wanted); put cells that hold a comma in quotes.",
                        ja: "セルが \(has) 個ありますが、ヘッダは \(wanted) 列です。カンマを含むセルは \"\" で囲んでください。")
                ])
            return nil
        }
        return self.candidate(
            row.line,
            zip(self.columns, row.cells).map { column, cell in
                // A password is taken to the letter.
                guard case .field(let field) = column else { return (column, [cell]) }
                let cell = CSVGuard.unguarded(cell)
                return (column, field == AccountField.addresses ? Field.entries(cell, "; ") : [cell])
            })
    }

    private mutating func candidate(_ line: Int, _ cells: [(column: Column, texts: [String])]) -> Candidate? {
        var input = AccountInput()
        var password: Secret?
        var problems: [Localized] = []
        for (column, texts) in cells {
            do {
                switch column {
                case .field(let field):
                    let value = try field.parse(texts)
                    if !value.isNone { input.values[field.key] = value }
                case .password:
                    let cell = texts.first ?? ""
                    if !cell.isEmpty {
                        password = Secret(cell)
                        _ = try self.context.directory.prepared(Secret(cell))
                    }
                }
            } catch let problem as FieldProblem {
                problems.append(problem.message)
            } catch let error as DirectoryError {
                problems += error.problems.map(\.message)
            } catch {
                problems.append(ErrorWords.text(of: error))
            }
        }
        let addresses = input.values[AccountField.addresses.key]?.list ?? []
        if problems.isEmpty, addresses.isEmpty {
            problems.append(Localized(en: "an account needs an address.", ja: "アドレスを指定してください。"))
        }
        // Before the hash: an address that is taken would cost it for nothing.
        let holders = Set(addresses.compactMap { self.context.directory.find($0) })
        guard problems.isEmpty, !holders.isEmpty else {
            guard problems.isEmpty else {
                self.refuse(line, problems)
                return nil
            }
            return Candidate(line: line, input: input, password: password)
        }
        return self.met(Candidate(line: line, input: input, password: password), holders)
    }

    /// A line about an account that is there: nothing to do when it says what is so; a change where `--update` wants it.
    private mutating func met(_ candidate: Candidate, _ holders: Set<AccountID>) -> Candidate? {
        var candidate = candidate
        let addresses = candidate.input.values[AccountField.addresses.key]?.list ?? []
        if holders.count == 1, let id = holders.first, id != self.context.directory.find("postmaster"),
            let details = try? self.context.directory.details(id)
        {
            candidate.input.values = candidate.input.values.filter { details.values[$0.key] != $0.value }
            candidate.existing = id
            if self.request.has("update") || candidate.input.values.isEmpty { return candidate }
        }
        let taken = addresses.first { self.context.directory.find($0) != nil } ?? ""
        self.refuse(
            candidate.line,
            [
                Localized(
                    en: "\(taken) is taken already; choose another address, or change accounts that are there with --update.",
                    ja: "\(taken) は既に使用されています。別のアドレスを指定するか、--update で既存のアカウントを変更してください。")
            ])
        return nil
    }

    private func text(of problem: CSVReader.Problem) -> Localized {
        switch problem {
        case .unclosedQuote: Localized(en: "a quote is opened and never closed.", ja: "\" が閉じられていません。")
        case .strayQuote:
            Localized(
                en: "a quote in the middle of a cell; put the cell in quotes and double the quotes in it.",
                ja: "セルの途中に \" があります。セル全体を \"\" で囲み、中の \" は 2 つ重ねてください。")
        case .cellTooLong: Localized(en: "a cell is longer than 1 MiB.", ja: "セルが 1 MiB を超えています。")
        case .tooManyCells: Localized(en: "more than 1000 cells.", ja: "セルが 1000 個を超えています。")
        }
    }

    // MARK: Adding

    private mutating func add(_ candidates: [Candidate]) throws {
        guard !candidates.isEmpty else { return }
        if self.request.has("dry-run") {
            for candidate in self.withoutRepeated(try self.withoutPostmastersPassword(candidates)) {
                if candidate.existing == nil {
                    self.added += 1
                } else if candidate.input.values.isEmpty {
                    self.unchanged += 1
                } else {
                    self.changed += 1
                }
            }
            return
        }
        let all = try self.hashed(try self.withoutPostmastersPassword(candidates))
        try self.change(all.filter { $0.existing != nil })
        let hashed = all.filter { $0.existing == nil }
        let results = try self.context.directory.addAccounts(hashed.map(\.input), by: self.request.actor, note: "import")
        var added: [AccountID] = []
        for (candidate, result) in zip(hashed, results) {
            switch result {
            case .success(let id):
                self.added += 1
                added.append(id)
                if candidate.password == nil { self.withoutPassword += 1 }
            case .failure(let error): self.refuse(candidate.line, error.problems.isEmpty ? [error.message] : error.problems.map(\.message))
            }
        }
        guard self.request.has("greeting") else { return }
        let greeted = Greeter(self.context).greet(added)
        self.greeted += greeted.count
        if let problem = greeted.problem { self.output.problem(problem) }
    }

    /// Of a trial: what an earlier line would have taken. When accounts are really added the directory says so.
    private mutating func withoutRepeated(_ candidates: [Candidate]) -> [Candidate] {
        candidates.filter { candidate in
            guard candidate.existing == nil else { return true }
            let addresses = candidate.input.values[AccountField.addresses.key]?.list ?? []
            let keys = addresses.compactMap { address in (try? Address(parsing: address)).flatMap { AddressKey($0)?.text } }
            guard let index = keys.firstIndex(where: self.planned.contains) else {
                self.planned.formUnion(keys)
                return true
            }
            let address = addresses.indices.contains(index) ? addresses[index] : ""
            self.refuse(
                candidate.line,
                [
                    Localized(
                        en: "\(address) stands in an earlier line already; choose another address.",
                        ja: "\(address) は前の行で既に使用されています。別のアドレスを指定してください。")
                ])
            return false
        }
    }

    /// Accounts that are there.
    private mutating func change(_ candidates: [Candidate]) throws {
        for candidate in candidates {
            guard let id = candidate.existing else { continue }
            if candidate.input.values.isEmpty, candidate.input.verifier == nil {
                self.unchanged += 1
                continue
            }
            guard self.request.has("update") else {
                self.refuse(
                    candidate.line,
                    [
                        Localized(
                            en: "the account is there with another password; --update changes it.",
                            ja: "アカウントは既にあり、パスワードが異なります。--update で変更できます。")
                    ])
                continue
            }
            do {
                try self.context.directory.changeAccount(id, candidate.input, by: self.request.actor)
                self.changed += 1
            } catch {
                self.refuse(candidate.line, error.problems.isEmpty ? [error.message] : error.problems.map(\.message))
            }
        }
    }

    /// The candidates with their verifiers.
    private func hashed(_ candidates: [Candidate]) throws -> [Candidate] {
        let directory = self.context.directory
        let results = try HashWork.overCores(candidates, isServerRunning: self.context.isServerRunning) {
            candidate throws(DirectoryError) -> SCRAMVerifier? in
            guard let password = candidate.password else { return nil }
            // The password that the account has already changes nothing.
            if let existing = candidate.existing, try directory.isPassword(password, of: existing) { return nil }
            return try directory.verifier(for: password)
        }
        var out = candidates
        for (index, verifier) in results.enumerated() { if let verifier { out[index].input.verifier = verifier } }
        return out
    }

    /// Refuses those whose password is the postmaster's, as far as passwords are compared.
    private mutating func withoutPostmastersPassword(_ candidates: [Candidate]) throws -> [Candidate] {
        let directory = self.context.directory
        var fresh: [[UInt8]: Secret] = [:]
        for candidate in candidates where self.compared.count + fresh.count < Self.mostCompared {
            guard let password = candidate.password else { continue }
            let octets = password.withBytes { $0 }
            if self.compared[octets] == nil { fresh[octets] = password }
        }
        let asked = Array(fresh)
        let found = try HashWork.overCores(asked, isServerRunning: self.context.isServerRunning) { entry throws(DirectoryError) in
            try directory.isPostmastersPassword(entry.value)
        }
        for (entry, isSame) in zip(asked, found) { self.compared[entry.key] = isSame }
        var out: [Candidate] = []
        for candidate in candidates {
            if let password = candidate.password, self.compared[password.withBytes { $0 }] == true {
                self.refuse(candidate.line, Directory.sameAsPostmaster.problems.map(\.message))
            } else {
                out.append(candidate)
            }
        }
        return out
    }

    // MARK: Telling

    private mutating func refuse(_ line: Int, _ problems: [Localized]) {
        self.refused += 1
        for problem in problems {
            self.output.problem(Localized(en: "line \(line): \(problem.english)", ja: "\(line) 行目: \(problem.japanese)"))
        }
    }

    private func showProgress(_ percent: Int) {
        self.output.progress(
            Localized(
                en: "\(self.added) accounts added, \(self.refused) lines refused, \(min(percent, 99)) %",
                ja: "\(self.added) 件追加、\(self.refused) 行エラー、\(min(percent, 99)) %"
            ).text(self.request.language))
    }

    private static func counted(_ number: Int, _ thing: String) -> String { "\(number) \(thing)\(number == 1 ? "" : "s")" }

    private func summary() -> AdminStatus {
        let verb = self.request.has("dry-run") ? Localized(en: "could be added", ja: "追加できます") : Localized(en: "added", ja: "追加しました")
        self.output.line(
            Localized(
                en: "\(Self.counted(self.added, "account")) \(verb.english), \(Self.counted(self.refused, "line")) refused",
                ja: "\(self.added) 件のアカウントを\(verb.japanese)。エラー \(self.refused) 行"))
        if self.changed + self.unchanged > 0 {
            self.output.line(
                Localized(
                    en: "\(self.changed) accounts that were there changed, \(self.unchanged) said already what the file says",
                    ja: "既存のアカウント \(self.changed) 件を変更、\(self.unchanged) 件は変更なし"))
        }
        if self.withoutPassword > 0 {
            self.output.line(
                Localized(en: "\(self.withoutPassword) of them have no password yet", ja: "うち \(self.withoutPassword) 件はパスワードが未設定です"))
        }
        if self.greeted > 0 {
            self.output.line(
                Localized(en: "\(self.greeted) of them were greeted", ja: "うち \(self.greeted) 件にグリーティングメッセージを送信しました"))
        }
        return self.refused == 0 ? .done : .failed
    }
}
