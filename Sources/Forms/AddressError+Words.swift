package import Vocabulary

extension AddressError {
    /// For people; a peer gets the English of `rawValue`.
    package var words: Localized { Localized(self.rawValue, self.japanese) }

    private var japanese: String {
        switch self {
        case .empty: "アドレスが空です"
        case .missingBracket: "< と > で囲まれていません"
        case .sourceRoute: "ソースルートの形が正しくありません"
        case .localPart: "@ の左側が正しくありません"
        case .localPartTooLong: "@ の左側が 64 オクテットを超えています"
        case .quotedString: "引用符で囲まれた部分が正しくありません"
        case .missingDomain: "ドメインがありません"
        case .domain: "ドメインが正しくありません"
        case .domainTooLong: "ドメインが 255 オクテットを超えています"
        case .labelTooLong: "ドメインの一部が 63 オクテットを超えています"
        case .literal: "アドレスリテラルが正しくありません"
        case .tooLong: "アドレスが 254 オクテットを超えています"
        case .notUTF8: "UTF-8 ではありません"
        case .trailing: "アドレスの後に余分な文字があります"
        }
    }
}
