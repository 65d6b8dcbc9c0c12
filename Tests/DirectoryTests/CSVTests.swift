import Forms
import Testing

@Suite struct CSVTests {
    private func rows(_ text: String) -> [Result<[String], CSVReader.Problem>] {
        var reader = CSVReader(text)
        var out: [Result<[String], CSVReader.Problem>] = []
        while let row = reader.next() { out.append(row.map(\.cells)) }
        return out
    }

    @Test(arguments: [
        ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]), ("a,b\nc,d", [["a", "b"], ["c", "d"]]), ("a\rb\r", [["a"], ["b"]]),
        ("\u{FEFF}a,b", [["a", "b"]]), ("\"a,b\",\"c\"\"d\",\"e\r\nf\"\r\ng", [["a,b", "c\"d", "e\r\nf"], ["g"]]),
        ("a,,\n,\n", [["a", "", ""], ["", ""]]),
        ("\n\n a , b \n\n", [[" a ", " b "]]), ("\"\"", [[""]]), ("", []), ("\r\n\r\n", []),
        ("名前,住所\n山田,\"東京都、千代田区\"", [["名前", "住所"], ["山田", "東京都、千代田区"]]),
    ]) func rowsAreReadAsSpreadsheetsWriteThem(text: String, expected: [[String]]) {
        #expect(self.rows(text).map { try? $0.get() } == expected)
    }

    @Test func aBadRowDoesNotTakeOthersWithIt() {
        #expect(
            self.rows("a,b\nc,\"open\nd,e\nf,\"g\"h\ni,j\"k\nl,m") == [
                .success(["a", "b"]), .failure(.unclosedQuote(line: 2)), .success(["d", "e"]), .failure(.strayQuote(line: 4)),
                .failure(.strayQuote(line: 5)),
                .success(["l", "m"]),
            ])
        #expect(self.rows("a\n\"") == [.success(["a"]), .failure(.unclosedQuote(line: 2))])
    }

    @Test func linesAreCountedThroughQuotedCells() {
        var reader = CSVReader("a\n\"x\r\ny\nz\",b\nc,\"\"\"\"\n")
        var lines: [Int] = []
        while case .success(let row)? = reader.next() { lines.append(row.line) }
        #expect(lines == [1, 2, 5])
    }

    @Test func sizesAreBounded() {
        let huge = String(repeating: "x", count: CSVReader.maximumCell + 1)
        #expect(self.rows("\(huge)\nok") == [.failure(.cellTooLong(line: 1)), .success(["ok"])])
        #expect(self.rows("\"\(huge)\"\nok") == [.failure(.cellTooLong(line: 1)), .success(["ok"])])
        #expect(
            self.rows(String(repeating: ",", count: CSVReader.maximumCells) + "\nok") == [
                .failure(.tooManyCells(line: 1)), .success(["ok"]),
            ])
    }

    @Test func theCharsetIsFoundOut() {
        let shiftJIS: [UInt8] = [0x96, 0xBC, 0x91, 0x4F, 0x2C, 0x8E, 0x52, 0x93, 0x63]  // 名前,山田
        #expect(CSVReader.decode(shiftJIS) == "名前,山田")
        #expect(CSVReader.decode(Array("名前,山田".utf8)) == "名前,山田")
        #expect(CSVReader.decode([0xFF, 0xFF, 0x00]) == nil)
        #expect(CSVReader.decode([0xEF, 0xBB, 0xBF] + Array("a".utf8)) != nil)
    }
}
