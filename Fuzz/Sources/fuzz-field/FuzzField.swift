internal import Forms
internal import FuzzKit
internal import Vocabulary

private let fields = FieldTable.account + FieldTable.configuration

/// What a person may type into any field: taken or refused with a message, and what was taken comes back from store and export.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzField(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let field = fields[Int(input.byte()) % fields.count]
    let texts = input.remaining().split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    do throws(FieldProblem) {
        let value = try field.parse(texts)
        guard !field.isSecret else { return 0 }
        expect(field.value(stored: field.stored(value)) == value, "\(field.key) is not stored: \(value)")
        let again = try field.parse(field.written(value))
        expect(again == value, "\(field.key): \(value) became \(again)")
        for language in Language.allCases { _ = field.shown(value, language) }
    } catch {
        for language in Language.allCases { expect(error.message.text(language).utf8.count < 4096, "a message without bound") }
    }
    return 0
}
