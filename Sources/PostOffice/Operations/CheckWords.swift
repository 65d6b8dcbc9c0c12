import MessageStore
import Vocabulary

/// What `check` found, for people. The class of a problem is told in the reader's language; the facts behind it are names and numbers.
enum CheckWords {
    static func text(_ problem: CheckReport.Problem, _ language: Language) -> String {
        guard language == .japanese, let kind = self.kinds[problem.kind] else { return problem.description }
        return "\(kind) (\(problem.kind)): \(problem.detail)"
    }

    private static let kinds = [
        "body": "本文の異常", "body-hash": "本文のハッシュの不一致", "content-checksum": "本文のチェックサムの不一致", "counter": "メールボックスの計数の異常",
        "foreign-segment": "別のインスタンスのセグメント", "gap": "セグメント内の読めない範囲", "mailbox-without-account": "アカウントのないメールボックス",
        "missing-body": "本文の欠落", "missing-segment": "セグメントの欠落", "mode": "ファイルのモードの異常", "modseq": "MODSEQ の異常",
        "modseq-order": "MODSEQ の順序の異常", "more": "これ以上の異常は表示していません", "payload": "記録の破損", "payload-checksum": "記録のチェックサムの不一致",
        "payload-cut-off": "途中で切れた記録", "queue-entry": "読めないキューの項目", "reference-count": "参照数の不一致", "segment-header": "セグメントのヘッダの異常",
        "segment-row": "索引にないセグメント", "stray-messages": "所属のないメッセージ", "uid": "UID の異常", "unfinished-removal": "途中のアカウント削除",
        "unreferenced-file": "使われていないファイル",
    ]
}
