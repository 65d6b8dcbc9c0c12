internal import NIOCore

/// Reads what `postoffice-deliver` answers.
enum HelperAnswer {
    static func read(_ packet: ArraySlice<UInt8>) -> SystemHelper.Answer? {
        var rest = ByteBuffer(bytes: packet)
        guard let magic = rest.readInteger(endianness: .little, as: UInt32.self), magic == 0x3144_4F50,
            let result = rest.readInteger(endianness: .little, as: UInt32.self),
            let code = rest.readInteger(endianness: .little, as: UInt32.self),
            let length = rest.readInteger(endianness: .little, as: UInt32.self), let text = rest.readBytes(length: Int(length)),
            rest.readableBytes == 0
        else { return nil }
        switch result {
        case 0: return .done(code: Int32(clamping: code), text: text)
        case 1: return .notNow(code: Int32(clamping: code), text: text)
        case 2: return .never(code: Int32(clamping: code), text: text)
        default: return nil
        }
    }
}
