internal import DropFiles
internal import FuzzKit
internal import MIME

/// What local users may put in front of the server: files of the drop directory, and address fields. The first octet chooses.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDrop(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var input = FuzzInput(start, count)
    let bytes = Array(input.remaining())
    guard let choice = bytes.first else { return 0 }
    let rest = Array(bytes.dropFirst())
    guard choice & 1 == 0 else {
        let found = AddressListReader.addresses(in: rest)
        expect(found.count <= AddressListReader.most && found.allSatisfy { !$0.isEmpty }, "\(found)")
        return 0
    }
    guard let (file, length) = DropFile.read(rest) else { return 0 }
    expect(length <= rest.count && file.size >= 0 && !file.recipients.isEmpty, "\(file)")
    let again = DropFile.read(file.head)
    expect(again?.file == file && again?.length == file.head.count, "\(file) was read back as \(String(describing: again))")
    return 0
}
