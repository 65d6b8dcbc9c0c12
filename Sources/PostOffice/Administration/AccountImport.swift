import Database
import Directory
import Forms
import Glibc
import SASL
import Synchronization
import Vocabulary

/// `account import`: good rows go in, bad ones are named by line with the cure. The work is PBKDF2, some 50 ms a password, so rows are
/// checked first, hashed over all cores, and added a batch in one transaction.
struct AccountImport {
    private struct Candidate: Sendable {
        let line: Int
        var input: AccountInput
        /// As typed, checked by the rules already.
        let password: Secret?
    }

    private static let batch = 64

    private let context: AdminContext
    private let output: AdminOutput
    private let request: AdminRequest
    private var added = 0
    private var refused = 0
    private var withoutPassword = 0
    private var columns: [Column] = []

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
        var reader = CSVReader(text)
        guard case .success(let header)? = reader.next() else {
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

    // MARK: Rows

    private func columns(of header: CSVReader.Row) throws(AdminFailure) -> [Column] {
        var out: [Column] = []
        var seen: Set<FieldKey> = []
        for cell in header.cells {
            let name = cell.filter { !$0.isWhitespace }.lowercased()
            let field = self.field(name, cell)
            guard let field, field.editors != .system else {
                throw AdminFailure(FieldProblem.unknown(cell, in: FieldTable.account).message)
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
        var input = AccountInput()
        var password: Secret?
        var problems: [Localized] = []
        for (column, cell) in zip(self.columns, row.cells) {
            do {
                switch column {
                case .field(let field):
                    // A password is taken to the letter.
                    let cell = CSVGuard.unguarded(cell)
                    let value = try field.parse(
                        field == AccountField.addresses ? cell.split { $0 == ";" || $0 == " " }.map(String.init) : [cell])
                    if !value.isNone { input.values[field.key] = value }
                case .password:
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
        // Before the hash: an address that is taken would cost it for nothing.
        if problems.isEmpty,
            let taken = input.values[AccountField.addresses.key]?.list.first(where: { self.context.directory.find($0) != nil })
        {
            problems.append(
                Localized(en: "\(taken) is taken already; choose another address.", ja: "\(taken) は既に使用されています。別のアドレスを指定してください。"))
        }
        guard problems.isEmpty else {
            self.refuse(row.line, problems)
            return nil
        }
        return Candidate(line: row.line, input: input, password: password)
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
            self.added += candidates.count
            return
        }
        let hashed = try self.hashed(candidates)
        let results = try self.context.directory.addAccounts(hashed.map(\.input), by: self.request.actor, note: "import")
        for (candidate, result) in zip(hashed, results) {
            switch result {
            case .success:
                self.added += 1
                if candidate.password == nil { self.withoutPassword += 1 }
            case .failure(let error): self.refuse(candidate.line, error.problems.isEmpty ? [error.message] : error.problems.map(\.message))
            }
        }
    }

    /// The candidates with their verifiers, made over all cores; a running server keeps one for its mail.
    private func hashed(_ candidates: [Candidate]) throws -> [Candidate] {
        let cores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))) - (self.context.isServerRunning ? 1 : 0))
        let directory = self.context.directory
        let shared = Shared()
        let threads = (0..<min(cores, candidates.count)).map { _ in
            Thread("import") {
                while true {
                    let index = shared.next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard index < candidates.count else { return }
                    guard let password = candidates[index].password else { continue }
                    let result = Result { () throws(DirectoryError) in try directory.verifier(for: password) }
                    shared.done.withLock { $0[index] = result }
                }
            }
        }
        for thread in threads { thread.join() }
        var out = candidates
        for (index, result) in shared.done.withLock({ $0 }) { out[index].input.verifier = try result.get() }
        return out
    }

    private final class Shared: Sendable {
        let next = Atomic<Int>(0)
        let done = Mutex<[Int: Result<SCRAMVerifier, DirectoryError>]>([:])
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

    private func summary() -> AdminStatus {
        let verb = self.request.has("dry-run") ? Localized(en: "could be added", ja: "追加できます") : Localized(en: "added", ja: "追加しました")
        self.output.line(
            Localized(
                en: "\(self.added) accounts \(verb.english), \(self.refused) lines refused",
                ja: "\(self.added) 件のアカウントを\(verb.japanese)。エラー \(self.refused) 行"))
        if self.withoutPassword > 0 {
            self.output.line(
                Localized(en: "\(self.withoutPassword) of them have no password yet", ja: "うち \(self.withoutPassword) 件はパスワードが未設定です"))
        }
        return self.refused == 0 ? .done : .failed
    }
}
