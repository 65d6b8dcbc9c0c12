internal import FuzzKit
internal import Text
internal import Vocabulary

private let names = [
    "utf-8", "us-ascii", "shift_jis", "iso-2022-jp", "iso-2022-jp-2", "iso-2022-jp-3", "euc-jp", "iso-8859-1", "iso-8859-7", "windows-1252",
    "koi8-r",
    "gb18030", "big5", "euc-kr", "iso-2022-kr", "tis-620", "utf-7", "utf-16", "utf-16le", "utf-16be",
]

/// Bytes of a peer in any charset, as names of domains and as local parts: nothing traps, and what is in normal form stays as it is.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzText(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let name = names[Int(input.byte()) % names.count]
    let bytes = input.remaining()
    guard let charset = Charset(named: name) else { fatalError("\(name) is not known") }
    let text = charset.decode(bytes)
    expect(text.utf8.count <= 12 * bytes.count + 16, "\(bytes.count) bytes became \(text.utf8.count)")
    if let strict = charset.decodeStrictly(bytes) { expect(strict == text, "strict and lenient differ for \(name)") }

    for form in [UnicodeText.nfc, UnicodeText.nfkc, UnicodeText.folded] {
        let once = form(text)
        expect(Array(form(once).utf8) == Array(once.utf8), "not stable: \(once.debugDescription)")
    }
    _ = UnicodeText.columns(text)
    if let domain = DomainName.normalized(text) {
        expect(DomainName.normalized(domain) == domain, "\(domain) is not stable")
        expect(domain.utf8.allSatisfy { $0 < 0x80 }, "\(domain) is not ASCII")
        _ = DomainName.readable(domain)
        let key = AddressKey(localPart: text, normalizedDomain: domain)
        expect(key.domain == domain, "the key has another domain")
    }
    _ = DomainName.readable(text)
    _ = Charset(named: text)
    return 0
}
