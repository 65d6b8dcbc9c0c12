internal import Forms
internal import FuzzKit
internal import Vocabulary
internal import WebPages

/// What a browser sends: targets, queries, posted forms, forms with files. Nothing traps; what was read is read again when it is written; what
/// is shown of it holds no markup of the sender's.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzWeb(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let choice = input.byte()
    let bytes = input.remaining()
    switch choice % 4 {
    case 0: readTarget(String(decoding: bytes, as: UTF8.self))
    case 1: if let fields = WebFields(encoded: bytes) { readFields(fields) }
    case 2: if let form = Multipart.parse(bytes, boundary: "b") { readForm(form) }
    default:
        let text = String(decoding: bytes, as: UTF8.self)
        _ = AcceptedLanguages.first(text)
        _ = Multipart.boundary(text)
    }
    return 0
}

private func readTarget(_ text: String) {
    if let host = HostName(text) { expect(HostName(host.text.contains(":") ? "[\(host.text)]" : host.text)?.text == host.text, host.text) }
    guard let target = Target(text) else { return }
    expect(target.path.hasPrefix("/") && !target.path.split(separator: "/").contains(".."), target.path)
    if let query = WebFields(encoded: target.query) { readFields(query) }
}

private func readFields(_ fields: WebFields) {
    // What has neither name nor value between two `&` is no field.
    let there = fields.pairs.filter { !($0.name.isEmpty && $0.value.isEmpty) }
    guard let again = WebFields(encoded: Array(fields.encoded.utf8)) else { fatalError("not read again: \(fields.encoded)") }
    expect(again.pairs.filter { !($0.name.isEmpty && $0.value.isEmpty) } == there, fields.encoded)
    readForm(fields.posted)
}

private func readForm(_ form: PostedForm) {
    let fields = FieldTable.configuration + FieldTable.account
    let reading = FormReading(form, fields)
    for (key, value) in reading.values {
        expect(reading.problem(key) == nil, "\(key) has a value and a problem: \(value)")
    }
    for problem in reading.problems { show(problem.message.text(.japanese)) }
    for pair in form.pairs.prefix(20) { show(pair.value) }
}

private func show(_ text: String) {
    let shown = HTML.build { $0.foreign(text) }.markup
    let open = shown.filter { $0 == UInt8(ascii: "<") }.count
    expect(open == 2 && !shown.contains(0), String(decoding: shown, as: UTF8.self))
}
