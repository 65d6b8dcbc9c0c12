internal import Forms
internal import FuzzKit

/// Rows of a CSV file: nothing traps, every line is accounted for in order, and a row that was read is read again when it is written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCSV(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    guard let text = CSVReader.decode(input.remaining()) else { return 0 }
    var reader = CSVReader(text)
    var line = 0
    var rounds = 0
    while let result = reader.next() {
        rounds += 1
        expect(rounds <= text.utf8.count + 1, "the reader does not end")
        switch result {
        case .success(let row):
            expect(row.line > line, "line \(row.line) after \(line)")
            line = row.line
            // Octet by octet: as a Character a quote would vanish into a mark that follows it.
            let doubled = row.cells.map { String(decoding: $0.utf8.flatMap { $0 == 0x22 ? [0x22, 0x22] : [$0] }, as: UTF8.self) }
            let written = doubled.map { "\"\($0)\"" }.joined(separator: ",")
            var again = CSVReader(written)
            guard case .success(let same)? = again.next() else { fatalError("not read again: \(row.cells)") }
            expect(same.cells == row.cells, "\(row.cells) became \(same.cells)")
        case .failure(let problem):
            expect(problem.line >= line, "a problem of line \(problem.line) after \(line)")
            line = problem.line
        }
    }
    return 0
}
