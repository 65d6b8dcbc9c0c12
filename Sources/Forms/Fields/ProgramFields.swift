internal import Vocabulary

/// Programs that mail may be handed to, and what each run may take.
package enum ProgramField {
    package static let allowed = Field(
        "allowed-programs", .systemSecurity, Localized("Programs for program delivery", "プログラム配信で使用できるプログラム"),
        help: Localized(
            "One name a row, of a program in the directory of programs that the start file names. Empty: program delivery is off for everybody. No shell runs them.",
            "起動ファイルで指定したプログラム用ディレクトリにあるプログラムの名前を 1 行に 1 つ指定します。空欄の場合、プログラム配信は使用できません。シェルは使用されません。"),
        .paragraph(maximum: 8000), checks: [.programNames])

    package static let time = Field(
        "program-time-limit", .limits, Localized("Time of a delivery program", "配信プログラムの制限時間"),
        help: Localized(
            "After it the program and all that it started are ended, and it is tried again later.", "超えるとプログラムとその子プロセスを終了し、後で再試行します。"),
        .duration(1...3600), default: .integer(300), unit: .seconds)

    package static let memory = Field(
        "program-memory-limit", .limits, Localized("Memory of a delivery program", "配信プログラムの最大メモリ"),
        help: Localized("Of each process of it.", "プロセスごとの上限です。"), .bytes((64 << 20)...(64 << 30)), default: .integer(512 << 20),
        unit: .bytes)

    package static let all: [Field] = [allowed, time, memory]
}
